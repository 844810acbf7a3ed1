"""Canonical XML of an element, and digests over it. Pure.

lxml canonicalises whole documents; an element is first written with every namespace in scope and read again, so that
prefixes declared above it count as the recommendations say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from lxml import etree

__all__ = ["canonical", "digest", "parse_octets"]

MOST_PREFIXES = 64


def parse_octets(octets: bytes) -> etree._Element:
    """Safe parse of what we or libxml2 have written. Raises etree.XMLSyntaxError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(octets, parser)


def canonical(element: etree._Element, *, exclusive: bool = True, prefixes: Sequence[str] = ()) -> bytes:
    """Octets without comments. prefixes: InclusiveNamespaces of the exclusive form.

    "#default" among them is passed over, as lxml cannot hand it on: such a digest does not fit, and the reply is refused.
    """
    alone = parse_octets(etree.tostring(element, encoding="utf-8", with_tail=False))
    known = [one for one in prefixes[:MOST_PREFIXES] if one in alone.nsmap]
    return etree.tostring(
        alone,
        method="c14n",
        exclusive=exclusive,
        with_comments=False,
        inclusive_ns_prefixes=known if exclusive and known else None,
    )


def digest(name: str, octets: bytes) -> bytes:
    return hashlib.new(name, octets, usedforsecurity=False).digest()
