"""XML, JSON and forms inside a field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.documents import Form, Json, Xml
from adapters.codecs.errors import CodecInput, CodecTooLarge, CodecValue
from adapters.codecs.step import Context, Step

NAME = st.from_regex(r"[A-Za-z_\u4e00-\u9fa5][A-Za-z0-9_\u4e00-\u9fa5]{0,5}", fullmatch=True)
# what XML 1.0 can hold; a reader takes blanks off both ends of a text
VALUE = st.text(
    st.characters(
        min_codepoint=32, exclude_categories=["Cs", "Cn", "Co"], exclude_characters="\x7f\ufffe\uffff"
    )
).map(str.strip)
TREE = st.recursive(
    VALUE,
    lambda inner: (
        st.dictionaries(NAME, inner, min_size=1, max_size=4)
        | st.dictionaries(NAME, st.lists(VALUE, min_size=2, max_size=3), min_size=1, max_size=2)
    ),
    max_leaves=12,
)


@given(tree=TREE, label=st.sampled_from([None, "UTF-8", "gb2312"]), cdata=st.booleans())
def test_trees_come_back_through_xml_text(tree: Any, label: str | None, cdata: bool) -> None:
    names = frozenset(tree) if cdata and isinstance(tree, dict) else frozenset[str]()
    step = Xml(label=label, cdata=names)
    assert step.decode(step.encode({"数据": tree}, Context()), Context()) == tree


@given(tree=TREE)
def test_trees_come_back_through_gb2312_bytes(tree: Any) -> None:
    step = Xml(label="gb2312")
    raw = step.encode({"数据": tree}, Context()).encode("gb18030")
    assert step.decode(raw, Context()) == tree


@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | VALUE,
        lambda inner: st.lists(inner) | st.dictionaries(VALUE, inner),
    )
)
def test_trees_come_back_through_json(tree: Any) -> None:
    assert Json().decode(Json().encode(tree, Context()), Context()) == tree


@given(
    tree=st.dictionaries(VALUE.filter(bool), VALUE | st.lists(VALUE, min_size=2, max_size=3)),
    codec=st.sampled_from(["utf-8", "gb18030"]),
)
def test_objects_come_back_through_forms(tree: dict[str, Any], codec: str) -> None:
    assert Form(codec).decode(Form(codec).encode(tree, Context()), Context()) == tree


def test_text_that_declares_gb2312_is_not_decoded_again() -> None:
    text = '\ufeff \r\n<?xml version="1.0" encoding="gb2312"?><d><名>朱镕</名></d>'
    assert Xml().decode(text, Context()) == {"名": "朱镕"}


@pytest.mark.parametrize(
    ("step", "raw"),
    [
        (Xml(), '<?xml version="1.0" encoding="GB2312"?><d><n>朱镕</n></d>'.encode("gbk")),
        (Xml(codec="gb18030"), '<?xml version="1.0" encoding="utf-8"?><d><n>朱镕</n></d>'.encode("gbk")),
        (Xml(codec="gb18030"), "<d><n>朱镕</n></d>".encode("gbk")),
        (Xml(), '<?xml version="1.0" encoding="utf-16"?><d><n>朱镕</n></d>'.encode("utf-16")),
        (Xml(), "\ufeff<d><n>朱镕</n></d>".encode()),
    ],
    ids=["too small a charset declared", "wrong charset declared", "none declared", "utf-16", "bom"],
)
def test_bytes_are_read_in_what_they_are(step: Xml, raw: bytes) -> None:
    assert step.decode(raw, Context()) == {"n": "朱镕"}


def test_only_the_wanted_names_are_read() -> None:
    text = "<d><a>1</a><b><c>2</c><e>3</e></b></d>"
    assert Xml().decode(text, Context(wanted={"b": {"c": None}})) == {"b": {"c": "2"}}


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><d>&b;</d>',
        '<!DOCTYPE d SYSTEM "file:///etc/hostname"><d/>',
        "<d><a></d>",
        "plain words",
        "<d>\x01</d>",
    ],
)
def test_documents_with_a_doctype_or_not_well_formed_are_refused(text: str) -> None:
    with pytest.raises(CodecInput):
        Xml().decode(text, Context())


@pytest.mark.parametrize("step", [Xml(max_bytes=10), Json(max_bytes=10), Form(max_bytes=10)])
def test_documents_over_the_cap_are_refused(step: Step) -> None:
    with pytest.raises(CodecTooLarge, match="10 bytes"):
        step.decode("x" * 11, Context())


def test_xml_attributes_lists_and_cdata_are_written() -> None:
    step = Xml(label=None, cdata=frozenset({"b"}))
    tree = {"d": {"@id": 7, "a": ["1", True], "b": "<x>1</x>"}}
    assert step.encode(tree, Context()) == '<d id="7"><a>1</a><a>true</a><b><![CDATA[<x>1</x>]]></b></d>'


@pytest.mark.parametrize(
    "tree", [{}, {"a": 1, "b": 2}, "text", {"no name": 1}, {"a": "\x00"}, {"a": {"b": [[1]]}}]
)
def test_trees_that_are_no_document_are_refused(tree: Any) -> None:
    with pytest.raises(CodecValue):
        Xml().encode(tree, Context())


@pytest.mark.parametrize(
    ("step", "text"), [(Json(), "{'a': 1}"), (Json(), "[" * 5000), (Form(), "no pairs"), (Form(), "a=%ff")]
)
def test_what_is_not_the_format_is_refused(step: Step, text: str) -> None:
    with pytest.raises(CodecInput):
        step.decode(text, Context())
