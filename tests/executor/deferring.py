"""Puts @defer into valid operations at random, and puts answers in parts together again, as a client does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableNode,
    Visitor,
    is_composite_type,
    parse,
    print_ast,
    visit,
)

from gateway.executor import LaterPart, Payload

__all__ = ["PutTogether", "differs", "with_deferred_fragments"]


def with_deferred_fragments(text: str, schema: GraphQLSchema, seed: int) -> str:
    """The operation with some of its selections in deferred fragments: inline, named, nested, under conditions."""
    types = TypeInfo(schema)
    wrapper = _Wrapper(types, Random(seed))
    document: DocumentNode = visit(parse(text), TypeInfoVisitor(types, wrapper))
    operation = next(item for item in document.definitions if isinstance(item, OperationDefinitionNode))
    return print_ast(DocumentNode(definitions=(operation, *wrapper.fragments)))


class _Wrapper(Visitor):
    def __init__(self, types: TypeInfo, random: Random) -> None:
        super().__init__()
        self._types, self._random = types, random
        self.fragments: list[FragmentDefinitionNode] = []
        self._labels = 0

    def enter_inline_fragment(self, node: InlineFragmentNode, *_args: object) -> InlineFragmentNode | None:
        if self._random.random() < 0.6:
            return None
        return InlineFragmentNode(
            type_condition=node.type_condition,
            directives=(*(node.directives or ()), self._defer()),
            selection_set=node.selection_set,
        )

    def leave_selection_set(self, node: SelectionSetNode, *_args: object) -> SelectionSetNode | None:
        parent = self._types.get_parent_type()
        if parent is None or not is_composite_type(parent) or self._random.random() < 0.55:
            return None
        chosen = [item for item in node.selections if self._random.random() < 0.6]
        if not chosen:
            return None
        kept = [item for item in node.selections if item not in chosen or self._random.random() < 0.2]
        return SelectionSetNode(selections=(*kept, *self._wrapped(chosen, parent.name)))

    def _wrapped(self, chosen: Sequence[SelectionNode], type_name: str) -> list[SelectionNode]:
        inner = SelectionSetNode(selections=tuple(chosen))
        if self._random.random() < 0.5:
            condition = NamedTypeNode(name=NameNode(value=type_name)) if self._random.random() < 0.5 else None
            return [
                InlineFragmentNode(type_condition=condition, directives=(self._defer(),), selection_set=inner)
            ]
        name = NameNode(value=f"Part{len(self.fragments)}")
        on = NamedTypeNode(name=NameNode(value=type_name))
        self.fragments.append(
            FragmentDefinitionNode(name=name, type_condition=on, directives=(), selection_set=inner)
        )
        times = self._random.choice((1, 1, 1, 2))
        return [FragmentSpreadNode(name=name, directives=(self._defer(),)) for _ in range(times)]

    def _defer(self) -> DirectiveNode:
        arguments: list[ArgumentNode] = []
        wanted: ValueNode | None = self._random.choice(
            (
                None,
                None,
                BooleanValueNode(value=True),
                BooleanValueNode(value=False),
                VariableNode(name=NameNode(value="yes")),
                VariableNode(name=NameNode(value="no")),
            )
        )
        if wanted is not None:
            arguments.append(ArgumentNode(name=NameNode(value="if"), value=wanted))
        if self._random.random() < 0.1:
            self._labels += 1
            label = StringValueNode(value=f"part {self._labels}", block=False)
            arguments.append(ArgumentNode(name=NameNode(value="label"), value=label))
        return DirectiveNode(name=NameNode(value="defer"), arguments=tuple(arguments))


class PutTogether:
    """A client: parts are added to the object at their path. Raises where there is none."""

    def __init__(self) -> None:
        self.data: Any = None
        self.errors: list[Any] = []
        self.failed: list[tuple[str | int, ...]] = []
        """Places at which a part was null."""
        self.payloads = 0

    def take(self, payload: Payload) -> None:
        if self.payloads == 0:
            self.data = payload.data
            self.errors += payload.errors
        else:
            assert payload.data is None
        self.payloads += 1
        for part in payload.parts:
            self._add(part)

    def _add(self, part: LaterPart) -> None:
        place = self.data
        for step in part.path:
            place = place[step]
        assert isinstance(place, dict), part
        self.errors += part.errors
        if part.data is None:
            self.failed.append(part.path)
        else:
            _merge(place, part.data)


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        known = into.get(key)
        if key not in into:
            into[key] = value
        elif isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            _merge_lists(known, value)
        elif value is None or known is None:
            into[key] = None  # null in one part: it bubbled there
        else:
            assert known == value, (key, known, value)


def _merge_lists(into: list[Any], other: list[Any]) -> None:
    assert len(into) == len(other)
    for index, (known, value) in enumerate(zip(into, other, strict=True)):
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            _merge_lists(known, value)
        elif value is None or known is None:
            into[index] = None
        else:
            assert known == value, (known, value)


def differs(
    expected: Any, found: Any, failed: Iterable[Sequence[str | int]], path: tuple[str | int, ...] = ()
) -> str | None:
    """Where a whole answer and one put together differ; null bubbles no further than to the part that it is in."""
    if expected is None and any(tuple(one)[: len(path)] == path for one in failed):
        return None
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = expected.keys() ^ found.keys()
        if missing and not any(tuple(one) == path for one in failed):
            return f"{path}: {sorted(missing)}"
        pairs: Iterable[tuple[str | int, Any, Any]] = (
            (key, expected[key], found[key]) for key in expected.keys() & found.keys()
        )
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = ((index, one, other) for index, (one, other) in enumerate(zip(expected, found, strict=True)))
    else:
        return None if expected == found else f"{path}: {expected!r} and {found!r}"
    for step, one, other in pairs:
        wrong = differs(one, other, failed, (*path, step))
        if wrong is not None:
            return wrong
    return None
