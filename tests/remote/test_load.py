"""Where an SDL comes from: the file, the service, or the last one that was known."""

from __future__ import annotations

from pathlib import Path

from adapters.references import Lookup
from adapters.remote.load import Remotes, load_remotes
from adapters.remote.sdl import drift
from adapters.validate import Known
from gateway.subgraphs import KeptSdls, compose_all, remotes_fingerprint
from tests.remote.servers import Reply, answer, scripted

SDL = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { lift: Lift }
type Lift @key(fields: "code") { code: ID! }
"""
OTHER = SDL.replace("code: ID! }", "code: ID! make: String }")
NOBODY = "http://127.0.0.1:9/graphql"


def told(sdl: str) -> Reply:
    return answer({"data": {"_service": {"sdl": sdl}}})


def declare(folder: Path, url: str, *, name: str = "lift", sdl: str | None = None) -> Path:
    where = folder / "subgraphs"
    where.mkdir(exist_ok=True)
    more = ""
    if sdl is not None:
        (where / f"{name}.graphql").write_text(sdl, encoding="utf-8")
        more = f"\n  sdl: {{file: {name}.graphql}}"
    path = where / f"{name}.yaml"
    path.write_text(f"subgraph:\n  name: {name}\n  url: {url}{more}\n", encoding="utf-8")
    return path


async def loaded(folder: Path, *, introspect: bool = True, kept: dict[str, str] | None = None) -> Remotes:
    lookup = Lookup({}, lambda path: Path(path).read_text(encoding="utf-8"))
    return await load_remotes([folder], lookup, Known(), introspect=introspect, kept=(kept or {}).get)


def origins(remotes: Remotes) -> list[tuple[str, str]]:
    return [(one.origin, one.sdl) for one in remotes.subgraphs]


async def test_the_service_tells_it(tmp_path: Path) -> None:
    async with scripted(told(SDL)) as server:
        declare(tmp_path, server.url)
        remotes = await loaded(tmp_path)
    assert origins(remotes) == [("service", SDL)]
    assert (remotes.problems, remotes.warnings) == ([], [])


async def test_the_file_is_used_and_a_service_that_differs_is_a_warning(tmp_path: Path) -> None:
    async with scripted(told(OTHER)) as server:
        declare(tmp_path, server.url, sdl=SDL)
        remotes = await loaded(tmp_path)
    assert origins(remotes) == [("file", SDL)]
    [warning] = remotes.warnings
    assert (warning.line, warning.code) == (4, "SDL_DRIFT")
    assert "only the service has `Lift.make: String`" in warning.message


async def test_a_service_that_agrees_is_no_warning(tmp_path: Path) -> None:
    """Whatever its order, descriptions and machinery."""
    lines = SDL.splitlines()
    same = "\n".join(
        [lines[2], '"""Asks"""', lines[1], lines[0], "scalar _Any", "extend type Query { _service: Int }"]
    )
    async with scripted(told(same)) as server:
        declare(tmp_path, server.url, sdl=SDL)
        remotes = await loaded(tmp_path)
    assert remotes.warnings == []


async def test_a_file_is_enough_while_the_service_is_down(tmp_path: Path) -> None:
    declare(tmp_path, NOBODY, sdl=SDL)
    remotes = await loaded(tmp_path)
    assert origins(remotes) == [("file", SDL)]
    assert [one.code for one in remotes.warnings] == ["SDL_UNAVAILABLE"]


async def test_the_last_one_known_stands_in(tmp_path: Path) -> None:
    declare(tmp_path, NOBODY)
    remotes = await loaded(tmp_path, kept={"lift": OTHER})
    assert origins(remotes) == [("kept", OTHER)]
    assert [one.code for one in remotes.warnings] == ["SDL_UNAVAILABLE"]


async def test_without_any_it_is_a_problem_at_the_address(tmp_path: Path) -> None:
    path = declare(tmp_path, NOBODY)
    remotes = await loaded(tmp_path)
    [problem] = remotes.problems
    assert (problem.file, problem.line, problem.code) == (path, 3, "SDL_UNAVAILABLE")
    assert "sdl: {file: ...}" in problem.allowed
    assert remotes.subgraphs == []


async def test_offline_nobody_is_asked(tmp_path: Path) -> None:
    async with scripted(told(OTHER)) as server:
        declare(tmp_path, server.url, sdl=SDL)
        remotes = await loaded(tmp_path, introspect=False)
        assert (server.seen, remotes.warnings) == ([], [])
    assert origins(remotes) == [("file", SDL)]


async def test_a_declaration_that_is_wrong_is_not_asked_for_its_sdl(tmp_path: Path) -> None:
    async with scripted(told(SDL)) as server:
        path = declare(tmp_path, server.url)
        path.write_text(path.read_text() + "  headers: {propagate: [Host]}\n", encoding="utf-8")
        remotes = await loaded(tmp_path)
        assert server.seen == []
    assert [one.code for one in remotes.problems] == ["BAD_HEADER"]


async def test_text_that_is_no_sdl_is_a_problem(tmp_path: Path) -> None:
    declare(tmp_path, NOBODY, name="a", sdl="type Query {\n  a Int\n}")
    async with scripted(told("type {")) as server:
        declare(tmp_path, server.url, name="b")
        remotes = await loaded(tmp_path)
    found = [(one.file.name, one.line, one.code) for one in remotes.problems]
    assert found == [("a.yaml", 4, "SDL_INVALID"), ("b.yaml", 3, "SDL_INVALID")]
    assert "in line 2" in remotes.problems[0].message


async def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    path = declare(tmp_path, NOBODY, sdl=SDL)
    path.with_suffix(".graphql").unlink()
    assert [(one.line, one.code) for one in (await loaded(tmp_path)).problems] == [(4, "FILE_MISSING")]


async def test_no_folder_of_subgraphs_is_no_problem(tmp_path: Path) -> None:
    assert await loaded(tmp_path) == Remotes()


async def test_composition_errors_point_into_the_file_or_at_the_declaration(tmp_path: Path) -> None:
    bad = SDL + 'type Region @key(fields: "kode") { code: ID! }\n'
    declare(tmp_path, NOBODY, name="a", sdl=bad)
    async with scripted(told(bad.replace("Lift", "Boat").replace("lift", "boat"))) as server:
        told_by = declare(tmp_path, server.url, name="b")
        remotes = await loaded(tmp_path)
    found = compose_all(remotes.subgraphs).problems
    places = [(one.file.name, one.line) for one in found if one.code == "KEY_INVALID_FIELDS"]
    assert places == [("a.graphql", 4), ("b.yaml", 1)]
    assert any("line 4" in one.message for one in found if one.file == told_by)


async def test_the_fingerprint_changes_with_an_sdl(tmp_path: Path) -> None:
    declare(tmp_path, NOBODY, sdl=SDL)
    first = remotes_fingerprint((await loaded(tmp_path)).subgraphs)
    assert remotes_fingerprint((await loaded(tmp_path)).subgraphs) == first
    declare(tmp_path, NOBODY, sdl=OTHER)
    assert remotes_fingerprint((await loaded(tmp_path)).subgraphs) != first


async def test_only_what_a_service_told_is_kept(tmp_path: Path) -> None:
    kept = KeptSdls(tmp_path / "data")
    async with scripted(told(SDL)) as server:
        declare(tmp_path, server.url)
        declare(tmp_path, server.url, name="filed", sdl=SDL)
        kept.write((await loaded(tmp_path)).subgraphs)
    assert (kept.read("lift"), kept.read("filed")) == (SDL, None)
    assert [one.name for one in kept.folder.iterdir()] == ["lift.graphql"]


def test_drift_names_every_kind_of_definition() -> None:
    one = "enum E { A B } union U = X | Y type X { a(n: Int = 1): Int! } type Y { b: Int }"
    other = "enum E { A } union U = X type X { a(n: Int = 2): Int! @shareable } type Y { b: Int }"
    assert drift(one, other) == (
        ["E.B", "U = Y", "X.a(n: Int = 1): Int!"],
        ["X.a(n: Int = 2): Int! @shareable"],
    )
