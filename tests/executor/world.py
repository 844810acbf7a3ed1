"""One data set behind four subgraphs and behind one plain schema: what both answer must be the same.

Each subgraph resolves from the full objects minus what it marks @external, so a value that it may not know
can only come from a representation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, build_schema, is_abstract_type, print_schema

from adapters.testing import ScriptedSubgraph, federated_schema
from gateway.planner import QueryGraph
from schema.compose import Composition, SubgraphSchema, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", '
    '"@requires", "@provides", "@shareable", "@interfaceObject", "@inaccessible", "@override"])\n'
)

CATALOGUE = (
    LINK
    + """
type Query {
  products: [Product!]!
  product(upc: ID!): Product
  media: [Media]
  shelves: [[Product]]!
  anything: [Thing!]
  pages: Page @shareable
}
interface Media @key(fields: "id") { id: ID! title: String kind: Kind related: [Media!] }
type Book implements Media @key(fields: "id") {
  id: ID! title: String kind: Kind related: [Media!] pages: Int author: Person
}
type Film implements Media @key(fields: "id") {
  id: ID! title: String kind: Kind related: [Media!] minutes: Int!
}
enum Kind { BOOK FILM }
union Thing = Product | Book | Person
type Product @key(fields: "upc") @key(fields: "maker { code } serial") {
  upc: ID!
  serial: String!
  maker: Maker!
  name: String! @shareable
  price(currency: String = "CNY"): Int
  size: Size @shareable
  tags: [String!]!
  strict: Strict
}
type Maker @key(fields: "code") { code: ID! country: String }
type Size @shareable { width: Int! height: Int }
type Strict { always: String! }
type Person @key(fields: "id", resolvable: false) { id: ID! }
type Page @shareable { number: Int first: Product }
"""
)

INVENTORY = (
    LINK
    + """
type Query { lowStock: [Product!] pages: Page @shareable }
type Page @shareable { total: Int }
type Product @key(fields: "upc") {
  upc: ID!
  price(currency: String = "CNY"): Int @external
  size: Size @external
  stock: Int!
  shipping: Int @requires(fields: "price(currency: \\"EUR\\") size { width }")
  depots: [Depot!]
}
type Size @shareable { width: Int! height: Int }
type Depot @key(fields: "city no") { city: String! no: Int! items: [Product] }
"""
)

REVIEWS = (
    LINK
    + """
type Query { reviews: [Review!]! best: Review }
type Review @key(fields: "id") {
  id: ID!
  text: String
  stars: Int
  product: Product @provides(fields: "name")
  author: Person
  about: Media
}
type Product @key(fields: "maker { code } serial") {
  maker: Maker! serial: String! name: String! @external reviews: [Review!]!
}
type Maker @key(fields: "code") { code: ID! @shareable }
type Person @key(fields: "id") @key(fields: "email") {
  id: ID! email: String! name: String @external reviews: [Review!]! signature: String @requires(fields: "name")
}
type Media @key(fields: "id") @interfaceObject { id: ID! score: Int }
"""
)

PEOPLE = (
    LINK
    + """
type Query { people: [Person!]! me: Person person(email: String!): Person }
type Person @key(fields: "email") @key(fields: "id") {
  id: ID!
  email: String!
  name: String
  nick: String!
  friends: [Person]
  home: Depot
}
type Depot @key(fields: "city no") { city: String! no: Int! keeper: Person capacity: Int! }
"""
)


def without_interface_object(sdl: str) -> str:
    """The reviews without their interface object."""
    return sdl.replace("  about: Media\n", "").replace(
        'type Media @key(fields: "id") @interfaceObject { id: ID! score: Int }\n', ""
    )


SDLS = {
    "catalogue": CATALOGUE,
    "inventory": INVENTORY,
    "reviews": without_interface_object(REVIEWS),
    "people": PEOPLE,
}


def build_data() -> dict[str, Any]:
    """Objects that know each other, by reference. Some fields are null where the schema says non-null."""
    makers: list[dict[str, Any]] = [
        {"__typename": "Maker", "code": code, "country": land} for code, land in (("m1", "CN"), ("m2", None))
    ]
    products: list[dict[str, Any]] = [
        {
            "__typename": "Product",
            "upc": f"u{n}",
            "serial": f"s{n}",
            "maker": makers[n % 2],
            "name": f"product {n}",
            "prices": {"CNY": 10 * n, "EUR": n},
            "size": None if n == 2 else {"__typename": "Size", "width": n, "height": None if n == 1 else n},
            "tags": ["a", "b"][: n % 3],
            "strict": {"__typename": "Strict", "always": None if n == 3 else "yes"},
            "stock": None if n == 4 else n,
        }
        for n in range(5)
    ]
    people: list[dict[str, Any]] = [
        {
            "__typename": "Person",
            "id": f"p{n}",
            "email": f"p{n}@example.org",
            "name": None if n == 1 else f"person {n}",
            "nick": None if n == 2 else f"nick {n}",
        }
        for n in range(4)
    ]
    depots: list[dict[str, Any]] = [
        {"__typename": "Depot", "city": city, "no": no, "capacity": no * 100, "keeper": people[no]}
        for city, no in (("渝中", 1), ("江北", 2))
    ]
    for n, person in enumerate(people):
        person["friends"] = [people[(n + 1) % 4], None, people[(n + 2) % 4]] if n != 3 else None
        person["home"] = depots[n % 2] if n != 1 else None
    for n, depot in enumerate(depots):
        depot["items"] = [products[n], None, products[n + 2]]
    media: list[dict[str, Any]] = [
        {"__typename": "Book", "id": "b1", "title": "一", "kind": "BOOK", "pages": 10, "author": people[0]},
        {"__typename": "Book", "id": "b2", "title": None, "kind": "BOOK", "pages": None, "author": None},
        {"__typename": "Film", "id": "f1", "title": "三", "kind": "FILM", "minutes": 90},
        {"__typename": "Film", "id": "f2", "title": "四", "kind": None, "minutes": None},
    ]
    for n, item in enumerate(media):
        item["score"] = 10 * n or None
        item["related"] = [media[(n + 1) % 4]] if n != 2 else None
    reviews: list[dict[str, Any]] = [
        {
            "__typename": "Review",
            "id": f"r{n}",
            "text": f"text {n}",
            "stars": None if n == 2 else n,
            "product": products[n % 5] if n != 3 else None,
            "author": people[n % 4] if n != 4 else None,
            "about": media[n % 4],
        }
        for n in range(6)
    ]
    for product in products:
        product["reviews"] = [item for item in reviews if item["product"] is product]
        product["depots"] = [item for item in depots if product in item["items"]] or None
    for person in people:
        person["reviews"] = [item for item in reviews if item["author"] is person]
    page = {"__typename": "Page", "number": 1, "total": 5, "first": products[0]}
    return {
        "products": products,
        "people": people,
        "depots": depots,
        "media": [media[0], None, *media[1:]],
        "reviews": reviews,
        "makers": makers,
        "shelves": [[products[0], None], None, [products[1], products[3]], []],
        "anything": [products[0], media[0], people[2], products[2]],
        "pages": page,
        "lowStock": products[:3],
        "best": reviews[5],
        "me": people[0],
    }


def _price(product: dict[str, Any], currency: str) -> Any:
    if "prices" in product:
        return product["prices"].get(currency)
    return product["price"] if currency == "EUR" else None  # what a representation brought


def _shipping(product: dict[str, Any]) -> int | None:
    price, size = _price(product, "EUR"), product["size"]
    return None if price is None or size is None else price * 100 + int(size["width"])


def _find(items: list[Any], **wanted: Any) -> Any:
    return next(
        (item for item in items if item and all(item.get(key) == value for key, value in wanted.items())),
        None,
    )


def resolvers(data: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """By "Type.field"; everything else is read from the objects."""
    roots = (
        "products",
        "people",
        "media",
        "reviews",
        "shelves",
        "anything",
        "pages",
        "lowStock",
        "best",
        "me",
    )
    found: dict[str, Callable[..., Any]] = {f"Query.{name}": lambda *_, key=name: data[key] for name in roots}
    found["Query.product"] = lambda *_, upc: _find(data["products"], upc=upc)
    found["Query.person"] = lambda *_, email: _find(data["people"], email=email)
    found["Product.price"] = lambda item, _info, currency: _price(item, currency)
    found["Product.shipping"] = lambda item, _info: _shipping(item)
    found["Person.signature"] = lambda item, _info: f"-- {item['name']}"
    return found


ENTITIES = {
    "Product": "products",
    "Person": "people",
    "Depot": "depots",
    "Review": "reviews",
    "Maker": "makers",
}
EXTERNAL: dict[str, dict[str, tuple[str, ...]]] = {
    "inventory": {"Product": ("prices", "size")},
    "reviews": {"Person": ("name",)},
}


def _entity(subgraph: str, name: str, data: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    items = data["media"] if name in ("Book", "Film", "Media") else data[ENTITIES[name]]
    hidden = EXTERNAL.get(subgraph, {}).get(name, ())

    def find(representation: dict[str, Any]) -> Any:
        keys = {
            key: value
            for key, value in representation.items()
            if key in ("id", "upc", "email", "city", "no", "code")
        }
        if "maker" in representation:
            keys = {"serial": representation["serial"]}
        found = _find(items, **keys)
        if found is None:
            return None
        known = {key: value for key, value in found.items() if key not in hidden}
        brought = {key: representation[key] for key in ("price", "size", "name") if key in representation}
        seen_as = (
            {"__typename": name} if subgraph == "reviews" else {}
        )  # of media it knows the interface only
        return {**known, **brought, **seen_as}

    return find


def _resolvers_of(subgraph: str, sdl: str, data: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Those of fields that the subgraph has itself; what it requires is read from the representation."""
    types = federated_schema(sdl).type_map
    return {
        coordinate: resolver
        for coordinate, resolver in resolvers(data).items()
        if (type_name := coordinate.split(".")[0]) in types
        and coordinate.split(".")[1] in getattr(types[type_name], "fields", {})
        and (subgraph, coordinate) != ("inventory", "Product.price")
    }


@dataclass(frozen=True)
class World:
    """A composed graph, its subgraphs, and the schema that answers the same from one place."""

    composition: Composition
    graph: QueryGraph
    subgraphs: Mapping[str, ScriptedSubgraph]
    monolith: GraphQLSchema


def build_world(sdls: Mapping[str, str] = SDLS) -> World:
    """The whole of it, from one data set."""
    data = build_data()
    names = ("Product", "Person", "Depot", "Review", "Maker", "Book", "Film", "Media")
    subgraphs = {
        name: ScriptedSubgraph(
            name,
            sdl,
            resolvers=_resolvers_of(name, sdl, data),
            entities={item: _entity(name, item, data) for item in names},
        )
        for name, sdl in sdls.items()
    }
    composition = compose([SubgraphSchema(name, None, sdl) for name, sdl in sdls.items()])
    assert composition.supergraph is not None, composition.errors
    assert composition.api_schema is not None
    monolith = build_schema(print_schema(composition.api_schema))
    for coordinate, resolver in resolvers(data).items():
        type_name, field_name = coordinate.split(".")
        target = monolith.type_map[type_name]
        assert isinstance(target, GraphQLObjectType)
        if field_name in target.fields:
            target.fields[field_name].resolve = resolver
    for item in monolith.type_map.values():
        if is_abstract_type(item):
            item.resolve_type = lambda value, *_: value["__typename"]
    return World(composition, QueryGraph(composition.supergraph), subgraphs, monolith)
