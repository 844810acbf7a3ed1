"""Changed declarations take effect without dropping a request; bad ones are refused and the old stay.

A change is read and checked whole, then a new generation is built beside the old and swapped in. Systems whose WSDL
did not answer are tried again in the same way. Remote subgraphs are asked for their SDL again and again, if that is
wanted, and another SDL is a change like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from watchfiles import awatch

from adapters.build import SUFFIXES
from adapters.mapping.errors import ExpressionError
from adapters.problems import DeclarationError
from adapters.references import Lookup
from adapters.remote.load import FOLDER, Remotes, load_remotes
from adapters.wire.errors import WireError
from gateway.directory import known_codes
from gateway.engine import GraphQLEngine
from gateway.generation import Built, Parts, build_generation
from gateway.subgraphs import OWN, Declared, KeptSdls, load_declared, remotes_fingerprint
from gateway.supergraph_file import load_supergraph_file
from gateway.telemetry.metrics import Metrics

__all__ = ["Reloader"]

RETRY_ABSENT_S = 15.0
WATCHED = (*SUFFIXES, ".graphql", ".graphqls", ".gql")

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
        kept: KeptSdls,
        supergraph: Path | None = None,
        on_swapped: Callable[[], None] | None = None,
    ) -> None:
        """supergraph: a finished one, in place of composition. kept: where SDLs of remote subgraphs that were in service are kept. on_swapped: called when a generation has
        come into service."""
        self._on_swapped = on_swapped
        self._supergraph = supergraph
        self._engine, self._parts, self._folder = engine, parts, folder
        self._lookup, self._metrics, self._kept = lookup, metrics, kept
        # fingerprint of polled SDLs that were not taken: said once, not at each poll
        self._refused: str | None = None
        self._reloading = asyncio.Lock()
        self._built: Built | None = None
        self._number = 0
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def load_first(self, declared: Declared | None = None) -> None:
        """declared: if it was loaded already. Raises DeclarationError."""
        declared = declared or await self._load()
        declared.raise_if_bad()
        await self._swap(declared)
        await self._keep(declared.remotes)

    async def reload(self) -> bool:
        """Whether what lies in the folder now has been taken."""
        async with self._reloading:  # one at a time: the later load must not be overtaken by an earlier one
            declared = await self._load()
            try:
                declared.raise_if_bad()
                await self._swap(declared)
            except (DeclarationError, ExpressionError, WireError) as error:
                self._metrics.reloaded(accepted=False)
                problems = [str(one) for one in getattr(error, "problems", ())] or [str(error)]
                log.error("changed declarations refused, the old ones stay", problems=problems)
                return False
            await self._keep(declared.remotes)
        self._metrics.reloaded(accepted=True)
        return True

    def start(self, *, watch: bool, poll_s: float, subgraph_poll_s: float = 0) -> None:
        """poll_s: how often files are looked at where the system does not tell; subgraph_poll_s: how often remote
        subgraphs are asked for their SDL, 0 for never."""
        if watch:
            self._tasks.append(asyncio.create_task(self._watch(poll_s), name="watch declarations"))
        if subgraph_poll_s > 0 and self._supergraph is None:
            self._tasks.append(asyncio.create_task(self._poll(subgraph_poll_s), name="poll subgraphs"))
        self._tasks.append(asyncio.create_task(self._retry_absent(), name="retry absent systems"))

    async def stop(self) -> None:
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _load(self) -> Declared:
        before = self._built.declared if self._built is not None else None
        previous = before.systems.services if before is not None else None
        own = before.composed.own if before is not None and before.composed is not None else None
        known = known_codes(self._parts.registry)
        if self._supergraph is not None:
            return await load_supergraph_file(
                self._supergraph, self._folder, self._lookup, known, previous=previous, own=own
            )
        return await load_declared(
            self._folder, self._lookup, known, kept=self._last_sdl, previous=previous, own=own
        )

    def _last_sdl(self, name: str) -> str | None:
        """The SDL of a remote subgraph that is in service, or that was before this process."""
        known = self._built.declared.remotes.subgraphs if self._built is not None else ()
        return next((one.sdl for one in known if one.name == name), None) or self._kept.read(name)

    async def _keep(self, remotes: Remotes) -> None:
        try:
            await asyncio.to_thread(self._kept.write, remotes.subgraphs)
        except OSError as error:
            log.warning(
                "SDLs of remote subgraphs cannot be kept", folder=str(self._kept.folder), reason=str(error)
            )

    async def _swap(self, declared: Declared) -> None:
        built = build_generation(self._parts, declared, number=self._number + 1, previous=self._built)
        warmed = await self._warmed(built)
        self._number, self._built, self._refused = self._number + 1, built, None
        for code in (*built.network.sources, *built.remotes):
            self._metrics.system_known(code)
        for code, problem in declared.systems.absent.items():
            log.warning("system is absent until its WSDL answers", system=code, problem=str(problem))
        for warning in declared.remotes.warnings:
            log.warning("remote subgraph", problem=str(warning))
        self._engine.swap(built.generation)
        if self._on_swapped is not None:
            self._on_swapped()
        log.info(
            "generation in service",
            generation=self._number,
            systems=len(built.network.sources),
            absent=sorted(declared.systems.absent),
            remotes=sorted(built.remotes),
            prepared=warmed,
            fingerprint=built.generation.fingerprint,
        )

    async def _warmed(self, built: Built) -> int:
        """How many operations of the generation in service are prepared on this one, which nobody asks yet."""
        try:
            return await asyncio.to_thread(self._engine.warm, built.generation)
        except Exception:  # it is ready without
            log.exception("warming up failed")
            return 0
        except asyncio.CancelledError:
            await built.generation.close()
            raise

    async def _watch(self, poll_s: float) -> None:
        folders = [self._folder] if self._folder.is_dir() or self._supergraph is None else []
        folders += [self._supergraph.absolute().parent] if self._supergraph is not None else []
        changes = awatch(
            *folders,
            watch_filter=lambda _change, path: self._is_ours(Path(path)),
            stop_event=self._stop,
            step=50,
            poll_delay_ms=max(50, int(poll_s * 1000)),
            recursive=True,
        )
        async for _ in changes:
            await self._safely_reload()

    def _is_ours(self, path: Path) -> bool:
        """Declarations in the folder, subgraph files and SDLs in the one below, the supergraph; nothing else."""
        if self._supergraph is not None and _is_at(path, self._supergraph):
            return True
        inside = path.parent.name == FOLDER or path.parent.resolve() == self._folder.resolve()
        return inside and path.suffix in WATCHED

    async def _poll(self, every_s: float) -> None:
        """Reloads when what the services tell is something else than what is in service."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self._ask_again()
            except Exception:  # the poll must outlive a fault of ours
                log.exception("asking remote subgraphs for their SDL failed")

    async def _ask_again(self) -> None:
        known = known_codes(self._parts.registry)
        remotes = await load_remotes([self._folder], self._lookup, known, reserved=OWN, kept=self._last_sdl)
        if self._built is None or remotes.problems:
            return
        found = remotes_fingerprint(remotes.subgraphs)
        if found in (remotes_fingerprint(self._built.declared.remotes.subgraphs), self._refused):
            return
        if not await self.reload():
            self._refused = found

    async def _retry_absent(self) -> None:
        while True:
            await asyncio.sleep(RETRY_ABSENT_S)
            if self._built is not None and self._built.declared.systems.absent:
                await self._safely_reload()

    async def _safely_reload(self) -> None:
        try:
            await self.reload()
        except Exception:  # the watch must outlive a fault of ours; the old generation goes on
            self._metrics.reloaded(accepted=False)
            log.exception("reload failed")


def _is_at(path: Path, file: Path) -> bool:
    """Whether a change is one of the file: itself, or the link by which a mounted folder is swapped whole."""
    return path.resolve() == file.resolve() or path.name == "..data"
