"""One schema, split over subgraphs at random: who holds which type by which keys, who owns, shares, overrides, requires
and provides which field. Every split is satisfiable: one subgraph of each entity has all of its keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

__all__ = ["COMPUTED", "CONTEXT", "FIELDS", "KEYS", "LABEL", "ROOTS", "Held", "Split", "split"]

LABEL = "tried-out"
KEYS: Mapping[str, tuple[str, ...]] = {
    "Case": ("id", "region { code } number"),
    "Region": ("code",),
    "Person": ("id", "email"),
    "Company": ("id",),
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "Case": {
        "id": "ID!",
        "number": "Int!",
        "region": "Region!",
        "title": "String",
        "state": "State",
        "weight": "Int",
        "fee": "Int",
        "total": "Int",
        "totalCny": "Int",
        "grand": "Int",
        "who": "String",
        "place": "String",
        "applicant": "Party",
        "owner": "Person",
        "events": "[Event!]!",
        "strict": "String!",
        "links": "[[Case]]",
    },
    "Region": {
        "code": "ID!",
        "name": "String",
        "size": "Int",
        "parent": "Region",
        "cases": "[Case!]",
        "boss": "Person",
    },
    "Person": {
        "id": "ID!",
        "email": "String!",
        "name": "String",
        "nick": "String!",
        "cases": "[Case]",
        "home": "Region",
    },
    "Company": {"id": "ID!", "name": "String", "nick": "String!", "cases": "[Case]", "tax": "Int"},
}
ARGUMENTS = {
    "Case.fee": '(currency: String = "CNY")',
    "Query.case": "(id: ID!)",
    "Query.found": "(filter: Filter, order: Order = ASC)",
    "Mutation.mark": "(id: ID!)",
    "Mutation.note": "(code: ID!, times: Int = 1)",
}
VALUES = {"Event": {"at": "String!", "text": "String", "actor": "Party", "about": "Thing"}}
ROOTS = {
    "cases": "[Case!]",
    "case": "Case",
    "regions": "[Region]",
    "people": "[Person!]!",
    "parties": "[Party]",
    "things": "[Thing!]",
    "me": "Person",
    "found": "[Case!]",
}
MUTATIONS = {"mark": "Case", "note": "Region", "log": "[String!]"}
"""What they do is written down, so that a wrong order shows."""
INPUTS = ("Filter", "Order")
PARTY = ("name", "nick", "cases")
MEMBERS = {"Party": ("Person", "Company"), "Thing": ("Case", "Person", "Region")}
COMPUTED: Mapping[str, tuple[str, ...]] = {
    "total": ("weight", 'fee(currency: "EUR")'),
    "totalCny": ('fee(currency: "CNY")',),
    "place": ("region { name }",),
    "grand": ("total",),
    "who": ("applicant { ... on Person { name } ... on Company { name } }",),
}
"""Fields of Case that are computed from others."""


CONTEXT: Mapping[str, tuple[str, str]] = {
    "Query": ("motto", "era"),
    "Case": ("title", "number"),
    "Region": ("name", "size"),
}
"""Types that set the context "scope", with the fields of them that Person.label reads."""


@dataclass
class Held:
    """One subgraph's part in a type. keys: empty for a stub that is only referred to."""

    keys: tuple[str, ...] = ()
    owned: dict[str, str] = field(default_factory=dict)
    external: set[str] = field(default_factory=set)
    overridden: dict[str, str | None] = field(default_factory=dict)
    """Fields that another takes over: with the label, if it is progressive."""
    takes: dict[str, str | None] = field(default_factory=dict)
    """The same on the other side."""
    requires: dict[str, tuple[str, ...]] = field(default_factory=dict)
    provides: dict[str, tuple[str, str]] = field(default_factory=dict)
    """field -> (type below, its field that is provided)."""


@dataclass
class Split:
    """By subgraph: SDL, and what it holds of each type."""

    sdls: dict[str, str]
    held: dict[str, dict[str, Held]]


def split(seed: int) -> Split:
    """The split of a seed."""
    return _Splitter(Random(seed)).split()


class _Splitter:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.names = [f"s{number}" for number in range(rng.randint(2, 4))]
        self.held: dict[str, dict[str, Held]] = {name: {} for name in self.names}
        self.interface_objects: set[str] = set()
        self.scope: str | None = None  # the subgraph with the context and the field that reads it

    def split(self) -> Split:
        for type_name in KEYS:
            self._hold(type_name)
        for type_name, keys in KEYS.items():
            for name in FIELDS[type_name]:
                if not any(_in_key(name, key) for key in keys):
                    self._own(type_name, name)
        for name in ROOTS:
            for owner in self._some(self.names, 2):
                self._part(owner, "Query").owned[name] = ""
        for name in MUTATIONS:
            self._part(self.rng.choice(self.names), "Mutation").owned[name] = ""
        for name in COMPUTED:
            self._require(name)
        if self.rng.random() < 0.6:
            self._read_context()
        for name in self.names:
            self._refer(name)
        for name in self.names:
            self._provide(name)
        self._score()
        return Split({name: self._sdl(name) for name in self.held}, self.held)

    def _some(self, items: list[str], most: int) -> list[str]:
        count = 1 if self.rng.random() < 0.7 else self.rng.randint(1, most)
        return self.rng.sample(items, min(count, len(items)))

    def _part(self, subgraph: str, type_name: str) -> Held:
        return self.held[subgraph].setdefault(type_name, Held())

    def _hold(self, type_name: str) -> None:
        holders = self.rng.sample(self.names, self.rng.randint(1, len(self.names)))
        for number, holder in enumerate(holders):
            keys = KEYS[type_name]
            own = keys if number == 0 else tuple(self.rng.sample(keys, self.rng.randint(1, len(keys))))
            is_party = type_name in MEMBERS["Party"]  # the interface has an id
            self.held[holder][type_name] = Held(("id", *own) if is_party and "id" not in own else own)

    def _own(self, type_name: str, name: str) -> None:
        holders = [item for item in self.names if type_name in self.held[item]]
        owners = self._some(holders, 3) if name not in COMPUTED else [self.rng.choice(holders)]
        for owner in owners:
            self.held[owner][type_name].owned[name] = " @shareable" if len(owners) > 1 else ""
        others = [item for item in holders if item not in owners]
        if len(owners) == 1 and others and name not in COMPUTED and self.rng.random() < 0.3:
            source, label = self.rng.choice(others), LABEL if self.rng.random() < 0.4 else None
            self.held[source][type_name].overridden[name] = label
            self.held[owners[0]][type_name].takes[name] = label
            wanted = f', label: "{label}"' if label else ""
            self.held[owners[0]][type_name].owned[name] = f' @override(from: "{source}"{wanted})'

    def _require(self, name: str) -> None:
        """What the owner of a computed field does not own itself is external there."""
        for held in self.held.values():
            part = held.get("Case")
            if part is None or name not in part.owned:
                continue
            missing = [item for item in COMPUTED[name] if not self._has(held, item)]
            if name == "who" and missing and "applicant" in (*part.owned, *part.overridden):
                missing = [self._parts_of_others(held)]
            if not missing:
                continue
            part.requires[name] = tuple(missing)
            for item in missing:
                if item.startswith("applicant"):
                    for type_name in ("Person", "Company"):
                        other = held.setdefault(type_name, Held())
                        if "name" not in (*other.owned, *other.overridden):
                            other.external.add("name")
                    if "applicant" not in (*part.owned, *part.overridden):
                        part.external.add("applicant")
                elif item == "region { name }":
                    region = held.setdefault("Region", Held())
                    region.external.add("name")
                    if not any("region" in key for key in part.keys):
                        part.external.add("region")
                else:
                    part.external.add(item.split("(")[0])
            text = " ".join(missing).replace('"', '\\"')
            part.owned[name] += f' @requires(fields: "{text}")'

    @staticmethod
    def _parts_of_others(held: dict[str, Held]) -> str:
        """What the subgraph resolves itself must not stand in its @requires."""
        parts = [
            f"... on {kind} {{ name }}"
            for kind in ("Person", "Company")
            if kind not in held or "name" not in (*held[kind].owned, *held[kind].overridden)
        ]
        return f"applicant {{ {' '.join(parts)} }}"

    def _read_context(self) -> None:
        """Person.label reads the nearest case, region or query above; what the subgraph does not own is external."""
        self.scope = self.rng.choice(
            [name for name in self.names if self.held[name].get("Person", Held()).keys]
        )
        held = self.held[self.scope]
        held["Person"].owned["label"] = ""
        self._part(self.scope, "Query").owned |= {"motto": "", "era": ""}
        for type_name in ("Case", "Region"):
            part = held.setdefault(type_name, Held())
            known = self._names(type_name, part)
            part.external |= {name for name in CONTEXT[type_name] if name not in known}

    @staticmethod
    def _has(held: dict[str, Held], item: str) -> bool:
        part = held["Region"] if item == "region { name }" and "Region" in held else None
        if item == "region { name }":
            return part is not None and ("name" in part.owned or "name" in part.overridden)
        if item.startswith("applicant"):
            parts = [("Case", "applicant"), ("Person", "name"), ("Company", "name")]
            return all(
                kind in held and name in (*held[kind].owned, *held[kind].overridden) for kind, name in parts
            )
        case, name = held["Case"], item.split("(")[0]
        return name in case.owned or name in case.overridden

    def _refer(self, subgraph: str) -> None:
        """Stubs for every type that is referred to and not held."""
        held = self.held[subgraph]
        before = -1
        while before != len(held):
            before = len(held)
            for type_name, part in list(held.items()):
                for name in self._names(type_name, part):
                    target = _bare(_type_of(type_name, name))
                    for item in MEMBERS.get(target, (target,)):
                        if item in FIELDS or item in VALUES:
                            held.setdefault(item, Held())
                        if item in VALUES:
                            held[item].owned = dict.fromkeys(VALUES[item], " @shareable")
        if "Event" in held and not set(FIELDS) <= held.keys():
            for item in FIELDS:
                held.setdefault(item, Held())

    def _names(self, type_name: str, part: Held) -> list[str]:
        keys = part.keys or KEYS.get(type_name, ())[:1]
        found = [name for name in FIELDS.get(type_name, ()) if any(_in_key(name, key) for key in keys)]
        return list(dict.fromkeys([*found, *part.owned, *part.overridden, *part.external]))

    def _provide(self, subgraph: str) -> None:
        held = self.held[subgraph]
        for type_name, part in held.items():
            for name in part.owned:
                target = _bare(_type_of(type_name, name))
                if target not in KEYS or type_name in VALUES or self.rng.random() > 0.2:
                    continue
                below = held[target]
                free = [
                    item
                    for item in FIELDS[target]
                    if _bare(FIELDS[target][item]) in ("String", "Int", "State")
                    and item not in self._names(target, below)
                    and item not in COMPUTED
                    and item != "fee"
                    and not self._is_migrating(target, item)
                ]
                if free:
                    chosen = self.rng.choice(free)
                    below.external.add(chosen)
                    self._share(target, chosen)
                    part.provides[name] = (target, chosen)
                    part.owned[name] += f' @provides(fields: "{chosen}")'

    def _share(self, type_name: str, name: str) -> None:
        """A field that another subgraph provides must be shareable."""
        for held in self.held.values():
            owned = held[type_name].owned if type_name in held else {}
            if name in owned and "@shareable" not in owned[name]:
                owned[name] += " @shareable"

    def _is_migrating(self, type_name: str, name: str) -> bool:
        return any(type_name in held and name in held[type_name].overridden for held in self.held.values())

    def _score(self) -> None:
        """An interface object that adds a field to all parties, where one subgraph knows them all."""
        for name in self.names:
            held = self.held[name]
            parts = [held.get(item) for item in MEMBERS["Party"]]
            if self.rng.random() < 0.5 and all(part is not None and "id" in part.keys for part in parts):
                self.interface_objects.add(name)
                self.held["scores"] = {"Party": Held(("id",), {"score": "", "id": ""})}
                self.held["scores"]["Query"] = Held((), {"topParty": ""})
                return

    def _sdl(self, subgraph: str) -> str:
        held = self.held[subgraph]
        if subgraph == "scores":
            body = (
                'type Query { topParty: Party }\ntype Party @key(fields: "id") @interfaceObject '
                "{ id: ID! score: Int }"
            )
            return _LINK + body
        lines = [_LINK]
        for type_name, part in held.items():
            lines.append(self._type(subgraph, type_name, part))
        if self._knows_all(subgraph, "Party"):
            lines.append(self._party(subgraph))
        if self._knows_all(subgraph, "Thing"):
            lines.append("union Thing = Case | Person | Region")
        if any("State" in line for line in lines):
            more = self.rng.choice(
                ["", " ARCHIVED"]
            )  # of an enum that is only answered, any subgraph may know more
            lines.append(f"enum State {{ OPEN CLOSED{more} }}")
        if any("Filter" in line for line in lines):  # of what is asked, all know what clients may say
            lines.append(f"input Filter {{ least: Int{self.rng.choice(['', ' more: Int'])} }}")
            lines.append(f"enum Order {{ ASC DESC{self.rng.choice(['', ' RANDOM'])} }}")
        return "\n".join(lines)

    def _type(self, subgraph: str, type_name: str, part: Held) -> str:
        keys = "".join(f' @key(fields: "{key}")' for key in part.keys)
        if type_name in KEYS and not part.keys:
            keys = f' @key(fields: "{KEYS[type_name][0]}", resolvable: false)'
        fields = []
        for name in self._names(type_name, part):
            arguments = ARGUMENTS.get(f"{type_name}.{name}", "")
            shared = " @shareable" if type_name == "Query" and self._is_shared_root(name) else ""
            external = " @external" if name in part.external and name not in part.owned else ""
            text = _type_of(type_name, name)
            fields.append(f"{name}{arguments}: {text}{part.owned.get(name, '')}{shared}{external}")
        is_party = type_name in MEMBERS["Party"] and self._knows_all(subgraph, "Party")
        implements = " implements Party" if is_party else ""
        keys += ' @context(name: "scope")' if subgraph == self.scope and type_name in CONTEXT else ""
        return f"type {type_name}{implements}{keys} {{ {' '.join(fields)} }}"

    def _knows_all(self, subgraph: str, abstract: str) -> bool:
        return all(item in self.held[subgraph] for item in MEMBERS[abstract])

    def _is_shared_root(self, name: str) -> bool:
        return sum("Query" in held and name in held["Query"].owned for held in self.held.values()) > 1

    def _party(self, subgraph: str) -> str:
        """The interface, with fields that all its types have here."""
        held = self.held[subgraph]
        common = [
            name
            for name in PARTY
            if all(
                name in self._names(item, held[item]) and name not in held[item].external
                for item in MEMBERS["Party"]
            )
        ]
        keys = ' @key(fields: "id")' if subgraph in self.interface_objects else ""
        fields = " ".join(f"{name}: {FIELDS['Person'][name]}" for name in common)
        return f"interface Party{keys} {{ id: ID! {fields} }}"


_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", '
    '"@requires", "@provides", "@shareable", "@interfaceObject", "@override", "@context", "@fromContext"])'
)


def _read_of(number: int) -> str:
    """What an argument reads of each type that sets the context."""
    parts = " ".join(f"... on {name} {{ {fields[number]} }}" for name, fields in CONTEXT.items())
    return f'@fromContext(field: "$scope {parts}")'


ARGUMENTS["Person.label"] = f"(of: String {_read_of(0)}, size: Int {_read_of(1)})"
_OWN = {"label": "String", "motto": "String", "era": "Int"}


def _type_of(type_name: str, name: str) -> str:
    if name in _OWN:
        return _OWN[name]
    if type_name in ("Query", "Mutation"):
        return ROOTS[name] if type_name == "Query" else MUTATIONS[name]
    return (FIELDS.get(type_name) or VALUES[type_name])[name]


def _bare(text: str) -> str:
    return text.strip("[]!")


def _in_key(name: str, key: str) -> bool:
    return name in key.replace("{ code }", "").split()
