"""One field of one type, from every subgraph that has it: type, arguments, who resolves it, who may share it."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import GraphQLSyntaxError, NonNullTypeNode, SelectionSetNode, TypeNode

from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.field_sets import field_set_problems, fields_of, parse_field_set
from schema.compose.subgraph import SubgraphArgument, SubgraphField, SubgraphType
from schema.compose.supergraph import ArgumentDefinition, FieldDefinition, FieldJoin, Kind
from schema.compose.type_text import merge_input, merge_output, named_type, type_text

__all__ = ["FieldMerger"]

Holders = Mapping[str, SubgraphField]  # by subgraph


class FieldMerger:
    """Merges fields against all parts of all types; appends what it finds to `errors` and `hints`."""

    def __init__(
        self,
        parts: Mapping[str, Mapping[str, SubgraphType]],
        subgraphs: frozenset[str],
        errors: list[CompositionError],
        hints: list[CompositionHint],
    ) -> None:
        self.parts = parts
        self.subgraphs = subgraphs
        self.errors = errors
        self.hints = hints
        self.key_fields = _key_fields(parts)

    def merge(self, type_name: str, name: str, *, is_input: bool) -> FieldDefinition | None:
        """The merged field, or None if it is not in the supergraph (input fields that not all subgraphs have)."""
        parts = self.parts[type_name]
        holders = {subgraph: part.fields[name] for subgraph, part in parts.items() if name in part.fields}
        if is_input and not self._in_all(type_name, name, holders):
            return None
        node = self._merge_types(type_name, name, holders, is_input=is_input)
        first = next(iter(holders.values()))
        overridden = self._overridden(type_name, name, holders)
        if not is_input:
            self._check_sharing(type_name, name, holders, overridden)
        return FieldDefinition(
            name,
            type_text(node),
            named_type(node),
            joins={
                subgraph: _join(item, overridden=subgraph in overridden) for subgraph, item in holders.items()
            },
            arguments=self._merge_arguments(type_name, name, holders),
            default=next((item.default for item in holders.values() if item.default is not None), None),
            description=next((item.description for item in holders.values() if item.description), None),
            deprecated=next(
                (item.deprecated for item in holders.values() if item.deprecated is not None), None
            ),
            inaccessible=any(item.inaccessible for item in holders.values()) or first.inaccessible,
        )

    def _in_all(self, type_name: str, name: str, holders: Holders) -> bool:
        missing = [subgraph for subgraph in self.parts[type_name] if subgraph not in holders]
        if not missing:
            return True
        required = [
            subgraph
            for subgraph, item in holders.items()
            if isinstance(item.type, NonNullTypeNode) and item.default is None
        ]
        if required:
            message = f"{type_name}.{name} is required in {required[0]} and missing in {', '.join(missing)}"
            line = self.parts[type_name][missing[0]].line
            code = "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH"
            self.errors.append(CompositionError(code, message, missing[0], type_name, name, line))
        else:
            message = f"{type_name}.{name} is left out: it is missing in {', '.join(missing)}"
            self.hints.append(
                CompositionHint("INCONSISTENT_INPUT_OBJECT_FIELD", message, missing[0], type_name, name)
            )
        return False

    def _merge_types(self, type_name: str, name: str, holders: Holders, *, is_input: bool) -> TypeNode:
        items = iter(holders.items())
        merged: TypeNode = next(items)[1].type
        for subgraph, item in items:
            both = (
                merge_input(merged, item.type)
                if is_input
                else merge_output(merged, item.type, self._is_subtype)
            )
            if both is None:
                code = "EXTERNAL_TYPE_MISMATCH" if item.external else "FIELD_TYPE_MISMATCH"
                message = f"{type_name}.{name} is {type_text(item.type)} in {subgraph} and {type_text(merged)} elsewhere"
                self.errors.append(CompositionError(code, message, subgraph, type_name, name, item.line))
            else:
                merged = both
        return merged

    def _is_subtype(self, name: str, of: str) -> bool:
        """Whether any subgraph says that `name` implements, or is a member of, `of`."""
        members = (member for part in self.parts.get(of, {}).values() for member in part.members)
        interfaces = (item for part in self.parts.get(name, {}).values() for item in part.interfaces)
        return name in members or of in interfaces

    def _overridden(self, type_name: str, name: str, holders: Holders) -> set[str]:
        """Subgraphs whose resolver is taken over. A label makes it progressive: not taken over yet."""
        taken: set[str] = set()
        for subgraph, item in holders.items():
            if item.override_from is None:
                continue
            if item.override_from == subgraph:
                message = f"{type_name}.{name} in {subgraph} overrides itself"
                self.errors.append(
                    CompositionError(
                        "OVERRIDE_FROM_SELF_ERROR", message, subgraph, type_name, name, item.line
                    )
                )
            elif item.override_label is not None:
                message = (
                    f"{type_name}.{name}: progressive override ({item.override_label}) is not active yet"
                )
                self.hints.append(
                    CompositionHint("OVERRIDE_MIGRATION_IN_PROGRESS", message, subgraph, type_name, name)
                )
                taken.add(subgraph)
            elif item.override_from in self.subgraphs:
                taken.add(item.override_from)
            else:
                message = f"{type_name}.{name} overrides {item.override_from}, which is not a subgraph"
                self.hints.append(
                    CompositionHint("FROM_SUBGRAPH_DOES_NOT_EXIST", message, subgraph, type_name, name)
                )
        return taken

    def _check_sharing(self, type_name: str, name: str, holders: Holders, overridden: set[str]) -> None:
        if self.parts[type_name][next(iter(holders))].kind is Kind.INTERFACE:
            return
        resolvers = [
            subgraph
            for subgraph, item in holders.items()
            if not item.external
            and subgraph not in overridden
            and (subgraph, type_name, name) not in self.key_fields
        ]
        others = [item for item in holders if not holders[item].external and item not in overridden]
        unshared = [subgraph for subgraph in resolvers if not holders[subgraph].shareable]
        if len(others) > 1 and unshared:
            listed = ", ".join(others)
            message = (
                f"{type_name}.{name} is resolved by {listed} but is not @shareable in {', '.join(unshared)}"
            )
            line = holders[unshared[0]].line
            self.errors.append(
                CompositionError("INVALID_FIELD_SHARING", message, unshared[0], type_name, name, line)
            )

    def _merge_arguments(self, type_name: str, name: str, holders: Holders) -> tuple[ArgumentDefinition, ...]:
        merged = []
        resolving = {key: item for key, item in holders.items() if not item.external} or holders
        for argument in dict.fromkeys(key for item in resolving.values() for key in item.arguments):
            found = {
                key: item.arguments[argument] for key, item in resolving.items() if argument in item.arguments
            }
            missing = [subgraph for subgraph in resolving if subgraph not in found]
            if missing:
                self._check_left_out(type_name, name, argument, found, missing)
                continue
            merged.append(self._merge_argument(type_name, name, found))
        return tuple(merged)

    def _check_left_out(
        self,
        type_name: str,
        name: str,
        argument: str,
        found: Mapping[str, SubgraphArgument],
        missing: list[str],
    ) -> None:
        required = [
            key for key, item in found.items() if isinstance(item.type, NonNullTypeNode) and not item.default
        ]
        if required:
            message = f"{type_name}.{name}({argument}:) is required in {required[0]} and missing in {', '.join(missing)}"
            code = "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH"
            line = self.parts[type_name][missing[0]].fields[name].line
            self.errors.append(CompositionError(code, message, missing[0], type_name, name, line))
        else:
            message = f"{type_name}.{name}({argument}:) is left out: it is missing in {', '.join(missing)}"
            self.hints.append(
                CompositionHint("INCONSISTENT_ARGUMENT_PRESENCE", message, missing[0], type_name, name)
            )

    def _merge_argument(
        self, type_name: str, name: str, found: Mapping[str, SubgraphArgument]
    ) -> ArgumentDefinition:
        items = iter(found.items())
        first = next(items)[1]
        node = first.type
        for subgraph, item in items:
            both, line = merge_input(node, item.type), self.parts[type_name][subgraph].fields[name].line
            place = f"{type_name}.{name}({item.name}:)"
            if both is None:
                message = f"{place} is {type_text(item.type)} in {subgraph} and {type_text(node)} elsewhere"
                self.errors.append(
                    CompositionError("FIELD_ARGUMENT_TYPE_MISMATCH", message, subgraph, type_name, name, line)
                )
            node = both or node
            if item.default != first.default:
                message = (
                    f"{place} has the default {item.default} in {subgraph} and {first.default} elsewhere"
                )
                self.errors.append(
                    CompositionError(
                        "FIELD_ARGUMENT_DEFAULT_MISMATCH", message, subgraph, type_name, name, line
                    )
                )
        return ArgumentDefinition(
            first.name,
            type_text(node),
            first.default,
            next((item.description for item in found.values() if item.description), None),
            next((item.deprecated for item in found.values() if item.deprecated is not None), None),
            any(item.inaccessible for item in found.values()),
        )


def _key_fields(parts: Mapping[str, Mapping[str, SubgraphType]]) -> set[tuple[str, str, str]]:
    """(subgraph, type, field) of everything that a key mentions: such fields may be shared without saying so."""
    by_subgraph: dict[str, dict[str, SubgraphType]] = {}
    for name, holders in parts.items():
        for subgraph, part in holders.items():
            by_subgraph.setdefault(subgraph, {})[name] = part
    return {
        (subgraph, *mentioned)
        for subgraph, types in by_subgraph.items()
        for part in types.values()
        for key in part.keys
        if not field_set_problems(key.fields, part.name, types)
        for mentioned in fields_of(parse_field_set(key.fields), part.name, types)
    }


def _join(item: SubgraphField, *, overridden: bool) -> FieldJoin:
    return FieldJoin(
        type_text(item.type),
        named_type(item.type),
        external=item.external,
        overridden=overridden,
        requires=_selection(item.requires),
        provides=_selection(item.provides),
    )


def _selection(text: str | None) -> SelectionSetNode | None:
    try:
        return parse_field_set(text) if text else None
    except GraphQLSyntaxError:
        return None  # reported by validate.py, with the reason
