"""A JSON value made up from an OpenAPI schema: its examples, defaults and first values, else one of its type. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.vendoring.openapi_outline import resolved

__all__ = ["merged", "schema_example"]

MAX_DEPTH = 8
_TEXTS = {
    "date": "2018-01-02",
    "date-time": "2018-01-02T09:30:00+08:00",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "uri": "http://example.example/1",
    "email": "person@mail.example",
}


def schema_example(tree: Mapping[str, Any], schema: Any, depth: int = 0) -> Any:
    """tree: the whole document, for references."""
    shape = resolved(tree, schema)
    for key in ("example", "default", "const"):
        if key in shape:
            return shape[key]
    for key in ("examples", "enum"):
        if isinstance(shape.get(key), list) and shape[key]:
            return shape[key][0]
    for key in ("oneOf", "anyOf"):
        if isinstance(shape.get(key), list) and shape[key] and "properties" not in shape:
            return schema_example(tree, shape[key][0], depth + 1)
    kind = shape.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    if kind == "array" or "items" in shape:
        return [] if depth >= MAX_DEPTH else [schema_example(tree, shape.get("items"), depth + 1)]
    properties = shape.get("properties")
    if isinstance(properties, Mapping):
        if depth >= MAX_DEPTH:
            return {}
        return {str(name): schema_example(tree, one, depth + 1) for name, one in properties.items()}
    match kind:
        case "integer":
            return int(shape.get("minimum", 1) or 1)
        case "number":
            return 1.0
        case "boolean":
            return True
        case "object":
            return {}
        case "null":
            return None
    return _TEXTS.get(str(shape.get("format")), "示例")


def merged(base: Any, over: Any) -> Any:
    """`over` wins; of lists each of its items over the first of the base."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{name: merged(base.get(name), one) for name, one in over.items()}}
    if isinstance(base, list) and base and isinstance(over, list):
        return [merged(base[0], one) for one in over]
    return over
