"""Canonical XML of an element inside a document: namespaces of its ancestors, prefixes listed, tails and comments."""

from __future__ import annotations

import pytest
from lxml import etree

from adapters.auth.wss.canonical import canonical

DOCUMENT = '<r xmlns="urn:d" xmlns:b="urn:b" xmlns:c="urn:c" b:z="0"><b:x c:k="2" a="1">t<!-- no --><y/>&amp;\r\n</b:x>tail</r>'


def inner() -> etree._Element:
    return etree.fromstring(DOCUMENT)[0]


@pytest.mark.parametrize(
    ("exclusive", "prefixes", "expected"),
    [
        (True, (), b'<b:x xmlns:b="urn:b" xmlns:c="urn:c" a="1" c:k="2">t<y xmlns="urn:d"></y>&amp;\n</b:x>'),
        (
            True,
            ("none",),
            b'<b:x xmlns:b="urn:b" xmlns:c="urn:c" a="1" c:k="2">t<y xmlns="urn:d"></y>&amp;\n</b:x>',
        ),
        (
            False,
            (),
            b'<b:x xmlns="urn:d" xmlns:b="urn:b" xmlns:c="urn:c" a="1" c:k="2">t<y></y>&amp;\n</b:x>',
        ),
    ],
)
def test_the_forms_of_the_recommendations(
    exclusive: bool, prefixes: tuple[str, ...], expected: bytes
) -> None:
    assert canonical(inner(), exclusive=exclusive, prefixes=prefixes) == expected


def test_two_prefixes_of_one_namespace_stay_apart() -> None:
    root = etree.fromstring('<r xmlns:p="urn:x" xmlns:q="urn:x"><q:a p:k="1"><p:b/></q:a></r>')
    assert canonical(root[0]) == b'<q:a xmlns:p="urn:x" xmlns:q="urn:x" p:k="1"><p:b></p:b></q:a>'


def test_a_listed_prefix_that_only_a_value_uses_is_kept() -> None:
    root = etree.fromstring('<r xmlns:p="urn:x"><a kind="p:t"/></r>')
    assert canonical(root[0]) == b'<a kind="p:t"></a>'
    assert canonical(root[0], prefixes=["p"]) == b'<a xmlns:p="urn:x" kind="p:t"></a>'
