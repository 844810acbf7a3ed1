"""npm's `soap` writes xsi:nil without saying what the prefix means; such a reply is read, and no other that is broken."""

from __future__ import annotations

import pytest

from adapters.mapping.tree import xml_tree
from adapters.reply import RawReply
from adapters.traffic.errors import SourceBadData
from adapters.xml_reply import read_xml_reply


@pytest.mark.parametrize("head", ["", "<?xml version='1.0' encoding='utf-8'?>\n<!-- <a> -->", "\ufeff"])
@pytest.mark.parametrize("content_type", ["text/xml", "text/xml; charset=utf-8"])
def test_a_prefix_of_xsi_that_is_not_declared_is_taken_for_what_it_is(head: str, content_type: str) -> None:
    body = f'{head}<s:r xmlns:s="urn:s"><no>甲</no><t xsi:nil="true"></t></s:r>'.encode()
    tree = xml_tree(read_xml_reply("S", RawReply(200, content_type, body), None), None)
    assert tree == {"no": "甲", "t": None}


@pytest.mark.parametrize(
    "body",
    [
        b'<r><t x:nil="true"/></r>',
        b'<r xmlns:xsi="urn:x"><t xsi:nil="true"/><y:z/></r>',
        b'<r><t xsi:nil="true"></r>',
        b'<!DOCTYPE r><r><t xsi:nil="true"/></r>',
    ],
)
def test_nothing_else_is_mended(body: bytes) -> None:
    with pytest.raises(SourceBadData):
        read_xml_reply("S", RawReply(200, "text/xml", body), None)
