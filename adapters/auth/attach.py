"""Puts a session into requests, as a declaration's `attach` says: header, cookie, parameter, SOAP header element."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lxml import etree

from adapters.auth.grant import Edit, with_cookies, with_headers, with_query
from adapters.auth.model import Attach, SoapHeader
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.functions import CompileContext, as_text
from adapters.mapping.scope import Scope
from adapters.mapping.template import Fill, compile_template

__all__ = ["Header", "attach_edits", "compile_text", "header_element", "text_expressions"]

Header = Callable[[Scope], etree._Element]
"""An element of a SOAP header. Raises ValueProblem."""
_HOLE = re.compile(r"\{([^{}]*)\}")
_COOKIE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")


def text_expressions(text: str) -> list[str]:
    """The expressions of a text: itself if it begins with $, else those between braces."""
    return [str(text)] if text.startswith("$") else _HOLE.findall(text)


def compile_text(text: str, context: CompileContext) -> Callable[[Scope], str]:
    """Raises ExpressionError; the function raises ValueProblem where an expression gives nothing."""
    pieces: list[str | Fill] = []
    at = 0
    for hole in [] if text.startswith("$") else _HOLE.finditer(text):
        pieces += [text[at : hole.start()], _filled(hole.group(1), context)]
        at = hole.end()
    pieces.append(_filled(str(text), context) if text.startswith("$") else text[at:])
    if any(isinstance(piece, str) and ("{" in piece or "}" in piece) for piece in pieces):
        raise ExpressionError("a { without its }")
    return lambda scope: "".join(piece if isinstance(piece, str) else piece(scope) for piece in pieces)


def _filled(text: str, context: CompileContext) -> Fill:
    read = compile_expression(text, context)

    def fill(scope: Scope) -> str:
        value = read(None, scope)
        if value is None:
            raise ValueProblem("the session lacks what is to be attached")
        return as_text(value)

    return fill


def attach_edits(attach: Attach, context: CompileContext) -> Iterator[Edit]:
    """Raises ExpressionError."""
    if attach.headers:
        yield _edit(attach.headers, context, lambda request, one: with_headers(request, tuple(one.items())))
    if attach.cookies:
        yield _edit(attach.cookies, context, lambda request, one: with_cookies(request, _checked(one)))
    if attach.query:
        yield _edit(attach.query, context, lambda request, one: with_query(request, one.items()))


def _edit(texts: Mapping[str, str], context: CompileContext, put: Callable[..., Any]) -> Edit:
    fills = {name: compile_text(text, context) for name, text in texts.items()}
    return lambda request, scope: put(request, {name: fill(scope) for name, fill in fills.items()})


def _checked(cookies: Mapping[str, str]) -> Mapping[str, str]:
    """RFC 6265 section 4.1.1: a value with ; or a blank would be another cookie, or none."""
    for name, value in cookies.items():
        if not _COOKIE.fullmatch(value):
            raise ValueProblem(f"the cookie {name} would hold characters that cookies do not allow")
    return cookies


def header_element(header: SoapHeader, context: CompileContext) -> Header:
    """Raises ExpressionError; the function raises ValueProblem."""
    fill = compile_template(header.element, context)
    outer = f"{{{header.namespace}}}" if header.namespace else ""
    inner = outer if header.qualified else ""
    nsmap = {"h": header.namespace} if header.namespace else None

    def element(scope: Scope) -> etree._Element:
        tree = fill(scope)
        if len(tree) != 1:
            raise ValueProblem("the session lacks what is to be attached")
        ((name, content),) = tree.items()
        root = etree.Element(f"{outer}{name}", nsmap=nsmap)
        try:
            _fill_element(root, content, inner)
        except ValueError as error:
            raise ValueProblem("a value has characters that XML does not allow") from error
        return root

    return element


def _fill_element(element: etree._Element, content: Any, namespace: str) -> None:
    if not isinstance(content, Mapping):
        element.text = as_text(content)
        return
    for name, value in content.items():
        if name.startswith("@"):
            element.set(name[1:], as_text(value))
            continue
        for one in value if isinstance(value, list) else [value]:
            _fill_element(etree.SubElement(element, f"{namespace}{name}"), one, namespace)
