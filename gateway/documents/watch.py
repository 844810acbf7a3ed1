"""Takes changed manifests while the gateway runs; a bad one is refused and the one before stays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from gateway.documents.errors import ManifestInvalid
from gateway.documents.manifest import read_manifest
from gateway.documents.resolve import Documents

__all__ = ["ManifestWatch"]

log = structlog.get_logger("gateway.documents")

_State = tuple[tuple[int, int, int] | None, ...]


class ManifestWatch:
    """poll_s: how often the files are looked at."""

    def __init__(self, documents: Documents, paths: Sequence[Path], *, poll_s: float) -> None:
        self._documents, self._paths, self._poll_s = documents, tuple(paths), poll_s
        self._seen = self._state()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._paths:
            self._task = asyncio.create_task(self._watch(), name="watch trusted documents")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            state = self._state()
            if state == self._seen:
                continue
            self._seen = state
            try:
                manifest = await asyncio.to_thread(read_manifest, self._paths)
            except ManifestInvalid as error:
                log.error("changed manifests refused, the ones before stay", problems=error.problems)
                continue
            self._documents.manifest = manifest
            log.info("trusted documents in service", documents=len(manifest))

    def _state(self) -> _State:
        return tuple(_stamp(path) for path in self._paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
