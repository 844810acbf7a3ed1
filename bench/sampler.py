"""Where CPU time goes, by sampling: a timer of CPU time interrupts and notes the Python functions on the stack.

cProfile costs more per call than most functions here take, and so finds small functions guilty; this costs nothing
between samples. Time in C code counts for the Python function that called it.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

from rich.console import Console
from rich.table import Table

__all__ = ["Samples", "sampling"]

INTERVAL_S = 0.001
"""Asked for; the kernel's tick (4 or 10 ms of CPU time) may be the least that it gives."""


@dataclass(slots=True)
class Samples:
    """own: samples in a function itself; below: in it or in what it called. `taken`: all."""

    taken: int = 0
    own: Counter[CodeType] = field(default_factory=Counter)
    below: Counter[CodeType] = field(default_factory=Counter)

    def note(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.taken += 1
        self.own[frame.f_code] += 1
        seen: set[CodeType] = set()
        while frame is not None:
            seen.add(frame.f_code)
            frame = frame.f_back
        self.below.update(seen)

    def show(self, cpu_us_per_call: float, *, rows: int = 45) -> None:
        """Functions by their own share of `cpu_us_per_call`, and a second time by what lies below them."""
        if not self.taken:
            return
        for title, ranking in (("own", self.own), ("with all below", self.below)):
            table = Table(title=f"{title}: CPU us a system call ({self.taken} samples)")
            table.add_column("own", justify="right")
            table.add_column("below", justify="right")
            table.add_column("function")
            for code, _ in ranking.most_common(rows):
                each = (cpu_us_per_call * counts[code] / self.taken for counts in (self.own, self.below))
                where = f"{'/'.join(Path(code.co_filename).parts[-3:])}:{code.co_firstlineno}"
                table.add_row(*(f"{one:.1f}" for one in each), f"{where} {code.co_qualname}")
            Console(width=130).print(table)


@contextmanager
def sampling() -> Iterator[Samples]:
    """Samples the main thread while the block runs."""
    samples = Samples()
    before = signal.signal(signal.SIGPROF, samples.note)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
