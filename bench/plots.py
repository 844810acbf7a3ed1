"""Small SVG plots, without a library: bars of one figure, and curves over a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

__all__ = ["bars", "curves"]

_WIDTH, _LEFT, _ROW = 640, 130, 26
_COLOURS = ("#1f6f8b", "#c1553b", "#6a8f3c", "#8a5fa8", "#b8912f")


def bars(path: Path, title: str, values: Mapping[str, float]) -> None:
    """One bar a name, the longest is the greatest."""
    most = max(values.values()) or 1.0
    lines = [f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>']
    for number, (name, value) in enumerate(values.items()):
        y, width = 34 + number * _ROW, (_WIDTH - _LEFT - 80) * value / most
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        lines.append(f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="18" fill="{_COLOURS[0]}"/>')
        lines.append(f'<text x="{_LEFT + width + 6:.1f}" y="{y + 14}">{value:,.0f}</text>')
    _write(path, lines, 44 + len(values) * _ROW)


def curves(path: Path, title: str, across: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Points (x, y) of each line; x is drawn as a logarithm where it spans a decade, y from 0."""
    points = [point for line in lines.values() for point in line]
    xs, top = [x for x, _ in points], max(y for _, y in points) or 1.0
    scale = math.log10 if min(xs) > 0 and max(xs) / min(xs) >= 10 else float
    low, high = scale(min(xs)), scale(max(xs))
    height = 220

    def at(x: float, y: float) -> tuple[float, float]:
        return 60 + (_WIDTH - 90) * (scale(x) - low) / ((high - low) or 1), 30 + height * (1 - y / top)

    drawn = [f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>']
    drawn.append(f'<path d="M60 30V{30 + height}H{_WIDTH - 30}" fill="none" stroke="#888"/>')
    drawn += [
        f'<text x="54" y="{34 + height * (1 - share):.0f}" text-anchor="end">{top * share:,.4g}</text>'
        for share in (0, 0.5, 1)
    ]
    drawn += [
        f'<text x="{at(x, 0)[0]:.0f}" y="{46 + height}" text-anchor="middle">{x:,g}</text>'
        for x in sorted(set(xs))
    ]
    drawn.append(f'<text x="{_WIDTH / 2:.0f}" y="{64 + height}" text-anchor="middle">{escape(across)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in line))
        drawn.append(f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<text x="70" y="{46 + 16 * number}" fill="{colour}">{escape(name)}</text>')
    _write(path, drawn, height + 74)


def _write(path: Path, lines: Sequence[str], height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12">'
    path.write_text(
        "\n".join((head, '<rect width="100%" height="100%" fill="#fff"/>', *lines, "</svg>\n")),
        encoding="utf-8",
    )
