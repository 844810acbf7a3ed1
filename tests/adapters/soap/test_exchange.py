"""SOAP calls to real servers: how requests are written, how replies and faults are read."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from adapters.reply import RawReply
from adapters.soap.exchange import SoapExchange
from adapters.soap.wsdl import load_wsdl
from adapters.source import Source
from adapters.traffic.errors import (
    SourceBadData,
    SourceError,
    SourceNotFound,
    SourceRefused,
    SourceUnavailable,
)
from tests.adapters.doubles import Recorded, ask, serving, source_of
from tests.adapters.soap.services import BARE, RPC, SIMPLE, SOAP_11, SOAP_12, WRAPPED, envelope, write_wsdl

WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


def declaration(path: Path, *, body: str, records: str, security: str = "", failure: str = "{}") -> str:
    return f"""
system: {{code: S, name: 测试, owner: o}}
source:
  soap:
    wsdl: {path}
{security}
traffic: {{retries: 0}}
tables: {{status: {{A: ACCEPTED}}}}
connectors:
  case:
    operation: getCase
    body: {body}
    failure: {failure}
{records}
    map: {{localNo: no, state: 'st | table("status")', appliedAt: at, title: '@kind'}}
"""


def soap_source(folder: Path, wsdl: str, origin: str, **more: str) -> Source:
    path = write_wsdl(folder, wsdl, address=f"{origin}/s")
    return source_of(declaration(path, **more), service=load_wsdl(str(path)))


CASE = "<no>N1</no><st>A</st><at>2017-05-01T10:00:00</at>"
GOOD = envelope(
    f'<t:getCaseResponse xmlns:t="urn:t" xmlns="urn:t"><return kind="甲">{CASE}</return></t:getCaseResponse>'
)
BARE_GOOD = envelope(f'<getCaseResponse xmlns="urn:t" kind="甲">{CASE}</getCaseResponse>')
RPC_GOOD = envelope(
    f'<t:getCaseResponse xmlns:t="urn:t"><result kind="甲">{CASE}</result></t:getCaseResponse>',
    version=SOAP_12,
)

KINDS = {
    "wrapped": (WRAPPED, "{no: $args.number, area: [a, b]}", "    records: return", GOOD),
    "bare": (BARE, "{no: $args.number}", "", BARE_GOOD),
    # regression: zeep cannot call an element of a simple type by name, and a body that is one value passes the check and is
    # refused at every call ("does not take these arguments")
    "simple": (SIMPLE, "$args.number", "", BARE_GOOD),
    "rpc": (RPC, "{no: $args.number}", "    records: result", RPC_GOOD),
}


async def called(
    folder: Path, kind: str, answer: Response | None = None, **more: str
) -> tuple[Any, Recorded]:
    wsdl, body, records, good = KINDS[kind]
    given = answer or Response(good, media_type="text/xml; charset=utf-8")
    async with serving(lambda _request, _body: given) as (origin, log):
        one = soap_source(folder, wsdl, origin, body=body, records=records, **more)
        try:
            page = await ask(one, "case", {"number": "N<&1"})
            return page.records, log
        except SourceError as error:
            return error, log
        finally:
            await one.wire.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_case_is_asked_for_and_read(tmp_path: Path, kind: str) -> None:
    records, log = await called(tmp_path, kind)
    assert records == [
        {
            "localNo": "N1",
            "title": "甲",
            "state": "ACCEPTED",
            "rawStatus": "A",
            "appliedAt": "2017-05-01T10:00:00+08:00",
        }
    ]
    request: Request = log.last
    assert request.url.path == "/s"
    root = etree.fromstring(log.bodies[-1])
    version = SOAP_12 if kind == "rpc" else SOAP_11
    assert root.tag == f"{{{version}}}Envelope"
    [content] = root.find(f"{{{version}}}Body")  # type: ignore[misc]  # lxml's find may be None
    assert content.tag == ("{urn:t}caseQuery" if kind == "bare" else "{urn:t}getCase")
    if kind == "rpc":
        assert (
            request.headers["content-type"] == 'application/soap+xml; charset=utf-8; action="urn:t#getCase"'
        )
        assert [(one.tag, one.text) for one in content] == [("no", "N<&1")]
    else:
        assert request.headers["content-type"] == "text/xml; charset=utf-8"
        assert request.headers["soapaction"] == '"urn:t#getCase"'
    if kind == "wrapped":
        assert [(one.tag, one.text) for one in content] == [
            ("{urn:t}no", "N<&1"),
            ("{urn:t}area", "a"),
            ("{urn:t}area", "b"),
        ]
    if kind == "bare":
        assert [(one.tag, one.text) for one in content] == [("{urn:t}no", "N<&1")]
    if kind == "simple":
        assert content.text == "N<&1"


def security(digest: str) -> str:
    token = f"{{username: 用户, password: '${{env:P:-密<码}}', digest: {digest}}}"
    return f"    security: {{usernameToken: {token}}}"


@pytest.mark.parametrize("digest", ["true", "false"])
async def test_a_username_token_is_sent(tmp_path: Path, digest: str) -> None:
    _, log = await called(tmp_path, "wrapped", security=security(digest))
    token = etree.fromstring(log.bodies[-1]).find(f".//{WSSE}UsernameToken")
    assert token is not None
    assert token.findtext(f"{WSSE}Username") == "用户"
    password = token.find(f"{WSSE}Password")
    assert password is not None
    if digest == "false":
        assert password.get("Type", "").endswith("#PasswordText")
        assert password.text == "密<码"
        return
    assert password.get("Type", "").endswith("#PasswordDigest")
    nonce = base64.b64decode(token.findtext(f"{WSSE}Nonce") or "")
    created = (token.findtext(f"{WSU}Created") or "").encode()
    expected = hashlib.sha1(nonce + created + "密<码".encode(), usedforsecurity=False).digest()
    assert base64.b64decode(password.text or "") == expected


async def test_each_digest_has_a_nonce_of_its_own(tmp_path: Path) -> None:
    nonces = []
    for _ in range(2):
        _, log = await called(tmp_path, "wrapped", security=security("true"))
        nonces.append(etree.fromstring(log.bodies[-1]).findtext(f".//{WSSE}Nonce"))
    assert len(set(nonces)) == 2


@pytest.mark.parametrize(
    "body",
    [
        envelope(
            f'<getCaseResponse xmlns="urn:other"><return kind="甲">{CASE}</return></getCaseResponse>',
            prefix="SOAP-ENV",
        ),
        envelope(
            f'<a:getCaseResponse xmlns:a="urn:t"><return kind="甲">{CASE}</return></a:getCaseResponse>',
            prefix="s",
        ),
        envelope(
            f'<x><b:return xmlns:b="urn:b" b:kind="甲">{CASE}</b:return></x>',
            head='<?xml version="1.0"?>\n<!-- c -->',
        ),
        b"\xef\xbb\xbf" + GOOD,
        envelope(f"\n  <!-- c -->\n  <r><return kind='甲'>{CASE}</return></r>\n"),
    ],
)
async def test_prefixes_and_namespaces_of_a_reply_do_not_matter(tmp_path: Path, body: bytes) -> None:
    records, _ = await called(tmp_path, "wrapped", Response(body, media_type="text/xml"))
    assert (records[0]["localNo"], records[0]["title"]) == ("N1", "甲")


def fault_11(code: str, detail: str = "") -> bytes:
    return envelope(
        f"<soap:Fault><faultcode>{code}</faultcode><faultstring>人 500229197001010010</faultstring>{detail}</soap:Fault>"
    )


def fault_12(code: str, inside: str = "", text: str = '<soap:Text xml:lang="zh">话</soap:Text>') -> bytes:
    return envelope(
        f"<soap:Fault><soap:Code><soap:Value>{code}</soap:Value>{inside}</soap:Code><soap:Reason>{text}</soap:Reason></soap:Fault>",
        version=SOAP_12,
    )


RULE = '{notFound: \'$fault.detail.E.Code == "404" or $fault.subcode == "NoCase"\', message: $fault.message}'


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("wrapped", fault_11("soap:Client"), SourceRefused),
        ("wrapped", fault_11("soap:Server"), SourceUnavailable),
        ("wrapped", fault_11("Client"), SourceRefused),
        (
            "wrapped",
            fault_11("soap:Client", "<detail><e:E xmlns:e='u'><e:Code>404</e:Code></e:E></detail>"),
            SourceNotFound,
        ),
        ("wrapped", fault_11("soap:Server", "<detail><E><Code>404</Code></E></detail>"), SourceNotFound),
        ("wrapped", fault_11("soap:Server", "<detail/>"), SourceUnavailable),
        ("rpc", fault_12("soap:Sender"), SourceRefused),
        ("rpc", fault_12("soap:Receiver"), SourceUnavailable),
        (
            "rpc",
            fault_12("soap:Sender", "<soap:Subcode><soap:Value>t:NoCase</soap:Value></soap:Subcode>"),
            SourceNotFound,
        ),
        # a 1.2 service that answers with a 1.1 fault, as gateways before it do
        ("rpc", fault_11("soap:Server"), SourceUnavailable),
        ("wrapped", envelope("<soap:Fault/>"), SourceRefused),
        # regression: AttributeError: a Subcode that is text
        ("rpc", fault_12("soap:Sender", "<soap:Subcode>x</soap:Subcode>"), SourceRefused),
    ],
)
async def test_what_a_fault_means(
    tmp_path: Path, kind: str, body: bytes, expected: type[SourceError], status: int
) -> None:
    error, _ = await called(tmp_path, kind, Response(body, status, media_type="text/xml"), failure=RULE)
    assert type(error) is expected
    assert "500229" not in str(error)


async def test_a_fault_in_several_languages_keeps_its_words_for_the_log(tmp_path: Path) -> None:
    texts = '<soap:Text xml:lang="en">no</soap:Text><soap:Text xml:lang="zh">无</soap:Text>'
    error, _ = await called(tmp_path, "rpc", Response(fault_12("soap:Sender", text=texts)), failure=RULE)
    # regression: several soap:Text (SOAP 1.2 part 1 section 5.4.2) are a list, which is taken for no message
    assert str(error.__cause__) in ("no", "无")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body>x</body></html>", "An HTML page came instead of SOAP"),
        (b"<r/>", "XML but no SOAP envelope: <r>"),
        (b'<Envelope xmlns="urn:x"><Body/></Envelope>', "XML but no SOAP envelope"),
        (b"OK", "not well-formed XML"),
        (b"", "not well-formed XML"),
        (GOOD[:-20], "not well-formed XML"),
        (b"<!DOCTYPE x>" + GOOD, "not well-formed XML"),
        (envelope("<r><return>\xff</return></r>").replace("\xff".encode(), b"\xff"), "not utf-8"),
    ],
)
async def test_what_is_not_soap_is_bad_data(tmp_path: Path, body: bytes, words: str) -> None:
    error, _ = await called(tmp_path, "wrapped", Response(body, media_type="text/xml"))
    assert type(error) is SourceBadData
    assert words in str(error)


@pytest.mark.parametrize(
    "body", [envelope(""), envelope("<r/>"), envelope("<r><return/></r>"), envelope("<r>text</r>")]
)
async def test_an_empty_answer_for_a_case_is_not_found(tmp_path: Path, body: bytes) -> None:
    error, _ = await called(tmp_path, "wrapped", Response(body, media_type="text/xml"))
    assert type(error) is SourceNotFound


RARE = "㐀镕"


@pytest.mark.parametrize(
    ("encoding", "declares", "content_type", "charset"),
    [
        ("utf-8", "utf-8", "text/xml", None),
        ("gb18030", "gb18030", "text/xml", None),
        ("gb18030", "utf-8", "text/xml; charset=gb2312", None),
        ("gb18030", "utf-8", "text/xml; charset=utf-8", "gbk"),
        ("utf-16", "utf-16", "text/xml", None),
        # regression: the document's own gb2312 is taken at its word here, unlike in XML over REST
        ("gb18030", "gb2312", "text/xml", None),
        ("utf-8", "utf-8", "text/xml; charset=no-such", None),
    ],
)
def test_charsets(encoding: str, declares: str, content_type: str, charset: str | None) -> None:
    head = f'<?xml version="1.0" encoding="{declares}"?>'
    body = (head + envelope(f"<r><a>{RARE}</a></r>").decode()).encode(encoding)
    assert SoapExchange("S", charset).read(RawReply(200, content_type, body), None).tree == {"a": RARE}


@pytest.mark.parametrize("charset", ["base64", "undefined", "utf-8-sig", "utf-7", "idna"])
def test_a_charset_that_is_none_costs_no_more_than_the_reply(charset: str) -> None:
    # regression: LookupError ("unknown encoding") leaves the exchange
    with contextlib.suppress(SourceBadData):
        SoapExchange("S", None).read(RawReply(200, f"text/xml; charset={charset}", GOOD), None)
