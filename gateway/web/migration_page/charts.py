"""Charts of the page as plain geometry; the template draws them as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.migration.trend import Cell, Trend

__all__ = ["PARTS", "Bar", "Chart", "Mark", "Spark", "overview", "spark", "spark_text"]

PARTS = ("same", "explained", "noise", "different", "failed")
"""Of a stack, from below. failed: one side did not answer in time or at all."""
_COUNTED = {"same": "same", "explained": "explained", "noise": "noise", "different": "different"}
WIDTH, HEIGHT = 720.0, 160.0
SPARK_WIDTH, SPARK_HEIGHT = 168.0, 48.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of one part, and what it says."""

    x: float
    y: float
    width: float
    height: float
    part: str


@dataclass(frozen=True, slots=True)
class Chart:
    """most: records of the highest slot. rows: the same in numbers, one slot each: start, then each part."""

    width: float
    height: float
    most: int
    bars: tuple[Bar, ...]
    rows: tuple[tuple[int, Mapping[str, int]], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One slot of a sparkline: the share that differs as a bar, its interval as a line. Heights from the top."""

    x: float
    width: float
    top: float
    low: float
    high: float
    differs: bool


@dataclass(frozen=True, slots=True)
class Spark:
    """guides: heights of 1 % and 10 %. The scale is the square root of the share, for small ones are what counts."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    guides: tuple[float, float]


def overview(trend: Trend) -> Chart:
    """Records compared by slot, stacked by what came of it."""
    rows = [(start, _parts(counts)) for start, counts in zip(trend.starts_us, trend.verdicts, strict=True)]
    most = max((sum(parts.values()) for _, parts in rows), default=0)
    step = WIDTH / max(len(rows), 1)
    bars = []
    for place, (_, parts) in enumerate(rows):
        top = HEIGHT
        for part in PARTS:
            if not parts[part]:
                continue
            # never so low that it cannot be seen: one difference in a million is what one looks for
            height = max(2.5, parts[part] / most * (HEIGHT - 10))
            top -= height
            bars.append(
                Bar(_short(place * step + 2), _short(top), _short(min(step - 4, 60.0)), _short(height), part)
            )
    return Chart(WIDTH, HEIGHT, most, tuple(bars), tuple(rows))


def _parts(counts: Mapping[str, int]) -> dict[str, int]:
    found = dict.fromkeys(PARTS, 0)
    for name, n in counts.items():
        found[_COUNTED.get(name, "failed")] += n
    return found


def spark(cells: Sequence[Cell | None]) -> Spark:
    step = SPARK_WIDTH / max(len(cells), 12)
    marks = [
        Mark(
            _short(place * step + 1),
            _short(step - 2),
            _height(cell.mismatch.share),
            _height(cell.mismatch.low),
            _height(cell.mismatch.high),
            cell.different > 0,
        )
        for place, cell in enumerate(cells)
        if cell is not None
    ]
    return Spark(SPARK_WIDTH, SPARK_HEIGHT, tuple(marks), (_height(0.01), _height(0.1)))


def spark_text(cells: Sequence[Cell | None]) -> str:
    """What the sparkline shows, for those who do not see it."""
    found = [cell for cell in cells if cell is not None]
    if not found:
        return "not compared yet"
    first, last = found[0].mismatch, found[-1].mismatch
    worst = max(one.mismatch.share for one in found)
    return (
        f"{first.share * 100:.2f} % differed at first, {last.share * 100:.2f} % of late "
        f"(between {last.low * 100:.2f} and {last.high * 100:.2f} %), {worst * 100:.2f} % at worst, "
        f"in {len(found)} slots"
    )


def _height(share: float) -> float:
    return _short(SPARK_HEIGHT - 1 - math.sqrt(share) * (SPARK_HEIGHT - 2))


def _short(value: float) -> float:
    return round(value, 2)
