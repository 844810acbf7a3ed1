"""Which lines of a declaration a changed description touches, and which of them it breaks. Pure but for the services
that it is given, which are loaded already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from adapters.codecs.errors import CodecDeclared
from adapters.declaration import Connector, Declaration
from adapters.loader import Document
from adapters.mapping.errors import ExpressionError
from adapters.soap.check import check_soap
from adapters.soap.wsdl import Shape, SoapService
from adapters.validate_connectors import map_of
from adapters.vendoring.outline import Change, Component, Outline, types_touched
from adapters.wanted import reply_paths
from schema.canonical import VERBS

__all__ = ["Touch", "touched_by_openapi", "touched_by_wsdl"]

Place = tuple[str | int, ...]
Effect = Literal["breaks", "touches"]
_TAKES_LISTS = re.compile(r"\b(?:first|last|join|count|each|in)\b|\[")
_HOLDERS = ("records", "each")


@dataclass(frozen=True, slots=True, order=True)
class Touch:
    """One line of a declaration. effect: `breaks` where it fails or reads nothing from now on."""

    file: Path
    line: int
    column: int
    effect: Effect
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.effect}: {self.place}: {self.message}"


def touched_by_wsdl(
    document: Document, declaration: Declaration, old: SoapService, new: SoapService, changes: list[Change]
) -> list[Touch]:
    """What the check finds now and did not find before breaks; what else is of another type or occurrence is touched."""
    known = {str(one) for one in check_soap(document, declaration, old)}
    found = {
        Touch(one.file, one.line, one.column, "breaks", one.code, _sentence(one.message, one.allowed))
        for one in check_soap(document, declaration, new)
        if str(one) not in known
    }
    types = types_touched(changes)
    for verb, connector in declaration.connectors.declared().items():
        before, after = (one.operations.get(connector.operation or "") for one in (old, new))
        if before is None or after is None:
            continue
        for place, steps, is_holder in _read_places(declaration, verb, connector):
            if before.reply is not None and after.reply is not None:
                text = _text_at(document, place)
                for effect, told in _walk(before.reply, after.reply, steps, types, is_holder, text):
                    found.add(_touch(document, place, effect, told))
        if before.request is not None and after.request is not None:
            for place, steps in _sent_places(("connectors", verb, "body"), connector.body, ()):
                for effect, told in _walk(before.request, after.request, steps, types, True, ""):
                    found.add(_touch(document, place, effect, told))
    breaking = {(one.file, one.line) for one in found if one.effect == "breaks"}
    return sorted(one for one in found if one.effect == "breaks" or (one.file, one.line) not in breaking)


def _read_places(
    declaration: Declaration, verb: str, connector: Connector
) -> Iterator[tuple[Place, tuple[str | int, ...], bool]]:
    """(place in the declaration, path in the reply, whether it holds records) of all that is read."""
    try:
        paths = list(reply_paths(connector, map_of(declaration, verb), VERBS[verb]))
    except (ExpressionError, CodecDeclared):
        return
    own_map = connector.map is not None
    for inner, steps in paths:
        holder = verb if own_map or inner[0] != "map" else "case"
        yield ("connectors", holder, *inner), steps, inner[-1] in _HOLDERS


def _sent_places(place: Place, value: Any, steps: tuple[str, ...]) -> Iterator[tuple[Place, tuple[str, ...]]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _sent_places((*place, name), one, (*steps, name))
    elif steps:
        yield place, steps


def _walk(
    old: Shape,
    new: Shape,
    steps: tuple[str | int, ...],
    types: Mapping[str, list[Change]],
    is_holder: bool,
    text: str,
) -> Iterator[tuple[Effect, str]]:
    """Differences of the elements on a path; it ends where one of the two has no such child, as the check tells that."""
    names = [step for step in steps if isinstance(step, str)]
    walked = old.name
    for index, step in enumerate(names):
        before, after = (_child(one, step) for one in (old, new))
        if before is None or after is None:
            return
        old, new, walked = before, after, f"{walked}.{step}"
        is_last = index == len(names) - 1
        if new.repeated != old.repeated and not (is_last and is_holder):
            effect: Effect = (
                "breaks" if new.repeated and is_last and not _TAKES_LISTS.search(text) else "touches"
            )
            yield effect, f"{walked} now comes {'several times' if new.repeated else 'once at most'}"
        if new.optional != old.optional and is_last:
            yield "touches", f"{walked} is now {'optional' if new.optional else 'required'}"
        if not is_last or is_holder:
            continue
        was_simple, is_simple = not old.children(), not new.children()
        if was_simple and not is_simple:
            yield "breaks", f"{walked} was a value and now has elements below it"
        elif new.type_name != old.type_name:
            yield "touches", f"{walked} was {old.type_name} and is {new.type_name}"
        elif new.type_name in types:
            yield "touches", f"{walked} is {new.type_name}: {_summary(types[new.type_name])}"


def _child(shape: Shape, step: str) -> Shape | None:
    children = shape.children()
    return children.get(step) or children.get(f"@{step}")


def _summary(changes: list[Change]) -> str:
    told = [
        f"{one.member or 'it'} {one.what}"
        + (f" ({one.before} -> {one.after})" if one.what == "changed" else "")
        for one in changes
    ]
    return ", ".join(told[:4]) + (f", and {len(told) - 4} more" if len(told) > 4 else "")


# --- OpenAPI ---


def touched_by_openapi(
    document: Document, declaration: Declaration, old: Outline, new: Outline
) -> list[Touch]:
    found: set[Touch] = set()
    rest = declaration.source.rest
    if rest is None:
        return []
    for verb, connector in declaration.connectors.declared().items():
        before = _operation_of(old, rest.base_url, connector)
        if before is None:
            continue
        path_place: Place = ("connectors", verb, "path")
        after = new.components.get(("operation", before.name))
        if after is None:
            found.add(_touch(document, path_place, "breaks", f"{before.name} is gone"))
            continue
        for told in _new_demands(before, after, connector):
            found.add(_touch(document, path_place, "breaks", told))
        for place, steps, is_holder in _read_places(declaration, verb, connector):
            for effect, told in _read_change(before, after, steps, is_holder):
                found.add(_touch(document, place, effect, told))
        for name in connector.query:
            key = f"query {name}"
            if key in before.members and key not in after.members:
                found.add(_touch(document, ("connectors", verb, "query", name), "breaks", f"{key} is gone"))
            elif key in before.members and before.members[key] != after.members[key]:
                told = f"{key} was {before.members[key]} and is {after.members[key]}"
                found.add(_touch(document, ("connectors", verb, "query", name), "touches", told))
    return sorted(found)


def _operation_of(outline: Outline, base_url: str, connector: Connector) -> Component | None:
    """By method and path; what stands in braces may be called otherwise. The longest path that ends so."""
    asked = _template(urlsplit(base_url).path.rstrip("/") + "/" + connector.path.lstrip("/"))
    fits = [
        one
        for (kind, name), one in outline.components.items()
        if kind == "operation"
        and name.startswith(f"{connector.method} ")
        and (asked == (path := _template(name.partition(" ")[2])) or asked.endswith(path))
    ]
    return max(fits, key=lambda one: len(one.name)) if fits else None


def _template(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _new_demands(before: Component, after: Component, connector: Connector) -> Iterator[str]:
    for name, member in after.members.items():
        kind, _, parameter = name.partition(" ")
        if kind != "query" or "=" in name or member.occurs != "1":
            continue
        was = before.members.get(name)
        if (was is None or was.occurs != "1") and parameter not in connector.query:
            yield f"{name} is now required and is not sent"


def _read_change(
    before: Component, after: Component, steps: tuple[str | int, ...], is_holder: bool
) -> Iterator[tuple[Effect, str]]:
    wanted = "".join(f".{step}" for step in steps if isinstance(step, str))
    old, new = _by_path(before), _by_path(after)
    key = f"reply{wanted}"
    if key not in old:
        return
    if key not in new:
        yield "breaks", f"{old[key]} is gone"
        return
    was, now = before.members[old[key]], after.members[new[key]]
    if was.type != now.type:
        broken = not is_holder and now.type in ("array", "object") and was.type != now.type
        yield "breaks" if broken else "touches", f"{new[key]} was {was} and is {now}"
    elif was.occurs != now.occurs:
        yield "touches", f"{new[key]} is now {'required' if now.occurs == '1' else 'optional'}"
    values = [
        f"{name.rpartition('=')[2]} {'added' if name in after.members else 'removed'}"
        for name in sorted(before.members.keys() ^ after.members.keys())
        if name.startswith(f"{new[key]}=")
    ]
    if values:
        yield "touches", f"values of {new[key]}: {', '.join(values[:6])}"


def _by_path(component: Component) -> dict[str, str]:
    """Path without the signs of lists -> name of the member; of a list and what is in it the list."""
    found: dict[str, str] = {}
    for name in component.members:
        if name.startswith("reply"):
            found.setdefault(name.replace("[]", ""), name)
    return found


# --- both ---


def _touch(document: Document, place: Place, effect: Effect, message: str) -> Touch:
    line, column = document.where(place)
    return Touch(document.path, line, column, effect, ".".join(map(str, place)), message)


def _text_at(document: Document, place: Place) -> str:
    value = document.tree
    for step in place:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _sentence(message: str, allowed: str) -> str:
    """What is allowed only where it is short: a reply may have a hundred elements."""
    guess = allowed.partition("did you mean ")[2]
    if guess:
        return f"{message}; did you mean {guess}"
    return f"{message}; {allowed}" if allowed and len(allowed) < 80 else message
