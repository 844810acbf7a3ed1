"""Changed declarations take effect without dropping a request; bad ones are refused and the old stay.

A change is read and checked whole, then a new generation is built beside the old and swapped in. Systems whose WSDL
did not answer are tried again in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from watchfiles import awatch

from adapters.build import SUFFIXES, Loaded, load_declarations
from adapters.mapping.errors import ExpressionError
from adapters.problems import DeclarationError
from adapters.references import Lookup
from adapters.wire.errors import WireError
from gateway.directory import known_codes
from gateway.engine import GraphQLEngine
from gateway.generation import Built, CompositionFailed, Parts, build_generation
from gateway.telemetry.metrics import Metrics

__all__ = ["Reloader"]

RETRY_ABSENT_S = 15.0

log = structlog.get_logger("gateway.reload")


class Reloader:
    """Loads the first generation, then watches the folder of declarations."""

    def __init__(
        self,
        engine: GraphQLEngine,
        parts: Parts,
        folder: Path,
        lookup: Lookup,
        metrics: Metrics,
        *,
        on_swapped: Callable[[], None] | None = None,
    ) -> None:
        """on_swapped: called when a generation has come into service."""
        self._on_swapped = on_swapped
        self._engine, self._parts, self._folder = engine, parts, folder
        self._lookup, self._metrics = lookup, metrics
        self._built: Built | None = None
        self._number = 0
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def load_first(self, loaded: Loaded | None = None) -> None:
        """loaded: if it was done already. Raises DeclarationError or CompositionFailed."""
        loaded = loaded or await self._load()
        loaded.raise_if_bad()
        self._swap(loaded)

    async def reload(self) -> bool:
        """Whether what lies in the folder now has been taken."""
        loaded = await self._load()
        try:
            loaded.raise_if_bad()
            self._swap(loaded)
        except (DeclarationError, CompositionFailed, ExpressionError, WireError) as error:
            self._metrics.reloaded(accepted=False)
            problems = [str(one) for one in loaded.problems] or [str(error)]
            log.error("changed declarations refused, the old ones stay", problems=problems)
            return False
        self._metrics.reloaded(accepted=True)
        return True

    def start(self, *, watch: bool, poll_s: float) -> None:
        if watch:
            self._tasks.append(asyncio.create_task(self._watch(poll_s), name="watch declarations"))
        self._tasks.append(asyncio.create_task(self._retry_absent(), name="retry absent systems"))

    async def stop(self) -> None:
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _load(self) -> Loaded:
        previous = self._built.loaded.services if self._built is not None else None
        return await load_declarations(
            [self._folder],
            self._lookup,
            known_codes(self._parts.registry),
            tolerate_unreachable=True,
            previous=previous,
        )

    def _swap(self, loaded: Loaded) -> None:
        built = build_generation(self._parts, loaded, number=self._number + 1, previous=self._built)
        self._number, self._built = self._number + 1, built
        for code in built.network.sources:
            self._metrics.system_known(code)
        for code, problem in loaded.absent.items():
            log.warning("system is absent until its WSDL answers", system=code, problem=str(problem))
        self._engine.swap(built.generation)
        if self._on_swapped is not None:
            self._on_swapped()
        log.info(
            "generation in service",
            generation=self._number,
            systems=len(built.network.sources),
            absent=sorted(loaded.absent),
            fingerprint=built.generation.fingerprint,
        )

    async def _watch(self, poll_s: float) -> None:
        changes = awatch(
            self._folder,
            watch_filter=lambda _change, path: path.endswith(SUFFIXES),
            stop_event=self._stop,
            step=50,
            poll_delay_ms=max(50, int(poll_s * 1000)),
            recursive=False,
        )
        async for _ in changes:
            await self._safely_reload()

    async def _retry_absent(self) -> None:
        while True:
            await asyncio.sleep(RETRY_ABSENT_S)
            if self._built is not None and self._built.loaded.absent:
                await self._safely_reload()

    async def _safely_reload(self) -> None:
        try:
            await self.reload()
        except Exception:  # the watch must outlive a fault of ours; the old generation goes on
            self._metrics.reloaded(accepted=False)
            log.exception("reload failed")
