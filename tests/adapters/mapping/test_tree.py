"""XML as plain trees: what becomes of attributes, nil, lists and namespaces, and that pruning loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.mapping.compiler import compile_expression, compile_map
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.tree import DoctypeRefused, Wanted, add_path, parse_xml, xml_tree
from schema.canonical import CASE

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def tree(text: str, *paths: str) -> Any:
    wanted: Wanted | None = {} if paths else None
    for path in paths:
        assert wanted is not None
        add_path(wanted, path.split("."))
    return xml_tree(parse_xml(text.encode(), None), wanted)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<r><a>1</a><b/></r>", {"a": "1", "b": ""}),
        ("<r><a> 1 \n</a></r>", {"a": "1"}),
        ("<r><a>1</a><a>2</a><a>3</a></r>", {"a": ["1", "2", "3"]}),
        ("<r><a><b>1</b></a></r>", {"a": {"b": "1"}}),
        (
            f'<r {XSI}><a xsi:nil="true">1</a><b xsi:nil="1"/><c xsi:nil="false">2</c></r>',
            {"a": None, "b": None, "c": "2"},
        ),
        ('<r id="7"><a x="1"><b>2</b></a></r>', {"@id": "7", "a": {"@x": "1", "b": "2"}}),
        ('<p:r xmlns:p="urn:p" xmlns="urn:d"><p:a>1</p:a><b>2</b></p:r>', {"a": "1", "b": "2"}),
        ('<r xmlns:p="urn:p"><a p:x="1"><b/></a></r>', {"a": {"@x": "1", "b": ""}}),
        ("<r><a><![CDATA[<&>]]></a></r>", {"a": "<&>"}),
        ("<r><a>x<!-- c -->y<?p i?>z</a></r>", {"a": "xyz"}),
        ("<r><办件><编号>渝1</编号></办件></r>", {"办件": {"编号": "渝1"}}),
        ("<r>text</r>", "text"),
        ("<r/>", ""),
    ],
)
def test_whole(text: str, value: Any) -> None:
    assert tree(text) == value


def test_pruned_to_what_is_wanted() -> None:
    text = '<r id="1"><a><b>1</b><c>2</c></a><a><b>3</b></a><d>4</d></r>'
    assert tree(text, "a.b", "@id") == {"@id": "1", "a": [{"b": "1"}, {"b": "3"}]}
    assert tree(text, "a.b", "a") == {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE r><r/>",
        '<!DOCTYPE r [<!ENTITY a "x">]><r>&a;</r>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r/>',
        '<!DOCTYPE l [<!ENTITY a0 "x">'
        + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9))
        + "]><l>&a8;</l>",
        "<r>&undefined;</r>",
        "<r>",
        "",
        "not xml",
        "<r/><r/>",
        "<a>" * 300 + "</a>" * 300,
    ],
)
def test_what_is_unsafe_or_broken_is_refused(text: str) -> None:
    with pytest.raises((DoctypeRefused, etree.XMLSyntaxError)):
        parse_xml(text.encode(), None)


def test_the_charset_that_is_given_wins_over_the_documents() -> None:
    body = '<?xml version="1.0" encoding="utf-8"?><r>㐀镕</r>'.encode("gb18030")
    assert xml_tree(parse_xml(body, "gb18030"), None) == "㐀镕"


NAMES = ("a", "b", "c")
Xml = Any


def elements(depth: int) -> st.SearchStrategy[Xml]:
    """(name, attributes, children or text)."""
    content: st.SearchStrategy[Any] = st.text(alphabet="x是 1", max_size=3)
    if depth:
        content = st.one_of(content, st.lists(st.deferred(lambda: elements(depth - 1)), max_size=4))
    return st.tuples(
        st.sampled_from(NAMES),
        st.dictionaries(st.sampled_from(["p", "q"]), st.text("y1", max_size=2)),
        content,
    )


def element_of(spec: Xml) -> etree._Element:
    name, attributes, content = spec
    element = etree.Element(name, attributes)
    if isinstance(content, str):
        element.text = content
    else:
        element.extend([element_of(one) for one in content])
    return element


def leaves(value: Any, path: tuple[str, ...]) -> list[Any]:
    """Every value at a path, lists opened, nothing where there is none."""
    if isinstance(value, list):
        return [found for one in value for found in leaves(one, path)]
    if not path:
        return [value]
    return leaves(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple)


@given(elements(3), st.lists(PATHS, min_size=1, max_size=4))
def test_a_pruned_tree_is_the_whole_one_where_it_was_asked_for(
    spec: Xml, paths: list[tuple[str, ...]]
) -> None:
    element = element_of(spec)
    wanted: Wanted = {}
    for path in paths:
        add_path(wanted, path)
    whole, pruned = xml_tree(element, None), xml_tree(element, wanted)
    for path in paths:
        assert leaves(pruned, path) == leaves(whole, path)


def test_text_and_attribute_of_one_element_are_both_there() -> None:
    text = '<r><status code="3">已办结</status></r>'
    assert tree(text, "status.@code") == {"status": {"@code": "3"}}
    assert tree(text, "status") == {"status": "已办结"}
    read = compile_map({"title": "status", "itemCode": "status.@code"}, CASE, CompileContext())
    # regression: wanted whole, the element becomes its text alone, and `status.@code` is null although asked alone it is 3
    assert read(tree(text, "status", "status.@code"), Scope()) == {"title": "已办结", "itemCode": "3"}


DATA = st.recursive(
    st.text(alphabet="x是1", min_size=1, max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(NAMES), st.one_of(inner, st.lists(inner, min_size=2, max_size=3)), min_size=1
    ),
    max_leaves=8,
)


def as_xml(name: str, value: Any) -> list[etree._Element]:
    if isinstance(value, list):
        return [element for one in value for element in as_xml(name, one)]
    element = etree.Element(name)
    if isinstance(value, dict):
        for key, one in value.items():
            element.extend(as_xml(key, one))
    else:
        element.text = value
    return [element]


@given(
    DATA,
    st.lists(
        st.sampled_from([*NAMES, "a.b", "b[0].c", "c.a.b", "a[0]", "a[0].b[0]"]), min_size=1, max_size=4
    ),
)
def test_json_and_xml_of_the_same_data_read_alike(data: Any, paths: list[str]) -> None:
    [element] = as_xml("r", data)
    from_xml = xml_tree(element, None)
    assert from_xml == data
    for path in paths:
        read = compile_expression(f"{path} ?? 'none'", CompileContext())
        results = []
        for node in (data, from_xml):
            try:
                results.append(read(node, Scope()))
            except Exception as error:  # alike means alike in what they refuse, too
                results.append(type(error).__name__)
        assert results[0] == results[1]
