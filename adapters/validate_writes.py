"""What can be wrong in the writes of one declaration: request, form, answer, and how an unknown outcome is found out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.declaration import Declaration, Write
from adapters.loader import Document
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Path, parse, paths_of
from adapters.mapping.functions import CompileContext
from adapters.mapping.template import compile_template, compile_url_path, template_expressions
from adapters.problems import Problem, one_of
from adapters.validate_connectors import codec_problems, context_of, map_of, protocol_problems, session_names
from adapters.validate_expressions import expression_problem, literals, reader_problems

__all__ = ["write_problems", "written_expressions"]

Place = tuple[str | int, ...]
_APPLICANT = frozenset({"kind", "name", "idType", "idNumber", "mobile", "legalRepresentative"})
_MATERIAL = frozenset({"code", "name", "mediaType", "content", "size"})
_COMMON = frozenset({"reference", "itemCode", "fields", "at"})
ARGS: Mapping[str, frozenset[str]] = {
    # case: the number that the other side gave, or that was reserved, while the system is being replaced
    "submit": _COMMON | {"applicant", "taskCode", "regionCode", "title", "materials", "case"},
    "reserve": _COMMON - {"fields"} | {"applicant", "taskCode", "regionCode", "title"},
    "supplement": _COMMON | {"case", "note", "materials"},
    "withdraw": _COMMON | {"case", "reason"},
    "appointment": _COMMON | {"case", "applicant", "slot"},
}
"""First names below `$args` of each write."""


def write_problems(
    document: Document, declaration: Declaration, items: frozenset[str] | None = None
) -> Iterator[Problem]:
    """items: base codes that the registry knows, None where there is no registry."""
    context = context_of(declaration)
    for name, write in declaration.connectors.sent().items():
        place: Place = ("connectors", name)
        yield from protocol_problems(document, declaration, write, place)
        yield from _request_problems(document, declaration, name, write, context, place)
        yield from codec_problems(document, write, context, place)
        yield from _form_problems(document, write, place, items)
        yield from _unused(document, write, place)
        yield from _answer_problems(document, name, write, context, place)
        yield from _reconcile_problems(document, declaration, name, write, context, (*place, "reconcile"))


def written_expressions(write: Write) -> list[tuple[Place, str]]:
    """Every expression of the request with its place below the write."""
    trees = {
        "query": write.query,
        "headers": write.headers,
        "body": write.body,
        "form": write.form,
        "variables": write.variables,
    }
    found: list[tuple[Place, str]] = [
        ((name, *inner), text) for name, tree in trees.items() for inner, text in template_expressions(tree)
    ]
    found += [(("path",), hole) for hole in re.findall(r"\{([^{}]*)\}", write.path)]
    return found


def _request_problems(
    document: Document,
    declaration: Declaration,
    name: str,
    write: Write,
    context: CompileContext,
    place: Place,
) -> Iterator[Problem]:
    roots: dict[str, frozenset[str]] = {"args": ARGS[name], **session_names(declaration)}
    for tree_name, tree in (("query", write.query), ("body", write.body), ("form", write.form)):
        for inner, text in literals(tree):
            if text.strip() == "TODO":
                yield document.problem(
                    (*place, tree_name, *inner), "TODO_LEFT", "a TODO of the draft is still here"
                )
    for inner, text in written_expressions(write):
        here = (*place, *inner)
        try:
            # a hole of a path is an expression too
            (compile_expression if inner == ("path",) else compile_template)(text, context)
        except ExpressionError as error:
            yield expression_problem(document, here, text, error)
            continue
        for path in paths_of(parse(text)):
            yield from _path_problems(document, here, path, roots, write)
    try:
        compile_url_path(write.path, context)
    except ExpressionError as error:
        yield expression_problem(document, (*place, "path"), write.path, error)


def _path_problems(
    document: Document, here: Place, path: Path, roots: Mapping[str, frozenset[str] | None], write: Write
) -> Iterator[Problem]:
    if not path.root:
        allowed = "start paths with $args"
        yield document.problem(here, "NO_RECORD", "a request has no record to read from", allowed=allowed)
        return
    if path.root not in roots:
        yield document.problem(
            here, "UNKNOWN_NAME", f"no ${path.root} here", allowed=one_of(path.root, roots)
        )
        return
    names = [step for step in path.steps if isinstance(step, str)]
    known = roots[path.root]
    if known is not None and names and names[0] not in known:
        message = f"no ${path.root}.{names[0]} here"
        yield document.problem(here, "UNKNOWN_NAME", message, allowed=one_of(names[0], known))
        return
    if path.root != "args" or len(names) < 2:
        return
    below: Mapping[str, Any] = {
        "applicant": _APPLICANT,
        "case": frozenset({"number"}),
        "slot": frozenset({"start", "end", "place"}),
        "fields": frozenset(write.accepts.fields),
        "materials": frozenset(write.accepts.materials),
    }
    inner = below.get(names[0])
    if inner is not None and names[1] not in inner:
        message = f"no $args.{names[0]}.{names[1]}"
        if names[0] in ("fields", "materials"):
            message += f": accepts.{names[0]} has it not"
        yield document.problem(here, "UNKNOWN_NAME", message, allowed=one_of(names[1], inner))
    elif names[0] == "materials" and len(names) > 2 and names[2] not in _MATERIAL:
        message = f"a material has no {names[2]!r}"
        yield document.problem(here, "UNKNOWN_NAME", message, allowed=one_of(names[2], _MATERIAL))


def _form_problems(
    document: Document, write: Write, place: Place, items: frozenset[str] | None
) -> Iterator[Problem]:
    accepts: Place = (*place, "accepts")
    for index, item in enumerate(write.accepts.items):
        if items is not None and item not in items:
            message = f"{item!r} is not in the registry's items"
            yield document.problem((*accepts, "items", index), "UNKNOWN_CODE", message)
    for name, rule in write.accepts.fields.items():
        here = (*accepts, "fields", name)
        if rule.pattern is not None:
            try:
                re.compile(rule.pattern)
            except re.error as error:
                message = f"not a regular expression: {error}"
                yield document.problem((*here, "pattern"), "BAD_PATTERN", message)
        if (rule.type == "choice") != bool(rule.choices):
            message = "a choice needs `choices`, and nothing else has them"
            yield document.problem(here, "BAD_FORM_FIELD", message, key=True)
        if rule.least is not None and rule.most is not None and rule.least > rule.most:
            yield document.problem(here, "BAD_FORM_FIELD", "`least` is more than `most`", key=True)


def _unused(document: Document, write: Write, place: Place) -> Iterator[Problem]:
    """What a client fills in and nobody sends would be lost without a word."""
    sent = [path for _, text in written_expressions(write) for path in _paths(text) if path.root == "args"]
    for kind, declared in (("fields", write.accepts.fields), ("materials", write.accepts.materials)):
        whole = any(path.steps == (kind,) for path in sent)
        used = {path.steps[1] for path in sent if path.steps[:1] == (kind,) and len(path.steps) > 1}
        for name in declared:
            if not whole and name not in used:
                message = f"{kind}.{name} is accepted, but no part of the request sends it"
                yield document.problem((*place, "accepts", kind, name), "NOT_SENT", message, key=True)


def _paths(text: str) -> list[Path]:
    try:
        return paths_of(parse(text))
    except ExpressionError:
        return []


def _answer_problems(
    document: Document, name: str, write: Write, context: CompileContext, place: Place
) -> Iterator[Problem]:
    answer, failure = write.answer, write.failure
    for inner, text in (
        (("answer", "filed"), answer.filed),
        (("answer", "number"), answer.number),
        (("answer", "ticket"), answer.ticket),
        (("answer", "startsAt"), answer.starts_at),
        (("answer", "place"), answer.place),
        (("failure", "refused"), failure.refused),
        (("failure", "notTaken"), failure.not_taken),
        (("failure", "unknown"), failure.unknown),
        (("failure", "message"), failure.message),
    ):
        if text is not None:
            yield from reader_problems(document, text, context, (*place, *inner))
    if not (answer.filed or answer.number or answer.ticket):
        message = f"nothing says what a good answer to {name!r} is"
        allowed = "give answer.number, answer.ticket or answer.filed"
        yield document.problem(place, "NO_ANSWER_RULE", message, allowed=allowed, key=True)
    for only in ("startsAt", "place") if name != "appointment" else ():
        if getattr(answer, {"startsAt": "starts_at"}.get(only, only)) is not None:
            message = f"{only!r} is of appointments"
            yield document.problem((*place, "answer", only), "UNKNOWN_KEY", message, key=True)


def _reconcile_problems(
    document: Document,
    declaration: Declaration,
    name: str,
    write: Write,
    context: CompileContext,
    place: Place,
) -> Iterator[Problem]:
    rule = write.reconcile
    if rule is None:
        return
    sends_reference = any(
        path.root == "args" and path.steps[:1] == ("reference",)
        for _, text in written_expressions(write)
        for path in _paths(text)
    )
    looks_for_it = "$args.reference" in f"{rule.match or ''} {rule.number or ''}"
    if (rule.style == "resend" or looks_for_it) and not sends_reference:
        message = "it is found by $args.reference, but no part of the request sends that"
        yield document.problem(place, "REFERENCE_NOT_SENT", message, key=True)
    if rule.style == "resend":
        return
    if rule.verb not in declaration.connectors.declared():
        message = f"it is looked for by {rule.verb!r}, which is not declared"
        allowed = one_of(rule.verb, declaration.connectors.declared())
        yield document.problem((*place, "verb"), "RECONCILE_VERB", message, allowed=allowed)
        return
    if rule.verb == "cases" and name != "submit":
        message = f"{name!r} belongs to one case: look at that"
        yield document.problem((*place, "verb"), "RECONCILE_VERB", message, allowed="verb: case")
    roots: dict[str, frozenset[str] | None] = {
        "args": ARGS[name],
        "sent": frozenset({"at", "from"}),
        "answer": frozenset({"ticket", "number"}),
    }
    for key, text in (("match", rule.match), ("number", rule.number)):
        if text is None:
            continue
        here = (*place, key)
        try:
            compile_expression(text, context)
        except ExpressionError as error:
            yield expression_problem(document, here, text, error)
            continue
        for path in paths_of(parse(text)):
            if path.root or key == "number":
                yield from _path_problems(document, here, path, roots, write)
                continue
            mapped = {field for field, value in map_of(declaration, rule.verb).items() if value is not None}
            first = str(path.steps[0]) if path.steps else ""
            if first not in mapped | {"rawStatus"}:
                message = f"`match` reads {first!r}, which the map of {rule.verb!r} does not fill"
                yield document.problem(here, "UNKNOWN_FIELD", message, allowed=one_of(first, mapped))
