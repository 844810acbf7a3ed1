"""An OpenAPI document (2.0, 3.0, 3.1) with every file that its `$ref`s name, as files of one folder, and as one tree.

JSON is written anew where a reference changes; in YAML only the reference's own characters change, so that comments stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from adapters.vendoring.closure import Bad, Reference
from adapters.vendoring.documents import joined

__all__ = ["SUFFIXES", "builtin", "bundled", "described", "read_tree", "references", "rewritten"]

SUFFIXES = (".yaml", ".json", ".yml")
MOST_NODES = 400_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FREE = frozenset({"example", "examples", "default", "enum", "const", "x-examples"})
"""What stands below these is data: a `$ref` in it is no reference."""
_NAMES = frozenset(
    {"properties", "patternProperties", "schemas", "definitions", "$defs", "parameters", "responses"}
)
"""Keys below these are names that people chose, `default` too."""
FILES = "x-quanyu-files"
"""Key of a bundled tree below which the other documents stand, by file name."""


def builtin(_reference: Reference) -> None:
    return None


def read_tree(content: bytes) -> Any:
    """JSON or YAML as plain values; numbers and dates of YAML stay text. Raises Bad."""
    text = _text(content)
    if _is_json(text):
        return _json(text)
    return _plain(_composed(text))


def references(content: bytes) -> list[Reference]:
    """To other documents only, each location once. Raises Bad."""
    text = _text(content)
    found: dict[str, int] = {}
    if _is_json(text):
        for holder, key in _json_references(_json(text)):
            location = str(holder[key]).partition("#")[0]
            if location and location not in found:
                at = text.find(json.dumps(holder[key], ensure_ascii=False))
                found[location] = text.count("\n", 0, at) + 1 if at >= 0 else 1
    else:
        for node in _yaml_references(_composed(text)):
            location = str(node.value).partition("#")[0]
            if location:
                found.setdefault(location, node.start_mark.line + 1)
    return [Reference("$ref", location, None, line) for location, line in found.items()]


def rewritten(content: bytes, base: str, named: Callable[[str], str | None]) -> bytes:
    """named: absolute location -> name in the folder, None leaves the reference as it is."""

    def new(value: str) -> str:
        location, mark, fragment = value.partition("#")
        name = named(joined(base, location)) if location else None
        return value if name is None else name + mark + fragment

    text = _text(content)
    if _is_json(text):
        tree = _json(text)
        changed = False
        for holder, key in list(_json_references(tree)):
            value = new(str(holder[key]))
            changed |= value != holder[key]
            holder[key] = value
        return json.dumps(tree, ensure_ascii=False, indent=2).encode() + b"\n" if changed else content
    edits = [
        (node.start_mark.index, node.end_mark.index, new(str(node.value)))
        for node in _yaml_references(_composed(text))
        if new(str(node.value)) != node.value
    ]
    for start, end, value in sorted(edits, reverse=True):
        text = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
    return text.encode() if edits else content


def bundled(folder: Path, root: str) -> dict[str, Any]:
    """One tree without references to other files: those stand below `x-quanyu-files`. Raises Bad, OSError.

    Only files of the folder are read.
    """
    trees: dict[str, Any] = {}
    todo = [root]
    while todo:
        name = todo.pop()
        if name in trees:
            continue
        tree = read_tree((folder / name).read_bytes())
        trees[name] = tree
        for holder, key in _json_references(tree):
            file, _, fragment = str(holder[key]).partition("#")
            file = file.removeprefix("./")
            if file and (Path(file).name != file or not (folder / file).is_file()):
                continue
            if file:
                todo.append(file)
            inside = file or name
            if inside == root:
                holder[key] = f"#{fragment}"
            else:
                holder[key] = f"#/{FILES}/{_escaped(inside)}{fragment}"
    tree = trees.pop(root)
    if not isinstance(tree, dict) or not ({"openapi", "swagger"} & tree.keys()):
        raise Bad("neither `openapi` nor `swagger` stands in the file; is it an OpenAPI document?")
    if trees:
        tree[FILES] = trees
    return tree


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Bad("not UTF-8 text") from error


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] == "{"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Bad(f"not JSON: {error.msg}", line=error.lineno) from error
    except RecursionError as error:
        raise Bad("nested too deeply") from error


def _composed(text: str) -> Node:
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Bad(
            f"not YAML: {getattr(error, 'problem', None) or error}", line=mark.line + 1 if mark else 1
        ) from error
    except RecursionError as error:
        raise Bad("nested too deeply") from error
    if not isinstance(node, MappingNode):
        raise Bad("the document holds no mapping")
    return node


def _json_references(tree: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Holder and key of each reference. An alias's node is met once."""
    seen: set[int] = set()
    todo: list[tuple[Any, bool]] = [(tree, False)]
    while todo:
        value, has_names = todo.pop()
        if isinstance(value, list):
            todo.extend((one, False) for one in value)
        elif isinstance(value, dict) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value.get("$ref"), str):
                yield value, "$ref"
            mapping = value.get("discriminator")
            mapping = mapping.get("mapping") if isinstance(mapping, dict) else None
            if isinstance(mapping, dict):
                for name, target in mapping.items():
                    if isinstance(target, str) and ("#" in target or target.endswith(SUFFIXES)):
                        yield mapping, name
            todo.extend(
                (one, key in _NAMES and not has_names)
                for key, one in value.items()
                if has_names or key not in _FREE
            )


def _yaml_references(node: Node) -> Iterator[ScalarNode]:
    seen: set[int] = set()
    todo: list[tuple[Node, str]] = [(node, "")]
    while todo:
        one, kind = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, SequenceNode):
            todo.extend((item, "") for item in one.value)
        if not isinstance(one, MappingNode):
            continue
        for key, value in one.value:
            name = key.value if isinstance(key, ScalarNode) else None
            if isinstance(value, ScalarNode):
                is_file = "#" in value.value or value.value.endswith(SUFFIXES)
                if name == "$ref" or (kind == "mapping" and is_file):
                    yield value
            elif kind == "names" or name not in _FREE:
                todo.append((value, _kind_below(one, str(name), kind)))


def _kind_below(holder: MappingNode, key: str, kind: str) -> str:
    """names: keys are people's; mapping: a discriminator's, whose values are references."""
    if kind != "names" and key in _NAMES:
        return "names"
    keys = [one.value for one, _ in holder.value if isinstance(one, ScalarNode)]
    return "mapping" if key == "mapping" and "propertyName" in keys else ""


def _plain(node: Node) -> Any:
    """Iterative enough for what people write; an alias bomb ends at MOST_NODES."""
    count = 0

    def value(one: Node, depth: int) -> Any:
        nonlocal count
        count += 1
        if count > MOST_NODES or depth > 200:
            raise Bad("unfolds to too many or too deep values", line=one.start_mark.line + 1)
        if isinstance(one, MappingNode):
            return {str(getattr(key, "value", "")): value(inner, depth + 1) for key, inner in one.value}
        if isinstance(one, SequenceNode):
            return [value(inner, depth + 1) for inner in one.value]
        return _scalar(one)

    return value(node, 0)


def _scalar(node: Node) -> Any:
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.tag == "tag:yaml.org,2002:bool" and node.value in ("true", "false"):
        return node.value == "true"
    if node.tag == "tag:yaml.org,2002:int":
        try:
            return int(node.value)
        except ValueError:
            return str(node.value)
    return str(node.value)


def described(tree: Mapping[str, Any]) -> str:
    """`OpenAPI 3.0.3` or `Swagger 2.0`."""
    return f"OpenAPI {tree['openapi']}" if "openapi" in tree else f"Swagger {tree.get('swagger')}"
