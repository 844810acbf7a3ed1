"""Expressions and maps to closures: parsed once, compiled once, run for every record.

Closures over plain dict/list trees cost about half of JMESPath (bench/mapping.py) and can be stepped through; a map
that is used much becomes source besides (`generate.py`). XML is first read into such a tree,
pruned to the names that the closures ask for (`tree.py`), so JSON and XML share everything here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from adapters.mapping import expression as ex
from adapters.mapping.errors import ValueProblem
from adapters.mapping.evaluate import reader_of
from adapters.mapping.fits import Fit, fit_of
from adapters.mapping.functions import CompileContext, Reader
from adapters.mapping.generate import Entry, Together, generate
from adapters.mapping.scope import Scope, Trouble, Unmapped
from schema.canonical import Field, Record

__all__ = [
    "RecordReader",
    "compile_condition",
    "compile_expression",
    "compile_map",
    "map_closures",
    "raw_source",
]

RecordReader = Callable[[Any, Scope], dict[str, Any]]
RAW_OF = {"rawStatus": "state", "rawKind": "kind"}
"""A raw field that is not mapped is what its canonical sibling's code table was asked."""


def compile_expression(text: str, context: CompileContext) -> Reader:
    """Raises ExpressionError."""
    return reader_of(ex.parse(text), context)


def compile_condition(text: str, context: CompileContext) -> Callable[[Any, Scope], bool]:
    read = compile_expression(text, context)
    return lambda node, scope: bool(read(node, scope))


def raw_source(text: str) -> ex.Expression | None:
    """The expression that feeds the outermost `table(...)`, or the whole one if it has no table."""
    whole = ex.parse(text)
    at: ex.Expression = whole
    while isinstance(at, ex.Call):
        if at.name == "table":
            return at.value
        at = at.value
    return whole if isinstance(whole, ex.Path) else None


def compile_map(
    map_: Mapping[str, Any], record: Record, context: CompileContext, *, wanted: Collection[str] | None = None
) -> RecordReader:
    """Reader of one record. `wanted`: canonical fields to read; the others cost nothing. None reads all.

    The map must have passed `validate`; a value that does not fit leaves null and a Trouble in the scope.
    """
    read = map_closures(map_, record, context, wanted=wanted)
    return _warming(read, lambda: generate(_entries(map_, record, context, wanted), read, context))


def map_closures(
    map_: Mapping[str, Any], record: Record, context: CompileContext, *, wanted: Collection[str] | None = None
) -> RecordReader:
    """The same without source: what the language means."""
    fields: list[tuple[str, Reader, Fit | None]] = []
    for field in record.fields:
        if wanted is not None and field.name not in wanted:
            continue
        reader = _field_reader(map_, field, context)
        if reader is not None:
            fields.append((field.name, *reader))
    # one loop over a tuple: measured faster than a closure per field calling the next
    plan = tuple(fields)

    def read(node: Any, scope: Scope) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, get, fit in plan:
            try:
                value = get(node, scope)
                out[name] = value if value is None or fit is None else fit(value)
            except ValueProblem as problem:
                scope.troubles.append(Trouble(name, str(problem)))
                out[name] = None
        return out

    return read


WARM_AFTER = 500
"""Records after which a map is written out as source: that takes some milliseconds, which a selection that is asked
once, of a hundred systems, must not wait for."""


def _warming(slow: RecordReader, make: Callable[[], RecordReader]) -> RecordReader:
    left, fast = WARM_AFTER, slow

    def read(node: Any, scope: Scope) -> dict[str, Any]:
        nonlocal left, fast
        if left:
            left -= 1
            if not left:
                fast = make()
        return fast(node, scope)

    return read


def _entries(
    map_: Mapping[str, Any],
    record: Record,
    context: CompileContext,
    wanted: Collection[str] | None = None,
    prefix: str = "",
) -> list[Entry | Together]:
    """The fields of a map for the generator, in the order in which `read` has them."""
    found: list[Entry | Together] = []
    for field in record.fields:
        reader = None
        if wanted is None or field.name in wanted:
            reader = _field_reader(map_, field, context)
        if reader is None:
            continue
        name, value = f"{prefix}{field.name}", map_.get(field.name)
        closure = _noting(name, field.name, *reader)
        kind, _, target = field.type.partition(":")
        if kind == "record" and isinstance(value, Mapping) and "at" not in value:
            inner = _entries(value, context.records[target], context, prefix=f"{name}.")
            found.append(Together(field.name, inner, closure))
        elif kind == "json" and isinstance(value, Mapping):
            parts = [Entry(one, ex.parse(text), "json", closure) for one, text in value.items()]
            found.append(Together(field.name, parts, closure, object=True))
        else:
            text = map_.get(RAW_OF[field.name]) if value is None else value
            tree = (raw_source(text) if value is None else ex.parse(text)) if isinstance(text, str) else None
            found.append(Entry(field.name, tree, field.type, closure))
    return found


def _noting(name: str, own: str, get: Reader, fit: Fit | None) -> Reader:
    """A field's closure by itself. name: with the parts that it stands in; own: as its own troubles begin."""

    def read(node: Any, scope: Scope) -> Any:
        before = len(scope.troubles)
        try:
            value = get(node, scope)
            value = value if value is None or fit is None else fit(value)
        except ValueProblem as problem:
            scope.troubles.append(Trouble(name, str(problem)))
            return None
        if name != own:
            for index in range(before, len(scope.troubles)):
                trouble = scope.troubles[index]
                scope.troubles[index] = Trouble(name + trouble.field.removeprefix(own), trouble.message)
        return value

    return read


def _field_reader(
    map_: Mapping[str, Any], field: Field, context: CompileContext
) -> tuple[Reader, Fit | None] | None:
    kind, _, target = field.type.partition(":")
    value = map_.get(field.name)
    if value is None:
        source = RAW_OF.get(field.name)
        raw = raw_source(map_[source]) if source and isinstance(map_.get(source), str) else None
        return (reader_of(raw, context), fit_of("str", context)) if raw is not None else None
    if kind == "record":
        inner = {name: one for name, one in value.items() if name != "at"}
        read = compile_map(inner, context.records[target], context)
        if "at" in value:
            return _placed(field.name, value["at"], read, context), None
        return _nested(field.name, read), None
    if kind == "list":
        inner = {name: one for name, one in value.items() if name != "each"}
        return _list_reader(
            field.name, value["each"], compile_map(inner, context.records[target], context), context
        ), None
    if kind == "many":
        return _many(field.name, reader_of(ex.parse(value), context), fit_of(target, context)), None
    if kind == "json" and isinstance(value, Mapping):
        parts = {name: compile_expression(one, context) for name, one in value.items()}
        return _object_reader(parts), None
    tree = ex.parse(value)
    # what `date` and `epoch_*` give already has the network's form
    dated = isinstance(tree, ex.Call) and tree.name in ("date", "epoch_ms", "epoch_s")
    return reader_of(tree, context), None if kind == "datetime" and dated else fit_of(
        f"{kind}:{target}", context
    )


def _nested(name: str, read: RecordReader) -> Reader:
    def get(node: Any, scope: Scope) -> Any:
        before = len(scope.troubles)
        record = read(node, scope)
        _place_troubles(scope, before, name)
        return record if any(value is not None for value in record.values()) else None

    return get


def _placed(name: str, at: str, read: RecordReader, context: CompileContext) -> Reader:
    """A part that stands at a place of its own: null where nothing stands there, whatever is read of it."""
    find = compile_expression(at, context)

    def get(node: Any, scope: Scope) -> Any:
        found = find(node, scope)
        if isinstance(found, list):
            found = found[0] if found else None
        if found is None or found == "" or found == {}:
            return None
        before = len(scope.troubles)
        record = read(found, scope)
        _place_troubles(scope, before, name)
        return record

    return get


def _many(name: str, read: Reader, fit: Fit | None) -> Reader:
    """A list of single values; what does not fit is null in its place, empty ones are left out."""

    def get(node: Any, scope: Scope) -> list[Any]:
        found = read(node, scope)
        if found is None or found == "":
            return []
        out: list[Any] = []
        for index, one in enumerate(found if isinstance(found, list) else [found]):
            if one is None or one == "":
                continue
            try:
                out.append(fit(one) if fit is not None else one)
            except ValueProblem as problem:
                scope.troubles.append(Trouble(f"{name}[{index}]", str(problem)))
                out.append(None)
        return out

    return get


def _place_troubles(scope: Scope, before: int, name: str) -> None:
    """Troubles of a part say which part: `applicant.mobile`, `events[2].occurredAt`."""
    for index in range(before, len(scope.troubles)):
        trouble = scope.troubles[index]
        scope.troubles[index] = Trouble(f"{name}.{trouble.field}", trouble.message)


def _list_reader(name: str, each: str, read: RecordReader, context: CompileContext) -> Reader:
    find = compile_expression(each, context)

    def get(node: Any, scope: Scope) -> Any:
        found = find(node, scope)
        if found is None or found == "":
            return []
        records = []
        for index, one in enumerate(found if isinstance(found, list) else [found]):
            before = len(scope.troubles)
            records.append(read(one, scope))
            if len(scope.troubles) > before:
                _place_troubles(scope, before, f"{name}[{index}]")
        return records

    return get


def _object_reader(parts: Mapping[str, Reader]) -> Reader:
    def get(node: Any, scope: Scope) -> Any:
        found = {name: read(node, scope) for name, read in parts.items()}
        return {
            name: value
            for name, value in found.items()
            if value not in (None, "") and not isinstance(value, Unmapped)
        } or None

    return get
