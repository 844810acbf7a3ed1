"""The data behind every split of `splits.py`: subgraphs that answer only for what they own, and one schema for all of it.

A subgraph that is asked for what another one owns, took over or provides elsewhere raises: a plan that does so is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, build_schema, is_abstract_type, print_schema

from adapters.testing import ScriptedSubgraph
from gateway.planner import QueryGraph
from schema.compose import Composition, SubgraphSchema, compose
from tests.executor.splits import COMPUTED, CONTEXT, Held, Split

__all__ = ["SplitWorld", "build_split_world"]

Object = dict[str, Any]


class Failing:
    """A value that cannot be had."""


class Trespass(Exception):
    """A subgraph was asked for what is not its own."""


@dataclass(frozen=True)
class SplitWorld:
    """A composed split, its subgraphs, and the schema that answers the same from one place."""

    composition: Composition
    graph: QueryGraph
    subgraphs: Mapping[str, ScriptedSubgraph]
    monolith: GraphQLSchema
    log: list[str]
    """What mutations wrote down."""


def build_split_world(found: Split, labels: frozenset[str]) -> SplitWorld:
    """With the override labels that hold."""
    data = _data()
    composition = compose([SubgraphSchema(name, None, sdl) for name, sdl in found.sdls.items()])
    assert composition.supergraph is not None, (composition.errors, found.sdls)
    assert composition.api_schema is not None
    subgraphs = {
        name: ScriptedSubgraph(
            name,
            sdl,
            resolvers=_resolvers(found.held[name], data, labels),
            entities=_entities(found.held[name], data),
        )
        for name, sdl in found.sdls.items()
    }
    graph = QueryGraph(composition.supergraph).under(labels)
    return SplitWorld(composition, graph, subgraphs, _monolith(composition.api_schema, data), data["log"])


def _monolith(api_schema: GraphQLSchema, data: Object) -> GraphQLSchema:
    schema = build_schema(print_schema(api_schema))
    for type_ in schema.type_map.values():
        if is_abstract_type(type_):
            type_.resolve_type = lambda value, *_: value["__typename"]
        elif isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name, item in type_.fields.items():
                item.resolve = _with_above(_read(name))
                if type_.name in ("Query", "Mutation"):
                    item.resolve = (_root if type_.name == "Query" else _mutation)(name, data)
            if "label" in type_.fields:
                type_.fields["label"].resolve = lambda item, *_: _label(item, *_scope(item, data))
    return schema


def _with_above(read: Callable[..., Any]) -> Callable[..., Any]:
    """Objects know in which other one they were found: who reads a context looks there."""

    def known(value: Any, above: Object) -> Any:
        if isinstance(value, list):
            return [known(item, above) for item in value]
        return {**value, "__above": above} if isinstance(value, dict) else value

    return lambda item, *rest, **arguments: known(read(item, *rest, **arguments), item)


def _scope(item: Object, data: Object) -> tuple[Any, Any]:
    """What the nearest object above that sets the context gives."""
    above = item.get("__above")
    while above is not None and above["__typename"] not in CONTEXT:
        above = above.get("__above")
    of, size = CONTEXT[above["__typename"] if above else "Query"]
    found = above or data
    return _plain(found[of]), _plain(found[size])


def _label(item: Object, of: Any = None, size: Any = None) -> str:
    return f"{item['id']}, {of}, {size}"


def _root(name: str, data: Object) -> Callable[..., Any]:
    def resolve(_root: Any, _info: Any, **arguments: Any) -> Any:
        if "id" in arguments:
            return next((item for item in data["cases"] if item["id"] == arguments["id"]), None)
        if name == "found":
            return _found(data, **arguments)
        return data[name]

    return resolve


def _found(data: Object, order: str, filter: Object | None = None) -> list[Object]:  # noqa: A002 - the argument's name
    least = (filter or {}).get("least") or 0
    found = [item for item in data["cases"] if item["number"] >= least]
    return found if order == "ASC" else found[::-1]


def _mutation(name: str, data: Object) -> Callable[..., Any]:
    def resolve(_root: Any, _info: Any, **arguments: Any) -> Any:
        if name == "log":
            return list(data["log"])
        data["log"].append(f"{name} {sorted(arguments.items())}")
        kind, key = ("Case", "id") if name == "mark" else ("Region", "code")
        return next((item for item in data["all"][kind] if item[key] == arguments[key]), None)

    return resolve


def _read(name: str) -> Callable[..., Any]:
    def resolve(item: Object, _info: Any, currency: str | None = None) -> Any:
        value = _compute(name, item) if name in COMPUTED else item[name]
        value = value.get(currency) if currency is not None else value
        if isinstance(value, Failing):
            raise ValueError(f"{name} cannot be had")
        return value

    return resolve


def _compute(name: str, item: Object) -> Any:
    """From values, or from what a representation brought."""
    if name == "place":
        return f"in {_plain(item['region']['name'])}"
    if name == "who":
        return _plain(item["applicant"]["name"]) if item["applicant"] else "nobody"
    if name == "grand":
        total = item["total"] if "total" in item else _compute("total", item)
        return None if total is None else total + 1
    fee = item["fee"]
    known = fee if isinstance(fee, dict) else {"EUR": fee, "CNY": fee}
    if name == "totalCny":
        return _plain(known["CNY"])
    parts = (_plain(item["weight"]), _plain(known["EUR"]))
    return None if None in parts else parts[0] * 1000 + parts[1]


def _plain(value: Any) -> Any:
    return None if isinstance(value, Failing) else value


def _resolvers(
    held: Mapping[str, Held], data: Object, labels: frozenset[str]
) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for type_name, part in held.items():
        names = {*part.owned, *part.overridden, *part.external}
        for name in names:
            found[f"{type_name}.{name}"] = _resolver(type_name, name, part, data, labels)
    return found


def _resolver(
    type_name: str, name: str, part: Held, data: Object, labels: frozenset[str]
) -> Callable[..., Any]:
    if type_name == "Mutation":
        read = _mutation(name, data)
    elif type_name == "Query":
        if name == "topParty":
            return lambda *_: {"__typename": "Party", "id": data["parties"][0]["id"], "score": 7}
        read = _root(name, data)
    elif name == "label":
        return lambda item, _info, **arguments: _label(item, **arguments)
    elif name in part.requires:
        read = _from_representation(name, part)
    elif name in part.overridden and (part.overridden[name] is None or part.overridden[name] in labels):
        return _trespass(f"{type_name}.{name} was taken over")
    elif name in part.takes and part.takes[name] is not None and part.takes[name] not in labels:
        return _trespass(f"{type_name}.{name} is not taken over yet")
    elif name in part.external and name not in part.owned:
        return _if_provided(type_name, name)
    else:
        read = _read(name)
    return _providing(read, part.provides[name][1]) if name in part.provides else read


def _trespass(message: str) -> Callable[..., Any]:
    def resolve(*_arguments: Any, **_named: Any) -> Any:
        raise Trespass(message)

    return resolve


def _if_provided(type_name: str, name: str) -> Callable[..., Any]:
    def resolve(item: Object, info: Any, **arguments: Any) -> Any:
        if name not in item.get("__provided", ()):
            raise Trespass(f"{type_name}.{name} is external")
        return _read(name)(item, info, **arguments)

    return resolve


def _from_representation(name: str, part: Held) -> Callable[..., Any]:
    def resolve(item: Object, _info: Any) -> Any:
        brought = item.get("__brought", {})
        needed = [text.split("(")[0].split(" ")[0] for text in part.requires[name]]
        if any(text not in brought for text in needed):
            raise Trespass(f"{name} was asked without what it requires")
        own = {**item, **{text: brought[text] for text in needed}}
        applicant = own.get("applicant")
        if name == "who" and applicant and "name" not in applicant:
            if f"on {applicant['__typename']} " in part.requires[name][0]:
                raise Trespass("who was asked without a name")
            own["applicant"] = item["applicant"]  # a type whose nick is the subgraph's own
        return _compute(name, own)

    return resolve


def _providing(read: Callable[..., Any], name: str) -> Callable[..., Any]:
    def mark(value: Any) -> Any:
        if isinstance(value, list):
            return [mark(item) for item in value]
        return {**value, "__provided": {name}} if isinstance(value, dict) else value

    return lambda *arguments, **named: mark(read(*arguments, **named))


def _entities(held: Mapping[str, Held], data: Object) -> dict[str, Callable[[Object], Any]]:
    found = {item: _entity(item, part, data) for item, part in held.items()}
    if "Party" not in held:
        found["Party"] = lambda rep: next(
            (item for item in data["parties"] if item and item["id"] == rep["id"]), None
        )
    return found


def _entity(type_name: str, part: Held, data: Object) -> Callable[[Object], Any]:
    def find(representation: Object) -> Any:
        if not part.keys:
            raise Trespass(f"{type_name} is not resolvable here")
        if type_name == "Party":
            return {"__typename": "Party", "id": representation["id"], "score": 7}
        for item in data["all"][type_name]:
            if any(_matches(item, representation, key) for key in part.keys):
                return {**item, "__brought": representation}
        return None

    return find


def _matches(item: Object, representation: Object, key: str) -> bool:
    if key == "region { code } number":
        region = representation.get("region") or {}
        brought = (region.get("code"), representation.get("number"))
        return brought == (item["region"]["code"], item["number"])
    return bool(key in representation and representation[key] == item[key])


def _data() -> Object:
    """Objects that know each other. Some values fail, and some are null where the schema says non-null."""
    regions: list[Object] = [
        {
            "__typename": "Region",
            "code": f"5001{n}",
            "name": Failing() if n == 2 else f"region {n}",
            "size": n or None,
        }
        for n in range(3)
    ]
    people: list[Object] = [
        {
            "__typename": "Person",
            "id": f"p{n}",
            "email": f"p{n}@example.org",
            "name": [f"person {n}", None, Failing()][n % 3],
            "nick": None if n == 1 else f"nick {n}",
            "home": regions[n] if n < 2 else None,
            "score": 7,
        }
        for n in range(3)
    ]
    companies: list[Object] = [
        {
            "__typename": "Company",
            "id": f"k{n}",
            "name": f"company {n}",
            "nick": f"co {n}",
            "tax": Failing() if n else 3,
            "score": 7,
        }
        for n in range(2)
    ]
    parties = [companies[0], people[0], people[1], None, companies[1]]
    cases: list[Object] = [
        {
            "__typename": "Case",
            "id": f"c{n}",
            "number": n,
            "region": regions[n % 3],
            "title": None if n == 3 else f"title {n}",
            "state": ["OPEN", "CLOSED", None][n % 3],
            "weight": Failing() if n == 1 else n,
            "fee": {"CNY": n * 10, "EUR": None if n == 2 else n},
            "applicant": parties[n % 5],
            "owner": people[n % 3] if n else None,
            "events": [{"__typename": "Event", "at": f"t{n}", "text": "x", "actor": parties[(n + 1) % 5]}],
            "strict": None if n == 2 else "s",
        }
        for n in range(4)
    ]
    things = [cases[0], people[2], regions[1]]
    for n, case in enumerate(cases):
        case["links"] = [[cases[n - 1], None], None] if n else []
        case["events"][0]["about"] = things[n % 3]
    for n, region in enumerate(regions):
        region |= {"parent": regions[n - 1] if n else None, "cases": cases[n:], "boss": people[n]}
    for n, party in enumerate([*people, *companies]):
        party["cases"] = [cases[n % 4], None] if n != 1 else None
    everything = {"Case": cases, "Region": regions, "Person": people, "Company": companies}
    return {
        "all": everything,
        "cases": cases,
        "regions": [regions[0], None, regions[2]],
        "people": people,
        "parties": parties,
        "things": things,
        "me": people[1],
        "topParty": parties[0],
        "motto": "for the people",
        "era": 2018,
        "log": [],
    }
