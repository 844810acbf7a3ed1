"""The outline of an OpenAPI document: operations with parameters, request and reply fields written out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.vendoring.outline import Component, Member, Outline

__all__ = ["openapi_outline", "resolved"]

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
MAX_DEPTH = 8
MAX_MEMBERS = 5000
Tree = Mapping[str, Any]


def openapi_outline(tree: Tree, file: str) -> Outline:
    """tree: one without references to other files (see `openapi.bundled`). Each operation is `METHOD /path`."""
    outline = Outline()
    for path, item in _mapping(tree.get("paths")).items():
        shared = resolved(tree, item)
        for method in METHODS:
            operation = shared.get(method)
            if isinstance(operation, Mapping):
                name = f"{method.upper()} {path}"
                component = Component("operation", name, file, 1)
                for member, value in _operation(tree, shared, operation):
                    component.members.setdefault(member, value)
                    if len(component.members) >= MAX_MEMBERS:
                        break
                outline.add(component)
    return outline


def _operation(tree: Tree, shared: Tree, operation: Tree) -> Iterator[tuple[str, Member]]:
    if operation.get("deprecated") is True:
        yield "(deprecated)", Member("deprecated", "")
    for one in [*_list(shared.get("parameters")), *_list(operation.get("parameters"))]:
        parameter = resolved(tree, one)
        place, name = str(parameter.get("in", "")), str(parameter.get("name", ""))
        if place == "body":  # Swagger 2
            yield from _fields(tree, parameter.get("schema"), "request", _required(parameter))
            continue
        schema = resolved(tree, parameter.get("schema") or parameter)
        yield f"{place} {name}", Member(_type(schema), _required(parameter))
        yield from _values(schema, f"{place} {name}")
    body = resolved(tree, operation.get("requestBody"))
    if body:
        yield from _fields(tree, _schema_of(body), "request", _required(body))
    for status, answer in _mapping(operation.get("responses")).items():
        answer = resolved(tree, answer)
        schema = answer.get("schema") or _schema_of(answer)
        where = "reply" if str(status) in ("200", "201") else f"reply {status}"
        yield where, Member(_type(resolved(tree, schema)), "")
        if str(status)[:1] == "2" or status == "default":
            yield from _fields(tree, schema, where, "1")


def _fields(tree: Tree, schema: Any, path: str, occurs: str, depth: int = 0) -> Iterator[tuple[str, Member]]:
    """One member a field; `[]` stands behind what is a list."""
    shape = resolved(tree, schema)
    if shape.get("type") == "array" or "items" in shape:
        yield path, Member("array", occurs)
        yield from _fields(tree, shape.get("items"), f"{path}[]", "1", depth + 1)
        return
    yield path, Member(_type(shape), occurs)
    yield from _values(shape, path)
    required = set(map(str, _list(shape.get("required"))))
    for alternative in [*_list(shape.get("oneOf")), *_list(shape.get("anyOf"))]:
        shape = {
            **shape,
            "properties": {
                **_mapping(resolved(tree, alternative).get("properties")),
                **_mapping(shape.get("properties")),
            },
        }
    if depth >= MAX_DEPTH:
        return
    for name, child in _mapping(shape.get("properties")).items():
        below = "1" if name in required else "0..1"
        yield from _fields(tree, child, f"{path}.{name}", below, depth + 1)


def _values(shape: Tree, path: str) -> Iterator[tuple[str, Member]]:
    for one in _list(shape.get("enum")):
        yield f'{path}="{one}"', Member("value", "")


def _type(shape: Tree) -> str:
    kind = shape.get("type")
    if isinstance(kind, list):  # 3.1: null is one of them
        kind = "|".join(map(str, kind))
    if kind is None:
        kind = "object" if "properties" in shape else "any"
    null = "|null" if shape.get("nullable") is True else ""
    return f"{kind}{'/' + str(shape['format']) if shape.get('format') else ''}{null}"


def _required(one: Tree) -> str:
    return "1" if one.get("required") is True else "0..1"


def _schema_of(holder: Tree) -> Any:
    content = _mapping(holder.get("content"))
    best = next((value for name, value in content.items() if "json" in name), None)
    return _mapping(best if best is not None else next(iter(content.values()), None)).get("schema")


def resolved(tree: Tree, value: Any) -> Tree:
    """References followed, the parts of allOf put together."""
    for _ in range(20):
        reference = value.get("$ref") if isinstance(value, Mapping) else None
        if not isinstance(reference, str):
            break
        at: Any = tree
        for part in reference.removeprefix("#/").split("/") if reference.startswith("#/") else ["?"]:
            part = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            at = at.get(part) if isinstance(at, Mapping) else None
        value = at
    if not isinstance(value, Mapping):
        return {}
    parts = _list(value.get("allOf"))
    if not parts:
        return value
    merged: dict[str, Any] = {}
    required: list[Any] = []
    for part in [*parts, {one: value[one] for one in value if one != "allOf"}]:
        if isinstance(part, Mapping) and part.get("allOf") is parts:
            continue
        one = resolved(tree, part)
        merged = {
            **merged,
            **one,
            "properties": {**_mapping(merged.get("properties")), **_mapping(one.get("properties"))},
        }
        required += _list(one.get("required"))
    if not merged.get("properties"):
        merged.pop("properties", None)
    return {**merged, "required": required} if required else merged


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
