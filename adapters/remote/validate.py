"""Everything that can be wrong with subgraph files, found at once, before any call. No I/O but what `Lookup` does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pydantic
from graphql import GraphQLSyntaxError, parse

from adapters.auth.check import auth_findings
from adapters.auth.files import FOLDER
from adapters.auth.secrets import AUTH_SECRETS
from adapters.loader import Document
from adapters.mapping.functions import CompileContext
from adapters.problems import Problem, nearest
from adapters.references import Lookup, resolve_references, secrets_at
from adapters.remote.declaration import PropagatedHeader, SubgraphDeclaration, streams_url
from adapters.remote.headers import ALWAYS_OURS
from adapters.remote.model_problems import model_problems
from adapters.validate import Known
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import parse_url

__all__ = ["CheckedSubgraph", "check_names", "check_subgraph", "sdl_problem"]

Place = tuple[str | int, ...]

_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(slots=True)
class CheckedSubgraph:
    """A document and, if its model holds, its declaration."""

    document: Document
    declaration: SubgraphDeclaration | None
    warnings: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.declaration is not None and not self.document.problems


def check_subgraph(document: Document, lookup: Lookup, known: Known) -> CheckedSubgraph:
    """Adds what is wrong to the document's problems. Does not look at the SDL."""
    if not isinstance(document.tree, dict):
        if not document.problems:
            document.problems.append(document.problem((), "NOT_A_DECLARATION", "the file holds no mapping"))
        return CheckedSubgraph(document, None)
    document.problems.extend(secrets_at(document, (("subgraph", "auth", *place) for place in AUTH_SECRETS)))
    tree = resolve_references(document, lookup)
    try:
        declaration = SubgraphDeclaration.model_validate(tree, context={FOLDER: document.path.parent})
    except pydantic.ValidationError as error:
        document.problems.extend(model_problems(document, error, SubgraphDeclaration))
        return CheckedSubgraph(document, None)
    document.problems.extend(_address_problems(document, declaration))
    document.problems.extend(_auth_problems(document, declaration))
    document.problems.extend(_header_problems(document, declaration))
    document.problems.extend(_owner_problems(document, declaration, known))
    return CheckedSubgraph(document, declaration)


def check_names(checked: Sequence[CheckedSubgraph], reserved: frozenset[str]) -> None:
    """Two files with one name, or the name of a subgraph of the house's own. Composition cannot tell two names
    apart that are the same as `join__Graph` values."""
    first: dict[str, CheckedSubgraph] = {}
    for one in checked:
        if one.declaration is None:
            continue
        name, place = one.declaration.name, ("subgraph", "name")
        plain = name.replace("-", "_")
        if plain in reserved:
            message = f"{name!r} is a subgraph of the gateway itself"
            one.document.problems.append(one.document.problem(place, "RESERVED_NAME", message))
        elif plain in first:
            message = f"subgraph {name} is declared in {first[plain].document.path} too"
            one.document.problems.append(one.document.problem(place, "DUPLICATE_SUBGRAPH", message))
        else:
            first[plain] = one


def sdl_problem(document: Document, place: Place, sdl: str, origin: str) -> Problem | None:
    """Text that is no GraphQL SDL. origin: what it is called in the message."""
    try:
        parse(sdl, no_location=True)
    except GraphQLSyntaxError as error:
        where = f" in line {error.locations[0].line}" if error.locations else ""
        return document.problem(place, "SDL_INVALID", f"{origin} is no GraphQL SDL: {error.message}{where}")
    return None


def _auth_problems(document: Document, declaration: SubgraphDeclaration) -> Iterator[Problem]:
    auth, place = declaration.subgraph.auth, ("subgraph", "auth")
    if auth is None:
        return
    for one in auth_findings(auth, "graphql", CompileContext()):
        yield document.problem((*place, *one.place), one.code, one.message, allowed=one.allowed, key=one.key)


def _address_problems(document: Document, declaration: SubgraphDeclaration) -> Iterator[Problem]:
    info = declaration.subgraph
    places: list[tuple[Place, str]] = [(("subgraph", "url"), info.url)]
    if info.subscriptions.url is not None:
        places.append((("subgraph", "subscriptions", "url"), streams_url(info)))
    if info.auth is not None and info.auth.oauth2 is not None:
        places.append((("subgraph", "auth", "oauth2", "tokenUrl"), info.auth.oauth2.token_url))
    for place, url in places:
        try:
            parse_url(url)
        except UrlRefused as error:
            yield document.problem(place, "BAD_ADDRESS", f"{error.reason}, found {url[:100]!r}")


def _header_problems(document: Document, declaration: SubgraphDeclaration) -> Iterator[Problem]:
    """Names that are the gateway's own, and two rules for one header."""
    rules, place = declaration.subgraph.headers, ("subgraph", "headers")
    sent: list[tuple[str, Place]] = []
    for index, rule in enumerate(rules.propagate):
        name = (rule.send_as or rule.name) if isinstance(rule, PropagatedHeader) else rule
        sent.append((name, (*place, "propagate", index)))
    for name, value in rules.static.items():
        sent.append((name, (*place, "static", name)))
        if _NO_VALUE.search(value) or not _is_latin(value):
            message = f"the value of {name} holds a character that no header can carry"
            yield document.problem((*place, "static", name), "BAD_HEADER", message)
    seen = dict.fromkeys(_credential_headers(declaration), "auth")
    for name, at in sent:
        lower = name.lower()
        if lower in ALWAYS_OURS:
            yield document.problem(at, "BAD_HEADER", f"{name} is set by the gateway itself")
        elif lower in seen:
            yield document.problem(at, "BAD_HEADER", f"{name} is sent by `{seen[lower]}` already")
        seen.setdefault(lower, str(at[2]))


def _credential_headers(declaration: SubgraphDeclaration) -> Iterator[str]:
    auth = declaration.subgraph.auth
    if auth is None:
        return
    yield from (name.lower() for name in auth.headers)
    if auth.api_key is not None and auth.api_key.place == "header":
        yield auth.api_key.name.lower()
    if auth.basic is not None or auth.bearer is not None or auth.oauth2 is not None:
        yield "authorization"


def _owner_problems(document: Document, declaration: SubgraphDeclaration, known: Known) -> Iterator[Problem]:
    owner = declaration.subgraph.owner
    if owner is None or known.departments is None or owner in known.departments:
        return
    guess = nearest(owner, known.departments)
    allowed = "a social credit code of departments.csv" + (f"; did you mean {guess!r}?" if guess else "")
    place = ("subgraph", "owner")
    yield document.problem(place, "UNKNOWN_DEPARTMENT", f"no department {owner!r}", allowed=allowed)


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
