"""Subgraph files to checked declarations with their SDL: from the file, from the service, or the last one that was
known. Never raises for what is in the files; what is wrong comes back all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from adapters.loader import load
from adapters.problems import DeclarationError, Problem
from adapters.references import Lookup
from adapters.remote.build import RemoteSurroundings, build_remote
from adapters.remote.declaration import SubgraphDeclaration
from adapters.remote.sdl import SdlUnavailable, ask_for_sdl, drift_warning
from adapters.remote.validate import CheckedSubgraph, check_names, check_subgraph, sdl_problem
from adapters.validate import Known
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight

__all__ = ["FOLDER", "SUFFIXES", "LoadedSubgraph", "Remotes", "load_remotes", "read_text", "subgraph_files"]

FOLDER = "subgraphs"
"""Folder of subgraph files, inside that of the declarations."""

SUFFIXES = (".yaml", ".yml")
SDL_TIMEOUT_S = 5.0
MAX_SDL_BYTES = 16 * 1024 * 1024
_SDL_PLACE = ("subgraph", "sdl")
_FILE_PLACE = (*_SDL_PLACE, "file")

Origin = Literal["file", "service", "kept"]


@dataclass(frozen=True, slots=True)
class LoadedSubgraph:
    """A declaration with its SDL. sdl_path: where it was read, if it is a file; line: of `subgraph` in `path`."""

    declaration: SubgraphDeclaration
    path: Path
    line: int
    sdl: str
    origin: Origin
    sdl_path: Path | None = None

    @property
    def name(self) -> str:
        return self.declaration.name


@dataclass(slots=True)
class Remotes:
    """Subgraphs that can be used, everything that is wrong, and what is worth a warning."""

    subgraphs: list[LoadedSubgraph] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def raise_if_bad(self) -> None:
        """Raises DeclarationError with every problem."""
        if self.problems:
            raise DeclarationError(self.problems)


def subgraph_files(path: Path) -> list[Path]:
    """The subgraph files of a folder of declarations, or of one that is the folder `subgraphs` itself; or the one
    file named. None is no problem."""
    if path.is_file():
        return [path]
    folder = path if path.name == FOLDER else path / FOLDER
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.suffix in SUFFIXES and not one.name.startswith("."))


async def load_remotes(
    paths: Sequence[Path],
    lookup: Lookup,
    known: Known,
    *,
    reserved: frozenset[str] = frozenset(),
    introspect: bool = True,
    kept: Callable[[str], str | None] = lambda _name: None,
) -> Remotes:
    """paths: folders or files, as in `subgraph_files`. introspect: False asks nobody, for work offline.

    kept: name -> the last SDL of that subgraph that was in service, or None. It stands in where there is no file and
    the service does not answer; without it that is a problem.
    """
    files = [file for path in paths for file in await asyncio.to_thread(subgraph_files, path)]
    remotes = Remotes()
    checked: list[CheckedSubgraph] = []
    for path in files:
        text = await asyncio.to_thread(read_text, path)
        if isinstance(text, Problem):
            remotes.problems.append(text)
        else:
            checked.append(check_subgraph(load(path, text), lookup, known))
    check_names(checked, reserved)
    loaded = await asyncio.gather(
        *(_with_sdl(one, introspect=introspect, kept=kept) for one in checked if one.declaration is not None)
    )
    for one in checked:
        remotes.problems.extend(one.document.problems)
        remotes.warnings.extend(one.warnings)
    remotes.subgraphs = [one for one in loaded if one is not None]
    remotes.problems.sort()
    remotes.warnings.sort()
    return remotes


async def _with_sdl(
    checked: CheckedSubgraph, *, introspect: bool, kept: Callable[[str], str | None]
) -> LoadedSubgraph | None:
    """None where there is no SDL, or the declaration is wrong: then its problems say why."""
    declaration, document = checked.declaration, checked.document
    assert declaration is not None  # noqa: S101 - the caller leaves out the others
    rules, line = declaration.subgraph.sdl, document.where(("subgraph",), key=True)[0]
    running: str | SdlUnavailable = SdlUnavailable("It was not asked.")
    if introspect and rules.introspect and checked.ok:
        running = await _introspect(declaration)
    if rules.file is not None:
        path = document.path.parent / rules.file
        written = await asyncio.to_thread(read_text, path)
        if isinstance(written, Problem):
            document.problems.append(
                document.problem(_FILE_PLACE, written.code, f"{rules.file}: {written.message}")
            )
            return None
        _compare(checked, written, running, asked=introspect and rules.introspect)
        if (problem := sdl_problem(document, _FILE_PLACE, written, rules.file)) is not None:
            document.problems.append(problem)
        return _loaded(checked, declaration, line, written, "file", path)
    origin: Origin = "service"
    if isinstance(running, SdlUnavailable):
        last = await asyncio.to_thread(kept, declaration.name)
        if last is None:
            if checked.ok:
                document.problems.append(_no_sdl(checked, running))
            return None
        if introspect:
            message = f"the service does not tell its SDL ({running.reason}) The last one known is used"
            checked.warnings.append(document.problem(_SDL_PLACE, running.code, message))
        running, origin = last, "kept"
    elif (
        problem := sdl_problem(document, ("subgraph", "url"), running, "what the service tells")
    ) is not None:
        document.problems.append(problem)
    return _loaded(checked, declaration, line, running, origin, None)


def _loaded(
    checked: CheckedSubgraph,
    declaration: SubgraphDeclaration,
    line: int,
    sdl: str,
    origin: Origin,
    sdl_path: Path | None,
) -> LoadedSubgraph | None:
    if not checked.ok:
        return None
    return LoadedSubgraph(declaration, checked.document.path, line, sdl, origin, sdl_path)


def _compare(checked: CheckedSubgraph, written: str, running: str | SdlUnavailable, *, asked: bool) -> None:
    document = checked.document
    if isinstance(running, str):
        place = document.problem(_FILE_PLACE, "SDL_DRIFT", "")
        if (warning := drift_warning(place, written, running)) is not None:
            checked.warnings.append(warning)
    elif asked and checked.ok:
        message = f"the service does not tell its SDL ({running.reason}) The file is used unchecked"
        checked.warnings.append(document.problem(_SDL_PLACE, running.code, message))


def _no_sdl(checked: CheckedSubgraph, reason: SdlUnavailable) -> Problem:
    return checked.document.problem(
        ("subgraph", "url"),
        reason.code,
        f"there is no SDL for it. {reason.reason}",
        allowed="start the service, or give `sdl: {file: ...}`",
    )


async def _introspect(declaration: SubgraphDeclaration) -> str | SdlUnavailable:
    around = RemoteSurroundings(EmbeddedStore(), SingleFlight(), clock=time.monotonic)
    subgraph = build_remote(declaration, "", around)
    try:
        return await ask_for_sdl(subgraph, timeout_s=SDL_TIMEOUT_S)
    except SdlUnavailable as error:
        return error
    finally:
        await subgraph.close()


def read_text(path: Path) -> str | Problem:
    """The text of a file, or why it cannot be had."""
    try:
        if path.stat().st_size > MAX_SDL_BYTES:
            return Problem(path, 1, 1, "FILE_TOO_LARGE", f"more than {MAX_SDL_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return Problem(path, 1, 1, "FILE_UNREADABLE", "is not UTF-8")
    except FileNotFoundError:
        return Problem(path, 1, 1, "FILE_MISSING", "no such file")
    except OSError as error:
        return Problem(path, 1, 1, "FILE_UNREADABLE", str(error.strerror))
