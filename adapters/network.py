"""All legacy systems of one generation, and the canonical questions that may be put to them.

Knows which systems are asked for a question; knows nothing of GraphQL. `connector.py` puts the questions,
`fanout.py` asks them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from adapters.asked import Asked
from adapters.case_filter import CaseFilter
from adapters.cursor import Last, ListCursor, Mark
from adapters.declaration import Declaration
from adapters.fanout import MAX_PAGES, Found, Merged, Outcome, Question, ask_each, merge_lists
from adapters.mapping.patterns import compile_pattern
from adapters.mapping.scope import Gap, Trouble
from adapters.migration.route import Route
from adapters.paging import Position
from adapters.source import NO_TRACE, Page, Source
from adapters.traffic.errors import SourceUnavailable
from schema.canonical import VERBS

__all__ = ["GapSink", "Network", "RegionTree"]


DETAIL_SHARE = 0.3
"""Share of a list's time that is kept for what only single cases hold (see `_fill_details`)."""


class RegionTree(Protocol):
    def region(self, code: str) -> object | None:
        """The division of a code, None if there is none."""
        ...

    def descendants(self, code: str) -> frozenset[str]:
        """Codes of all divisions below; the division's own is not among them."""
        ...

    def is_whole(self, code: str) -> bool:
        """Whether every division that is known is this one or below it."""
        ...


class GapSink(Protocol):
    def note(self, system: str, gaps: Sequence[Gap]) -> None:
        """Takes unmapped codes that were met; must not block."""
        ...


@dataclass(slots=True)
class Network:
    """sources: by code. absent: systems that are declared but could not be set up (their WSDL cannot be fetched now):
    they answer UNAVAILABLE. routes: of systems that are being replaced, by their code; the systems that replace them
    answer under it and are not asked for themselves. Built anew for each generation of declarations."""

    sources: Mapping[str, Source]
    gap_sink: GapSink
    absent: Mapping[str, Declaration] = field(default_factory=dict)
    regions: RegionTree | None = None
    routes: Mapping[str, Route] = field(default_factory=dict)
    _successors: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._successors = frozenset(route.successor.code for route in self.routes.values())

    def side(self, code: str, verb: str, lot: str = "", position: Position = None) -> Asked | None:
        """Whom a question of a system goes to; None where there is nobody. lot: see `Route.side`."""
        route = self.routes.get(code)
        if route is None:
            return self.sources.get(code)
        return route.side(verb, lot, position) if route.is_open else None

    def is_absent(self, code: str) -> bool:
        """Whether a declared system cannot be asked at all now."""
        return code in self.absent and not (code in self.routes and self.routes[code].is_open)

    def _answering(self, verb: str, lot: str) -> list[tuple[Asked, Declaration]]:
        """Who is asked where no system is named, with the declaration of the code that they answer under."""
        found: list[tuple[Asked, Declaration]] = []
        for code in sorted(self.sources.keys() | self.routes.keys()):
            side = None if code in self._successors else self.side(code, verb, lot)
            declaration = self.sources[code].declaration if code in self.sources else self.absent.get(code)
            if side is not None and declaration is not None:
                found.append((side, declaration))
        return found

    def _named(
        self, code: str, verb: str, lot: str, *, position: Position = None
    ) -> tuple[Asked, Declaration] | None:
        side = self.side(code, verb, lot, position)
        declaration = self.sources[code].declaration if code in self.sources else self.absent.get(code)
        return (side, declaration) if side is not None and declaration is not None else None

    def _unavailable(self, code: str) -> Outcome:
        outcome = Outcome(code)
        outcome.fail(SourceUnavailable(code, "The system's description (WSDL) could not be fetched yet."))
        return outcome

    def eligible(
        self, wanted: CaseFilter, after: ListCursor | None = None
    ) -> tuple[list[Asked], list[Outcome]]:
        """Systems to ask for a list, and outcomes of those that cannot answer this question."""
        asked: list[Asked] = []
        marks = after.marks if after is not None else {}
        skipped = [
            self._unavailable(code)
            for code, declaration in self.absent.items()
            if self.is_absent(code)
            and declaration.connectors.cases is not None
            and (wanted.systems is None or code in wanted.systems)
        ]
        lot = wanted.lot()
        for source, declaration in self._asked_for(wanted, lot, marks):
            code = source.code
            if not _in_service(declaration) and code not in self.routes:
                continue
            if not source.can("cases"):
                skipped.append(Outcome(code, "UNSUPPORTED"))
            elif wanted.number is not None and "applicant" not in source.connectors["cases"].filters:
                # reading a whole system to find one person is not a question to put to it
                skipped.append(Outcome(code, "UNSUPPORTED"))
            elif self._serves(declaration, wanted) and self._in_reach(source, declaration, wanted):
                asked.append(source)
        return asked, skipped

    def _asked_for(
        self, wanted: CaseFilter, lot: str, marks: Mapping[str, Mark]
    ) -> list[tuple[Asked, Declaration]]:
        """Each on the side that its list was begun on."""
        if wanted.systems is None and not self.routes:
            return self._answering("cases", lot)
        codes = wanted.systems or (self.sources.keys() | self.routes.keys()) - self._successors
        found = (
            self._named(code, "cases", lot, position=marks[code].position if code in marks else None)
            for code in sorted(codes)
        )
        return [one for one in found if one is not None]

    def _serves(self, declaration: Declaration, wanted: CaseFilter) -> bool:
        served = declaration.system.regions
        if not served or wanted.regions is None:
            return True
        below = self.regions.descendants if self.regions is not None else lambda _code: frozenset[str]()
        return any(code in wanted.regions or below(code) & wanted.regions for code in served)

    def _in_reach(self, source: Asked, declaration: Declaration, wanted: CaseFilter) -> bool:
        system = declaration.system
        below = self.regions.descendants if self.regions is not None else lambda _code: frozenset[str]()
        return wanted.reach is None or wanted.reach.may_hold(
            owner=system.owner,
            names_departments="departmentCode" in source.mapped_of_cases(),
            served=frozenset(system.regions).union(*map(below, system.regions)),
        )

    def owner(self, system: str) -> str | None:
        """The department of a system, whose its cases are where they name none."""
        source = self.sources.get(system)
        declaration = source.declaration if source is not None else self.absent.get(system)
        return declaration.system.owner if declaration is not None else None

    async def cases(
        self,
        wanted: CaseFilter,
        fields: Collection[str],
        *,
        first: int,
        after: ListCursor,
        deadline: float,
        with_cursors: bool,
        trace: Mapping[str, str] = NO_TRACE,
        live: bool = False,
        max_age_s: float | None = None,
    ) -> Merged:
        """live, max_age_s: as for `Source.ask`."""
        asked, skipped = self.eligible(wanted, after)

        def keep(source: Asked) -> Callable[[dict[str, Any]], bool] | None:
            tests = wanted.here(source)
            return (lambda record: all(test(record) for test in tests)) if tests else None

        question = Question(
            wanted.args(),
            frozenset(fields) | wanted.fields(),
            keep,
            trace,
            wanted.unverifiable,
            live,
            max_age_s,
        )
        detailed = any(source.only_in_case(question.fields) for source in asked)
        list_deadline = deadline
        if detailed:  # one slow list must not use up the time in which the others' details are asked for
            now = asyncio.get_running_loop().time()
            list_deadline = deadline - max(0.0, deadline - now) * DETAIL_SHARE
        merged = await merge_lists(
            asked, question, first=first, after=after, deadline=list_deadline, with_cursors=with_cursors
        )
        if detailed:
            await self._fill_details(merged, asked, question, deadline)
        self._note_gaps(merged.outcomes)
        merged.outcomes.extend(skipped)
        merged.outcomes.sort(key=lambda outcome: outcome.system)
        return merged

    async def _fill_details(
        self, merged: Merged, asked: Sequence[Asked], question: Question, deadline: float
    ) -> None:
        """Fields that a system's list does not hold but its single case does (its steps, mostly) are asked for case
        by case; a system that fails then keeps what its list gave, and its outcome says why the rest is missing."""
        outcomes = {outcome.system: outcome for outcome in merged.outcomes}
        listed = {source.code: source for source in asked}

        async def fill(found: Found, missing: frozenset[str]) -> None:
            async def ask(source: Asked, outcome: Outcome) -> Page:
                return await source.ask(
                    "case",
                    {"number": found.record["localNo"]},
                    fields=missing | {"localNo"},
                    deadline=deadline,
                    gaps=outcome.gaps,
                    trace=question.trace,
                    live=question.live,
                    max_age_s=question.max_age_s,
                )

            one = self.side(found.system, "case", str(found.record["localNo"])) or listed[found.system]
            [(detail, page)] = await ask_each([one], ask)
            whole = outcomes[found.system]
            if (
                page is not None
                and page.records
                and page.records[0].get("localNo") == found.record["localNo"]
            ):
                found.record.update({name: page.records[0].get(name) for name in missing})
            else:
                whole.incomplete = whole.incomplete or detail.error
            whole.gaps.extend(detail.gaps)
            whole.troubles.extend(detail.troubles)

        jobs = [
            fill(found, missing)
            for found in merged.found
            if (missing := listed[found.system].only_in_case(question.fields))
        ]
        await asyncio.gather(*jobs)

    def is_retired(self, code: str) -> bool:
        """Whether a system was replaced and is not asked any more."""
        route = self.routes.get(code)
        return route is not None and route.is_retired

    def may_have_left(self, number: str) -> dict[str, str]:
        """Retired systems whose case numbers look like it, each with the number."""
        return {
            code: number
            for code, route in sorted(self.routes.items())
            if route.is_retired and self._may_hold(code, route.declaration, number)
        }

    def may_hold(self, number: str) -> list[str]:
        """Codes of systems whose case numbers look like it."""
        return [
            code
            for code, source in sorted(self.sources.items())
            if _in_service(source.declaration) and _may_hold(source.declaration, number)
        ]

    async def by_number(
        self,
        number: str,
        fields: Collection[str],
        *,
        deadline: float,
        only: str | None = None,
        trace: Mapping[str, str] = NO_TRACE,
        live: bool = False,
        max_age_s: float | None = None,
    ) -> tuple[list[Found], list[Outcome]]:
        """Cases of a number in every system whose numbers look like it, or in the one system named.

        live, max_age_s: as for `Source.ask`."""
        named = self._named(only, "case", number) if only is not None else None
        candidates = self._answering("case", number) if only is None else [named] if named else []
        sources = [
            source
            for source, declaration in candidates
            if source.can("case")
            and (_in_service(declaration) or source.code in self.routes)
            and (only or self._may_hold(source.code, declaration, number))
        ]

        async def ask(source: Asked, outcome: Outcome) -> Page:
            return await source.ask(
                "case",
                {"number": number},
                fields=frozenset(fields),
                deadline=deadline,
                gaps=outcome.gaps,
                trace=trace,
                live=live,
                max_age_s=max_age_s,
                learn=True,
            )

        answers = await ask_each(sources, ask)
        found: list[Found] = []
        for outcome, page in answers:
            if page is not None:
                # a loose search in the system must not hand out another's case
                exact = [record for record in page.records if record["localNo"] == number]
                outcome.count = len(exact)
                found.extend(Found(outcome.system, record, page) for record in exact)
        outcomes = [outcome for outcome, _ in answers]
        outcomes += [
            self._unavailable(code)
            for code, declaration in self.absent.items()
            if self.is_absent(code)
            and self._may_hold(code, declaration, number)
            and (only is None or only == code)
        ]
        self._note_gaps(outcomes)
        return found, sorted(outcomes, key=lambda outcome: outcome.system)

    async def one_page(
        self,
        system: str,
        verb: str,
        args: Mapping[str, Any],
        fields: Collection[str],
        *,
        deadline: float,
        position: Position = None,
        trace: Mapping[str, str] = NO_TRACE,
        roots: Mapping[str, Any] = NO_TRACE,
    ) -> tuple[Outcome, Page | None]:
        """A verb of one system, or a field of its own types; a system that lacks it has the outcome UNSUPPORTED."""
        source = self.side(system, verb, str(args.get("number", verb)), position)
        if source is None and self.is_absent(system):
            return self._unavailable(system), None
        if source is None or not source.can(verb):
            return Outcome(system, "UNSUPPORTED"), None

        async def ask(source: Asked, outcome: Outcome) -> Page:
            return await source.ask(
                verb,
                args,
                fields=fields,
                deadline=deadline,
                position=position,
                gaps=outcome.gaps,
                trace=trace,
                roots=roots,
            )

        [(outcome, page)] = await ask_each([source], ask)
        self._note_gaps([outcome])
        return outcome, page

    async def system_list(
        self,
        system: str,
        verb: str,
        args: Mapping[str, Any],
        fields: Collection[str],
        *,
        first: int,
        start: Mark,
        deadline: float,
        trace: Mapping[str, str] = NO_TRACE,
        roots: Mapping[str, Any] = NO_TRACE,
    ) -> tuple[Outcome, list[dict[str, Any]], Mark | None]:
        """At most `first` records of a system's own list, and where it goes on (None at its end).

        A mark holds the page and how many of its records were delivered.
        """
        position, skip = start.position, start.skip
        rows: list[dict[str, Any]] = []
        whole = Outcome(system)
        # a pull queue begins again with the records of its last moment: those that were delivered are passed over
        delivered = start.last.numbers if start.last else frozenset[str]()
        before: Page | None = None
        if self._pulls(system, verb):  # two records are the same only if all of them is
            fields = [field.name for field in VERBS[verb].fields]
        for _ in range(MAX_PAGES):
            outcome, page = await self.one_page(
                system, verb, args, fields, deadline=deadline, position=position, trace=trace, roots=roots
            )
            whole.add(outcome)
            if page is None:
                failed = not whole.answered and whole.status != "UNSUPPORTED"
                mark = Mark(position, Last(str(position), delivered) if delivered else None, skip)
                return whole, rows, mark if rows and failed else None
            if page.repeats(before):
                whole.troubles.append(
                    Trouble("paging", "the system gives the same page again and again; the rest was left")
                )
                return whole, rows, None
            before = page
            fresh = (
                [record for record in page.records if _print_of(record) not in delivered]
                if delivered
                else page.records
            )
            taken = fresh[skip : skip + first - len(rows)]
            rows.extend(taken)
            skip += len(taken)
            whole.count = len(rows)
            last = Last(str(position), delivered) if delivered else None
            if skip < len(fresh):
                return whole, rows, Mark(position, last, skip)
            if page.next == position and page.next is not None:
                whole.troubles.append(
                    Trouble("paging", "the system's list does not go on; the rest was left")
                )
                return whole, rows, None
            if page.next is None:
                return whole, rows, None
            position, skip = page.next, 0
            if self._pulls(system, verb):
                delivered = frozenset(map(_print_of, page.records))
            if len(rows) >= first:
                break
        return whole, rows, Mark(position, Last(str(position), delivered) if delivered else None)

    def _pulls(self, system: str, verb: str) -> bool:
        source = self.side(system, verb, verb)
        return (
            source is not None
            and source.can(verb)
            and source.connectors[verb].connector.paging.style == "pull"
        )

    def _note_gaps(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.gaps:
                self.gap_sink.note(outcome.system, outcome.gaps)

    def _may_hold(self, code: str, declaration: Declaration, number: str) -> bool:
        """Numbers of a system that is being replaced are those of its successor too: cases are born there."""
        route = self.routes.get(code)
        return _may_hold(declaration, number) or (
            route is not None and _may_hold(route.successor.declaration, number)
        )

    async def close(self) -> None:
        for route in self.routes.values():
            await route.close()
        for source in self.sources.values():
            await source.close()


def _print_of(record: Mapping[str, Any]) -> str:
    """Short fingerprint of a record, to know it again."""
    return blake2b(orjson.dumps(record, option=orjson.OPT_SORT_KEYS), digest_size=6).hexdigest()


def _in_service(declaration: Declaration) -> bool:
    """Systems that are only known, or closed already, are not asked."""
    return declaration.system.lifecycle not in ("DISCOVERED", "RETIRED")


def _may_hold(declaration: Declaration, number: str) -> bool:
    connector = declaration.connectors.case
    if connector is None:
        return False
    return connector.numbers is None or compile_pattern(connector.numbers).matches(number)
