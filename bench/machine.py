"""What a benchmark needs of the machine: its facts, cores to pin to, CPU time of another process, a place for results."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["GATEWAY_CORE", "LOAD_CORE", "cpu_s", "facts", "pin", "print_table", "quantile_ms", "write_result"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(".quanyu") / "bench"
_PACKAGES = ("uvloop", "uvicorn", "httptools", "orjson", "lxml", "zeep", "graphql-core", "pydantic")


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


_ALL = _cores()
GATEWAY_CORE = frozenset(_ALL[:1] if len(_ALL) > 1 else _ALL)
"""The gateway's own core, where there are two; else everything shares what there is."""
LOAD_CORE = frozenset(_ALL[-1:] if len(_ALL) > 1 else _ALL)
"""The core of the load client and of the systems asked."""


def pin(cores: frozenset[int], pid: int = 0) -> None:
    """Keeps a process (0: this one, and the children it starts from now on) on `cores`, where the system can."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of all threads of a process.

    The clock id of a process is made as `clock_getcpuclockid(3)` makes it on Linux: nanoseconds, where
    /proc/PID/stat counts in hundredths of a second.
    """
    return time.clock_gettime((~pid << 3) | 2)


def quantile_ms(latencies_s: Sequence[float], share: float) -> float:
    """The nearest-rank quantile in milliseconds: an observed value, never one between two."""
    ordered = sorted(latencies_s)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def facts() -> dict[str, Any]:
    """What a figure depends on; a reader compares ratios of one run, never microseconds of two machines."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": len(_ALL) or os.cpu_count(),
        "gatewayCore": sorted(GATEWAY_CORE),
        "loadCore": sorted(LOAD_CORE),
        "loadAverage": [round(one, 2) for one in os.getloadavg()],
        "python": platform.python_version(),
        "kernel": platform.release(),
        "commit": _commit(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def write_result(name: str, rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]) -> Path:
    """`.quanyu/bench/NAME-TIME.json` with the machine's facts as they were at the start."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    text = json.dumps({"bench": name, "machine": machine, "rows": rows}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a figure, one column a row, headed by its first figure."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title)
    table.add_column(names[0])
    for row in rows:
        table.add_column(str(row[names[0]]), justify="right")
    for name in names[1:]:
        table.add_row(name, *(str(row.get(name, "")) for row in rows))
    Console(width=120).print(table)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()
