"""Five systems that nobody here had in mind when the dialects were built, wrapped as a newcomer would: by YAML alone, with
`quanyu check` and `quanyu try` against a real server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

from click.testing import Result
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from tests.adapters.doubles import Handler, serving
from tests.adapters.soap.services import envelope
from tests.cli.conftest import Run

HEAD = """
system: {code: XX-OLD, name: 旧系统, owner: 11500000009000154C}
traffic: {timeoutMs: 20000, retries: 0}
tables:
  status: {SL: ACCEPTED, BJ: CLOSED}
"""


def _written(folder: Path, declaration: str, origin: str) -> Path:
    for wsdl in folder.glob("*.wsdl"):
        wsdl.write_text(wsdl.read_text("utf-8").replace("ORIGIN", origin), "utf-8")
    path = folder / "xx-old.yaml"
    path.write_text((HEAD + declaration).replace("ORIGIN", origin), "utf-8")
    return path


async def wrapped(
    run: Run, tmp_path: Path, handler: Handler, declaration: str, *asked: str, **environ: str
) -> Result:
    """The declaration checked, then one `try`; `ORIGIN` in it is the server's address."""
    async with serving(handler) as (origin, _):
        path = _written(tmp_path, declaration, origin)
        checked = await asyncio.to_thread(run, "check", path, environ=environ)
        assert checked.exit_code == 0, checked.output
        return await asyncio.to_thread(
            run, "try", "XX-OLD", *asked, "--systems", path, environ=environ, width=300
        )


def numbers(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [
        line.partition('"localNo": "')[2].partition('"')[0]
        for line in result.output.splitlines()
        if '"localNo"' in line
    ]


# --- 1: SOAP rpc/encoded, session in the arguments, XML in CDATA in a GBK document, a ticket and polls ---

_STRINGS = {
    "Login": (("user", "pwd"), "sid"),
    "Query": (("sid", "xml"), "out"),
    "Fetch": (("sid", "xml"), "out"),
}


def _wsdl() -> str:
    messages = operations = bound = ""
    for name, (takes, gives) in _STRINGS.items():
        parts = "".join(f'<part name="{one}" type="xs:string"/>' for one in takes)
        messages += f'<message name="{name}I">{parts}</message>'
        messages += f'<message name="{name}O"><part name="{gives}" type="xs:string"/></message>'
        operations += (
            f'<operation name="{name}"><input message="t:{name}I"/><output message="t:{name}O"/></operation>'
        )
        body = '<s:body use="encoded" namespace="urn:old" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>'
        bound += f'<operation name="{name}"><s:operation soapAction=""/><input>{body}</input><output>{body}</output></operation>'
    return f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:old" targetNamespace="urn:old"
  xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema">{messages}
  <portType name="P">{operations}</portType><binding name="B" type="t:P">
  <s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>
  <service name="S"><port name="P" binding="t:B"><s:address location="ORIGIN/axis/old"/></port></service></definitions>"""


class TicketOffice:
    """Every reply is a string with a document whose Body is a document again; the first session ends after a call."""

    def __init__(self) -> None:
        self.sessions, self.polls = 0, 0

    def __call__(self, _request: Request, body: bytes) -> Response:
        call = etree.fromstring(body)[-1][0]
        name, args = etree.QName(call).localname, {one.tag: one.text or "" for one in call}
        if name == "Login":
            assert args == {"user": "gw", "pwd": "密码"}
            self.sessions += 1
            return self._reply(name, "sid", f"s{self.sessions}")
        if args["sid"] != "s2":
            return self._reply(name, "out", self._document("99", "<R/>"))
        asked = etree.fromstring(args["xml"].encode("gb18030"))
        if name == "Query":
            assert asked.findtext("No") == "渝1"
            return self._reply(name, "out", self._document("0", "<R><Ticket>回执7</Ticket></R>"))
        assert asked.findtext("Ticket") == "回执7"
        self.polls += 1
        if self.polls < 3:
            return self._reply(name, "out", self._document("1", "<R/>"))
        row = "<R><Row><No>渝1</No><State>SL</State><At>二〇一八年一月九日</At><Name>朱镕</Name></Row></R>"
        return self._reply(name, "out", self._document("0", row))

    @staticmethod
    def _document(code: str, inner: str) -> str:
        head = '<?xml version="1.0" encoding="gb2312"?>'
        return f"<![CDATA[{head}<Doc><Code>{code}</Code><Body>{inner.replace('<', '&lt;')}</Body></Doc>]]>"

    @staticmethod
    def _reply(name: str, part: str, text: str) -> Response:
        types = (
            'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="http://www.w3.org/2001/XMLSchema"'
        )
        inside = f'<r:{name}Response xmlns:r="urn:old" {types}><{part} i:type="x:string">{text}</{part}></r:{name}Response>'
        document = envelope(inside).decode().replace("utf-8", "gb2312")
        return Response(document.encode("gb18030"), headers={"content-type": "text/xml"})


TICKETS = """
source:
  soap:
    wsdl: old.wsdl
    charset: gb18030
    auth:
      session:
        login: {operation: Login, body: {user: gw, pwd: $secrets.password}}
        secrets: {password: "${env:QUANYU_SECRET_PW}"}
        take: {token: sid}
        attach: {}
        ended: {when: out.Code == "99"}
connectors:
  case:
    operation: Query
    body: {sid: $session.token, xml: {Ask: {No: $args.number}}}
    encode: [{at: body.xml, xml: {charset: gb2312}}]
    ticket:
      decode: &inside [{at: out, xml: {}}, {at: out.Body, xml: {}}]
      take: {no: out.Body.Ticket}
      poll:
        operation: Fetch
        body: {sid: $session.token, xml: {Ask: {Ticket: $ticket.no}}}
        encode: [{at: body.xml, xml: {charset: gb2312}}]
      pending: out.Code == "1"
      everyMs: 20
    decode: *inside
    failure: {when: 'out.Code != "0"'}
    records: out.Body.Row
    map: {localNo: No, title: Name, state: State | table("status"), appliedAt: At | date("cn")}
"""


async def test_tickets_and_sessions_inside_documents_inside_strings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.wsdl").write_text(_wsdl(), "utf-8")
    office = TicketOffice()
    result = await wrapped(run, tmp_path, office, TICKETS, "case", "渝1", QUANYU_SECRET_PW="密码")
    assert numbers(result) == ["渝1"]
    assert (office.sessions, office.polls) == (2, 3)
    assert "密码" not in result.output


def test_a_codec_that_cannot_work_is_named_where_it_stands_in_a_ticket(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.wsdl").write_text(_wsdl().replace("ORIGIN", "http://127.0.0.1:9"), "utf-8")
    wrong = TICKETS.replace("&inside [", '&inside [{at: out, charset: "nope"}, ').replace(
        "{at: body.xml, xml: {charset: gb2312}}]\n      pending", "{at: form.xml, json: {}}]\n      pending"
    )
    path = tmp_path / "xx-old.yaml"
    path.write_text(HEAD + wrong, "utf-8")
    result = run("check", path, environ={"QUANYU_SECRET_PW": "x"}, width=400)
    assert result.exit_code != 0
    found = [line for line in result.output.splitlines() if "BAD_CODEC" in line]
    assert any("nope" in line for line in found)
    assert any("no 'form'" in line for line in found), result.output


# --- 2: a pull queue over forms: SM4 in JSON, HMAC of the form in a header ---

_SM4_KEY = bytes(range(16))


def _sm4(data: bytes, *, decrypt: bool = False) -> bytes:
    cipher = Cipher(SM4(_SM4_KEY), modes.ECB())  # noqa: S305 - what the system does
    if decrypt:
        done = cipher.decryptor().update(data)
        return done[: -done[-1]]
    fill = 16 - len(data) % 16
    return cipher.encryptor().update(data + bytes([fill]) * fill)


def queue(_request: Request, body: bytes) -> Response:
    request, form = _request, {name: one for name, [one] in parse_qs(body.decode()).items()}
    signed = f"appId=gw&data={form['data']}".encode()
    assert request.headers["x-sign"] == hmac.new(b"k1", signed, hashlib.sha256).hexdigest().upper()
    asked = json.loads(_sm4(bytes.fromhex(form["data"]), decrypt=True))
    rows = [{"id": str(n), "no": f"N{n}", "st": "SL", "at": 1515461760 + n} for n in range(1, 6)]
    out = [row for row in rows if int(row["id"]) > int(asked.get("last") or 0)][: asked["n"]]
    plain = json.dumps({"code": 0, "rows": out}, ensure_ascii=False).encode("gbk")
    reply = {"ok": True, "payload": base64.b64encode(_sm4(plain)).decode()}
    return Response(json.dumps(reply), headers={"content-type": "text/html; charset=iso-8859-1"})


QUEUE = """
source:
  rest:
    baseUrl: ORIGIN
    sign:
      algorithm: hmac-sha256
      key: "${env:QUANYU_SECRET_K}"
      form: hexUpper
      put: {header: X-Sign}
connectors:
  changes:
    method: POST
    path: /queue.do
    form: {appId: gw, data: {last: $page.cursor, n: $page.size}}
    encode:
      - at: form.data
        chain: [{json: {}}, {sm4: {key: "${env:QUANYU_SECRET_SM4}", keyEncoding: hex, mode: ECB}}, {hex: {}}]
    decode:
      - at: payload
        chain:
          - base64: {}
          - sm4: {key: "${env:QUANYU_SECRET_SM4}", keyEncoding: hex, mode: ECB}
          - charset: gbk
          - json: {}
    failure: {when: payload.code != 0}
    records: payload.rows
    paging: {style: pull, size: 2, next: id}
    map: {id: id, localNo: no, state: st | table("status"), occurredAt: at | epoch_s}
"""


async def test_a_queue_of_encrypted_forms_is_pulled(run: Run, tmp_path: Path) -> None:
    secrets = {"QUANYU_SECRET_K": "k1", "QUANYU_SECRET_SM4": _SM4_KEY.hex()}
    result = await wrapped(run, tmp_path, queue, QUEUE, "changes", "--from", "2018-01-01", **secrets)
    assert numbers(result) == ["N1", "N2"]


# --- 3: CSV in a zip in base64 in JSON, with a title above and a sum below ---


def archive(_request: Request, _body: bytes) -> Response:
    text = '"办件统计,2018年"\r\n\r\n编号,状态,时间,名称\r\nA1,SL,2018/1/9,"甲,乙"\r\nA2,BJ,2018/1/10,丙\r\n合计,2,,\r\n'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("办件.csv", text.encode("gbk"))
    return Response(json.dumps({"file": base64.encodebytes(packed.getvalue()).decode()}))


ARCHIVE = """
source: {rest: {baseUrl: ORIGIN}}
connectors:
  cases:
    path: /export
    order: any
    decode:
      - at: file
        chain:
          - base64: {}
          - zip: {}
          - charset: gbk
          - records: {header: true, quote: '"', skip: 2, skipLast: 1}
    records: file
    map: {localNo: 编号, title: 名称, state: 状态 | table("status"), appliedAt: 时间 | date("yyyy/M/d")}
"""


async def test_a_sheet_in_an_archive_in_json_is_a_list(run: Run, tmp_path: Path) -> None:
    result = await wrapped(run, tmp_path, archive, ARCHIVE, "cases")
    assert sorted(numbers(result)) == ["A1", "A2"]
    assert '"title": "甲,乙"' in result.output


# --- 4: CSV bodies, pages by Link headers ---


def linked(request: Request, _body: bytes) -> Response:
    page = int(request.query_params.get("p", "1"))
    rows = [f"L{page}{n};BJ;2018-01-{20 - page * 2 - n:02d} 08:00:00" for n in range(2)]
    link = f'</list?p={page + 1}>; rel="next", </list?p=1>; rel="first"' if page < 3 else ""
    head = {"content-type": "text/csv"} | ({"link": link} if link else {})
    return Response("\ufeffno;state;at\n".encode() + "\n".join(rows).encode(), headers=head)


LINKED = """
source: {rest: {baseUrl: ORIGIN, format: csv, csv: {header: true, separator: ";"}}}
connectors:
  cases:
    path: /list
    paging: {style: link, size: 2, next: $link.next}
    map: {localNo: no, state: state | table("status"), appliedAt: at | date("yyyy-MM-dd HH:mm:ss")}
"""


async def test_a_csv_list_goes_on_by_link_headers(run: Run, tmp_path: Path) -> None:
    result = await wrapped(run, tmp_path, linked, LINKED, "cases")
    assert numbers(result) == ["L10", "L11"]
    assert "/list?p=2" in result.output  # the next page


# --- 5: fixed width in bytes over POST, a head with length and CRC before the rows ---


def _framed(code: str, rows: str) -> bytes:
    data = rows.encode("gb18030")
    return f"{code}{len(data):08d}{zlib.crc32(data):08x}".encode() + data


def teller(request: Request, body: bytes) -> Response:
    assert request.headers["content-type"] == "application/octet-stream"
    text = body.decode("gb18030")
    assert text[:4] == "0101"
    assert text[4:12] == f"{zlib.crc32(text[12:].encode('gb18030')):08x}"
    number = text[12:].rstrip()
    rows = f"{number:<8}SL20180109一路    \n" if number == "T0000001" else ""
    return Response(_framed("0000" if rows else "0404", rows))


FIXED = """
source: {rest: {baseUrl: ORIGIN, format: raw, charset: gb18030}}
connectors:
  case:
    method: POST
    path: /teller
    headers: {Content-Type: application/octet-stream}
    body: {code: "0101", data: {no: $args.number}}
    encode:
      - at: body.data
        fixedWidth: {count: bytes, columns: [{name: no, width: 20}]}
      - at: body.crc
        sign: {algorithm: crc32, canonical: [data], charset: gb18030}
      - at: body
        fixedWidth: {single: true, columns: [{name: code, width: 4}, {name: crc, width: 8}, {name: data}]}
    decode:
      - at: .
        chain:
          - charset: gb18030
          - fixedWidth: {single: true, row: ~, columns: [{name: code, width: 4}, {name: size, width: 8}, {name: crc, width: 8}, {name: rows}]}
      - at: .
        verify: {algorithm: crc32, canonical: [rows], charset: gb18030, equals: crc}
      - at: rows
        fixedWidth:
          count: bytes
          columns: [{name: no, width: 8}, {name: st, width: 2}, {name: day, width: 8}, {name: name, width: 8}]
    failure: {notFound: code == "0404", when: code != "0000"}
    records: rows
    map: {localNo: no, title: name, state: st | table("status"), appliedAt: day | date("yyyyMMdd")}
"""


async def test_fixed_width_with_a_head_and_a_checksum(run: Run, tmp_path: Path) -> None:
    result = await wrapped(run, tmp_path, teller, FIXED, "case", "T0000001")
    assert numbers(result) == ["T0000001"]
    assert '"title": "一路"' in result.output


async def test_what_fails_its_checksum_is_bad_data_and_what_is_not_there_not_found(
    run: Run, tmp_path: Path
) -> None:
    missing = await wrapped(run, tmp_path, teller, FIXED, "case", "T0000009")
    assert "NOT_FOUND" in missing.output
    altered: Callable[..., Response] = lambda request, body: Response(  # noqa: E731
        bytes(teller(request, body).body).replace(b"SL2018", b"SL2019")
    )
    bad = await wrapped(run, tmp_path, altered, FIXED, "case", "T0000001")
    assert bad.exit_code != 0
    assert "SOURCE_BAD_DATA" in bad.output or "BAD_DATA" in bad.output
    assert "verify" in bad.output
