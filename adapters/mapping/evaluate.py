"""Expressions to closures over plain trees: each part is looked at once, when it is compiled."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from adapters.mapping import expression as ex
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.foreign import compile_foreign
from adapters.mapping.functions import FUNCTIONS, CompileContext, Reader, as_text, versioned_table
from adapters.mapping.scope import Scope
from adapters.mapping.tree import Leaf

__all__ = ["reader_of"]


def reader_of(tree: ex.Expression, context: CompileContext) -> Reader:
    match tree:
        case ex.Literal(value):
            return lambda _node, _scope: value
        case ex.Path():
            return _path(tree)
        case ex.Call():
            return _call(tree, context)
        case ex.Not(inner):
            read = reader_of(inner, context)
            return lambda node, scope: not read(node, scope)
        case ex.ListOf(items):
            readers = [reader_of(one, context) for one in items]
            return lambda node, scope: [one(node, scope) for one in readers]
        case ex.Binary():
            return _binary(tree, context)
        case ex.Choice(condition, value, otherwise):
            test, then, other = (reader_of(one, context) for one in (condition, value, otherwise))
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
            arguments.append(reader_of(argument, context))
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
    read = reader_of(call.value, context)
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
    left, right = reader_of(tree.left, context), reader_of(tree.right, context)
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
