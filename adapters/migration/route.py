"""One system code with two systems behind it: who answers a question, and what is asked beside.

The code, the cases' ids and the queries stay; `Route.side` says for each question which system it goes to. A `Side`
looks like a system to those who ask (`adapters.asked.Asked`).
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from adapters.asked import Asked
from adapters.compiled import CompiledConnector
from adapters.declaration import Declaration
from adapters.mapping.patterns import compile_pattern
from adapters.mapping.scope import Gap
from adapters.migration.pairs import Pairing
from adapters.migration.placement import Phase, Placement, share_of_lot
from adapters.migration.port import MigrationPort, SideName
from adapters.migration.shadow import Shadow
from adapters.migration_model import Migration
from adapters.paging import Position
from adapters.source import NO_TRACE, Page, Source
from adapters.traffic.errors import SourceCircuitOpen, SourceError, SourceNotFound

__all__ = ["Route", "Side", "mapping_of"]

NEW_SHARE = 0.6
"""Share of the time left that the new side is given where the old one can still be asked."""

_NEW, _OLD = "new:", "old:"
COMPARED = frozenset({"case", "cases", "items"})


@dataclass(slots=True)
class Route:
    """declaration: of the system whose code both stand behind. legacy: None where it is away for good. key: of the lots.

    mapping: fingerprint of both declarations: what was compared under another mapping says nothing of this one.
    """

    declaration: Declaration
    legacy: Source | None
    successor: Source
    declared: Migration
    mapping: str
    port: MigrationPort
    key: bytes = field(repr=False)
    shadow: Shadow = field(default_factory=Shadow)
    draw: Callable[[], float] = random.random
    both: dict[str, CompiledConnector] = field(init=False)
    pairing: Pairing = field(init=False)

    def __post_init__(self) -> None:
        legacy = self.legacy.connectors if self.legacy is not None else {}
        self.both = {verb: _common(one, legacy.get(verb)) for verb, one in self.successor.connectors.items()}
        self.pairing = Pairing(self.system, self.mapping, self.declared, self.port)

    @property
    def system(self) -> str:
        return self.declaration.system.code

    @property
    def is_open(self) -> bool:
        """Whether anyone answers: the old system, or the new one where it may."""
        return self.legacy is not None or self.port.placement(self.system, "case").share == 100

    @property
    def is_retired(self) -> bool:
        return self.port.placement(self.system, "case").phase is Phase.RETIRED

    def side(self, verb: str, lot: str, position: Position = None) -> Asked:
        """Who answers a question. lot: what a share hangs on (the case's old number; of a list, whose it is).

        position: of a list that was begun already: it goes on where it began, while that side may answer.
        """
        placement = self.port.placement(self.system, verb)
        legacy = self.legacy
        untouched = placement.phase is Phase.LEGACY or verb not in self.successor.connectors
        # the same way as ever, but for the place of a list that the new side had begun
        if legacy is not None and untouched and not _is_tagged(position):
            return legacy
        return Side(self, placement, self._is_new(placement, verb, lot, position))

    def is_born_new(self, number: str) -> bool:
        """Whether a number can only be one that the new system gave: both sides say which are theirs, and it is one
        of the new side's alone."""
        old, new = self.declaration.connectors.case, self.successor.declaration.connectors.case
        if self.declared.numbers == "same" or old is None or new is None or not (old.numbers and new.numbers):
            return False
        return compile_pattern(new.numbers).matches(number) and not compile_pattern(old.numbers).matches(
            number
        )

    def _is_new(self, placement: Placement, verb: str, lot: str, position: Position) -> bool:
        if self.legacy is None or placement.phase is Phase.RETIRED:
            return True
        if placement.share == 0:
            return False
        if verb == "case" and self.is_born_new(lot):
            return True
        if position is not None:
            return _is_new_position(position)
        return placement.is_new(share_of_lot(self.key, self.system, lot))

    async def close(self) -> None:
        await self.shadow.close()


@dataclass(frozen=True, slots=True)
class Side:
    """One question's way: the side that answers, the other one behind it."""

    route: Route
    placement: Placement
    is_new: bool

    @property
    def code(self) -> str:
        return self.route.system

    @property
    def declaration(self) -> Declaration:
        return self.route.declaration

    @property
    def connectors(self) -> dict[str, CompiledConnector]:
        """What both sides do alike: a list that begins on one may have to go on at the other."""
        legacy = self.route.legacy
        if self.is_new:
            return self.route.both if legacy is None else legacy.connectors | self.route.both
        assert legacy is not None  # noqa: S101 - `Route` never chooses a side that is not there
        return {verb: self.route.both.get(verb, one) for verb, one in legacy.connectors.items()}

    def can(self, verb: str) -> bool:
        return verb in self.connectors

    def mapped_of_cases(self) -> frozenset[str]:
        """What both map: a question must hold whichever of them answers."""
        new = self._successor.mapped_of_cases()
        return new if self.route.legacy is None else new & self.route.legacy.mapped_of_cases()

    def only_in_case(self, fields: Collection[str]) -> frozenset[str]:
        return (self._successor if self.is_new else self._legacy).only_in_case(fields)

    async def ask(
        self,
        verb: str,
        args: Mapping[str, Any],
        *,
        fields: Collection[str],
        deadline: float,
        position: Position = None,
        gaps: list[Gap] | None = None,
        trace: Mapping[str, str] = NO_TRACE,
        roots: Mapping[str, Any] = NO_TRACE,
        live: bool = False,
        max_age_s: float | None = None,
        learn: bool = False,
    ) -> Page:
        """As `Source.ask`, but nothing is learnt from the new side, whose numbers may be others. Raises SourceError of
        whoever answered last."""
        how: dict[str, Any] = {"fields": fields, "trace": trace, "roots": roots}
        how |= {"live": live, "max_age_s": max_age_s}
        is_new, at = self._place(position)
        if not is_new:
            try:
                page = await self._timed(
                    "old", verb, args, deadline=deadline, position=at, gaps=gaps, learn=learn, **how
                )
            except SourceNotFound:
                self._beside("old", verb, args, fields, None, position)
                raise
            self._beside("old", verb, args, fields, page, position)
            return _tagged(page, _OLD)
        until = deadline
        if self._may_fall_back:
            now = asyncio.get_running_loop().time()
            until = now + max(0.0, deadline - now) * NEW_SHARE
        try:
            page = await self._timed("new", verb, args, deadline=until, position=at, gaps=gaps, **how)
        except SourceError as error:
            # a list that the new side has begun cannot go on at the old one's place: it begins there again
            if not self._may_fall_back or not (verb == "case" or not error.answers):
                raise
            self.route.port.fell_back(self.route.system, error.code)
            page = await self._timed("old", verb, args, deadline=deadline, position=None, gaps=gaps, **how)
            return _tagged(page, _OLD)
        self._beside("new", verb, args, fields, page, position)
        return _tagged(page, _NEW)

    @property
    def _may_fall_back(self) -> bool:
        return self.route.legacy is not None and self.placement.phase is not Phase.RETIRED

    @property
    def _legacy(self) -> Source:
        assert self.route.legacy is not None  # noqa: S101 - asked for only where there is one
        return self.route.legacy

    @property
    def _successor(self) -> Source:
        return self.route.successor

    def _place(self, position: Position) -> tuple[bool, Position]:
        """Which side a position belongs to, and the position there. On a side that may not answer any more the list
        begins again: whoever reads it passes over what was delivered."""
        if position is None:
            return self.is_new, None
        there, own = _is_new_position(position), _untagged(position)
        if self.placement.share == 0 and self.route.legacy is not None:
            return False, None if there else own
        if not self._may_fall_back:
            return True, own if there else None
        return there, own

    async def _timed(
        self,
        side: SideName,
        verb: str,
        args: Mapping[str, Any],
        *,
        deadline: float,
        beside: bool = False,
        **how: Any,
    ) -> Page:
        """Any: the keywords of `Source.ask`, passed on as they are."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        code: str | None = None
        try:
            if side == "old":
                return await self._legacy.ask(verb, args, deadline=deadline, **how)
            return await self._ask_new(verb, args, deadline=deadline, **how)
        except SourceError as error:
            code = None if error.answers else error.code
            raise
        finally:
            # beside an answer an open breaker only means that nothing was asked: it is neither a call nor an error
            if not (beside and code == SourceCircuitOpen.code):
                self.route.port.asked(self.route.system, side, code, loop.time() - started, beside=beside)

    async def _ask_new(self, verb: str, args: Mapping[str, Any], *, deadline: float, **how: Any) -> Page:
        """Under the old numbers, in and out. Any: as in `_timed`."""
        route = self.route
        if route.declared.numbers == "same":
            return await self._successor.ask(verb, args, deadline=deadline, **how)
        if verb == "case":
            old_number = str(args["number"])
            number = await route.port.new_number(route.system, old_number)
            if number is None and route.is_born_new(old_number):
                number = old_number
            if number is None:
                raise SourceNotFound(route.system)
            args = {**args, "number": number}
        page = await self._successor.ask(verb, args, deadline=deadline, **how)
        numbers = [str(record["localNo"]) for record in page.records if record.get("localNo")]
        old = await route.port.old_numbers(route.system, numbers) if numbers else {}
        for record in page.records:
            record["localNo"] = old.get(str(record.get("localNo")), record.get("localNo"))
        return page

    # --- beside the answer ---

    def _beside(
        self,
        side: SideName,
        verb: str,
        args: Mapping[str, Any],
        fields: Collection[str],
        page: Page | None,
        position: Position,
    ) -> None:
        """Has the other side asked behind this answer, for the share of questions that are compared."""
        route, placement = self.route, self.placement
        if not placement.compares or position is not None or verb not in COMPARED:
            return
        if page is not None and page.status != "FRESH":
            return
        if route.legacy is None or verb not in route.successor.connectors:
            return
        if route.draw() * 100 >= placement.sample:
            return
        wanted = self._comparable(verb, fields)
        # copies: whoever asked fills in further fields
        first = replace(page, records=[dict(record) for record in page.records]) if page is not None else None

        async def other(which: SideName) -> Page:
            until = asyncio.get_running_loop().time() + 5.0
            return await self._timed(which, verb, args, deadline=until, beside=True, fields=fields, live=True)

        route.shadow.offer(
            lambda: route.pairing.compare(verb, args, wanted, side, first, other),
            lambda reason: route.port.not_compared(route.system, reason),
        )

    def _comparable(self, verb: str, fields: Collection[str]) -> frozenset[str]:
        """Of a list, what both lists hold: the rest is filled in from single cases."""
        old, new = self._legacy.connectors[verb].mapped, self._successor.connectors[verb].mapped
        mapped = (old | new) if verb == "case" else (old & new)
        # taken from what `state` reads where it is not mapped itself
        return frozenset(fields) & (mapped | {"rawStatus"} if "state" in mapped else mapped)


def mapping_of(old: Declaration, new: Declaration) -> str:
    """Fingerprint of all that a comparison hangs on; where the two systems are reached is not part of it."""
    digest = hashlib.blake2b(digest_size=6)
    for one in (old, new):
        digest.update(one.model_dump_json(include={"system", "tables", "connectors", "migration"}).encode())
    return digest.hexdigest()


def _common(new: CompiledConnector, old: CompiledConnector | None) -> CompiledConnector:
    """As the fan-out sees a verb of both: filters that both apply, an order that both keep."""
    if old is None:
        return new
    both = copy.copy(new)
    both.filters = new.filters & old.filters
    both.mapped = new.mapped | old.mapped
    if "any" in (new.connector.order, old.connector.order):
        both.connector = new.connector.model_copy(update={"order": "any"})
    return both


def _tagged(page: Page, tag: str) -> Page:
    """Positions of the new side bear its mark; the old one's stay as they always were, so that cursors which clients
    hold go on."""
    if page.next is None or (tag == _OLD and not _is_tagged(page.next)):
        return page
    return replace(page, next=tag + orjson.dumps(page.next).decode())


def _is_tagged(position: Position) -> bool:
    return isinstance(position, str) and position.startswith((_NEW, _OLD))


def _is_new_position(position: Position) -> bool:
    return isinstance(position, str) and position.startswith(_NEW)


def _untagged(position: Position) -> Position:
    if not isinstance(position, str) or not _is_tagged(position):
        return position
    found = orjson.loads(position[len(_NEW) :])
    return found if isinstance(found, str | int) else None
