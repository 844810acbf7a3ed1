"""@shareable: a field that several subgraphs resolve says so in all of them."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import GraphQLSyntaxError

from schema.compose.field_sets import parse_field_set
from schema.compose.merge.overrides import Taken
from schema.compose.merge.report import Report, Sources
from schema.compose.subgraph import SubgraphField, SubgraphModel
from schema.compose.subgraph.field_sets import fields_of
from schema.compose.type_text import named_type

__all__ = ["SharingRules"]

Coordinates = set[tuple[str, str]]


class SharingRules:
    """Knows the fields that share without saying so (keys) and externals that count as resolved (@provides)."""

    def __init__(self, sources: Sources, report: Report) -> None:
        self.sources = sources
        self.report = report
        self.keys = {name: _key_fields(model) for name, model in sources.models.items()}
        self.provided = {name: _provided_fields(model) for name, model in sources.models.items()}

    def check(self, type_name: str, name: str, holders: Mapping[str, SubgraphField], taken: Taken) -> None:
        """INVALID_FIELD_SHARING, if the field has more than one resolver and not all share."""
        resolvers: dict[str, tuple[SubgraphField, bool, str]] = {}
        replaced = taken.replaced()
        for subgraph, item in holders.items():
            place = (type_name, name)
            if subgraph in replaced:
                continue
            if not item.external:
                shares = item.shareable or place in self.keys[subgraph]
                resolvers[subgraph] = (item, shares, "")
            elif place in self.provided[subgraph]:
                resolvers[subgraph] = (item, True, " (by @provides)")
        resolvers |= self._through_interfaces(type_name, name, resolvers)
        unshared = [subgraph for subgraph, (_, shares, _) in resolvers.items() if not shares]
        if len(resolvers) < 2 or not unshared:
            return
        listed = ", ".join(f"{subgraph}{how}" for subgraph, (_, _, how) in resolvers.items())
        message = (
            f"{type_name}.{name} is resolved by {listed}, but is not @shareable in {', '.join(unshared)}; add "
            "@shareable there, or let one subgraph own the field (@override moves it)"
        )
        line = resolvers[unshared[0]][0].line
        self.report.error(
            "INVALID_FIELD_SHARING",
            message,
            subgraph=unshared[0],
            type_name=type_name,
            field_name=name,
            line=line,
        )

    def _through_interfaces(
        self, type_name: str, name: str, known: Mapping[str, object]
    ) -> dict[str, tuple[SubgraphField, bool, str]]:
        found = {}
        interfaces = {item for part in self.sources.parts[type_name].values() for item in part.interfaces}
        for interface in sorted(interfaces):
            for subgraph, part in self.sources.parts.get(interface, {}).items():
                item = part.fields.get(name) if part.interface_object else None
                if item is not None and not item.external and subgraph not in known:
                    shares = item.shareable or (interface, name) in self.keys[subgraph]
                    found[subgraph] = (item, shares, f" (through @interfaceObject {interface})")
        return found


def _key_fields(model: SubgraphModel) -> Coordinates:
    return {
        mentioned
        for part in model.types.values()
        for key in part.keys
        for mentioned in _mentioned(key.fields, part.name, model)
    }


def _provided_fields(model: SubgraphModel) -> Coordinates:
    return {
        mentioned
        for part in model.types.values()
        for item in part.fields.values()
        if item.provides
        for mentioned in _mentioned(item.provides, named_type(item.type), model)
    }


def _mentioned(text: str, type_name: str, model: SubgraphModel) -> list[tuple[str, str]]:
    try:
        return list(fields_of(parse_field_set(text), type_name, model.types))
    except GraphQLSyntaxError:
        return []  # reported by the checks of field sets, with the reason
