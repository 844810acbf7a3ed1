"""Start-up time and memory: a gateway with 120 declared systems, and ten WSDLs of thousands of types beside zeep alone.

--wsdls: a folder (searched below it too) whose ten largest WSDLs that load are taken; they are not part of this
repository (the Dutch StUF ZDS set is what the figures in docs/benchmarks.md are of). Without it only the first part runs.
`gcMs` is one full garbage collection, which stops everything; frozen: after `gc.freeze`, as `quanyu serve` does.

python -m bench.startup [--systems 10,120] [--wsdls FOLDER] [--count 10]
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.gateway_process import running_gateway
from bench.machine import GATEWAY_CORE, LOAD_CORE, cpu_s, facts, pin, print_table, write_result
from samples.farm import running_farm
from samples.farm_declarations import write_declarations

__all__ = ["main"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--systems", default="10,120")
    parser.add_argument("--wsdls", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--child", choices=tuple(_LOADERS), help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_loaded(_LOADERS[options.child], options.paths)))
        return
    machine = facts()
    gateways = [_gateway(int(one)) for one in options.systems.split(",")]
    print_table("start-up with declared systems", gateways)
    rows: list[dict[str, Any]] = list(gateways)
    if options.wsdls is not None:
        wsdls = _largest(options.wsdls, options.count)
        loads = [_in_child(name, wsdls) for name in _LOADERS]
        print_table(f"{len(wsdls)} WSDLs of {options.wsdls.name}", loads)
        rows += loads
    print(f"written: {write_result('startup', rows, machine)}")


def _gateway(size: int) -> dict[str, Any]:
    pin(LOAD_CORE)
    with (
        tempfile.TemporaryDirectory(prefix="quanyu-startup-") as work,
        running_farm(size, processes=min(3, size), latency_ms=0) as farm,
    ):
        folder = Path(work) / "systems"
        write_declarations(farm, folder)
        with running_gateway(folder, Path(work)) as gateway:
            return {
                "systems": size,
                "startS": round(gateway.start_s, 2),
                "startCpuS": round(cpu_s(gateway.pid), 2),
                "rssMb": round(_rss_mb(gateway.pid), 1),
            }


def _largest(folder: Path, count: int) -> list[str]:
    """WSDLs by the size of the schema folder that they stand in, those that load; a missing schema is none of ours."""
    found = sorted(folder.rglob("*.wsdl"), key=lambda path: (-path.stat().st_size, str(path)))
    good = []
    for path in found:
        if len(good) == count:
            break
        tried = _in_child("quanyu", [str(path)])
        if "failed" not in tried and tried["objects"] > 20_000:
            good.append(str(path))
    return good


def _in_child(name: str, paths: Sequence[str]) -> dict[str, Any]:
    """In a process of its own, so that memory is only of this."""
    pin(GATEWAY_CORE)
    command = [sys.executable, "-m", "bench.startup", "--child", name, *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    pin(LOAD_CORE)
    if done.returncode:
        return {"reader": name, "failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
    result: dict[str, Any] = {"reader": name, **json.loads(done.stdout)}
    return result


def _ours(path: str) -> object:
    from adapters.soap.wsdl import load_wsdl  # only here: the other reader must not pay for it

    return load_wsdl(path)


def _zeep(path: str) -> object:
    import zeep

    from adapters.soap.zeep_fixes import mend_zeep  # without it most of these do not load at all

    mend_zeep()
    return zeep.Client(path)  # type: ignore[no-untyped-call]


_LOADERS: dict[str, Callable[[str], object]] = {"zeep": _zeep, "quanyu": _ours}


def _loaded(load: Callable[[str], object], paths: Sequence[str]) -> dict[str, Any]:
    load_nothing_yet = _rss_mb("self")
    warnings.simplefilter("ignore")
    kept, began, cpu = [], time.perf_counter(), time.process_time()
    for path in paths:
        kept.append(load(path))  # noqa: PERF401 - each in turn, and all of them kept
    took_s, cpu_took_s = time.perf_counter() - began, time.process_time() - cpu
    gc.collect()
    rss = _rss_mb("self")
    objects = len(gc.get_objects())
    pause_ms = _collection_ms()
    gc.freeze()
    return {
        "wsdls": len(kept),
        "loadS": round(took_s, 2),
        "loadCpuS": round(cpu_took_s, 2),
        "addedMb": round(rss - load_nothing_yet, 1),
        "objects": objects,
        "gcMs": round(pause_ms, 1),
        "gcFrozenMs": round(_collection_ms(), 2),
    }


def _collection_ms() -> float:
    began = time.perf_counter()
    gc.collect()
    return 1000 * (time.perf_counter() - began)


def _rss_mb(pid: int | str) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    main()
