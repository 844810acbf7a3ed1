"""Expressions and maps to closures: parsed once, compiled once, run for every record.

Closures over plain dict/list trees cost about half of JMESPath (bench/mapping.py) and can be stepped through; a map
that is used much becomes source besides (`generate.py`). XML is first read into such a tree,
pruned to the names that the closures ask for (`tree.py`), so JSON and XML share everything here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from adapters.mapping import expression as ex
from adapters.mapping.dates import iso_reader
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.foreign import compile_foreign
from adapters.mapping.functions import FUNCTIONS, CompileContext, Reader, as_text, versioned_table
from adapters.mapping.generate import Entry, Together, generate
from adapters.mapping.scope import Scope, Trouble, Unmapped
from adapters.mapping.tree import Leaf
from schema.canonical import Field, Record
from schema.identifiers import mask_address, mask_id, mask_in_text, mask_mobile, mask_name

__all__ = [
    "RecordReader",
    "compile_condition",
    "compile_expression",
    "compile_map",
    "map_closures",
    "raw_source",
]

RecordReader = Callable[[Any, Scope], dict[str, Any]]
Fit = Callable[[Any], Any]
RAW_OF = {"rawStatus": "state", "rawKind": "kind"}
"""A raw field that is not mapped is what its canonical sibling's code table was asked."""


def compile_expression(text: str, context: CompileContext) -> Reader:
    """Raises ExpressionError."""
    return _reader(ex.parse(text), context)


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
        return (_reader(raw, context), _fit("str", "", context)) if raw is not None else None
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
        return _many(field.name, _reader(ex.parse(value), context), _fit_of(target, context)), None
    if kind == "json" and isinstance(value, Mapping):
        parts = {name: compile_expression(one, context) for name, one in value.items()}
        return _object_reader(parts), None
    tree = ex.parse(value)
    # what `date` and `epoch_*` give already has the network's form
    dated = isinstance(tree, ex.Call) and tree.name in ("date", "epoch_ms", "epoch_s")
    return _reader(tree, context), None if kind == "datetime" and dated else _fit(kind, target, context)


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


def _fit_of(type_: str, context: CompileContext) -> Fit | None:
    kind, _, target = type_.partition(":")
    return _fit(kind, target, context)


def _fit(kind: str, target: str, context: CompileContext) -> Fit | None:
    """Brings a value to the type of its field; empty text is null."""
    if kind == "enum":
        return _fit_enum(target, context.enums(target))
    if kind == "mask":
        return _fit_masked(_MASKS[target])
    if kind == "datetime":
        iso = iso_reader(context.offset)
        return lambda value: iso(as_text(value)) if value != "" else None
    return {
        "str": _fit_text,
        "date": _fit_date,
        "int": _fit_int,
        "float": _fit_float,
        "bool": _fit_bool,
        "json": _fit_json,
    }.get(kind)


_MASKS: Mapping[str, Callable[[str], str]] = {
    "NAME": mask_name,
    "ID_NUMBER": mask_id,
    "PHONE": mask_mobile,
    "ADDRESS": mask_address,
    "TEXT": mask_in_text,
}
"""Kinds of personal text; TEXT is text that should hold none: what looks like a number of a person is masked."""


def _fit_masked(mask: Callable[[str], str]) -> Fit:
    def fit(value: Any) -> str | None:
        text = _fit_text(value)
        return mask(text) if text is not None else None

    return fit


def _fit_json(value: Any) -> Any:
    return None if isinstance(value, Unmapped) else value


def _fit_enum(target: str, allowed: Collection[str]) -> Fit:
    unknown = "UNKNOWN" if "UNKNOWN" in allowed else None

    def fit(value: Any) -> str | None:
        if type(value) is str and value in allowed:
            return value
        if isinstance(value, Unmapped):
            return unknown
        if isinstance(value, str) and value in allowed:
            return value
        if value == "":
            return None
        raise ValueProblem(f"not a value of {target}: map it with a code table")

    return fit


def _fit_text(value: Any) -> str | None:
    if type(value) is str:  # nearly always
        return value.strip() or None
    if isinstance(value, Unmapped):
        return None
    return as_text(value).strip() or None


def _fit_date(value: Any) -> str | None:
    text = _fit_text(value)
    if text is None:
        return None
    return iso_reader(CompileContext().offset)(text)[:10]


def _fit_int(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _fit_text(value)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueProblem("not a whole number") from None


def _fit_float(value: Any) -> float | None:
    text = _fit_text(value)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueProblem("not a number") from None


def _fit_bool(value: Any) -> bool | None:
    text = _fit_text(value)
    if text is None:
        return None
    if text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    raise ValueProblem("neither true nor false: use bool(...)")


def _reader(tree: ex.Expression, context: CompileContext) -> Reader:
    match tree:
        case ex.Literal(value):
            return lambda _node, _scope: value
        case ex.Path():
            return _path(tree)
        case ex.Call():
            return _call(tree, context)
        case ex.Not(inner):
            read = _reader(inner, context)
            return lambda node, scope: not read(node, scope)
        case ex.ListOf(items):
            readers = [_reader(one, context) for one in items]
            return lambda node, scope: [one(node, scope) for one in readers]
        case ex.Binary():
            return _binary(tree, context)
        case ex.Choice(condition, value, otherwise):
            test, then, other = (_reader(one, context) for one in (condition, value, otherwise))
            return lambda node, scope: then(node, scope) if test(node, scope) else other(node, scope)
        case ex.Foreign(language, text, offset):
            try:
                look = compile_foreign(language, text)
            except ExpressionError as error:
                raise ExpressionError(error.message, offset + error.offset, error.allowed) from None
            return lambda node, _scope: look(node)


def _path(path: ex.Path) -> Reader:
    steps = path.steps
    if path.root:
        root = path.root
        return lambda _node, scope: _walk(scope.roots.get(root), steps)
    if not steps:
        return lambda node, _scope: node
    if len(steps) == 1 and isinstance(name := steps[0], str):
        # the common case, without a loop
        return lambda node, _scope: node.get(name) if type(node) is dict else _walk(node, steps)
    return lambda node, _scope: _walk(node, steps)


def _walk(node: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if node is None or node == "":
            return None
        if isinstance(step, int):
            if isinstance(node, list):
                node = node[step] if -len(node) <= step < len(node) else None
            elif step not in (0, -1):  # XML: one element is a list of one
                node = None
        elif isinstance(node, Mapping):
            node = node.get(step)
        elif isinstance(node, Leaf):
            node = node.attributes.get(step)
        elif isinstance(node, list):
            raise ValueProblem(f"a list stands before {step!r}: take [0] or use `each`")
        else:
            return None
    return node


def _call(call: ex.Call, context: CompileContext) -> Reader:
    function = FUNCTIONS.get(call.name)
    if function is None:
        raise ExpressionError(
            f"no function {call.name!r}", call.offset, f"functions: {', '.join(sorted(FUNCTIONS))}"
        )
    if not function.least <= len(call.arguments) <= function.most:
        raise ExpressionError(f"{call.name} takes {function.least} to {function.most} arguments", call.offset)
    arguments: list[Any] = []
    for position, argument in enumerate(call.arguments):
        if call.name == "table" and position == 1:  # the day whose version of the table holds
            if isinstance(argument, ex.Literal) and not isinstance(argument.value, str):
                raise ExpressionError(
                    "the second of table is a day", call.offset, "an expression or YYYY-MM-DD"
                )
            arguments.append(_reader(argument, context))
            continue
        if not isinstance(argument, ex.Literal):
            raise ExpressionError(f"{call.name} takes literals", call.offset)
        arguments.append(argument.value)
    try:
        apply = function.make(arguments, context)
    except ExpressionError as error:
        raise ExpressionError(error.message, call.offset, error.allowed) from None
    except (ValueError, IndexError, TypeError) as error:
        raise ExpressionError(f"{call.name} cannot take these arguments: {error}", call.offset) from None
    read = _reader(call.value, context)
    keeps_null = call.name == "default"

    def get(node: Any, scope: Scope) -> Any:
        value = read(node, scope)
        if (value is None or value == "") and not keeps_null:
            return None
        return apply(value, scope)

    if call.name == "table" and len(arguments) > 1:
        return _versioned(str(arguments[0]), read, arguments[1], context)
    return get


def _versioned(name: str, read: Reader, when: Reader, context: CompileContext) -> Reader:
    """A code of the version of its table that held on a day; without the day, of the newest."""
    look_up = versioned_table(name, context)

    def get(node: Any, scope: Scope) -> Any:
        value = read(node, scope)
        if value is None or value == "":
            return None
        day = when(node, scope)
        return look_up(value, as_text(day)[:10] if day else None, scope)

    return get


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _binary(tree: ex.Binary, context: CompileContext) -> Reader:
    left, right = _reader(tree.left, context), _reader(tree.right, context)
    match tree.operator:
        case "and":
            return lambda node, scope: bool(left(node, scope)) and bool(right(node, scope))
        case "or":
            return lambda node, scope: bool(left(node, scope)) or bool(right(node, scope))
        case "??":
            return _coalesce(left, right)
        case "==":
            return lambda node, scope: _same(left(node, scope), right(node, scope))
        case "!=":
            return lambda node, scope: not _same(left(node, scope), right(node, scope))
        case "in":
            return lambda node, scope: _within(left(node, scope), right(node, scope))
        case _:
            compare = _COMPARE[tree.operator]
            return lambda node, scope: _ordered(compare, left(node, scope), right(node, scope))


def _coalesce(left: Reader, right: Reader) -> Reader:
    def get(node: Any, scope: Scope) -> Any:
        value = left(node, scope)
        return right(node, scope) if value is None or value == "" else value

    return get


def _same(left: Any, right: Any) -> bool:
    """`code == "0"` holds for the text 0 and the number 0: XML knows only text."""
    if left is None or right is None or isinstance(left, list | dict) or isinstance(right, list | dict):
        return bool(left == right)
    return as_text(left).strip() == as_text(right).strip()


def _within(value: Any, found: Any) -> bool:
    """XML gives the text of an only child: that is a list of one."""
    if found is None or isinstance(found, Mapping):
        return False
    return any(_same(value, one) for one in (found if isinstance(found, list) else [found]))


def _ordered(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return compare(float(as_text(left)), float(as_text(right)))
    except ValueError:
        return compare(as_text(left), as_text(right))
