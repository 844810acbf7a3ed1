"""Everything that can be wrong with declarations, found at once, before any call. Rules only, but for the WSDL that
a check is given.

Order: YAML, references, model, expressions and tables, then the WSDL's own view of requests and replies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_origin

import pydantic

from adapters.auth.files import FOLDER
from adapters.declaration import Declaration
from adapters.loader import Document
from adapters.own.check import own_problems
from adapters.problems import Problem, nearest, one_of
from adapters.references import Lookup, resolve_references, secrets_in_the_open
from adapters.validate_connectors import connector_problems
from adapters.validate_push import harvest_problems
from adapters.validate_sources import source_problems
from adapters.validate_writes import write_problems, written_expressions

__all__ = ["Checked", "Known", "check_across", "check_document"]

Place = tuple[str | int, ...]
_BEFORE_FILING = re.compile(r"\$args\.case\b")


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry knows; None where there is no registry to check against."""

    departments: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    items: frozenset[str] | None = None


@dataclass(slots=True)
class Checked:
    """A document and, if its model holds, its declaration."""

    document: Document
    declaration: Declaration | None

    @property
    def ok(self) -> bool:
        return self.declaration is not None and not self.document.problems


def check_document(document: Document, lookup: Lookup, known: Known) -> Checked:
    """Adds what is wrong to the document's problems. Does not look at WSDLs (`adapters.soap.check` does)."""
    if not isinstance(document.tree, dict):
        if not document.problems:
            document.problems.append(document.problem((), "NOT_A_DECLARATION", "the file holds no mapping"))
        return Checked(document, None)
    document.problems.extend(secrets_in_the_open(document))
    tree = resolve_references(document, lookup)
    declaration = _modelled(document, tree)
    if declaration is None:
        return Checked(document, None)
    document.problems.extend(source_problems(document, declaration))
    document.problems.extend(_registry_problems(document, declaration, known))
    document.problems.extend(connector_problems(document, declaration))
    document.problems.extend(harvest_problems(document, declaration))
    declaration = _with_sdl(document, declaration, lookup)
    if declaration.types is not None and declaration.types.sdl is not None:
        document.problems.extend(own_problems(document, declaration))
    document.problems.extend(write_problems(document, declaration, known.items))
    document.problems.extend(_successor_problems(document, declaration))
    return Checked(document, declaration)


def _with_sdl(document: Document, declaration: Declaration, lookup: Lookup) -> Declaration:
    """With the text of the file of its own types in `types.sdl`; a file that cannot be read is a problem."""
    types = declaration.types
    if types is None or types.file is None:
        return declaration
    try:
        text = lookup.read_file(str(document.path.parent / types.file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        place = ("types", "file")
        document.problems.append(document.problem(place, "FILE_UNREADABLE", f"{types.file}: {reason}"))
        return declaration
    return declaration.model_copy(update={"types": types.model_copy(update={"sdl": text})})


def check_across(checked: Sequence[Checked]) -> None:
    """Two systems with one code: both files are told. Systems that replace others: `_migration_problems`."""
    first: dict[str, Checked] = {}
    for one in checked:
        if one.declaration is None:
            continue
        code = one.declaration.system.code
        if code in first:
            other = first[code].document.path
            one.document.problems.append(
                one.document.problem(
                    ("system", "code"), "DUPLICATE_SYSTEM", f"system {code} is declared in {other} too"
                )
            )
        else:
            first[code] = one
    _migration_problems(first)
    _number_problems(first)


def _migration_problems(by_code: Mapping[str, Checked]) -> None:
    """A system replaces one that is declared and does not itself replace another; one has one successor. A file that
    is checked alone is not asked where the other one is."""
    successor: dict[str, str] = {}
    for code, one in by_code.items():
        migration = one.declaration.migration if one.declaration is not None else None
        if migration is None:
            continue
        target, problem = migration.replaces, ""
        other = by_code.get(target)
        if target == code:
            problem = "a system cannot replace itself"
        elif other is None and len(by_code) > 1:
            problem = f"no system {target!r} is declared; keep the file of a retired system: its cases bear its code"
        elif other is not None and other.declaration is not None and other.declaration.migration is not None:
            problem = f"{target} replaces another system itself; finish that migration first"
        elif target in successor:
            problem = f"{target} is replaced by {successor[target]} already"
        if problem:
            place = ("migration", "replaces")
            one.document.problems.append(one.document.problem(place, "MIGRATION_TARGET", problem))
        successor.setdefault(target, code)
        if other is not None and other.declaration is not None and one.declaration is not None:
            _dual_write_problems(one.document, one.declaration, other.declaration)


def _dual_write_problems(document: Document, new: Declaration, old: Declaration) -> None:
    """Whoever files with both sides must know which number is whose."""
    migration, submit = new.migration, new.connectors.submit
    if migration is None or submit is None or not migration.dual_write:
        return
    problem = ""
    if migration.numbers == "same" and not any(
        "$args.case.number" in text for _, text in written_expressions(submit)
    ):
        problem = (
            "with numbers: same `submit` must send $args.case.number, the number that the old system gave"
        )
    elif (
        migration.numbers == "mapped"
        and "PRIMARY_NEW" in migration.dual_write
        and old.connectors.reserve is None
    ):
        problem = (
            f"in PRIMARY_NEW a case gets its old number first: declare `reserve` in {old.system.code}, "
            "or leave PRIMARY_NEW out of dualWrite"
        )
    if problem:
        place = ("migration", "dualWrite")
        document.problems.append(document.problem(place, "MIGRATION_WRITES", problem))


def _number_problems(by_code: Mapping[str, Checked]) -> None:
    """A case has a number before it is filed only where two systems take applications, or numbers are reserved. A file
    that is checked alone may be the one of a system that is being replaced."""
    declared = [(one.document, one.declaration) for one in by_code.values() if one.declaration is not None]
    if len(declared) == 1:
        return
    twice: set[str] = set()
    for _, declaration in declared:
        if declaration.migration is not None and declaration.migration.dual_write is not None:
            twice |= {declaration.migration.replaces, declaration.system.code}
    for document, declaration in declared:
        writes = declaration.connectors
        if declaration.system.code in twice or writes.submit is None or writes.reserve is not None:
            continue
        for inner, text in written_expressions(writes.submit):
            if _BEFORE_FILING.search(text):
                place = ("connectors", "submit", *inner)
                message = "no $args.case here: a case has no number before it is filed"
                allowed = "`reserve`, or a successor with `dualWrite`, would give it one"
                document.problems.append(document.problem(place, "UNKNOWN_NAME", message, allowed=allowed))


def _successor_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    """A successor takes no writes under the code of the other: they would still go to the old system, even a retired
    one, while the declaration says that the new one takes them."""
    if declaration.migration is None or declaration.migration.dual_write is not None:
        return
    replaced = declaration.migration.replaces
    for name in declaration.connectors.writes():
        yield document.problem(
            ("connectors", name),
            "MIGRATION_WRITES",
            f"a system that replaces another takes no {name!r}: what names {replaced} would still go to {replaced}",
            key=True,
        )


# --- the model ---


def _modelled(document: Document, tree: Any) -> Declaration | None:
    """The declaration; without the keys that no model knows, so that one wrong key does not hide what else is wrong."""
    # files that it names stand beside it
    beside = {FOLDER: document.path.parent}
    try:
        return Declaration.model_validate(tree, context=beside)
    except pydantic.ValidationError as error:
        document.problems.extend(_model_problems(document, error))
        unknown = [one["loc"] for one in error.errors() if one["type"] == "extra_forbidden"]
    for *around, name in unknown:
        holder = _value_at(tree, tuple(around))
        if isinstance(holder, dict):
            holder.pop(name, None)
    try:
        return Declaration.model_validate(tree, context=beside) if unknown else None
    except pydantic.ValidationError:
        return None


def _value_at(tree: Any, place: Place) -> Any:
    for step in place:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def _model_problems(document: Document, error: pydantic.ValidationError) -> Iterator[Problem]:
    for one in error.errors(include_url=False, include_input=True):
        place: Place = tuple(one["loc"])
        match one["type"]:
            case "extra_forbidden":
                allowed = _fields_at(place[:-1])
                yield document.problem(
                    place,
                    "UNKNOWN_KEY",
                    f"unknown key {place[-1]!r}",
                    allowed=one_of(str(place[-1]), allowed),
                    key=True,
                )
            case "missing":
                where = f" in {place[-2]!r}" if len(place) > 1 else ""
                yield document.problem(
                    place[:-1], "MISSING_KEY", f"{place[-1]!r} is missing{where}", key=True
                )
            case _:
                # as it was written: what a reference stands for may be a secret
                found = _value_at(document.tree, place)
                is_plain = isinstance(found, str) and "${" not in found
                shown = f", found {found[:60]!r}" if is_plain else ""
                yield document.problem(place, "BAD_VALUE", f"{_plain_message(one['msg'])}{shown}")


def _plain_message(message: str) -> str:
    return message.removeprefix("Value error, ")


def _fields_at(place: Place) -> list[str]:
    """Keys that the model takes at a place."""
    model: Any = Declaration
    named = False
    for step in place:
        if named or isinstance(
            step, int
        ):  # an entry of a mapping or a list: `_model_in` has gone through to its model
            named = False
            continue
        fields = getattr(model, "model_fields", None)
        if fields is None:
            return []
        info = next((one for name, one in fields.items() if step in (one.alias, name)), None)
        model = _model_in(info.annotation) if info is not None else None
        named = info is not None and get_origin(info.annotation) is dict
    return [info.alias or name for name, info in getattr(model, "model_fields", {}).items()]


def _model_in(annotation: Any) -> Any:
    """The model in `Model`, `Model | None`, `tuple[Model, ...]` or `tuple[Model, ...] | None`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = (_model_in(one) for one in getattr(annotation, "__args__", ()))
    return next((one for one in inner if one is not None), None)


def _registry_problems(document: Document, declaration: Declaration, known: Known) -> Iterator[Problem]:
    system = declaration.system
    if known.departments is not None and system.owner not in known.departments:
        guess = nearest(system.owner, known.departments)
        allowed = "a social credit code of departments.csv" + (f"; did you mean {guess!r}?" if guess else "")
        yield document.problem(
            ("system", "owner"), "UNKNOWN_DEPARTMENT", f"no department {system.owner!r}", allowed=allowed
        )
    for name, codes, there in (
        ("regions", system.regions, known.regions),
        ("items", system.items, known.items),
    ):
        for index, code in enumerate(codes):
            if there is not None and code not in there:
                yield document.problem(
                    ("system", name, index), "UNKNOWN_CODE", f"{code!r} is not in the registry's {name}"
                )
