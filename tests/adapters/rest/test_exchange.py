"""Replies of JSON and XML systems read from bytes, and requests written to them."""

from __future__ import annotations

import codecs
import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.mapping.tree import add_path
from adapters.reply import RawReply, charset_of, python_charset
from adapters.rest.exchange import JsonExchange, XmlExchange, write_xml
from adapters.traffic.errors import SourceBadData

RARE = "㐀镕龘"
"""Characters of GB18030 that GB2312 lacks."""


def read_json(body: bytes, content_type: str = "application/json", charset: str | None = None) -> Any:
    return JsonExchange("T", charset).read(RawReply(200, content_type, body), None).tree


def read_xml(body: bytes, content_type: str = "text/xml", charset: str | None = None) -> Any:
    return XmlExchange("T", charset).read(RawReply(200, content_type, body), None).tree


@pytest.mark.parametrize(
    ("encoding", "content_type", "charset"),
    [
        ("utf-8", "application/json", None),
        ("utf-8", "application/json; charset=utf-8", None),
        ("utf-8", 'application/json; charset="UTF-8"', None),
        ("utf-8-sig", "application/json", None),
        ("utf-8-sig", "application/json; charset=utf-8", None),
        ("gb18030", "application/json; charset=gb2312", None),
        ("gb18030", "application/json;charset=GBK", None),
        ("gb18030", "application/json; charset=utf-8", "gb2312"),
        ("gb18030", "application/json", "gb18030"),
        ("utf-8", "application/json; charset=gbk", "utf-8"),
        ("utf-16", "application/json; charset=utf-16", None),
        ("utf-8", "application/json; charset=no-such", None),
    ],
)
def test_json_is_read_in_the_charset_declared_then_that_of_the_header(
    encoding: str, content_type: str, charset: str | None
) -> None:
    body = f'{{"a": "{RARE}"}}'.encode(encoding)
    assert read_json(body, content_type, charset) == {"a": RARE}


def document(declares: str) -> str:
    return (
        f'<?xml version="1.0" encoding="{declares}"?><r><a>{RARE}</a></r>'
        if declares
        else f"<r><a>{RARE}</a></r>"
    )


@pytest.mark.parametrize(
    ("encoding", "declares", "content_type", "charset"),
    [
        ("utf-8", "", "text/xml", None),
        ("utf-8", "UTF-8", "text/xml; charset=utf-8", None),
        ("utf-8-sig", "utf-8", "text/xml", None),
        ("utf-8-sig", "", "text/xml; charset=utf-8", None),
        ("utf-16", "utf-16", "text/xml", None),
        ("gb18030", "GB18030", "text/xml", None),
        ("gb18030", "gb2312", "text/xml", None),
        ("gb18030", "GBK", "text/xml; charset=gb2312", None),
        ("gb18030", "utf-8", "text/xml; charset=gbk", None),
        ("gb18030", "utf-8", "text/xml; charset=utf-8", "gb2312"),
        ("utf-8", "gb2312", "text/xml; charset=utf-8", None),
    ],
)
def test_xml_is_read_by_declaration_then_header_then_document(
    encoding: str, declares: str, content_type: str, charset: str | None
) -> None:
    assert read_xml(document(declares).encode(encoding), content_type, charset) == {"a": RARE}


@pytest.mark.parametrize("quoted", ["encoding='gb2312'", 'encoding = "gb2312"'])
def test_a_document_may_write_its_charset_as_xml_allows(quoted: str) -> None:
    # regression: with blanks around `=` (XML 1.0 production 25) the name is not seen and gb2312 is taken at its word
    body = f'<?xml version="1.0" {quoted}?><r><a>{RARE}</a></r>'.encode("gb18030")
    assert read_xml(body) == {"a": RARE}


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_json_in_another_charset_than_said_is_bad_data_that_names_the_charset(content_type: str) -> None:
    # regression: for UTF-8, said or assumed, the words are "The reply is not JSON": the charset is never suspected
    with pytest.raises(SourceBadData, match="utf-8"):
        read_json('{"a": "中文"}'.encode("gb18030"), content_type)


@pytest.mark.parametrize(
    ("read", "body", "content_type", "charset"),
    [
        (read_json, b'{"a": "\xff\xff\xff"}', "application/json; charset=gbk", None),
        (read_json, b'{"a": "\x80"}', "application/json", "gb18030"),
        (read_xml, b"<r>\xff\xff</r>", "text/xml; charset=gbk", None),
        (read_xml, "<r>中文</r>".encode("gb18030"), "text/xml", "utf-8"),
    ],
)
def test_bytes_of_another_charset_are_bad_data_that_names_it(
    read: Any, body: bytes, content_type: str, charset: str | None
) -> None:
    with pytest.raises(SourceBadData) as caught:
        read(body, content_type, charset)
    assert (charset or "gb18030") in str(caught.value)
    assert "set `charset`" in str(caught.value)


@pytest.mark.parametrize("read", [read_json, read_xml])
@pytest.mark.parametrize(
    "page",
    [
        b"<html><body>500</body></html>",
        b"\xef\xbb\xbf\r\n <!DOCTYPE html><html></html>",
        b"<!doctype HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>",
        b"<HTML>",
        b"<head><title>x</title></head>",
    ],
)
def test_an_html_page_is_bad_data_that_says_so(read: Any, page: bytes) -> None:
    with pytest.raises(SourceBadData, match=r"An HTML page came instead of (JSON|XML) \(HTTP status 200\)"):
        read(page, "text/html")


@pytest.mark.parametrize("body", [b"", b"{", b"OK", b"{'a': 1}", b"[1,]", b"NaN", b"\x00", b"[" * 3000])
def test_what_is_not_json_is_bad_data(body: bytes) -> None:
    with pytest.raises(SourceBadData, match="not JSON"):
        read_json(body)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<r>", b"<r/><r/>", b"<!DOCTYPE r [<!ENTITY a 'x'>]><r>&a;</r>", b"<r>\x01</r>"]
)
def test_what_is_not_safe_xml_is_bad_data(body: bytes) -> None:
    with pytest.raises(SourceBadData, match="not well-formed XML"):
        read_xml(body)


CODECS = ["base64", "undefined", "idna", "punycode", "unicode_escape", "utf-7", "utf-8-sig"]


@pytest.mark.parametrize("charset", CODECS)
@pytest.mark.parametrize(("read", "body"), [(read_json, b'{"a": "\xe4"}'), (read_xml, b"<r>\xe4</r>")])
def test_a_charset_that_is_none_costs_no_more_than_the_reply(read: Any, body: bytes, charset: str) -> None:
    # regression: Python codecs that are no charsets raise LookupError, binascii.Error or UnicodeError: a header of one
    # system ends the answer of all
    with contextlib.suppress(SourceBadData):
        read(body, f"text/plain; charset={charset}")


@given(st.binary(max_size=40), st.sampled_from(["", "utf-8", "gbk", "gb18030", "utf-16", "big5", "x"]))
def test_any_bytes_are_read_or_bad_data(body: bytes, charset: str) -> None:
    for read in (read_json, read_xml):
        for start in (b"", b"<r>", b'{"a":'):
            with contextlib.suppress(SourceBadData):
                read(start + body, f"text/plain; charset={charset}")


def read_graphql(value: Any) -> Any:
    return JsonExchange("T", graphql=True).read(RawReply(200, "", orjson.dumps(value)), None)


def test_graphql_errors_are_a_fault_beside_the_data() -> None:
    read = read_graphql({"data": {"a": 1}, "errors": [{"message": "m", "extensions": {"code": "C"}}]})
    assert read.tree == {"a": 1}
    assert read.fault == {"code": "C", "message": "m", "detail": None, "subcode": None}
    assert read_graphql({"data": {"a": 1}}).fault is None


@pytest.mark.parametrize("value", [[], {"a": 1}, "x", None, 5])
def test_json_that_is_no_graphql_answer_is_bad_data(value: Any) -> None:
    with pytest.raises(SourceBadData, match="neither data nor errors"):
        read_graphql(value)


@pytest.mark.parametrize(
    "error", ["x", None, {}, {"extensions": "x"}, {"extensions": [1]}, {"message": {"a": 1}}]
)
def test_graphql_errors_of_any_form_are_a_fault(error: Any) -> None:
    # regression: AttributeError where `extensions` is no object
    assert read_graphql({"errors": [error]}).fault is not None


def test_an_element_with_text_only_can_be_read() -> None:
    wanted: Any = {}
    add_path(wanted, ["#text"])
    reply = RawReply(200, "text/xml", "<string xmlns='http://tempuri.org/'>已受理</string>".encode())
    assert XmlExchange("T").read(reply, None).tree == {"#text": "已受理", "#name": "string"}
    # regression: with a map (`#text` between backticks) the tree is pruned to {}: the text cannot be had
    assert XmlExchange("T").read(reply, wanted).tree["#text"] == "已受理"


TREES = st.recursive(
    st.text(alphabet="a<>&\"'是㐀 ]]>", max_size=6),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b"]), inner, min_size=1, max_size=3),
    max_leaves=6,
)


@given(TREES, st.sampled_from(["utf-8", "gb18030", "big5"]))
def test_a_written_document_is_read_back(tree: Any, charset: str) -> None:
    body = write_xml({"r": tree}, charset, charset)

    def stripped(value: Any) -> Any:
        return (
            {key: stripped(one) for key, one in value.items()} if isinstance(value, dict) else value.strip()
        )

    found = read_xml(body)
    assert found == stripped(tree) or found == {"#text": stripped(tree), "#name": "r"}


def test_attributes_lists_numbers_and_nothing_are_written() -> None:
    tree = {"Request": {"@v": 1.5, "Row": [{"No": 1}, {"No": True}], "Empty": None}}
    body = write_xml(tree, "gb18030", "gb2312")
    assert body == (
        b'<?xml version="1.0" encoding="gb2312"?><Request v="1.5"><Row><No>1</No></Row><Row><No>true</No></Row>'
        b"<Empty></Empty></Request>"
    )
    assert etree.fromstring(body).get("v") == "1.5"


@pytest.mark.parametrize(
    ("content_type", "declared", "charset"),
    [
        ("text/xml; charset=gb2312", None, "gb18030"),
        ("text/xml; charset=utf-8", "GBK", "gb18030"),
        ("text/xml", None, None),
        ("text/xml; charset=nonsense", None, None),
        ("application/json; CHARSET = latin-1", None, "iso8859-1"),
    ],
)
def test_charset_of(content_type: str, declared: str | None, charset: str | None) -> None:
    assert charset_of(content_type, declared) == charset


@pytest.mark.parametrize("name", ["gb2312", "GBK", "x-gbk", "cp936", "GB_2312-80", "gb18030"])
def test_the_smaller_chinese_charsets_are_read_as_the_one_that_holds_them(name: str) -> None:
    assert python_charset(name) == codecs.lookup("gb18030").name


@pytest.mark.parametrize("name", ["euc-cn", "chinese", "ms936"])
def test_other_names_of_gb2312_and_gbk_too(name: str) -> None:
    # regression: aliases of the smaller sets keep their strict codecs
    assert python_charset(name) == codecs.lookup("gb18030").name


@given(
    st.integers(100, 599),
    st.text(alphabet=st.characters(codec="ascii", exclude_characters="\n\r"), max_size=20),
    st.binary(),
)
def test_a_reply_is_kept_as_it_was(status: int, content_type: str, body: bytes) -> None:
    reply = RawReply(status, content_type, body)
    assert RawReply.unpack(reply.pack()) == reply
