"""Codecs and signatures as declarations use them: from YAML to requests sent and records read."""

from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import etree

from adapters.build import build_source
from adapters.soap.check import check_soap
from adapters.soap.wsdl import load_wsdl
from adapters.source import Source
from adapters.traffic.errors import SourceBadData, SourceRefused, SourceUnavailable
from adapters.wire.model import WireRequest, WireResponse
from tests.adapters.doubles import (
    MINIMAL_MAP,
    MemoryWire,
    ask,
    checked,
    problems,
    reply,
    rest_yaml,
    source_of,
    surroundings,
)
from tests.adapters.soap.services import WRAPPED, envelope, write_wsdl

ENVIRONMENT = {"CODEC_KEY": "0123456789abcdef"}


def signed_source(wire: MemoryWire) -> Source:
    one = checked(SIGNED, ENVIRONMENT)
    assert one.declaration is not None, one.document.problems
    return build_source(one.declaration, None, surroundings(wire))


PIPES = rest_yaml(
    f"""
    cases:
      path: /cases
      decode:
        - at: .
          chain:
            - base64: {{}}
            - gzip: {{}}
            - charset: gb2312
            - records: {{separator: "|", names: [no, state, at, name]}}
      records: .
      map: {MINIMAL_MAP[:-1]}, title: name}}
    """,
    source="format: raw",
)


async def test_a_compressed_gbk_list_between_pipes_is_read() -> None:
    rows = "A1|A|2026-01-02 03:04:05|施工许可\nA2|C|2026-01-03 03:04:05|排水许可".encode("gbk")
    source = source_of(PIPES, MemoryWire(lambda _request: base64.b64encode(gzip.compress(rows))))
    page = await ask(source, "cases")
    assert [(one["localNo"], one["state"], one["title"]) for one in page.records] == [
        ("A1", "ACCEPTED", "施工许可"),
        ("A2", "CLOSED", "排水许可"),
    ]


async def test_an_empty_reply_is_an_empty_list() -> None:
    assert (await ask(source_of(PIPES, MemoryWire(lambda _request: b" ")), "cases")).records == []


async def test_what_cannot_be_decoded_is_bad_data_and_says_where_without_the_value() -> None:
    source = source_of(PIPES, MemoryWire(lambda _request: "张三".encode()))
    with pytest.raises(SourceBadData, match=r"base64 at \.: expected base64") as caught:
        await ask(source, "cases")
    assert "张三" not in str(caught.value)


async def test_an_error_status_says_more_than_a_body_that_cannot_be_decoded() -> None:
    source = source_of(PIPES, MemoryWire(lambda _request: reply(b"oops", status=503)))
    with pytest.raises(SourceUnavailable):
        await ask(source, "cases")


SIGNED = rest_yaml(
    f"""
    case:
      path: /case
      method: POST
      query: {{v: "2"}}
      form: {{no: $args.number}}
      encode:
        - {{at: form.no, chain: [{{aes: {{key: "${{env:CODEC_KEY}}", mode: ECB}}}}, {{hex: {{}}}}]}}
      decode:
        - {{at: data, json: {{}}}}
      failure: {{when: 'data.code != "0"'}}
      records: data.row
      map: {MINIMAL_MAP}
    """,
    source="""
    sign:
      algorithm: md5
      key: ${env:CODEC_KEY}
      canonical: [$pairs, $key]
      timestamp: {put: {query: ts}}
      nonce: {put: {query: nonce}}
      put: {query: sign}
    """,
    head="traffic: {retries: 1}",
)
CASE = b'{"data": "{\\"code\\": \\"0\\", \\"row\\": {\\"no\\": \\"A1\\", \\"state\\": \\"A\\", \\"at\\": \\"2026-01-02\\"}}"}'


def parts(request: WireRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(str(request.url)).query) + parse_qsl(request.body.decode()))


async def test_requests_are_encoded_then_signed_and_each_attempt_anew() -> None:
    answers: list[bytes | WireResponse] = [CASE, reply(b"down", status=503)]
    wire = MemoryWire(lambda _request: answers.pop())
    page = await ask(signed_source(wire), "case", {"number": "A1"})
    assert [one["localNo"] for one in page.records] == ["A1"]
    first, second = (parts(request) for request in wire.requests)
    for one in (first, second):
        signature = one.pop("sign")
        text = "&".join(f"{name}={one[name]}" for name in sorted(one)) + ENVIRONMENT["CODEC_KEY"]
        assert signature == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert first["nonce"] != second["nonce"]
    assert len(first["no"]) == 32


async def test_failure_rules_read_what_was_decoded() -> None:
    source = signed_source(MemoryWire(lambda _request: b'{"data": "{\\"code\\": \\"7\\"}"}'))
    with pytest.raises(SourceRefused):
        await ask(source, "case", {"number": "A1"})


async def test_a_whole_body_may_be_ciphertext() -> None:
    text = rest_yaml(
        f"""
        case:
          path: /case
          method: POST
          headers: {{Content-Type: application/octet-stream}}
          body: {{no: $args.number}}
          encode: [{{at: body, chain: [{{json: {{}}}}, {{gzip: {{}}}}]}}]
          records: .
          map: {MINIMAL_MAP}
        """
    )
    wire = MemoryWire(lambda _request: b'{"no": "A1", "state": "A", "at": "2026-01-02"}')
    await ask(source_of(text, wire), "case", {"number": "A1"})
    assert gzip.decompress(wire.requests[0].body) == b'{"no":"A1"}'
    types = [value for name, value in wire.requests[0].headers if str(name).lower() == "content-type"]
    assert types == ["application/octet-stream"]


def test_keys_in_the_file_are_told_wherever_they_stand() -> None:
    assert problems(SIGNED, ENVIRONMENT) == []
    found = problems(SIGNED.replace("${env:CODEC_KEY}", ENVIRONMENT["CODEC_KEY"]))
    assert [one.code for one in found] == ["SECRET_IN_FILE", "SECRET_IN_FILE"]


def test_what_is_wrong_with_codecs_is_told_with_its_line() -> None:
    text = PIPES.replace("charset: gb2312", "charset: klingon").replace("gzip: {}", "gzip: {max: 1}")
    found = problems(text)
    assert [(one.code, one.line) for one in found] == [("BAD_CODEC", 12), ("UNKNOWN_KEY", 15)]
    assert "maxBytes" in found[1].allowed
    found = problems(PIPES.replace("charset: gb2312", "charset: klingon"))
    assert [(one.code, one.message) for one in found] == [
        ("BAD_CODEC", "charset: there is no charset 'klingon'")
    ]
    found = problems(SIGNED.replace("at: form.no", "at: body.no"), ENVIRONMENT)
    assert [one.message for one in found] == ["at: this connector has no 'body'"]
    found = problems(SIGNED.replace("[$pairs, $key]", "[$bodyhash]"), ENVIRONMENT)
    assert [one.code for one in found] == ["BAD_CODEC"]


SOAP = f"""
system: {{code: T-SOAP, name: 测试, owner: 11500000009000015M}}
source: {{soap: {{wsdl: here.wsdl, address: "http://127.0.0.1:9/"}}}}
tables: {{status: {{A: ACCEPTED, C: CLOSED}}}}
connectors:
  case:
    operation: getCase
    body: {{no: {{Query: {{CaseNo: $args.number}}}}}}
    encode: [{{at: body.no, xml: {{charset: gb2312}}}}]
    decode:
      - {{at: return.no, xml: {{charset: gb2312}}}}
      - {{at: return.no.Body, xml: {{}}}}
    records: return.no.Body.Case
    map: {MINIMAL_MAP}
"""


async def test_documents_in_a_string_of_a_soap_service_are_written_and_read(tmp_path: Path) -> None:
    service = load_wsdl(str(write_wsdl(tmp_path, WRAPPED)))
    one = checked(SOAP)
    assert one.declaration is not None
    assert [*one.document.problems, *check_soap(one.document, one.declaration, service)] == []
    inner = '<?xml version="1.0" encoding="GBK"?><D><Case><no>A1</no><state>A</state><at>2026-01-02</at><name>张䶮</name></Case></D>'
    outer = f'<?xml version="1.0" encoding="gb2312"?><R><Body><![CDATA[{inner}]]></Body></R>'
    text = outer.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    answer = envelope(
        f'<t:getCaseResponse xmlns:t="urn:t"><t:return><t:no>{text}</t:no></t:return></t:getCaseResponse>'
    )
    wire = MemoryWire(lambda _request: reply(answer, content_type="text/xml; charset=utf-8"))
    page = await ask(source_of(SOAP, wire, service), "case", {"number": "A1"})
    assert [(record["localNo"], record["state"]) for record in page.records] == [("A1", "ACCEPTED")]
    sent = etree.fromstring(wire.requests[0].body).find(".//{urn:t}no")
    assert sent is not None
    assert sent.text == '<?xml version="1.0" encoding="gb2312"?><Query><CaseNo>A1</CaseNo></Query>'


def test_a_place_that_the_wsdl_lacks_is_told(tmp_path: Path) -> None:
    service = load_wsdl(str(write_wsdl(tmp_path, WRAPPED)))
    one = checked(SOAP.replace("at: return.no,", "at: return.nono,"))
    assert one.declaration is not None
    found = list(check_soap(one.document, one.declaration, service))
    assert any("'nono'" in problem.message for problem in found)


def test_a_key_has_one_spelling_so_that_no_other_hides_a_secret() -> None:
    text = PIPES.replace("gzip: {}", 'rsa: {private_key: "MIIE"}')
    [problem] = [one for one in problems(text) if one.code == "UNKNOWN_KEY"]
    assert problem.message == "unknown key 'private_key'"
    assert "privateKey" in problem.allowed
