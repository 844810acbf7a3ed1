"""Envelopes with attachments, both ways: MTOM/XOP and SOAP with Attachments, in multipart/related (RFC 2387). Pure.

A reply's attachments are put where they belong as base64 text, so that mapping, codecs and signatures see the same
tree whether a system sends bytes inline or beside the envelope (XOP section 4: the infoset is the same).
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from email.message import Message
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import unquote

from lxml import etree

from adapters.reply import RawReply

__all__ = ["BadAttachments", "Parts", "cut_out", "join_parts", "put_in", "split_parts"]

XOP = "http://www.w3.org/2004/08/xop/include"
MOST_PARTS = 256
MAX_HEAD_BYTES = 8 * 1024
MOST_COPIES = 8
"""Attachments named several times may make a reply so many times as large, no more."""

Parts = Mapping[str, bytes]
"""Content-ID -> content."""


class BadAttachments(ValueError):
    """A message of parts that is not one, or whose envelope and parts do not fit; names no content."""


# --- replies ---


def split_parts(reply: RawReply) -> tuple[RawReply, Parts]:
    """The envelope's part as a reply of its own, and the others. A reply of one part is given back as it is.

    Raises BadAttachments.
    """
    if not reply.content_type.strip().lower().startswith("multipart/"):
        return reply, {}
    outer = Message()
    outer["Content-Type"] = reply.content_type
    boundary = outer.get_boundary()
    if not boundary:
        raise BadAttachments("its multipart type names no boundary")
    found = list(_parts(reply.body, boundary.encode("latin-1", "replace")))
    start = _plain_id(str(outer.get_param("start") or ""))
    root = next(
        (one for one in found if start and _plain_id(one[0].get("Content-ID", "")) == start), found[0]
    )
    others = {
        _plain_id(head.get("Content-ID", "")): content
        for head, content in found
        if head is not root[0] and head.get("Content-ID")
    }
    inner = _inner_type(root[0], outer)
    return replace(reply, content_type=inner, body=root[1]), others


def _inner_type(head: Message, outer: Message) -> str:
    charset = head.get_content_charset()
    kind = str(outer.get_param("start-info") or "") or head.get_content_type()
    return f"{kind}; charset={charset}" if charset else kind


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[Message, bytes]]:
    marks = list(re.finditer(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)", body))
    if not marks or marks[-1].group(1) is None:
        raise BadAttachments("its parts do not end: a reply that was cut off")
    closing = next(index for index, mark in enumerate(marks) if mark.group(1) is not None)
    if closing == 0:
        raise BadAttachments("it has no parts")
    if closing > MOST_PARTS:
        raise BadAttachments(f"it has more than {MOST_PARTS} parts")
    for mark, following in pairwise(marks[: closing + 1]):
        yield _part(body, mark.end(), following.start())


def _part(body: bytes, start: int, end: int) -> tuple[Message, bytes]:
    blank = re.compile(rb"\r?\n\r?\n").search(body, start, min(end, start + MAX_HEAD_BYTES))
    if blank is None:
        raise BadAttachments(f"a part has no head, or one of more than {MAX_HEAD_BYTES} bytes")
    head = Message()
    lines = re.sub(rb"\r?\n[ \t]+", b" ", body[start : blank.start()]).splitlines()
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon:
            head[name.decode("latin-1").strip()] = value.decode("latin-1").strip()
    return head, _decoded(head.get("Content-Transfer-Encoding", "binary"), body[blank.end() : end])


def _decoded(encoding: str, content: bytes) -> bytes:
    match encoding.strip().lower():
        case "base64":
            try:
                return base64.b64decode(b"".join(content.split()), validate=True)
            except binascii.Error:
                raise BadAttachments("a part is not the base64 that it says") from None
        case "quoted-printable":
            return quopri.decodestring(content)
        case _:
            return content


def _plain_id(text: str) -> str:
    return text.strip().removeprefix("<").removesuffix(">")


def put_in(root: etree._Element, parts: Parts, *, size: int) -> None:
    """Puts what the envelope refers to where it belongs, as base64: xop:Include, href="cid:..." and texts `cid:...`
    (swaRef of the WS-I Attachments Profile). size: of the whole reply. Raises BadAttachments."""
    left = MOST_COPIES * size
    for element in list(root.iter(etree.Element)):
        holder, name = _refers(element, bool(parts))
        if holder is None:
            continue
        content = parts.get(unquote(name))
        if content is None:
            raise BadAttachments("its envelope names an attachment that did not come")
        left -= len(content)
        if left < 0:
            raise BadAttachments(f"its attachments, put in place, are more than {MOST_COPIES} times its size")
        if holder is not element:
            holder.remove(element)
        holder.text = base64.b64encode(content).decode("ascii")


def _refers(element: etree._Element, has_parts: bool) -> tuple[etree._Element | None, str]:
    """The element that gets the content, and the content's id."""
    href = element.get("href", "")
    if element.tag == f"{{{XOP}}}Include":
        return element.getparent(), href.removeprefix("cid:")
    if not has_parts or len(element):
        return None, ""
    text = (element.text or "").strip()
    if href.startswith("cid:") and not text:
        return element, href.removeprefix("cid:")
    return (element, text.removeprefix("cid:")) if text.startswith("cid:") else (None, "")


# --- requests ---


def cut_out(tree: Any) -> tuple[Any, dict[str, bytes]]:
    """A tree of arguments with `cid:` references in the places of its bytes, and those bytes (swaRef)."""
    if isinstance(tree, bytes):
        name = _new_id()
        return f"cid:{name}", {name: tree}
    if isinstance(tree, Mapping | list):
        parts: dict[str, bytes] = {}
        items = list(tree.items() if isinstance(tree, Mapping) else enumerate(tree))
        out: list[tuple[Any, Any]] = []
        for key, value in items:
            inner, found = cut_out(value)
            parts |= found
            out.append((key, inner))
        return (dict(out) if isinstance(tree, Mapping) else [value for _, value in out]), parts
    return tree, {}


def _bytes_in(tree: Any) -> Iterator[bytes]:
    if isinstance(tree, bytes):
        yield tree
    elif isinstance(tree, Mapping | list):
        for value in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _bytes_in(value)


def optimised(body: etree._Element, tree: Any) -> dict[str, bytes]:
    """Puts xop:Include where the bytes of `tree` stand in the envelope as base64, and gives them as parts (MTOM)."""
    texts = {base64.b64encode(one).decode("ascii"): one for one in _bytes_in(tree) if one}
    parts: dict[str, bytes] = {}
    for element in list(body.iter(etree.Element)) if texts else ():
        content = texts.get(element.text or "") if not len(element) else None
        if content is not None:
            name = _new_id()
            parts[name] = content
            element.text = None
            etree.SubElement(element, f"{{{XOP}}}Include", nsmap={"xop": XOP}).set("href", f"cid:{name}")
    return parts


def join_parts(
    envelope: bytes, parts: Mapping[str, bytes], *, kind: Literal["mtom", "swa"], media_type: str, action: str
) -> tuple[str, bytes]:
    """(Content-Type, body). media_type: of the envelope; action: parameter of SOAP 1.2, "" for none."""
    boundary, root = f"quanyu-{uuid.uuid4().hex}", "envelope@quanyu"
    inner = (
        f'application/xop+xml; charset=utf-8; type="{media_type}"'
        if kind == "mtom"
        else f"{media_type}; charset=utf-8"
    )
    outer = (
        f'multipart/related; type="application/xop+xml"; start="<{root}>"; start-info="{media_type}"{action}; boundary="{boundary}"'
        if kind == "mtom"
        else f'multipart/related; type="{media_type}"; start="<{root}>"{action}; boundary="{boundary}"'
    )
    pieces: Sequence[tuple[str, str, bytes]] = [
        (inner, root, envelope),
        *(("application/octet-stream", name, content) for name, content in parts.items()),
    ]
    out: list[bytes] = []
    for content_type, name, content in pieces:
        head = (
            f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{name}>\r\n\r\n"
        )
        out += [head.encode(), content, b"\r\n"]
    out.append(f"--{boundary}--\r\n".encode())
    return outer, b"".join(out)


def _new_id() -> str:
    return f"{uuid.uuid4().hex}@quanyu"
