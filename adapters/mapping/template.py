"""Request templates: a YAML tree whose `$...` texts are expressions, filled in for one call.

Structured, never text: escaping and element order are the writer's job, so no value can break out of its
place. A null drops its key, so an optional filter that was not asked for is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from adapters.loader import Plain
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.expression import Path, parse, paths_of
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope

__all__ = ["Fill", "compile_template", "compile_url_path", "template_expressions"]

Fill = Callable[[Scope], Any]
_HOLE = re.compile(r"\{([^{}]*)\}")


def template_expressions(tree: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Every expression of a template with its place in the tree."""
    if isinstance(tree, str):
        return [((), str(tree))] if tree.startswith("$") else []
    if isinstance(tree, Mapping):
        items: list[tuple[str | int, Any]] = list(tree.items())
    elif isinstance(tree, list | tuple):
        items = list(enumerate(tree))
    else:
        return []
    return [((key, *place), text) for key, value in items for place, text in template_expressions(value)]


def template_paths(texts: list[str]) -> list[Path]:
    return [path for text in texts for path in paths_of(parse(text))]


def compile_template(tree: Any, context: CompileContext) -> Fill:
    """Raises ExpressionError."""
    if isinstance(tree, Plain):
        if tree.startswith("$"):
            return _expression(str(tree), context)
        literal = tree.literal()
        return lambda _scope: literal
    if isinstance(tree, str):
        if tree.startswith("$"):
            return _expression(tree, context)
        return lambda _scope: tree
    if isinstance(tree, Mapping):
        parts = {name: compile_template(value, context) for name, value in tree.items()}
        return lambda scope: {
            name: value for name, fill in parts.items() if (value := fill(scope)) is not None
        }
    if isinstance(tree, list | tuple):
        fills = [compile_template(value, context) for value in tree]
        return lambda scope: [fill(scope) for fill in fills]
    return lambda _scope: tree


def compile_url_path(text: str, context: CompileContext, *, charset: str = "utf-8") -> Callable[[Scope], str]:
    """`/cases/{$args.number}`: each hole is percent-encoded whole, so a value cannot add a path segment."""
    pieces: list[str | Fill] = []
    at = 0
    for hole in _HOLE.finditer(text):
        pieces.append(text[at : hole.start()])
        pieces.append(_expression(hole.group(1), context))
        at = hole.end()
    pieces.append(text[at:])
    if any(isinstance(piece, str) and ("{" in piece or "}" in piece) for piece in pieces):
        raise ExpressionError("a { without its }")

    def fill(scope: Scope) -> str:
        out = [piece if isinstance(piece, str) else _path_part(piece(scope), charset) for piece in pieces]
        return "".join(out)

    return fill


def _path_part(value: Any, charset: str) -> str:
    try:
        text = quote("" if value is None else str(value), safe="", encoding=charset)
    except UnicodeEncodeError:
        raise ValueProblem(f"a value has characters that {charset} has not") from None
    # percent-encoding leaves dots alone, and ".." would climb
    return text.replace(".", "%2E") if text.strip(".") == "" else text


def _expression(text: str, context: CompileContext) -> Fill:
    read = compile_expression(text, context)
    return lambda scope: read(None, scope)
