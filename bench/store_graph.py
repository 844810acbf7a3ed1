"""The graph of the public federation benchmark (accounts, inventory, products, reviews) as subgraphs that cost little.

    python -m bench.store_graph [--port 0]

Four services behind one port, told apart by path. Gateways ask them in different words, so the first answer to a body
is made by graphql-core over the resolvers below; from then on the same body gets the same bytes. Types, query and
numbers of records are those of the benchmark that gateway vendors publish; texts are made up here.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import orjson
from graphql import GraphQLSchema, build_schema, execute_sync, parse

from schema.compose import SubgraphSchema, compose

__all__ = ["QUERY", "SDLS", "reference_answer", "supergraph_sdl"]

_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", '
    'import: ["@key", "@external", "@requires", "@provides", "@shareable"])\n'
)
SDLS: Mapping[str, str] = {
    "accounts": """
        type Query { me: User user(id: ID!): User users: [User] }
        type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }
    """,
    "inventory": """
        type Product @key(fields: "upc") {
          upc: String!
          weight: Int @external
          price: Int @external
          inStock: Boolean
          shippingEstimate: Int @requires(fields: "price weight")
        }
    """,
    "products": """
        type Query { topProducts(first: Int = 5): [Product] }
        type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }
    """,
    "reviews": """
        type Review @key(fields: "id") {
          id: ID! body: String product: Product author: User @provides(fields: "username")
        }
        type User @key(fields: "id") { id: ID! username: String @external reviews: [Review] }
        type Product @key(fields: "upc") { upc: String! reviews: [Review] }
    """,
}
QUERY = """
fragment User on User { id username name }
fragment Review on Review { id body }
fragment Product on Product { inStock name price shippingEstimate upc weight }
query TestQuery {
  users {
    ...User
    reviews { ...Review product { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } } }
  }
  topProducts {
    ...Product
    reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
  }
}
"""

_SPEC = """
scalar FieldSet scalar Import scalar _Any
directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @external on OBJECT | FIELD_DEFINITION
directive @requires(fields: FieldSet!) on FIELD_DEFINITION
directive @provides(fields: FieldSet!) on FIELD_DEFINITION
directive @shareable on FIELD_DEFINITION
"""
_USERS = [
    {
        "__typename": "User",
        "id": str(n),
        "name": name,
        "username": name.split()[0].lower(),
        "birthday": 1234567890,
    }
    for n, name in enumerate(("Lin Yu", "Chen Mo", "Wang Wei", "Zhao Min", "Qian Li", "Sun Jie"), 1)
]
_PRODUCTS = [
    {"__typename": "Product", "upc": str(n), "name": name, "price": price, "weight": weight}
    for n, (name, price, weight) in enumerate(
        (
            ("Table", 899, 100), ("Couch", 1299, 1000), ("Glass", 15, 20), ("Chair", 499, 100), ("Screen", 1299, 1000),
            ("Lamp", 6999, 300), ("Stove", 3999, 2000), ("Fridge", 100000, 6000), ("Sofa", 9999, 800),
        ),
        1,
    )
]  # fmt: skip
_WORDS = itertools.cycle(
    [
        "well",
        "made",
        "and",
        "it",
        "came",
        "in",
        "time",
        "but",
        "one",
        "leg",
        "was",
        "a",
        "little",
        "short",
        "so",
        "we",
        "put",
        "a",
        "book",
        "below",
        "it",
    ]
)
_REVIEWED = (("1", 445), ("1", 290), ("1", 275), ("1", 145), ("2", 445), ("2", 290), ("2", 275), ("2", 145), ("3", 145),
             ("4", 145), ("4", 870))  # fmt: skip
"""Product and length of each review."""


def _text(length: int) -> str:
    text = ""
    while len(text) < length:
        text += next(_WORDS) + " "
    return text[:length]


_REVIEWS = [
    {
        "__typename": "Review",
        "id": str(n),
        "body": _text(length),
        "product": {"__typename": "Product", "upc": upc},
    }
    for n, (upc, length) in enumerate(_REVIEWED, 1)
]


def _product(upc: str) -> dict[str, Any]:
    return next(one for one in _PRODUCTS if one["upc"] == upc)


def _full_user(number: str) -> dict[str, Any]:
    return next(one for one in _USERS if one["id"] == number)


_FIELDS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("Query", "me"): lambda _source: _USERS[0],
    ("Query", "user"): lambda _source, **given: _full_user(given["id"]),
    ("Query", "users"): lambda _source: _USERS,
    ("Query", "topProducts"): lambda _source, first=5: _PRODUCTS[:first],
    ("Product", "inStock"): lambda product: int(product["upc"]) % 2 == 1,
    ("Product", "shippingEstimate"): lambda product: 0 if product["price"] > 1000 else product["weight"] // 2,
    ("Product", "reviews"): lambda product: [
        one for one in _REVIEWS if one["product"]["upc"] == product["upc"]
    ],
    ("Review", "author"): lambda _review: _full_user("1"),
    ("User", "reviews"): lambda _user: _REVIEWS[:2],
}
_ENTITIES: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "User": lambda given: _full_user(given["id"]),
    "Product": lambda given: {**_product(given["upc"]), **given},
    "Review": lambda given: next(one for one in _REVIEWS if one["id"] == given["id"]),
}


def _resolve(source: Any, info: Any, **arguments: Any) -> Any:
    """The field resolver of all types; aliases and fragments are graphql-core's affair."""
    if info.field_name == "_entities":
        return [_ENTITIES[one["__typename"]](one) for one in arguments["representations"]]
    if info.field_name == "_service":
        return {"sdl": info.context}
    found = _FIELDS.get((info.parent_type.name, info.field_name))
    return found(source, **arguments) if found else source.get(info.field_name)


def _executable(name: str) -> GraphQLSchema:
    sdl = SDLS[name]
    entities = [kind for kind in _ENTITIES if f"type {kind} " in sdl]
    root = "extend type Query" if "type Query" in sdl else "type Query"
    served = f"{_SPEC} union _Entity = {' | '.join(entities)} type _Service {{ sdl: String }}\n{sdl}\n"
    asked = f"{root} {{ _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }}"
    return build_schema(served + asked, assume_valid_sdl=True)


def supergraph_sdl(url: str) -> str:
    """What the four compose to, at this address."""
    made = compose([SubgraphSchema(name, f"{url}/{name}", _LINK + sdl) for name, sdl in SDLS.items()])
    assert made.supergraph is not None, made.errors
    return made.supergraph_sdl


def subgraph_sdl(name: str) -> str:
    """As the service itself tells it."""
    return _LINK + SDLS[name]


def reference_answer() -> dict[str, Any]:
    """Data of QUERY over one schema in one place: what every gateway must answer."""
    types = (
        "type Query { users: [User] topProducts(first: Int = 5): [Product] }"
        + """
        type User { id: ID! name: String username: String reviews: [Review] }
        type Review { id: ID! body: String product: Product author: User }
        type Product { upc: String! weight: Int price: Int inStock: Boolean shippingEstimate: Int name: String
          reviews: [Review] }
    """
    )
    schema = build_schema(types)

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        found = _resolve(source, info, **arguments)
        return _product(found["upc"]) if info.field_name == "product" else found

    result = execute_sync(schema, parse(QUERY), field_resolver=resolve)
    assert not result.errors, result.errors
    data: dict[str, Any] = result.data or {}
    return data


class _Service(asyncio.Protocol):
    """HTTP/1.1 for well-behaved clients: Content-Length bodies, one request at a time."""

    schemas: ClassVar[Mapping[str, GraphQLSchema]] = {}
    answers: ClassVar[dict[tuple[bytes, bytes], bytes]] = {}
    calls = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = 0
            for line in head.split(b"\r\n"):
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.transport.write(self.answer(head.split(b" ", 2)[1], rest[:length]))

    def answer(self, path: bytes, body: bytes) -> bytes:
        if path == b"/calls":
            return _http(b"%d" % _Service.calls)
        _Service.calls += 1
        found = self.answers.get((path, body))
        if found is None:
            found = self.answers[path, body] = _http(_ask(self.schemas, path.strip(b"/").decode(), body))
        return found


def _ask(schemas: Mapping[str, GraphQLSchema], name: str, body: bytes) -> bytes:
    asked = orjson.loads(body)
    result = execute_sync(
        schemas[name],
        parse(asked["query"]),
        context_value=subgraph_sdl(name),
        variable_values=asked.get("variables"),
        operation_name=asked.get("operationName"),
        field_resolver=_resolve,
        type_resolver=lambda value, *_: value["__typename"],
    )
    return orjson.dumps(result.formatted)


def _http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


async def _serve(port: int) -> None:
    _Service.schemas = {name: _executable(name) for name in SDLS}
    server = await asyncio.get_running_loop().create_server(_Service, "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serves until it is stopped; the first line printed is the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    import uvloop

    uvloop.run(_serve(options.port))


if __name__ == "__main__":
    main()
