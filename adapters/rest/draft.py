"""A first declaration from an OpenAPI 3 document or Swagger 2: the base URL, a path for one case, one for a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.draft import DraftCall, DraftField, draft_text, step_text, words, yaml_text
from adapters.loader import load

__all__ = ["OpenApiError", "draft_from_openapi"]

MAX_DEPTH = 5
MAX_LEAVES = 60
_HINTS = ("case", "apply", "application", "request", "zaak", "zaken", "permit", "project")


class OpenApiError(Exception):
    """The file is not an OpenAPI document that can be read."""

    code = "OPENAPI"


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    reply: Mapping[str, Any]
    media: str


def draft_from_openapi(text: str, code: str) -> str:
    """text: JSON or YAML. Raises OpenApiError."""
    document = load(Path("openapi"), text)
    tree = document.tree
    if document.problems and tree is None:
        raise OpenApiError(str(document.problems[0]))
    if not isinstance(tree, dict) or not ({"openapi", "swagger"} & tree.keys()):
        raise OpenApiError("neither `openapi` nor `swagger` stands in the file; is it an OpenAPI document?")
    if not isinstance(tree.get("paths"), dict):
        raise OpenApiError("`paths` is missing or is no mapping; is it a whole OpenAPI document?")
    operations = list(_operations(tree))
    single = _best(tree, [one for one in operations if _by_number(one)])
    many = _best(tree, [one for one in operations if not _by_number(one)])
    media = (many or single).media if (many or single) is not None else "json"  # type: ignore[union-attr]
    source = ["rest:", f"  baseUrl: {yaml_text(_base_url(tree))}", f"  format: {media}"]
    title = str(_mapping(tree.get("info")).get("title") or "")
    calls = [_call(tree, verb, one) for verb, one in (("case", single), ("cases", many)) if one is not None]
    return draft_text(code, title, source, calls)


def _operations(tree: Mapping[str, Any]) -> Iterator[_Operation]:
    for path, item in _mapping(tree.get("paths")).items():
        item = _resolved(tree, item)
        for method in ("get", "post"):
            operation = item.get(method)
            if not isinstance(operation, Mapping):
                continue
            parameters = [
                _resolved(tree, one)
                for one in _listed(item.get("parameters")) + _listed(operation.get("parameters"))
            ]
            reply, media = _reply(tree, operation)
            if reply:
                yield _Operation(method.upper(), str(path), tuple(parameters), reply, media)


def _reply(tree: Mapping[str, Any], operation: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    responses = _mapping(operation.get("responses"))
    answer = _resolved(tree, responses.get("200") or responses.get("201") or responses.get("default") or {})
    if "schema" in answer:  # Swagger 2
        produces = " ".join(
            map(str, _listed(operation.get("produces")) or _listed(tree.get("produces")) or ["json"])
        )
        return _resolved(tree, answer["schema"]), "json" if "json" in produces else "xml"
    for name, content in _mapping(answer.get("content")).items():
        if "json" in name or "xml" in name:
            return _resolved(tree, _mapping(content).get("schema")), "json" if "json" in name else "xml"
    return {}, "json"


def _best(tree: Mapping[str, Any], operations: list[_Operation]) -> _Operation | None:
    def rank(one: _Operation) -> tuple[int, int, int, int]:
        hinted = any(hint in one.path.lower() for hint in _HINTS)
        leaves = len(list(_leaves(tree, _record(tree, one.reply)[1], "", MAX_DEPTH)))
        return (hinted, one.method == "GET", -one.path.strip("/").count("/"), leaves)

    return max(operations, key=rank) if operations else None


def _call(tree: Mapping[str, Any], verb: str, one: _Operation) -> DraftCall:
    path = one.path
    for name in _path_parameters(one):
        is_number = words(name).endswith(("id", "no", "number", "uuid", "key"))
        path = path.replace("{" + name + "}", "{$args.number}" if is_number else f"TODO-{name}")
    request = [f"method: {one.method}", f"path: {json.dumps(path, ensure_ascii=False)}"]
    query = [p for p in one.parameters if p.get("in") == "query" and isinstance(p.get("name"), str)]
    if query:
        request.append("query: # leave out what is not needed")
        request += [
            f"  {json.dumps(str(p['name']), ensure_ascii=False)}: {_argument(str(p['name']), verb)}"
            for p in query
        ]
    records, record = _record(tree, one.reply)
    leaves = tuple(_leaves(tree, record, "", MAX_DEPTH))[:MAX_LEAVES]
    return DraftCall(verb, f"{one.method} {one.path}", tuple(request), records or None, leaves)


def _argument(name: str, verb: str) -> str:
    text = words(name)
    if verb == "case":
        return "~ # TODO or leave out"
    for hint, argument in (
        ("pagesize", "$page.size"),
        ("perpage", "$page.size"),
        ("limit", "$page.size"),
        ("offset", "$page.offset"),
        ("cursor", "$page.cursor"),
        ("page", "$page.number"),
        ("startdate", '$args.from | format("iso")'),
        ("enddate", '$args.to | format("iso")'),
    ):
        if hint in text:
            return argument
    return "~ # TODO or leave out"


def _record(tree: Mapping[str, Any], reply: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Path to the records and the shape of one."""
    if _type(reply) == "array":
        return ".", _resolved(tree, reply.get("items") or {})
    for name, child in _mapping(reply.get("properties")).items():
        child = _resolved(tree, child)
        if _type(child) == "array" and _resolved(tree, child.get("items") or {}).get("properties"):
            return step_text(str(name)), _resolved(tree, child["items"])
    return "", reply


def _leaves(tree: Mapping[str, Any], shape: Mapping[str, Any], path: str, depth: int) -> Iterator[DraftField]:
    for name, child in _mapping(shape.get("properties")).items() if depth else ():
        child = _resolved(tree, child)
        here = f"{path}.{step_text(str(name))}" if path else step_text(str(name))
        if child.get("properties"):
            yield from _leaves(tree, child, here, depth - 1)
        else:
            yield DraftField(here, str(child.get("format") or _type(child)))


def _type(shape: Mapping[str, Any]) -> str:
    """Of OpenAPI 3.1's lists of types the one that is not null."""
    given = shape.get("type")
    names = [str(one) for one in given if one != "null"] if isinstance(given, list) else [str(given or "")]
    return names[0] if names else ""


def _path_parameters(one: _Operation) -> list[str]:
    return [part.partition("}")[0] for part in one.path.split("{")[1:]]


def _by_number(one: _Operation) -> bool:
    return any(words(name).endswith(("id", "no", "number", "uuid", "key")) for name in _path_parameters(one))


def _base_url(tree: Mapping[str, Any]) -> str:
    servers = _listed(tree.get("servers"))
    if servers and isinstance(servers[0], Mapping):
        return str(servers[0].get("url", "TODO"))
    if tree.get("host"):
        scheme = (_listed(tree.get("schemes")) or ["https"])[0]
        return f"{scheme}://{tree['host']}{tree.get('basePath', '')}"
    return "TODO"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _resolved(tree: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """Follows local references and the first parts of allOf; other documents are not fetched."""
    for _ in range(10):
        if not isinstance(value, Mapping):
            return {}
        reference = value.get("$ref")
        if not isinstance(reference, str):
            break
        at: Any = tree
        for part in reference.removeprefix("#/").split("/") if reference.startswith("#/") else ["?"]:
            at = at.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(at, Mapping) else None
        value = at
    if isinstance(value, Mapping) and (given := value.get("anyOf") or value.get("oneOf")):
        # "this or null", as OpenAPI 3.1 writes what may be missing; of real choices the first
        choices = [one for one in _listed(given) if _mapping(one).get("type") != "null"]
        if choices and not value.get("properties"):
            return _resolved(tree, choices[0])
    if isinstance(value, Mapping) and value.get("allOf"):
        merged: dict[str, Any] = {}
        for part in _listed(value["allOf"]):
            merged.update(_mapping(_resolved(tree, part).get("properties")))
        return {**value, "properties": {**merged, **_mapping(value.get("properties"))}}
    return value if isinstance(value, Mapping) else {}
