"""The questions of the `cases` subgraph, put to the network: which systems, which fields, how long, and what went
wrong, as errors beside the data. No GraphQL execution; answers are plain objects for the shapers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from adapters.applicant import filter_number
from adapters.case_fields import (
    ALWAYS,
    CaseView,
    applicant_of,
    case_rules,
    connection,
    network_time,
    record_fields,
    subject_of,
)
from adapters.case_filter import CaseFilter
from adapters.cursor import CursorError, ListCursor, Mark, fingerprint
from adapters.fanout import Found, Merged, Outcome
from adapters.fetch import FetchError, RequestContext
from adapters.files import file_url
from adapters.kept_cases import (
    AS_DECLARED,
    CaseMemory,
    MemoryUnavailable,
    Wish,
    kept_found,
    wish_of,
)
from adapters.network import Network, RegionTree
from adapters.reach import OWN, Reach, reach_of
from adapters.shape import FieldRule, Rules, Run, Selection
from schema.canonical import CASE, CHANGE, ITEM
from schema.errors import SchemaError
from schema.identifiers import applicant_ref, case_id, parse_case_id
from schema.paging import checked_first

__all__ = ["CaseQuestions", "QuestionRefused"]

Path = tuple[str | int, ...]
_FIELDS = {record.name: frozenset(field.name for field in record.fields) for record in (CASE, ITEM, CHANGE)}
_OWN_ARGUMENTS = ("first", "after", "deadlineMs", "freshness")


class QuestionRefused(Exception):
    """A question that is not put to any system; becomes a GraphQL error."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@dataclass(slots=True)
class CaseQuestions:
    """network: asked live, replaced with each generation. secret: seals cursors; ref_key: keys applicant refs."""

    network: Network
    regions: RegionTree
    secret: bytes = field(repr=False)
    ref_key: bytes = field(repr=False)
    max_deadline_s: float = 10.0
    default_deadline_s: float = 2.0
    largest_page: int = 100
    memory: CaseMemory | None = None
    rules: Rules = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        rules = case_rules(self.ref_key)
        rules["Case", "applicant"] = FieldRule(
            lambda case, run, *_: self._applicant(case, run), ("applicant",)
        )
        rules["Case", "files"] = FieldRule(lambda case, *_: self._files(case))
        rules["LegacySystem", "items"] = FieldRule(self._items, later=True)
        rules["LegacySystem", "changes"] = FieldRule(self._changes, later=True)
        self.rules = rules

    def _applicant(self, case: CaseView, run: Run) -> dict[str, Any] | None:
        record, reach = case.found.record, self.reach(run.context)
        in_charge = reach.in_charge(record, owner=self.network.owner(case.found.system))
        return applicant_of(record.get("applicant"), self.ref_key, in_charge=in_charge)

    def _files(self, case: CaseView) -> list[dict[str, Any]]:
        source = self.network.sources.get(case.found.system)
        desk = source.files if source is not None else None
        return [
            {"kind": kind, "title": rule.title or None, "url": file_url(kind, case.id)}
            for kind, rule in (desk.rules.items() if desk is not None else ())
        ]

    def add_rule(self, type_name: str, field_name: str, rule: FieldRule) -> None:
        """Of a field that another part of this subgraph answers."""
        self.rules = {**self.rules, (type_name, field_name): rule}

    # --- root fields ---

    def root_fields(self) -> dict[str, Any]:
        """Name -> (run, arguments, selection, path) -> value."""
        return {
            "case": self.case,
            "caseProgress": self.case_progress,
            "cases": self.cases,
            "myCases": self.my_cases,
        }

    async def case(
        self, run: Run, arguments: dict[str, Any], selection: Selection, path: Path
    ) -> CaseView | None:
        wish = wish_of(arguments.get("freshness"))
        return await self.case_by_id(run, str(arguments["id"]), selection.names(), path, wish=wish)

    async def case_progress(
        self, run: Run, arguments: dict[str, Any], selection: Selection, path: Path
    ) -> dict[str, Any]:
        number = arguments["number"].strip()
        fields = self._case_fields(selection.names("cases"))
        wish = wish_of(arguments.get("freshness"))
        reach = self.reach(run.context)
        deadline = self._deadline(run.context, arguments.get("deadlineMs"))
        if not wish.asks:
            ids = [f"{code}:{number}" for code in self.network.may_hold(number)]
            found = await self._from_files(run, ids, fields, wish)
            outcomes = [Outcome(one.system, "LEDGER", one.page.as_of, count=1) for one in found]
        else:
            found, outcomes = await self.network.by_number(
                number,
                fields | reach.needs(),
                deadline=deadline,
                trace=run.context.trace_headers,
                live=wish.live,
                max_age_s=wish.max_age_s,
            )
        there = frozenset(one.system for one in found)
        if wish.asks and not reach.everything:
            found = self.within(reach, found)
            for outcome in outcomes:
                outcome.count = sum(one.system == outcome.system for one in found)
                if not outcome.count:
                    outcome.hide()
        if wish.asks:
            found += await self._left_behind(run, self.network.may_have_left(number), fields, there, outcomes)
        self._saw(run, found, outcomes)
        _report(run, outcomes, path)
        if not found:
            silent = [outcome.system for outcome in outcomes if not outcome.answered]
            tail = f"; not answered: {', '.join(silent)}" if silent else ""
            who, code = "no system that answered has this number", "CASE_NOT_FOUND"
            if not wish.asks:
                who = "no case file has this number; ask LIVE for what the ledger does not know yet"
            elif not outcomes:
                who = "no system has numbers of this form"
            elif len(silent) == len(outcomes):
                who, code = "no system that may hold it answered", "NO_SOURCE_ANSWERED"
            run.errors.append(FetchError(f"Case not found: {who}{tail}.", path, {"code": code}))
        return {
            "number": number,
            "cases": [CaseView(one, time.time()) for one in found],
            "sources": _outcomes(outcomes),
        }

    async def cases(
        self, run: Run, arguments: dict[str, Any], selection: Selection, path: Path
    ) -> dict[str, Any]:
        wanted = replace(self._filter(arguments), reach=self.reach(run.context))
        return await self._list(run, arguments, wanted, selection, path)

    async def my_cases(
        self, run: Run, arguments: dict[str, Any], selection: Selection, path: Path
    ) -> dict[str, Any]:
        caller = run.context.caller
        subject = caller.subject
        if subject is None or OWN not in caller.scopes:
            raise QuestionRefused("FORBIDDEN", "myCases needs a token of an applicant (with a subject).")
        id_type, number = filter_number(None, subject)
        wanted = CaseFilter(id_type=id_type, number=number, states=tuple(arguments.get("states") or ()))
        return await self._list(run, arguments, wanted, selection, path)

    async def entities(
        self, run: Run, representations: Sequence[Any], selection: Selection, at: Path
    ) -> list[Any]:
        """at: response path of the field; one operation may hold several `_entities` under aliases."""
        names = self._case_fields(selection.names())

        async def one(index: int, representation: Any) -> Any:
            path = (*at, index)
            try:
                return await self._entity(run, representation, names, path)
            except (QuestionRefused, SchemaError) as error:  # one that nobody knows costs only itself
                run.errors.append(FetchError(str(error), path, {"code": error.code}))
                return None

        return list(await asyncio.gather(*(one(index, item) for index, item in enumerate(representations))))

    async def _entity(self, run: Run, representation: Any, names: frozenset[str], path: Path) -> Any:
        kind = representation.get("__typename") if isinstance(representation, dict) else None
        key = {"LegacySystem": "code", "Case": "id"}.get(str(kind))
        if key is None or not isinstance(representation.get(key), str):
            raise QuestionRefused(
                "REPRESENTATION_INVALID", f"cases cannot resolve entity {kind!r} without its key"
            )
        if kind == "LegacySystem":
            return {"__typename": kind, "code": representation["code"]}
        since = run.context.fresh_since
        wish = AS_DECLARED if since is None else Wish(max_age_s=max(0.0, time.time() - since))
        view = await self.case_by_id(run, representation["id"], names, path, wish=wish)
        return _Typed("Case", view) if view is not None else None

    # --- fields that ask a system ---

    def _items(self, system: Any, run: Run, arguments: dict[str, Any], selection: Selection) -> Any:
        fields = record_fields(
            selection.names("nodes") | selection.names("edges", "node"),
            self.rules,
            "SystemItem",
            _FIELDS["SystemItem"],
        )
        return lambda path: self._system_list(run, system["code"], "items", {}, arguments, fields, path)

    def _changes(self, system: Any, run: Run, arguments: dict[str, Any], selection: Selection) -> Any:
        fields = record_fields(
            selection.names("nodes") | selection.names("edges", "node"),
            self.rules,
            "CaseChange",
            _FIELDS["CaseChange"],
        )
        args = {"since": arguments["since"]}
        return lambda path: self._system_list(
            run, system["code"], "changes", args, arguments, fields | {"localNo"}, path
        )

    async def _system_list(
        self,
        run: Run,
        code: str,
        verb: str,
        args: Mapping[str, Any],
        arguments: Mapping[str, Any],
        fields: frozenset[str],
        path: Path,
    ) -> dict[str, Any] | None:
        """One page of a system's own list; its cursor is the system's position, bound to the question."""
        try:
            first = checked_first(arguments.get("first"), largest=self.largest_page)
            question = fingerprint({"system": code, "verb": verb, **args}, self.secret)
            after = arguments.get("after")
            given = ListCursor.decode(after, question, self.secret) if after else ListCursor()
        except (SchemaError, CursorError) as error:
            run.errors.append(FetchError(str(error), path, {"code": error.code, "system": code}))
            return None
        deadline = self._deadline(run.context, None)
        start = given.marks.get(code, Mark())
        outcome, rows, end = await self.network.system_list(
            code,
            verb,
            args,
            fields,
            first=first,
            start=start,
            deadline=deadline,
            trace=run.context.trace_headers,
        )
        _report(run, [outcome], path)
        self._saw(run, (), [outcome])
        for row in rows:
            row["__system"] = code
            if verb == "changes":
                run.context.seen.cases.add(_named(code, row["localNo"]))
        go_on = ListCursor({code: end}).encode(question, self.secret) if end is not None else None
        shown = connection(rows, [], has_next=end is not None, has_previous=bool(after), total=None)
        # a system's own list has positions between its pages, not between its records
        shown["edges"] = [{"cursor": go_on or "", "node": row} for row in rows]
        shown["pageInfo"]["endCursor"] = go_on
        return shown | {"sources": _outcomes([outcome])}

    # --- inside ---

    async def _list(
        self, run: Run, arguments: dict[str, Any], wanted: CaseFilter, selection: Selection, path: Path
    ) -> dict[str, Any]:
        wish = wish_of(arguments.get("freshness"))
        if not wish.asks:
            raise QuestionRefused(
                "FRESHNESS_UNSUPPORTED",
                "Lists from the ledger are another field: ask `worklist`, or MAX_AGE here.",
            )
        first = checked_first(arguments.get("first"), largest=self.largest_page)
        asked = {name: value for name, value in arguments.items() if name not in _OWN_ARGUMENTS}
        question = fingerprint({**asked, "who": wanted.number}, self.secret)
        after = arguments.get("after")
        start = ListCursor.decode(after, question, self.secret) if after else ListCursor()
        names = selection.names("nodes") | selection.names("edges", "node")
        merged = await self.network.cases(
            wanted,
            self._case_fields(names),
            first=first,
            after=start,
            deadline=self._deadline(run.context, arguments.get("deadlineMs")),
            with_cursors="cursor" in selection.names("edges") or "startCursor" in selection.names("pageInfo"),
            trace=run.context.trace_headers,
            live=wish.live,
            max_age_s=wish.max_age_s,
        )
        if wanted.number is not None and wanted.id_type is not None:
            run.context.seen.subjects.add(applicant_ref(self.ref_key, wanted.id_type, wanted.number))
        if wanted.reach is not None and not wanted.reach.everything:
            merged = self._only_within(wanted.reach, merged)
        self._saw(run, merged.found, merged.outcomes)
        _report(run, merged.outcomes, path)
        self._nobody_answered(run, merged, path)
        return self._connection(merged, question, has_previous=bool(after))

    def _only_within(self, reach: Reach, merged: Merged) -> Merged:
        """Lists are tested as they are read; where only the single case tells whose it is, that is known now. One that
        could not be asked for is left out."""
        kept = []
        for one, cursor in zip_longest(merged.found, merged.cursors):
            source = self.network.side(one.system, "case", str(one.record["localNo"]))
            missing = source.only_in_case(reach.needs()) if source is not None else frozenset()
            if all(one.record.get(name) is not None for name in missing) and self.within(reach, [one]):
                kept.append((one, cursor))
        if len(kept) == len(merged.found):
            return merged
        cursors = [cursor for _, cursor in kept] if merged.cursors else []
        for outcome in merged.outcomes:
            outcome.count = sum(one.system == outcome.system for one, _ in kept)
        return replace(merged, found=[one for one, _ in kept], cursors=cursors, total=None)

    def _connection(self, merged: Merged, question: str, *, has_previous: bool) -> dict[str, Any]:
        now = time.time()
        nodes = [CaseView(found, now) for found in merged.found]
        cursors = [cursor.encode(question, self.secret) for cursor in merged.cursors]
        shown = connection(
            nodes, cursors, has_next=merged.has_more, has_previous=has_previous, total=merged.total
        )
        if not cursors:
            shown["edges"] = [{"node": node} for node in nodes]
        shown["pageInfo"]["endCursor"] = (
            merged.end.encode(question, self.secret) if nodes or merged.has_more else None
        )
        return shown | {"sources": _outcomes(merged.outcomes), "totalIsEstimate": False}

    def _nobody_answered(self, run: Run, merged: Merged, path: Path) -> None:
        asked = [outcome for outcome in merged.outcomes if outcome.status != "UNSUPPORTED"]
        if any(outcome.answered for outcome in asked):
            return
        reason = (
            f"none of the {len(asked)} systems asked answered"
            if asked
            else "no system can answer this question"
        )
        run.errors.append(
            FetchError(f"No data: {reason}; see sources.", path, {"code": "NO_SOURCE_ANSWERED"})
        )

    async def case_by_id(
        self,
        run: Run,
        text: str,
        names: frozenset[str],
        path: Path,
        *,
        live: bool = False,
        wish: Wish = AS_DECLARED,
    ) -> CaseView | None:
        """live: no kept answer will do, as right after something was filed."""
        wanted = parse_case_id(text)
        if wish.takes_files:
            kept = await self._from_files(run, [text], self._case_fields(names), wish)
            if kept:
                self._saw(run, kept, [Outcome(wanted.system, "LEDGER")])
                return CaseView(kept[0], time.time())
        if not wish.asks:
            message = (
                f"The ledger has no case {text!r} that you may see; ask LIVE for what it does not know yet."
            )
            run.errors.append(FetchError(message, path, {"code": "CASE_NOT_FOUND", "system": wanted.system}))
            return None
        if self.network.is_absent(wanted.system):
            _, outcomes = await self.network.by_number(
                wanted.local_no, ALWAYS, deadline=0, only=wanted.system
            )
            _report(run, outcomes, path)
            return None
        source = self.network.side(wanted.system, "case", wanted.local_no)
        if source is None or not source.can("case"):
            known = ", ".join(sorted(code for code, one in self.network.sources.items() if one.can("case")))
            raise QuestionRefused(
                "SYSTEM_UNKNOWN", f"No system {wanted.system!r} can be asked for a case; there is {known}."
            )
        reach = self.reach(run.context)
        found, outcomes = await self.network.by_number(
            wanted.local_no,
            self._case_fields(names) | reach.needs(),
            deadline=self._deadline(run.context, int(self.max_deadline_s * 1000)),
            only=wanted.system,
            trace=run.context.trace_headers,
            live=live or wish.live,
            max_age_s=wish.max_age_s,
        )
        there = frozenset(one.system for one in found)
        if not reach.everything:  # another's case is as if it were not there
            found = self.within(reach, found)
            if not found:
                for outcome in outcomes:
                    outcome.hide()
        if self.network.is_retired(wanted.system):
            left = {wanted.system: wanted.local_no}
            found += await self._left_behind(run, left, self._case_fields(names), there, outcomes)
        self._saw(run, found, outcomes)
        _report(run, outcomes, path)
        if not found and outcomes[0].answered:
            seen = "" if reach.everything else " that you may see"
            message = f"{wanted.system} has no case {wanted.local_no!r}{seen}."
            run.errors.append(FetchError(message, path, {"code": "CASE_NOT_FOUND", "system": wanted.system}))
        return CaseView(found[0], time.time()) if found else None

    async def _left_behind(
        self,
        run: Run,
        asked: Mapping[str, str],
        fields: frozenset[str],
        there: Collection[str],
        outcomes: Sequence[Outcome],
    ) -> list[Found]:
        """Cases of systems that are retired and that the new side does not know: as the case files have them.

        asked: code -> number; there: systems whose new side has the case, whoever may see it. Raises QuestionRefused.
        """
        silent = {outcome.system for outcome in outcomes if not outcome.answered}
        ids = [
            _named(code, number) for code, number in asked.items() if code not in there and code not in silent
        ]
        if not ids or self.memory is None:
            return []
        found = await self._from_files(run, ids, fields, Wish(asks=False))
        for outcome in outcomes:
            mine = [one for one in found if one.system == outcome.system]
            if mine:
                outcome.status, outcome.as_of, outcome.count = "LEDGER", mine[0].page.as_of, len(mine)
        return found

    async def _from_files(
        self, run: Run, ids: Sequence[str], fields: frozenset[str], wish: Wish
    ) -> list[Found]:
        """Case files in the caller's reach that are fresh enough. Where files cannot be read, a system that may be asked
        is asked."""
        try:
            if self.memory is None:
                raise MemoryUnavailable("This gateway keeps no case files.")
            kept = await self.memory.find(ids, events="events" in fields)
        except MemoryUnavailable as error:
            if wish.asks:
                return []
            raise QuestionRefused(error.code, str(error)) from error
        reach, now = self.reach(run.context), time.time()
        return [
            kept_found(one)
            for one in kept.values()
            if wish.is_met(one.as_of, now)
            and reach.sees_row(
                subject=one.subject,
                department=one.record.get("departmentCode") or self.network.owner(one.system),
                region=one.record.get("regionCode"),
                key=self.ref_key,
            )
        ]

    def reach(self, context: RequestContext) -> Reach:
        """Which cases the caller may have."""
        return reach_of(context.caller, self.regions)

    def within(self, reach: Reach, found: Sequence[Found]) -> list[Found]:
        """Those in reach; the records hold what `reach.needs` names."""
        return [one for one in found if reach.sees(one.record, owner=self.network.owner(one.system))]

    def _saw(self, run: Run, found: Sequence[Found], outcomes: Sequence[Outcome]) -> None:
        """For the record of this look. Whose a case is, is known where the applicant was read."""
        seen = run.context.seen
        for one in found:
            named = _named(one.system, one.record["localNo"])
            seen.cases.add(named)
            seen.in_reach.add(named)
            applicant = one.record.get("applicant")
            is_kept = isinstance(applicant, dict) and "ref" in applicant
            subject = applicant["ref"] if applicant and is_kept else subject_of(applicant, self.ref_key)
            if subject is not None:
                seen.subjects.add(subject)
        for outcome in outcomes:
            if outcome.status != "UNSUPPORTED":
                seen.systems[outcome.system] = outcome.status

    def _filter(self, arguments: Mapping[str, Any]) -> CaseFilter:
        applicant = arguments.get("applicant") or {}
        id_type, number = (None, None)
        if applicant:
            if not applicant["number"].strip():
                raise QuestionRefused(
                    "ARGUMENT_INVALID", "applicant.number is empty; leave `applicant` out to ask for all."
                )
            id_type, number = filter_number(applicant.get("idType"), applicant["number"])
        region = arguments.get("region")
        regions = None
        if region:
            if self.regions.region(region) is None:
                raise QuestionRefused("NOT_FOUND", f"No division {region!r}; see regions for their codes.")
            below = arguments.get("includeDescendants") is not False
            regions = self.regions.descendants(region) | {region} if below else frozenset({region})
        systems = arguments.get("systems")
        return CaseFilter(
            id_type=id_type,
            number=number,
            states=tuple(arguments.get("states") or ()),
            department=arguments.get("department"),
            regions=regions,
            systems=self._known_systems(systems) if systems is not None else None,
            start=f"{arguments['from']}T00:00:00+08:00" if arguments.get("from") else None,
            end=f"{arguments['to']}T23:59:59+08:00" if arguments.get("to") else None,
        )

    def _known_systems(self, codes: Sequence[str]) -> frozenset[str]:
        there = self.network.sources.keys() | self.network.absent.keys()
        unknown = sorted(set(codes) - there)
        if unknown:
            known = ", ".join(sorted(there))
            raise QuestionRefused(
                "SYSTEM_UNKNOWN", f"No system {', '.join(map(repr, unknown))}; there is {known}."
            )
        return frozenset(codes)

    def _case_fields(self, names: frozenset[str]) -> frozenset[str]:
        return record_fields(names, self.rules, "Case", _FIELDS["Case"])

    def _deadline(self, context: RequestContext, deadline_ms: int | None) -> float:
        if deadline_ms is not None and deadline_ms < 1:
            raise QuestionRefused("LIMIT_EXCEEDED", f"deadlineMs must be at least 1, got {deadline_ms}.")
        asked_s = self.default_deadline_s if deadline_ms is None else deadline_ms / 1000
        allowed_s = min(asked_s, self.max_deadline_s)
        return min(context.deadline, asyncio.get_running_loop().time() + allowed_s)


class _Typed:
    """An entity behind `_entities`: the abstract shaper asks it for its type, the rest for its case."""

    __slots__ = ("type_name", "view")

    def __init__(self, type_name: str, view: CaseView) -> None:
        self.type_name, self.view = type_name, view

    def __getitem__(self, name: str) -> str:
        return self.type_name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.view, name)

    @property
    def events(self) -> list[dict[str, Any]] | None:
        """Kept by the view once they are in order."""
        return self.view.events

    @events.setter
    def events(self, ordered: list[dict[str, Any]] | None) -> None:
        self.view.events = ordered


def _named(system: str, local_no: Any) -> str:
    """Its id; where its number cannot be in one it is recorded all the same."""
    try:
        return case_id(system, local_no)
    except SchemaError:
        return f"{system}:{local_no!r}"


def _report(run: Run, outcomes: Sequence[Outcome], path: Path) -> None:
    """Failures and bad values of each system as errors beside the data."""
    for outcome in outcomes:
        if outcome.error is not None and not outcome.answered:
            extensions = {"code": outcome.error.code, "system": outcome.system}
            run.errors.append(FetchError(str(outcome.error), path, extensions))
        if outcome.incomplete is not None:
            message = f"{outcome.incomplete} Parts of its records are missing."
            extensions = {"code": outcome.incomplete.code, "system": outcome.system}
            run.errors.append(FetchError(message, path, extensions))
        for trouble in outcome.troubles:
            message = f"{outcome.system}: {trouble.field}: {_sentence(trouble.message)}"
            extensions = {"code": "SOURCE_BAD_DATA", "system": outcome.system, "field": trouble.field}
            run.errors.append(FetchError(message, path, extensions))


def _sentence(text: str) -> str:
    return re.sub(r"\.?$", ".", text, count=1)


def _outcomes(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [
        {
            "system": outcome.system,
            "status": outcome.status,
            "asOf": network_time(outcome.as_of),
            "error": str(outcome.error) if outcome.error else None,
            "errorCode": outcome.error.code if outcome.error else None,
            "latencyMs": outcome.latency_ms,
            "count": outcome.count,
        }
        for outcome in outcomes
    ]
