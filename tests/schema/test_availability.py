"""Where an item can be applied for, over a registry of one city, two districts and a town."""

from __future__ import annotations

from datetime import date

import pytest

from schema.availability import AvailabilityFacts, find_availability
from schema.registry import ImplementationRow, ItemRow, RegionRow, Registry
from schema.vocabulary import (
    AcceptScope,
    AvailabilityReason,
    CaseType,
    ItemState,
    PowerSource,
    PowerType,
    RegionKind,
    RegionLevel,
)

TODAY = date(2017, 11, 20)


def region(code: str, level: RegionLevel, parent: str | None = None) -> RegionRow:
    return RegionRow(code=code, name=code, level=level, kind=RegionKind.DISTRICT, parent=parent)


CITY = region("CITY", RegionLevel.MUNICIPALITY)
EAST = region("EAST", RegionLevel.DISTRICT, "CITY")
WEST = region("WEST", RegionLevel.DISTRICT, "CITY")
TOWN = region("TOWN", RegionLevel.TOWNSHIP, "EAST")
PLACES = {place.code: place for place in (CITY, EAST, WEST, TOWN)}


def item(state: ItemState = ItemState.PUBLISHED, valid_to: date | None = None) -> ItemRow:
    return ItemRow(
        base_code="I",
        name="事项",
        power_type=PowerType.LICENSE,
        department="D",
        tiers=(),
        case_type=CaseType.COMMITTED,
        state=state,
        valid_to=valid_to,
    )


def handled(
    where: RegionRow, scope: AcceptScope = AcceptScope.DISTRICT, valid_to: date | None = None
) -> ImplementationRow:
    return ImplementationRow(
        task_code=f"T-{where.code}",
        base_code="I",
        department="D",
        region=where.code,
        level=where.level,
        power_source=PowerSource.STATUTORY_OWN,
        case_type=CaseType.COMMITTED,
        accept_scope=scope,
        valid_to=valid_to,
    )


def find(
    where: RegionRow, *implementations: ImplementationRow, what: ItemRow | None = None, on: date = TODAY
) -> AvailabilityFacts:
    what = what or item()
    registry = Registry(regions=PLACES.values(), items=[what], implementations=implementations)
    return find_availability(registry, what, region=where, on=on)


def test_the_nearest_tier_answers() -> None:
    facts = find(TOWN, handled(CITY), handled(EAST), handled(TOWN))
    assert facts.reason is AvailabilityReason.HERE
    assert [row.region for row in facts.implementations] == ["TOWN"]
    facts = find(TOWN, handled(CITY), handled(EAST))
    assert facts.reason is AvailabilityReason.AT_SUPERIOR
    assert [row.region for row in facts.implementations] == ["EAST"]


def test_a_place_that_accepts_for_the_whole_city_will_do_and_one_below_comes_first() -> None:
    elsewhere = handled(WEST, AcceptScope.CITY_WIDE)
    facts = find(EAST, elsewhere, handled(TOWN, AcceptScope.CITY_WIDE))
    assert facts.reason is AvailabilityReason.ACCEPTED_ELSEWHERE
    assert [row.region for row in facts.implementations] == ["TOWN", "WEST"]
    assert find(EAST, elsewhere).available
    assert find(EAST, elsewhere).lowest_tier is RegionLevel.DISTRICT


def test_a_neighbour_that_accepts_for_itself_only_will_not_do() -> None:
    facts = find(EAST, handled(WEST))
    assert (facts.reason, facts.available, facts.implementations) == (
        AvailabilityReason.NOT_OFFERED,
        False,
        (),
    )
    assert facts.lowest_tier is None


def test_tiers_below_are_named_without_being_available_here() -> None:
    facts = find(CITY, handled(TOWN, AcceptScope.LOCAL_ONLY))
    assert (facts.reason, facts.available) == (AvailabilityReason.AT_SUBORDINATE, False)
    assert [row.region for row in facts.implementations] == ["TOWN"]
    assert facts.lowest_tier is RegionLevel.TOWNSHIP


@pytest.mark.parametrize(
    ("on", "reason"),
    [(date(2017, 6, 30), AvailabilityReason.HERE), (date(2017, 7, 1), AvailabilityReason.NOT_IN_FORCE)],
)
def test_the_last_day_of_validity_counts(on: date, reason: AvailabilityReason) -> None:
    assert find(EAST, handled(EAST, valid_to=date(2017, 6, 30)), on=on).reason is reason


@pytest.mark.parametrize(
    "what", [item(ItemState.CANCELLED), item(ItemState.SUSPENDED), item(valid_to=date(2017, 11, 19))]
)
def test_an_item_that_is_not_in_use_is_nowhere_available(what: ItemRow) -> None:
    assert find(EAST, handled(EAST), what=what) == AvailabilityFacts(AvailabilityReason.ITEM_NOT_IN_USE)


def test_the_lowest_tier_counts_what_is_above_and_below() -> None:
    """小事不出村: the report asks for the lowest tier that handles an item."""
    assert find(EAST, handled(CITY), handled(TOWN)).lowest_tier is RegionLevel.TOWNSHIP
    assert find(WEST, handled(CITY), handled(TOWN)).lowest_tier is RegionLevel.MUNICIPALITY
