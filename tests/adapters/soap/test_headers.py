"""SOAP headers by declaration, both ways; WS-Addressing, declared and required by the WSDL. Over real HTTP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from adapters.traffic.errors import SourceBadData, SourceNotFound
from tests.adapters.soap.dialects import CASE_SCHEMA, asked, checked_against, loaded, remarks, schema, wsdl
from tests.adapters.soap.services import SOAP_11, SOAP_12, envelope
from tests.auth.pki import identity

WSA = "{http://www.w3.org/2005/08/addressing}"
WSA_2004 = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
OPERATION = f"""{CASE_SCHEMA}
<xs:element name="getCase"><xs:complexType><xs:sequence><xs:element name="no" type="xs:string"/>
</xs:sequence></xs:complexType></xs:element>
<xs:element name="getCaseResponse"><xs:complexType><xs:sequence>
  <xs:element name="return" type="t:Case" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>"""
HEADERS = """<xs:element name="Client"><xs:complexType><xs:sequence><xs:element name="system" type="xs:string"/>
  <xs:element name="serial" type="xs:int" minOccurs="0"/></xs:sequence><xs:attribute name="kind" type="xs:string"/>
</xs:complexType></xs:element>
<xs:element name="Result"><xs:complexType><xs:sequence><xs:element name="code" type="xs:string"/>
  <xs:element name="next" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>"""
DESCRIBED = wsdl(
    schema(OPERATION + HEADERS),
    messages="""<wsdl:message name="InHead"><wsdl:part name="client" element="t:Client"/></wsdl:message>
      <wsdl:message name="OutHead"><wsdl:part name="result" element="t:Result"/></wsdl:message>""",
    input_head='<soap:header message="t:InHead" part="client" use="literal"/>',
    output_head='<soap:header message="t:OutHead" part="result" use="literal"/>',
)
BARE = wsdl(schema(OPERATION))
CASE = '<t:getCaseResponse xmlns:t="urn:t" xmlns="urn:t"><return><no>N1</no><st>A</st><at>2017-05-01T10:00:00</at></return></t:getCaseResponse>'
GOOD = envelope(CASE)


def with_header(header: str, body: str = CASE, version: str = SOAP_11) -> bytes:
    return envelope(body, version=version).replace(
        b"<soap:Header/>", f"<soap:Header>{header}</soap:Header>".encode()
    )


def head(root: etree._Element) -> etree._Element:
    found = root[0]
    assert etree.QName(found).localname == "Header"
    return found


async def test_a_header_of_the_wsdl_is_written_as_the_wsdl_describes_it(tmp_path: Path) -> None:
    connector = 'soapHeader: [{element: {Client: {"@kind": gov, serial: 7, system: $args.number, "@mustUnderstand": 1}}}]'
    one = await asked(tmp_path, DESCRIBED, GOOD, connector=connector, number="N<1")
    assert one.record["localNo"] == "N1"
    [client] = head(one.envelope)
    assert client.tag == "{urn:t}Client"
    assert [(child.tag, child.text) for child in client] == [("{urn:t}system", "N<1"), ("{urn:t}serial", "7")]
    assert dict(client.attrib) == {"kind": "gov", f"{{{SOAP_11}}}mustUnderstand": "1"}


async def test_headers_of_no_wsdl_are_written_as_they_are_declared(tmp_path: Path) -> None:
    source = 'soapHeader: [{namespace: "urn:h", element: {Auth: {user: 甲, "@level": "2"}}}, {element: {Plain: x}}]'
    connector = 'soapHeader: [{namespace: "urn:h", qualified: false, element: {Trace: {id: $args.number}}}]'
    one = await asked(tmp_path, BARE, GOOD, source=source, connector=connector)
    assert one.record["localNo"] == "N1"
    found = {child.tag: [(inner.tag, inner.text) for inner in child] for child in head(one.envelope)}
    assert found == {"{urn:h}Auth": [("{urn:h}user", "甲")], "Plain": [], "{urn:h}Trace": [("id", "N1")]}
    assert head(one.envelope)[0].get("level") == "2"


SECRET = """
secrets: {pw: "${file:/secret}"}
soapHeader: [{namespace: "urn:h", element: {Auth: {user: a, password: $secrets.pw}}}]
"""


async def test_a_secret_of_a_header_comes_by_reference_and_is_no_expression(tmp_path: Path) -> None:
    source = SECRET.replace("${file:/secret}", "${env:QUANYU_SECRET_X:-$args.number}")
    one = await asked(tmp_path, BARE, GOOD, source=source)
    assert one.record["localNo"] == "N1"
    assert head(one.envelope)[0].findtext("{urn:h}password") == "$args.number"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (SECRET.replace('"${file:/secret}"', "open"), "SECRET_IN_FILE"),
        (SECRET.replace("$secrets.pw", "open"), "SECRET_IN_FILE"),
        (SECRET.replace("$secrets.pw", '"${env:X:-y}"'), "SECRET_IN_TEMPLATE"),
        (SECRET.replace("$secrets.pw", "$secrets.pwd"), "UNKNOWN_NAME"),
        (SECRET.replace("$secrets.pw", "$args.number"), "UNKNOWN_NAME"),
    ],
)
def test_check_keeps_secrets_out_of_headers(tmp_path: Path, source: str, code: str) -> None:
    source = source.replace("${file:/secret}", "${env:QUANYU_SECRET_X:-s}")
    assert [one for one, _ in checked_against(tmp_path, BARE, source=source)] == [code]


async def test_a_header_without_a_value_is_not_sent(tmp_path: Path) -> None:
    connector = "soapHeader: [{element: {Token: $args.number | match('X')}}]"
    one = await asked(tmp_path, BARE, GOOD, connector=connector)
    assert one.record["localNo"] == "N1"
    assert b"Header" not in one.log.bodies[-1]


async def test_values_of_a_replys_header_are_read_by_map_and_rules(tmp_path: Path) -> None:
    reply = with_header('<t:Result xmlns:t="urn:t"><t:code>0</t:code><t:next>甲</t:next></t:Result>')
    more = {
        "failure": "{when: '$soapHeader.Result.code != \"0\"', notFound: '$soapHeader.Result.code == \"404\"'}",
        "map_": "{localNo: no, state: 'st | table(\"status\")', appliedAt: at, title: $soapHeader.Result.next}",
    }
    one = await asked(tmp_path, DESCRIBED, reply, **more)
    assert one.record["title"] == "甲"
    assert (
        checked_against(
            tmp_path, DESCRIBED, connector="soapHeader: [{element: {Client: {system: s}}}]", **more
        )
        == []
    )
    missing = await asked(
        tmp_path, DESCRIBED, with_header('<t:Result xmlns:t="urn:t"><t:code>404</t:code></t:Result>'), **more
    )
    assert type(missing.error) is SourceNotFound


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        ("{element: {Klient: {system: s}}}", "UNKNOWN_ELEMENT", "no header element 'Klient'"),
        (
            "{element: {Client: {sistem: s, system: s}}}",
            "UNKNOWN_ELEMENT",
            "Client takes no element 'sistem'",
        ),
        ("{element: {Client: {serial: 1}}}", "MISSING_ELEMENT", "Client needs element 'system'"),
        ("{element: {Client: {system: $nothing}}}", "UNKNOWN_NAME", "no $nothing here"),
        ("{element: {Client: {system: TODO}}}", "TODO_LEFT", "TODO"),
        ("{element: {Client: {system: '$args.number | nop'}}}", "EXPRESSION", "nop"),
    ],
)
def test_check_compares_headers_with_the_wsdl(tmp_path: Path, header: str, code: str, words: str) -> None:
    found = checked_against(tmp_path, DESCRIBED, connector=f"soapHeader: [{header}]")
    assert [one for one, _ in found] == [code]
    assert words in found[0][1]


def test_check_compares_paths_into_the_replys_header(tmp_path: Path) -> None:
    found = checked_against(tmp_path, DESCRIBED, failure="{when: '$soapHeader.Result.kode != \"0\"'}")
    assert found == [("UNKNOWN_ELEMENT", "the reply header's Result has no 'kode'")]


def test_the_header_of_a_reply_that_must_be_signed_may_not_be_read(tmp_path: Path) -> None:
    certificate, _ = identity("system").write(tmp_path, "system")
    source = f"security: {{verify: {{certificates: [{certificate}]}}}}"
    found = checked_against(
        tmp_path, DESCRIBED, source=source, failure="{when: '$soapHeader.Result.code != \"0\"'}"
    )
    assert [code for code, _ in found] == ["UNSIGNED_HEADER"]


# --- WS-Addressing ---


def answering(version: str = "1.0", related: str | None = None) -> object:
    namespace = (WSA if version == "1.0" else WSA_2004).strip("{}")

    def answer(_request: Request, body: bytes) -> Response:
        asked_id = etree.fromstring(body).findtext(f".//{{{namespace}}}MessageID") or ""
        header = (
            f'<w:RelatesTo xmlns:w="{namespace}">{asked_id if related is None else related}</w:RelatesTo>'
        )
        return Response(with_header(header), media_type="text/xml")

    return answer


@pytest.mark.parametrize(("version", "wsa"), [("1.0", WSA), ("2004/08", WSA_2004)])
async def test_addressing_is_sent_where_it_is_declared(tmp_path: Path, version: str, wsa: str) -> None:
    one = await asked(tmp_path, BARE, answering(version), source=f'addressing: "{version}"')  # type: ignore[arg-type]
    assert one.record["localNo"] == "N1"
    header = head(one.envelope)
    told = {child.tag.removeprefix(wsa): (child.text or "").strip() for child in header}
    assert told["To"].endswith("/s")
    assert told["Action"] == "urn:t#getCase"
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", told["MessageID"])
    assert (header.findtext(f"{wsa}ReplyTo/{wsa}Address") or "").endswith("anonymous")


async def test_a_reply_to_another_message_is_bad_data(tmp_path: Path) -> None:
    one = await asked(tmp_path, BARE, answering(related="urn:uuid:other"), source='addressing: "1.0"')  # type: ignore[arg-type]
    assert type(one.error) is SourceBadData
    assert "answers another message" in str(one.error)


async def test_a_reply_that_says_nothing_of_what_it_answers_is_taken(tmp_path: Path) -> None:
    assert (await asked(tmp_path, BARE, GOOD, source='addressing: "1.0"')).record["localNo"] == "N1"


POLICY = """<wsp:Policy xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" u:Id="pol">%s</wsp:Policy>"""
USED = '<wsp:PolicyReference xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" URI="#pol"/>'
ALL = "<wsp:ExactlyOne><wsp:All>%s</wsp:All></wsp:ExactlyOne>"


@pytest.mark.parametrize(
    ("more", "required"),
    [
        ({"binding_head": '<wsaw:UsingAddressing wsdl:required="true"/>'}, True),
        ({"binding_head": "<wsaw:UsingAddressing/>"}, False),
        ({"binding_head": '<wsaw:UsingAddressing wsdl:required="false"/>'}, False),
        ({"definitions": POLICY % (ALL % "<wsam:Addressing/>"), "binding_head": USED}, True),
        ({"definitions": POLICY % "<wsam:Addressing/>", "binding_head": USED}, True),
        ({"definitions": POLICY % '<wsam:Addressing wsp:Optional="true"/>', "binding_head": USED}, False),
        (
            {
                "definitions": POLICY
                % (ALL.replace("</wsp:All>", "</wsp:All><wsp:All/>") % "<wsam:Addressing/>"),
                "binding_head": USED,
            },
            False,
        ),
        ({"definitions": POLICY % "<wsam:Addressing/>"}, False),
        ({"definitions": POLICY % (ALL % "<wsaw:UsingAddressing/>"), "binding_head": USED}, True),
    ],
)
async def test_addressing_is_sent_where_the_wsdl_requires_it(
    tmp_path: Path, more: dict[str, str], required: bool
) -> None:
    text = wsdl(schema(OPERATION), **more)
    one = await asked(tmp_path, text, GOOD)
    assert one.record["localNo"] == "N1"
    assert (b"MessageID" in one.log.bodies[-1]) is required
    assert remarks(tmp_path, text) == (["WSDL_ADDRESSING"] if required else [])
    without = await asked(tmp_path, text, GOOD, source="addressing: none")
    assert b"MessageID" not in without.log.bodies[-1]


@pytest.mark.parametrize(
    ("attributes", "soap_action", "expected"),
    [
        ('wsam:Action="urn:t:Ask"', "urn:t#getCase", "urn:t:Ask"),
        ('wsaw:Action="urn:t:Ask"', "urn:t#getCase", "urn:t:Ask"),
        ("", "urn:t#getCase", "urn:t#getCase"),
        # WS-Addressing 1.0 Metadata section 4.4.4
        ("", "", "urn:t:P:getCaseRequest"),
        ('name="asking"', "", "urn:t:P:asking"),
    ],
)
def test_the_action_is_the_wsdls(tmp_path: Path, attributes: str, soap_action: str, expected: str) -> None:
    text = wsdl(schema(OPERATION), input_attributes=attributes).replace(
        'soapAction="urn:t#getCase"', f'soapAction="{soap_action}"'
    )
    assert loaded(tmp_path, text).operations["getCase"].notes.action == expected


async def test_addressing_and_header_and_soap_12_go_together(tmp_path: Path) -> None:
    text = wsdl(schema(OPERATION), soap="soap12")
    answer = envelope(CASE, version=SOAP_12)
    source = 'addressing: "1.0"\nsoapHeader: [{namespace: "urn:h", element: {Auth: {user: a}}}]'
    one = await asked(tmp_path, text, answer, source=source)
    assert one.record["localNo"] == "N1"
    assert [etree.QName(child).localname for child in head(one.envelope)] == [
        "Auth",
        "To",
        "Action",
        "MessageID",
        "ReplyTo",
    ]
    assert one.envelope.tag == f"{{{SOAP_12}}}Envelope"
