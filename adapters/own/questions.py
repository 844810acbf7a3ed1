"""Own types at run time: root fields, fields of entities and entities by their keys, put to their one system.

What stands under many parents is asked for in one call where the system takes many keys, else in single calls at once;
the source's bulkhead holds them back. A failure is an error at each field that it cost, and null.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.case_fields import connection
from adapters.case_gate import Cases, not_shown
from adapters.case_questions import QuestionRefused
from adapters.cursor import CursorError, ListCursor, Mark, fingerprint
from adapters.declaration import Declaration, OwnField, RowReach
from adapters.fanout import Outcome
from adapters.fetch import FetchError
from adapters.mapping.functions import as_text
from adapters.network import Network
from adapters.own.compile import KEY
from adapters.own.entities import derived, derived_names
from adapters.own.model import TYPE_NAME, VALUE, Answer, OwnModel
from adapters.own.rows import REACH, row_rule, sees_row
from adapters.own.selected import Needs
from adapters.shape import FieldRule, Rules, Run, Selection
from adapters.traffic.errors import SourceFault
from schema.errors import SchemaError
from schema.paging import checked_first

__all__ = ["OwnQuestions"]

_log = logging.getLogger(__name__)

Path = tuple[str | int, ...]
Parents = list[tuple[Any, Path]]
LONGEST_LIST = 10_000
"""Records of a list that is no connection; `network` reads no more than its MAX_PAGES pages of them."""


@dataclass(slots=True)
class OwnQuestions:
    """`adapters.connector.Questions` for the types of one system. secret: seals cursors."""

    network: Network
    declaration: Declaration
    model: OwnModel
    secret: bytes = field(repr=False)
    max_deadline_s: float = 10.0
    largest_page: int = 100
    cases: Cases | None = None
    """Who may have which case; without it there is no house, and nothing is held to reach."""
    held: dict[str, RowReach] = field(default_factory=dict, init=False)
    """Coordinate -> how its rows are held to the caller's reach."""
    rules: Rules = field(default_factory=dict, init=False)
    needs: Needs = field(init=False)

    def __post_init__(self) -> None:
        self.needs = Needs(self.model, self._declared)
        for coordinate, answer in self.model.answers.items():
            rule = row_rule(self.model, self._declared[coordinate], answer)
            if rule is not None and self.cases is not None:
                self.held[coordinate] = rule
        rules: dict[tuple[str, str], FieldRule] = {}
        for answer in self.model.answers.values():
            if answer.name is not None and answer.parent != "Query":
                rules[answer.parent, answer.name] = FieldRule(many=self._asker(answer))
        self.rules = rules

    @property
    def code(self) -> str:
        return self.declaration.system.code

    @property
    def _declared(self) -> Mapping[str, OwnField]:
        assert self.declaration.types is not None  # noqa: S101 - a system without types has no questions
        return self.declaration.types.fields

    def root_fields(self) -> dict[str, Any]:
        return {
            answer.name: self._root(answer)
            for answer in self.model.answers.values()
            if answer.parent == "Query" and answer.name is not None
        }

    def _root(self, answer: Answer) -> Callable[..., Coroutine[Any, Any, Any]]:
        ask = self._asker(answer)

        async def root(run: Run, arguments: dict[str, Any], selection: Selection, path: Path) -> Any:
            [value] = await ask([({}, path)], run, arguments, selection)
            return value

        return root

    def _asker(
        self, answer: Answer
    ) -> Callable[[Parents, Run, dict[str, Any], Selection], Coroutine[Any, Any, list[Any]]]:
        async def ask(
            parents: Parents, run: Run, arguments: dict[str, Any], selection: Selection
        ) -> list[Any]:
            return await _Asking(self, answer, run, arguments, selection).safely(parents)

        return ask

    # --- entities ---

    async def entities(
        self, run: Run, representations: Sequence[Any], selection: Selection, at: Path
    ) -> list[Any]:
        """Representations as objects: as they are, or with what the system has under their keys."""
        found: list[Any] = [None] * len(representations)
        by_type: dict[str, list[int]] = {}
        for index, one in enumerate(representations):
            try:
                found[index] = self._object(one)
                by_type.setdefault(found[index][TYPE_NAME], []).append(index)
            except (QuestionRefused, SchemaError) as error:  # one that nobody knows costs only itself
                run.errors.append(FetchError(str(error), (*at, index), {"code": error.code}))
        await self._hide_cases(run, found, by_type, at)
        await asyncio.gather(
            *(self._resolve(run, name, indices, found, selection, at) for name, indices in by_type.items())
        )
        return found

    async def _hide_cases(self, run: Run, found: list[Any], by_type: dict[str, list[int]], at: Path) -> None:
        """A case that the caller may not have is none here either."""
        places = by_type.get("Case")
        if not places or self.cases is None:
            return
        shown = await self.cases.shown({str(found[place].get("id")) for place in places}, run.context)
        for place in places:
            if str(found[place].get("id")) not in shown:
                run.errors.append(not_shown(found[place].get("id"), (*at, place)))
                found[place] = None
        by_type["Case"] = [place for place in places if found[place] is not None]

    def _object(self, representation: Any) -> dict[str, Any]:
        name = representation.get(TYPE_NAME) if isinstance(representation, dict) else None
        keys = self.model.keys.get(str(name))
        if keys is None:
            raise QuestionRefused("REPRESENTATION_INVALID", f"{self.code} cannot resolve entity {name!r}.")
        if not any(representation.get(key) is not None for key in keys):
            raise QuestionRefused(
                "REPRESENTATION_INVALID", f"{name} needs its key ({', '.join(sorted(keys))})."
            )
        return derived(str(name), representation)

    async def _resolve(
        self, run: Run, name: str, indices: list[int], found: list[Any], selection: Selection, at: Path
    ) -> None:
        """Asks for what the representations do not bring; a key that the system does not know becomes null."""
        answer = self.model.answers.get(name)
        if answer is None:
            return
        paths = self._needed(selection, name)
        if all(path in found[index] for path in paths for index in indices):
            return
        asking = _Asking(self, answer, run, {}, selection, paths)
        values = await asking.safely([(found[index], (*at, index)) for index in indices])
        for index, value in zip(indices, values, strict=True):
            found[index] = {**found[index], **value} if value is not None else None

    def _needed(self, selection: Selection, name: str) -> frozenset[str]:
        """Paths that `_entities` selects of one type."""
        return self.needs.of_entity(selection, name)


@dataclass(slots=True)
class _Asking:
    """One own field in one fetch. paths: of its records; by default what the selection says."""

    questions: OwnQuestions
    answer: Answer
    run: Run
    arguments: dict[str, Any]
    selection: Selection
    paths: frozenset[str] | None = None

    @property
    def declared(self) -> OwnField:
        return self.questions._declared[self.answer.coordinate]

    @property
    def code(self) -> str:
        return self.questions.code

    async def safely(self, parents: Parents) -> list[Any]:
        """A fault of ours with this field costs the others nothing."""
        try:
            return await self.values_of(parents)
        except Exception:
            _log.exception("asking %s for %s failed in the gateway itself", self.code, self.answer.coordinate)
            self._report(str(SourceFault(self.code)), SourceFault.code, [path for _, path in parents])
            return [None] * len(parents)

    async def values_of(self, parents: Parents) -> list[Any]:
        """The field's value under each parent, in their order."""
        parents = [(self._whole(parent), path) for parent, path in parents]
        mine = [index for index, (parent, _) in enumerate(parents) if self._is_ours(parent)]
        mine = await self._of_shown_cases(parents, mine)
        values: list[Any] = [[] if self.answer.many else None for _ in parents]
        groups: dict[bytes, list[int]] = {}
        for index in mine:
            asked = self._this(parents[index][0])
            if asked is not None:
                groups.setdefault(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS), []).append(index)
        asked_for = [(self._this(parents[group[0]][0]) or {}, group) for group in groups.values()]
        if self.declared.batch is not None:
            size = self.declared.batch.size
            chunks = [asked_for[at : at + size] for at in range(0, len(asked_for), size)]
            await asyncio.gather(*(self._batch(chunk, parents, values) for chunk in chunks))
        else:
            await asyncio.gather(*(self._one(this, group, parents, values) for this, group in asked_for))
        return values

    async def _of_shown_cases(self, parents: Parents, mine: list[int]) -> list[int]:
        """A field of a case is asked for where the caller may have the case, whoever named it."""
        cases = self.questions.cases
        if self.answer.parent != "Case" or cases is None or not mine:
            return mine
        ids = {str(parents[index][0].get("id")) for index in mine}
        shown = await cases.shown(ids, self.run.context)
        hidden = [index for index in mine if str(parents[index][0].get("id")) not in shown]
        self.run.errors.extend(not_shown(parents[index][0].get("id"), parents[index][1]) for index in hidden)
        return [index for index in mine if index not in hidden]

    def _whole(self, parent: Mapping[str, Any]) -> Mapping[str, Any]:
        """With what the key says; an id that is none belongs to no system."""
        if not derived_names(self.answer.parent) or "systemCode" in parent:
            return parent
        try:
            return derived(self.answer.parent, parent)
        except SchemaError:
            return parent

    def _is_ours(self, parent: Mapping[str, Any]) -> bool:
        """A case is asked for in its own system only."""
        return self.answer.parent != "Case" or parent.get("systemCode") == self.code

    def _this(self, parent: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is sent of the object; None where a part of it is null: there is nothing to ask for."""
        names = self.questions.needs.needs[self.answer.coordinate]
        this = {name: parent.get(name) for name in sorted(names)}
        return None if any(value is None or value == "" for value in this.values()) else this

    # --- calls ---

    async def _one(self, this: dict[str, Any], group: list[int], parents: Parents, values: list[Any]) -> None:
        roots = {"this": this} if this else {}
        paths = [parents[index][1] for index in group]
        if self.answer.page:
            value: Any = await self._page(roots, paths)
        else:
            rows = await self._rows(roots, paths)
            if rows is None:
                value = None
            else:
                value = [self._plain(row) for row in rows] if self.answer.many else self._only(rows, paths)
        for index in group:
            values[index] = value

    def _only(self, rows: list[dict[str, Any]], paths: list[Path]) -> Any:
        if len(rows) > 1:
            self._report(
                f"{self.code}: {self.answer.coordinate}: the reply holds {len(rows)} records where one was asked for; "
                "the first is taken.",
                "SOURCE_BAD_DATA",
                paths,
            )
        return self._plain(rows[0]) if rows else None

    async def _batch(
        self, chunk: list[tuple[dict[str, Any], list[int]]], parents: Parents, values: list[Any]
    ) -> None:
        batch = self.declared.batch
        assert batch is not None  # noqa: S101 - the caller looked
        names = list(batch.key)
        # what the request does not send as a list is the same for all, or it could not be one call
        roots = {"batch": {name: [this[name] for this, _ in chunk] for name in names}}
        paths = [parents[index][1] for _, group in chunk for index in group]
        rows = await self._rows(roots, paths)
        if rows is None:
            for _, group in chunk:
                for index in group:
                    values[index] = None
            return
        by_key: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row in rows:
            by_key.setdefault(tuple(str(row.get(f"{KEY}{name}")) for name in names), []).append(row)
        for this, group in chunk:
            found = by_key.get(tuple(as_text(this[name]).strip() for name in names), [])
            own_paths = [parents[index][1] for index in group]
            value = [self._plain(row) for row in found] if self.answer.many else self._only(found, own_paths)
            for index in group:
                values[index] = value

    async def _rows(self, roots: Mapping[str, Any], paths: list[Path]) -> list[dict[str, Any]] | None:
        """All records, through the pages where the list has them; None where the system could not answer."""
        outcome, rows, end = await self._asked(roots, first=LONGEST_LIST, start=Mark())
        self._tell(outcome, paths)
        if not outcome.answered and not rows:
            return None
        if end is not None and outcome.answered:
            self._report(
                f"{self.code}: {self.answer.coordinate}: the list goes on after {len(rows)} records; the rest was left.",
                "SOURCE_BAD_DATA",
                paths,
            )
        return rows

    async def _page(self, roots: Mapping[str, Any], paths: list[Path]) -> dict[str, Any] | None:
        """A connection; its cursor is the system's position, bound to the question."""
        questions = self.questions
        try:
            first = checked_first(self.arguments.get("first"), largest=questions.largest_page)
            bound = {"system": self.code, "field": self.answer.coordinate, "args": self._args(), **roots}
            question = fingerprint(bound, questions.secret)
            after = self.arguments.get("after")
            given = ListCursor.decode(after, question, questions.secret) if after else ListCursor()
        except (SchemaError, CursorError) as error:
            self._report(str(error), error.code, paths)
            return None
        start = given.marks.get(self.code, Mark())
        outcome, rows, end = await self._asked(roots, first=first, start=start)
        self._tell(outcome, paths)
        if not outcome.answered and not rows:
            return None
        go_on = ListCursor({self.code: end}).encode(question, questions.secret) if end is not None else None
        rows = [self._plain(row) for row in rows]
        total = outcome.total
        shown = connection(rows, [], has_next=end is not None, has_previous=bool(after), total=total)
        # the list has positions between its pages, not between its records
        shown["edges"] = [{"cursor": go_on or "", "node": row} for row in rows]
        shown["pageInfo"]["endCursor"] = go_on
        return shown

    async def _asked(
        self, roots: Mapping[str, Any], *, first: int, start: Mark
    ) -> tuple[Outcome, list[dict[str, Any]], Mark | None]:
        context = self.run.context
        if self.questions.declaration.system.lifecycle in ("DISCOVERED", "RETIRED"):
            return Outcome(self.code, "UNSUPPORTED"), [], None
        now = asyncio.get_running_loop().time()
        deadline = min(context.deadline, now + self.questions.max_deadline_s)
        outcome, rows, end = await self.questions.network.system_list(
            self.code,
            self.answer.coordinate,
            self._args(),
            self._paths(),
            first=first,
            start=start,
            deadline=deadline,
            trace=context.trace_headers,
            roots=roots,
        )
        rule = self.questions.held.get(self.answer.coordinate)
        if rule is not None and rows:
            rows = await self._in_reach(rule, outcome, rows)
        return outcome, rows, end

    async def _in_reach(
        self, rule: RowReach, outcome: Outcome, rows: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The rows that the caller may have; how many there are besides is nobody's business."""
        cases, context = self.questions.cases, self.run.context
        assert cases is not None  # noqa: S101 - nothing is held without
        reach = cases.reach(context)
        if reach.everything:
            return rows
        named = {str(row[f"{REACH}case"]) for row in rows if row.get(f"{REACH}case")}
        shown = await cases.shown(named, context) if named else frozenset[str]()
        owner = self.questions.declaration.system.owner
        outcome.total = None
        return [row for row in rows if sees_row(rule, row, reach, owner=owner, shown=shown)]

    def _args(self) -> dict[str, Any]:
        return {name: self.arguments.get(name) for name in sorted(self.answer.arguments)}

    def _paths(self) -> frozenset[str]:
        if self.paths is not None:
            return self.paths
        if self.answer.leaf:
            return frozenset({VALUE})
        needs, name = self.questions.needs, self.answer.record.name
        if self.answer.page:
            return needs.below(self.selection, name, "nodes") | needs.below(
                self.selection, name, "edges", "node"
            )
        return needs.below(self.selection, name)

    def _plain(self, row: dict[str, Any]) -> Any:
        return row.get(VALUE) if self.answer.leaf else row

    # --- what went wrong ---

    def _tell(self, outcome: Outcome, paths: list[Path]) -> None:
        if outcome.error is not None and not outcome.answered:
            self._report(str(outcome.error), outcome.error.code, paths)
        elif outcome.status == "UNSUPPORTED":
            self._report(f"{self.code} is not in service.", "SOURCE_UNAVAILABLE", paths)
        for trouble in outcome.troubles:
            where = trouble.field.removesuffix(f".{VALUE}") if self.answer.leaf else trouble.field
            message = f"{self.code}: {where}: {re.sub(r'[.]?$', '.', trouble.message, count=1)}"
            self._report(message, "SOURCE_BAD_DATA", paths, field=where)

    def _report(self, message: str, code: str, paths: list[Path], **further: str) -> None:
        """At every field that it cost."""
        extensions = {"code": code, "system": self.code, **further}
        self.run.errors.extend(FetchError(message, path, extensions) for path in paths)
