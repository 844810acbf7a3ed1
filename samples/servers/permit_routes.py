"""Routes of oversize transports as JT-PERMIT keeps them: one for each application to cross districts. Deterministic."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from samples.cases import Case
from samples.soap import tag

__all__ = ["OVERSIZE_ITEM", "TransportRoute", "render", "routes_of"]

OVERSIZE_ITEM = "500116001000"
"""公路超限运输许可（跨区县）."""

ROADS = (
    ("G69", "城口", "开州"),
    ("G42", "开州", "万州"),
    ("S102", "万州", "石柱"),
    ("G65", "黔江", "彭水"),
    ("G50", "忠县", "涪陵"),
    ("G85", "大足", "永川"),
)
DRIVERS = (("冉启明", "18100000601"), ("向成友", "18100000602"), ("田茂林", "18100000603"))


@dataclass(frozen=True, slots=True)
class TransportRoute:
    """tier: 1 to 3, by size and weight; lengths in millimetres, mass in kilogrammes, as the system keeps them."""

    no: str
    case_no: str
    tier: str
    plate: str
    driver: str
    mobile: str
    mass_kg: int
    length_mm: int
    width_mm: int
    height_mm: int
    valid_from: str
    legs: tuple[tuple[str, str, str, int], ...]


def routes_of(cases: Iterable[Case]) -> tuple[TransportRoute, ...]:
    """Newest application first, as the cases are."""
    return tuple(_route(case) for case in cases if case.item.base_code == OVERSIZE_ITEM)


def _route(case: Case) -> TransportRoute:
    digest = hashlib.blake2b(case.number.encode(), digest_size=8).digest()
    mass = 49_000 + digest[0] * 600
    tier = "1" if mass < 80_000 else "2" if mass < 120_000 else "3"
    first, count = digest[1] % len(ROADS), 1 + digest[2] % 3
    legs = tuple(
        (*ROADS[(first + step) % len(ROADS)], 30_000 + digest[3 + step] * 400) for step in range(count)
    )
    driver, mobile = DRIVERS[digest[6] % len(DRIVERS)]
    return TransportRoute(
        no=f"LX{case.number[2:]}",
        case_no=case.number,
        tier=tier,
        plate=f"渝D{10_000 + int.from_bytes(digest[:2]) % 90_000}",
        driver=driver,
        mobile=mobile,
        mass_kg=mass,
        length_mm=18_000 + digest[4] * 50,
        width_mm=2_550 + digest[5] * 10,
        height_mm=4_000 + digest[7] * 4,
        valid_from=f"{case.applied_at:%y%m%d}",
        legs=legs,
    )


def render(route: TransportRoute) -> str:
    """As the XSD has it. The day has a two-digit year: the oldest part of the system."""
    legs = "".join(
        f"<Leg>{tag('Road', road)}{tag('From', start)}{tag('To', end)}{tag('LengthM', metres)}</Leg>"
        for road, start, end, metres in route.legs
    )
    values = {
        "RouteNo": route.no,
        "CaseNo": route.case_no,
        "Tier": route.tier,
        "PlateNo": route.plate,
        "Driver": route.driver,
        "DriverTel": route.mobile,
        "MassKg": route.mass_kg,
        "LengthMm": route.length_mm,
        "WidthMm": route.width_mm,
        "HeightMm": route.height_mm,
        "ValidFrom": route.valid_from,
    }
    return f"<Route>{''.join(tag(name, value) for name, value in values.items())}<Legs>{legs}</Legs></Route>"
