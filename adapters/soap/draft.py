"""A first declaration from a WSDL: guesses which operation gives a case and which a list, and lists what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.draft import DraftCall, DraftField, draft_text, step_text, words, yaml_text
from adapters.soap.wsdl import Shape, SoapOperation, SoapService

__all__ = ["draft_from_wsdl"]

MAX_DEPTH = 6
MAX_LEAVES = 60
_READING = ("get", "query", "find", "list", "search", "read", "geef", "select", "check")
_WRITING = (
    "set",
    "save",
    "add",
    "create",
    "update",
    "delete",
    "remove",
    "submit",
    "push",
    "receive",
    "send",
    "cancel",
    "do",
    "launch",
    "start",
    "write",
    "insert",
    "put",
)


@dataclass(frozen=True, slots=True)
class _Records:
    """Where records stand in a reply, and whether there are many."""

    path: str | None
    shape: Shape
    many: bool


def draft_from_wsdl(service: SoapService, location: str, code: str) -> str:
    source = [
        "soap:",
        f"  wsdl: {yaml_text(location)}",
        *([f"  service: {service.service}"] if service.service else []),
        f"  port: {service.port}",
        *([] if service.address else ["  address: TODO # the WSDL has none"]),
    ]
    single, many = _choose(service)
    names = sorted(service.operations)
    calls = [
        _call(verb, operation, names)
        for verb, operation in (("case", single), ("cases", many))
        if operation is not None
    ]
    return draft_text(code, "", source, calls)


def _choose(service: SoapService) -> tuple[SoapOperation | None, SoapOperation | None]:
    """The operation that reads most like one case, and the one that reads most like a list."""
    single: list[tuple[int, SoapOperation]] = []
    many: list[tuple[int, SoapOperation]] = []
    for operation in service.operations.values():
        if operation.reply is None or words(operation.name).startswith(_WRITING):
            continue  # what writes is never proposed: a draft is tried before it is understood
        records = _records(operation.reply)
        size = len(list(_leaves(records.shape, "", MAX_DEPTH)))
        name = words(operation.name)
        score = size + 20 * any(hint in name for hint in ("case", "apply", "zaak", "project", "permit"))
        score += 40 * name.startswith(_READING)
        (many if records.many else single).append((score, operation))
    best = [max(group, key=lambda pair: pair[0])[1] if group else None for group in (single, many)]
    return best[0], best[1]


def _call(verb: str, operation: SoapOperation, names: list[str]) -> DraftCall:
    request = [f"operation: {operation.name}"]
    if operation.request is not None and operation.request.children():
        request += ["body:", *_request_lines(operation.request, 1, verb)]
    records = _records(operation.reply) if operation.reply is not None else None
    leaves = list(_leaves(records.shape, "", MAX_DEPTH))[:MAX_LEAVES] if records is not None else []
    return DraftCall(
        verb,
        f"style {operation.style}; the reply is {operation.reply.name if operation.reply else 'nothing'}",
        tuple(request),
        records.path if records is not None else None,
        tuple(leaves),
        tuple(name for name in names if name != operation.name),
    )


def _request_lines(shape: Shape, level: int, verb: str) -> Iterator[str]:
    """Required elements, and optional ones that seem to carry what a connector asks for; the others as comments."""
    for name, child in shape.children().items():
        below = _below(child)
        if below and level < MAX_DEPTH:
            yield "  " * level + f"{yaml_text(name)}:"
            yield from _request_lines(child, level + 1, verb)
        else:
            argument = _argument(name, verb)
            skipped = "# " if argument == "TODO" and child.optional else ""
            required = "" if child.optional else ", required"
            yield "  " * level + f"{skipped}{yaml_text(name)}: {argument} # {child.type_name}{required}"


def _argument(name: str, verb: str) -> str:
    text = words(name)
    if verb == "case":
        return (
            "$args.number"
            if text.endswith(("no", "id", "number", "num", "key", "casecode", "applycode"))
            else "TODO"
        )
    for hint, argument in (
        ("pageno", "$page.number"),
        ("pageindex", "$page.number"),
        ("size", "$page.size"),
        ("rows", "$page.size"),
        ("from", '$args.from | format("yyyy-MM-dd")'),
        ("begin", '$args.from | format("yyyy-MM-dd")'),
        ("start", "$page.offset"),
        ("end", '$args.to | format("yyyy-MM-dd")'),
        ("to", '$args.to | format("yyyy-MM-dd")'),
        ("applicant", "$args.applicant.idNumber"),
        ("cert", "$args.applicant.idNumber"),
        ("idcard", "$args.applicant.idNumber"),
    ):
        if hint in text and (len(hint) > 2 or text == hint):
            return argument
    return "TODO"


def _records(reply: Shape) -> _Records:
    """The element with most leaves of its own: a case has more than each of its steps."""
    best = _Records(None, reply, many=False)
    best_size = _own_leaves(reply)
    for path, shape, repeated in _elements(reply, "", MAX_DEPTH):
        size = _own_leaves(shape)
        if size > best_size:
            best, best_size = _Records(path, shape, many=repeated), size
    return best


def _below(shape: Shape) -> dict[str, Shape]:
    """What stands in an element; of a text with attributes nothing, as the text is what is wanted of it."""
    children = shape.children()
    return {} if "#text" in children else children


def _own_leaves(shape: Shape) -> int:
    return sum(not _below(child) for child in _below(shape).values())


def _elements(shape: Shape, path: str, depth: int) -> Iterator[tuple[str, Shape, bool]]:
    for name, child in shape.children().items() if depth else ():
        here = f"{path}.{step_text(name)}" if path else step_text(name)
        yield here, child, child.repeated
        if not child.repeated:
            yield from _elements(child, here, depth - 1)


def _leaves(shape: Shape, path: str, depth: int) -> Iterator[DraftField]:
    """Leaves of one record; what repeats inside it is no field of it."""
    for name, child in shape.children().items() if depth else ():
        here = f"{path}.{step_text(name)}" if path else step_text(name)
        if child.repeated:
            continue
        if _below(child):
            yield from _leaves(child, here, depth - 1)
        else:
            yield DraftField(here, child.type_name)
