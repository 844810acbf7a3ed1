"""What can be wrong in the expressions and maps of a declaration: syntax, names that are not there, fields that the
record does not have, code tables that give what the field's enum does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.exchange import FAULT_NAMES
from adapters.loader import Document
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Call, Expression, parse, paths_of
from adapters.mapping.functions import ANY, KEEP, REFUSE, CompileContext
from adapters.mapping.template import compile_template, template_expressions
from adapters.problems import Problem, one_of
from schema.canonical import Field, Record

__all__ = [
    "ARGS",
    "PAGE_NAMES",
    "expression_problem",
    "literals",
    "map_problems",
    "reader_problems",
    "root_problems",
    "template_problems",
    "value_problems",
]

Place = tuple[str | int, ...]
ARGS = {
    "items": frozenset[str](),
    "case": frozenset({"number"}),
    "cases": frozenset({"applicant", "states", "department", "region", "from", "to"}),
    "changes": frozenset({"since"}),
}
_APPLICANT_ARGS = frozenset({"idType", "idNumber", "kind"})
PAGE_NAMES = frozenset({"size", "number", "offset", "row", "endRow", "cursor"})


def template_problems(
    document: Document,
    tree: Any,
    place: Place,
    context: CompileContext,
    roots: Mapping[str, frozenset[str] | None],
    *,
    pages: bool,
) -> Iterator[Problem]:
    """Of a template of a request. roots: what may follow $; pages: whether there is anything for $page to say."""
    for inner, text in literals(tree):
        if text.strip() == "TODO":
            yield document.problem((*place, *inner), "TODO_LEFT", "a TODO of the draft is still here")
    for inner, text in template_expressions(tree):
        here = (*place, *inner)
        if not pages and re.search(r"\$page\.(?:number|offset|row|endRow|cursor)\b", text):
            yield document.problem(
                here, "NO_PAGING", "$page is used, but no `paging` says how the list goes on"
            )
        try:
            compile_template(text, context)
        except ExpressionError as error:
            yield expression_problem(document, here, text, error)
            continue
        yield from root_problems(document, here, parse(text), roots)


def literals(tree: Any) -> Iterator[tuple[Place, str]]:
    """Every text of a template that is no expression, with its place."""
    if isinstance(tree, str):
        if not tree.startswith("$"):
            yield (), tree
    elif isinstance(tree, Mapping | list):
        items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        for key, value in items:
            yield from (((key, *inner), text) for inner, text in literals(value))


def root_problems(
    document: Document, place: Place, tree: Expression, roots: Mapping[str, frozenset[str] | None]
) -> Iterator[Problem]:
    for path in paths_of(tree):
        if not path.root:
            if "reply" not in roots:
                yield document.problem(
                    place,
                    "NO_RECORD",
                    "a request has no record to read from",
                    allowed=f"start paths with {' or '.join(f'${name}' for name in roots if name != 'session')}",
                )
            continue
        if path.root not in roots:
            yield document.problem(
                place, "UNKNOWN_NAME", f"no ${path.root} here", allowed=one_of(path.root, roots)
            )
            continue
        allowed = roots[path.root]
        names = [step for step in path.steps if isinstance(step, str)]
        if allowed is not None and names and names[0] not in allowed:
            yield document.problem(
                place, "UNKNOWN_NAME", f"no ${path.root}.{names[0]} here", allowed=one_of(names[0], allowed)
            )
        elif (
            allowed is ARGS["cases"]
            and names[:1] == ["applicant"]
            and len(names) > 1
            and names[1] not in _APPLICANT_ARGS
        ):
            yield document.problem(
                place,
                "UNKNOWN_NAME",
                f"no $args.applicant.{names[1]}",
                allowed=one_of(names[1], _APPLICANT_ARGS),
            )


def reader_problems(
    document: Document, text: Any, context: CompileContext, place: Place
) -> Iterator[Problem]:
    if not isinstance(text, str):
        yield document.problem(place, "BAD_VALUE", "an expression is expected here")
        return
    try:
        compile_expression(text, context)
    except ExpressionError as error:
        yield expression_problem(document, place, text, error)
        return
    roots: dict[str, frozenset[str] | None] = {
        "reply": None,
        "status": None,
        "fault": FAULT_NAMES,
        "page": PAGE_NAMES,
        "link": frozenset({"next"}),
        "soapHeader": None,
    }
    yield from root_problems(document, place, parse(text), roots)


def expression_problem(document: Document, place: Place, text: str, error: ExpressionError) -> Problem:
    shown = f"{text[:80]!r}: {error.message} (at character {error.offset + 1})"
    return document.problem(place, "EXPRESSION", shown, allowed=error.allowed)


def map_problems(
    document: Document,
    map_: Any,
    record: Record,
    context: CompileContext,
    place: Place,
    extra: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    if not isinstance(map_, Mapping):
        yield document.problem(
            place, "BAD_VALUE", f"fields of {record.name} and their expressions are expected here"
        )
        return
    known = {field.name for field in record.fields} | extra
    for name in map_:
        if name not in known:
            yield document.problem(
                (*place, name),
                "UNKNOWN_FIELD",
                f"{record.name} has no field {name!r}",
                allowed=one_of(name, known),
                key=True,
            )
    for field in record.fields:
        here = (*place, field.name)
        value = map_.get(field.name)
        if value is not None:
            yield from value_problems(document, value, field, context, here)
        elif field.required:
            yield document.problem(
                place, "MISSING_FIELD", f"{record.name}.{field.name} is not mapped: {field.doc}", key=True
            )


def value_problems(
    document: Document, value: Any, field: Field, context: CompileContext, place: Place
) -> Iterator[Problem]:
    kind, _, target = field.type.partition(":")
    if kind == "record":
        yield from map_problems(document, value, context.records[target], context, place, frozenset({"at"}))
        if isinstance(value, Mapping) and value.get("at") is not None:
            yield from reader_problems(document, value["at"], context, (*place, "at"))
    elif kind == "list":
        yield from map_problems(document, value, context.records[target], context, place, frozenset({"each"}))
        each = value.get("each") if isinstance(value, Mapping) else None
        if each is None:
            yield document.problem(
                place, "MISSING_KEY", f"'each' is missing in {field.name!r}: where the list stands", key=True
            )
        else:
            yield from reader_problems(document, each, context, (*place, "each"))
    elif kind == "json" and isinstance(value, Mapping):
        for name, one in value.items():
            yield from reader_problems(document, one, context, (*place, name))
    else:
        yield from reader_problems(document, value, context, place)
        target = target.removeprefix("enum:") if kind == "many" else target
        if field.type.removeprefix("many:").startswith("enum:") and isinstance(value, str):
            yield from _enum_problems(document, value, target, context, place)


def _enum_problems(
    document: Document, text: str, target: str, context: CompileContext, place: Place
) -> Iterator[Problem]:
    """Values of the code table that feeds an enum field must be the enum's own."""
    try:
        tree = parse(text)
    except ExpressionError:
        return
    allowed = context.enums(target)
    for table in _tables_of(tree):
        versions = [one for one in context.tables if one.partition("@")[0] == table]
        codes = [(one, raw, canonical) for one in versions for raw, canonical in context.tables[one].items()]
        for version, raw, canonical in codes:
            if canonical not in allowed and not (raw == ANY and canonical in (KEEP, REFUSE)):
                yield document.problem(
                    ("tables", version, raw),
                    "BAD_CODE",
                    f"{canonical!r} is no {target} (the table feeds {place[-1]})",
                    allowed=one_of(canonical, allowed),
                )


def _tables_of(tree: Expression) -> list[str]:
    found: list[str] = []
    while isinstance(tree, Call):
        if tree.name == "table" and tree.arguments:
            found.append(str(getattr(tree.arguments[0], "value", "")))
        tree = tree.value
    return found
