"""MTOM/XOP and SOAP with Attachments, both ways, over real HTTP."""

from __future__ import annotations

import base64
import email
import email.policy
import gzip
import hashlib
from pathlib import Path

import pytest
from lxml import etree
from starlette.responses import Response

from adapters.reply import RawReply
from adapters.soap.exchange import SoapExchange
from adapters.traffic.errors import SourceBadData
from tests.adapters.soap.dialects import CASE_SCHEMA, Asked, asked, body_of, remarks, schema, wsdl
from tests.adapters.soap.services import SOAP_12, envelope
from tests.auth.pki import identity

XOP = "{http://www.w3.org/2004/08/xop/include}Include"
OPERATION = f"""{CASE_SCHEMA}
<xs:element name="getCase"><xs:complexType><xs:sequence><xs:element name="no" type="xs:string"/>
  <xs:element name="file" type="xs:base64Binary" minOccurs="0"/><xs:element name="ref" type="xs:anyURI" minOccurs="0"/>
</xs:sequence></xs:complexType></xs:element>
<xs:element name="getCaseResponse"><xs:complexType><xs:sequence><xs:element name="return" type="t:Case"/>
  <xs:element name="file" type="xs:base64Binary" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>"""
TEXT = wsdl(schema(OPERATION))
CASE = "<return><no>N1</no><st>A</st><at>2017-05-01T10:00:00</at></return>"
CONTENT = bytes(range(256)) + "件\r\n--b--\r\n".encode()


def response(file: str) -> bytes:
    return envelope(f'<getCaseResponse xmlns="urn:t">{CASE}{file}</getCaseResponse>')


def include(name: str) -> str:
    return f'<file><x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:{name}"/></file>'


def related(
    *parts: tuple[str, bytes],
    boundary: str = "=_b/1",
    end: str = "--",
    newline: str = "\r\n",
    start: str = "",
) -> Response:
    """parts: (head lines joined by |, content)."""
    out = b"preamble" + newline.encode()
    for head, content in parts:
        lines = newline.join(head.split("|")) if head else "X-None: 1"
        out += f"--{boundary}{newline}{lines}{newline}{newline}".encode() + content + newline.encode()
    out += f"--{boundary}{end}{newline}".encode()
    named = f'; start="{start}"' if start else ""
    kind = (
        f'multipart/related; type="application/xop+xml"; boundary="{boundary}"; start-info="text/xml"{named}'
    )
    return Response(out, headers={"content-type": kind})


ROOT = 'Content-Type: application/xop+xml; charset=utf-8; type="text/xml"|Content-ID: <root@x>'
MAP = "{localNo: no, state: 'st | table(\"status\")', appliedAt: at, title: $reply.file}"


@pytest.mark.parametrize(
    ("cid", "head"),
    [
        ("a@x", "Content-ID: <a@x>"),
        ("a%40x", "content-id: <a@x>|Content-Type: image/png"),
        ("a@x", "Content-Type: image/png;|\tname=y|Content-Id:|  <a@x>"),
    ],
)
async def test_an_included_attachment_is_read_as_if_it_stood_in_the_envelope(
    tmp_path: Path, cid: str, head: str
) -> None:
    one = await asked(tmp_path, TEXT, related((ROOT, response(include(cid))), (head, CONTENT)), map_=MAP)
    assert one.record["localNo"] == "N1"
    assert base64.b64decode(one.record["title"]) == CONTENT


async def test_bytes_of_an_attachment_are_what_codecs_see(tmp_path: Path) -> None:
    file = "中文附件".encode("gb18030")
    decode = "decode: [{at: file, chain: [{base64: {}}, {charset: gb18030}]}]"
    answer = related((ROOT, response(include("a@x"))), ("Content-ID: <a@x>", file))
    one = await asked(tmp_path, TEXT, answer, map_=MAP, connector=decode)
    assert one.record["title"] == "中文附件"


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("base64", base64.encodebytes(CONTENT)),
        ("binary", CONTENT),
        ("8bit", CONTENT),
        ("quoted-printable", b"=00=FF=E4=BB=B6"),
    ],
)
async def test_transfer_encodings_of_parts(tmp_path: Path, encoding: str, sent: bytes) -> None:
    head = f"Content-ID: <a@x>|Content-Transfer-Encoding: {encoding}"
    one = await asked(tmp_path, TEXT, related((ROOT, response(include("a@x"))), (head, sent)), map_=MAP)
    expected = b"\x00\xff\xe4\xbb\xb6" if encoding == "quoted-printable" else CONTENT
    assert base64.b64decode(one.record["title"]) == expected


async def test_the_envelope_may_be_any_part_that_start_names(tmp_path: Path) -> None:
    answer = related(
        ("Content-ID: <a@x>", CONTENT), (ROOT, response(include("a@x"))), start="<root@x>", newline="\n"
    )
    assert base64.b64decode((await asked(tmp_path, TEXT, answer, map_=MAP)).record["title"]) == CONTENT


@pytest.mark.parametrize("file", ["<file>cid:a@x</file>", '<file href="cid:a@x"/>'])
async def test_soap_with_attachments_is_read_the_same(tmp_path: Path, file: str) -> None:
    answer = related(
        (ROOT.replace("application/xop+xml", "text/xml"), response(file)), ("Content-ID: <a@x>", CONTENT)
    )
    assert base64.b64decode((await asked(tmp_path, TEXT, answer, map_=MAP)).record["title"]) == CONTENT


def read(reply: Response) -> object:
    raw = RawReply(200, reply.headers["content-type"], bytes(reply.body))
    return SoapExchange("S", None).read(raw, None).tree


def test_a_text_that_looks_like_a_reference_stays_one_where_nothing_is_attached() -> None:
    reply = Response(response("<file>cid:a@x</file>"), media_type="text/xml")
    assert read(reply)["file"] == "cid:a@x"  # type: ignore[index]


MANY = [("Content-ID: <p%d@x>" % at, b"x") for at in range(300)]  # noqa: UP031 - braces would be doubled


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (related((ROOT, response(include("no@x"))), ("Content-ID: <a@x>", b"x")), "did not come"),
        (related((ROOT, response(include("a@x"))), ("Content-ID: <a@x>", b"x"), end=""), "cut off"),
        (related((ROOT, response("")), *MANY), "more than 256 parts"),
        (related(), "no parts"),
        (
            Response(response(""), headers={"content-type": "multipart/related; type=text/xml"}),
            "names no boundary",
        ),
        (
            related(
                (ROOT, response(include("a@x"))),
                ("Content-ID: <a@x>|Content-Transfer-Encoding: base64", b"!"),
            ),
            "not the base64",
        ),
        (related(("X: " + "y" * 9000, response(""))), "no head"),
        (
            related((ROOT, response(include("a@x") * 1000)), ("Content-ID: <a@x>", b"x" * 100_000)),
            "more than 8 times",
        ),
        (related((ROOT, b"<a>")), "not well-formed"),
        (related((ROOT, b"<a/>")), "no SOAP envelope"),
    ],
)
def test_messages_of_parts_that_do_not_hold_are_bad_data(reply: Response, words: str) -> None:
    with pytest.raises(SourceBadData, match=words):
        read(reply)


# --- requests ---

BYTES = "{no: $args.number, file: 5Lu2}"
ENCODE = "encode: [{at: body.file, base64: {}}]"


def sent(one: Asked) -> tuple[email.message.EmailMessage, etree._Element, dict[str, bytes]]:
    head = f"Content-Type: {one.log.last.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + one.log.bodies[-1], policy=email.policy.HTTP)
    assert isinstance(message, email.message.EmailMessage)
    root, *others = list(message.iter_parts())
    parts = {str(part["Content-ID"]).strip("<>"): part.get_payload(decode=True) for part in others}
    content = root.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert str(root["Content-ID"]) == message.get_param("start")
    return message, etree.fromstring(content), parts  # type: ignore[return-value]


FILE = "{no: $args.number, file: {a: $args.number}}"
"""As codecs make bytes of it: JSON, zipped."""
GZIP = "encode: [{at: body.file, chain: [{json: {}}, {gzip: {}}]}]"


@pytest.mark.parametrize("soap", ["soap", "soap12"])
async def test_bytes_of_a_request_go_as_mtom_where_it_is_declared(tmp_path: Path, soap: str) -> None:
    version = {"version": SOAP_12} if soap == "soap12" else {}
    answer = envelope(f'<getCaseResponse xmlns="urn:t">{CASE}</getCaseResponse>', **version)
    one = await asked(
        tmp_path,
        wsdl(schema(OPERATION), soap=soap),
        answer,
        body=FILE,
        connector=GZIP,
        source="attachments: mtom",
    )
    assert one.record["localNo"] == "N1"
    message, root, parts = sent(one)
    assert message.get_content_type() == "multipart/related"
    assert message.get_param("type") == "application/xop+xml"
    assert message.get_param("start-info") == ("text/xml" if soap == "soap" else "application/soap+xml")
    if soap == "soap":
        assert one.log.last.headers["soapaction"] == '"urn:t#getCase"'
    else:
        assert message.get_param("action") == "urn:t#getCase"
    [found] = body_of(root).iter(XOP)
    content = parts[found.get("href", "").removeprefix("cid:")]
    assert gzip.decompress(content) == b'{"a":"N1"}'


async def test_bytes_of_a_request_go_in_place_where_nothing_is_declared(tmp_path: Path) -> None:
    one = await asked(tmp_path, TEXT, response(""), body=FILE, connector=GZIP)
    assert one.record["localNo"] == "N1"
    text = one.content.findtext("{urn:t}file") or ""
    assert gzip.decompress(base64.b64decode(text)) == b'{"a":"N1"}'


async def test_bytes_of_a_request_go_beside_it_as_swa(tmp_path: Path) -> None:
    one = await asked(
        tmp_path,
        TEXT,
        response(""),
        body="{no: $args.number, ref: {a: b}}",
        connector="encode: [{at: body.ref, chain: [{json: {}}, {gzip: {}}]}]",
        source="attachments: swa",
    )
    assert one.record["localNo"] == "N1"
    message, root, parts = sent(one)
    assert message.get_param("type") == "text/xml"
    reference = body_of(root)[0].findtext("{urn:t}ref") or ""
    assert list(parts) == [reference.removeprefix("cid:")]


MTOM_POLICY = """<wsp:Policy xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" Name="m">
<o:OptimizedMimeSerialization xmlns:o="http://schemas.xmlsoap.org/ws/2004/09/policy/optimizedmimeserialization" %s/></wsp:Policy>"""
USED = '<wsp:PolicyReference xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" URI="#m"/>'


@pytest.mark.parametrize(("optional", "required"), [("", True), ('wsp:Optional="true"', False)])
async def test_requests_are_mtom_where_the_wsdl_requires_it(
    tmp_path: Path, optional: str, required: bool
) -> None:
    text = wsdl(schema(OPERATION), definitions=MTOM_POLICY % optional, binding_head=USED)
    one = await asked(tmp_path, text, response(""))
    assert one.record["localNo"] == "N1"
    assert one.log.last.headers["content-type"].startswith("multipart/related") is required
    assert remarks(tmp_path, text) == (["WSDL_MTOM"] if required else [])


async def test_a_body_inside_a_mime_binding_is_found(tmp_path: Path) -> None:
    """SOAP with Attachments as WSDL 1.1 section 5 describes it: zeep alone loses the body."""
    part = '<mime:multipartRelated><mime:part>%s</mime:part><mime:part><mime:content part="scan" type="image/png"/></mime:part></mime:multipartRelated>'
    takes = '<wsdl:part name="p" element="t:getCase"/><wsdl:part name="scan" type="xs:base64Binary"/>'
    body = '<soap:body use="literal"/>'
    text = wsdl(schema(OPERATION), takes=takes).replace(
        f"<wsdl:input>{body}", "<wsdl:input>" + part % body.replace("/>", ' parts="p"/>')
    )
    one = await asked(tmp_path, text, response(""))
    assert one.record["localNo"] == "N1"
    assert one.content.tag == "{urn:t}getCase"
    assert one.content.findtext("{urn:t}no") == "N1"


async def test_a_signature_covers_the_bytes_that_go_beside(tmp_path: Path) -> None:
    certificate, key = identity("us").write(tmp_path, "us")
    source = f"attachments: mtom\nsecurity: {{signature: {{certificate: {certificate}, key: {key}}}}}"
    one = await asked(tmp_path, TEXT, response(""), body=FILE, connector=GZIP, source=source)
    assert one.record["localNo"] == "N1"
    _, root, parts = sent(one)
    body = body_of(root)
    [found] = body.iter(XOP)
    holder = found.getparent()
    assert holder is not None
    holder.text = base64.b64encode(parts[found.get("href", "").removeprefix("cid:")]).decode()
    holder.remove(found)
    digests = [one.text for one in root.iter("{http://www.w3.org/2000/09/xmldsig#}DigestValue")]
    octets = etree.tostring(body, method="c14n", exclusive=True)
    assert base64.b64encode(hashlib.sha256(octets).digest()).decode() in digests
