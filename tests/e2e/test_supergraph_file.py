"""A finished supergraph file as the gateway's graph: alone, with rules for its subgraphs, with the gateway's own; reloaded."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.build import load_declarations
from adapters.validate import Known
from gateway.app import file_lookup
from gateway.subgraphs import compose_all
from gateway.supergraph_file import load_supergraph_file
from schema.compose import SubgraphSchema, compose
from tests.e2e.gateways import ROOT, here
from tests.e2e.services import Service, service
from tests.e2e.truth import cases_of
from tests.e2e.waiting import until

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@authenticated", '
    '"@requiresScopes", "@policy"])\n'
)
BOATS = (
    LINK
    + 'type Query { boats: [Boat!] secret: String @authenticated scoped: String @requiresScopes(scopes: [["cases:read"]]) '
    + 'told: String @policy(policies: [["owner"]]) cases: String } type Boat @key(fields: "no") { no: ID! name: String }'
)
CREWS = LINK + 'type Query { crews: Int } type Boat @key(fields: "no") { no: ID! crew: Int }'
QUERY = "{ boats { no name crew } }"
BOTH = {"boats": [{"no": "1", "name": "朝天门", "crew": 7}]}


@pytest.fixture
def boats() -> Iterator[Service]:
    root = {
        "boats": [{"no": "1", "name": "朝天门"}],
        "secret": "s",
        "scoped": "s",
        "told": "s",
        "cases": "none",
    }
    with service("Boat_Registry", BOATS, root=root) as running:
        yield running


@pytest.fixture
def crews() -> Iterator[Service]:
    with service("crews", CREWS, entity=lambda one: {**one, "crew": 7}) as running:
        yield running


def written(path: Path, *services: Service) -> Path:
    """The supergraph of services, in one go."""
    made = compose([SubgraphSchema(one.name, one.url, one.sdl) for one in services])
    assert made.errors == ()
    draft = path.with_suffix(".draft")
    draft.write_text(made.supergraph_sdl, encoding="utf-8")
    draft.replace(path)
    return path


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, Any]:
    """Settings of a gateway that has nothing but the file: no systems, no registry."""
    return {
        "tmp": tmp_path / "data",
        "systems": tmp_path / "none",
        "environ": {},
        "registry_dir": tmp_path / "no-registry",
        "supergraph": tmp_path / "supergraph.graphql",
    }


def test_a_file_runs_alone(boats: Service, crews: Service, alone: dict[str, Any]) -> None:
    written(alone["supergraph"], boats, crews)
    with here(**alone) as client:
        assert client.data(QUERY) == BOTH
        assert client.data("{ cases __typename }") == {"cases": "none", "__typename": "Query"}
        assert client.ready()[1]["systems"] == {"Boat_Registry": "up", "crews": "up"}


def test_what_the_supergraph_demands_of_callers_is_enforced(
    boats: Service, crews: Service, alone: dict[str, Any]
) -> None:
    """The gateway's own table of permissions is for its own fields only."""
    written(alone["supergraph"], boats, crews)
    text = "{ secret scoped told }"
    with here(**alone) as client:
        nobody = client.ask(text, token=None)
        assert (nobody.data, nobody.codes) == (
            {"secret": None, "scoped": None, "told": None},
            ["UNAUTHENTICATED"] * 3,
        )
        somebody = client.ask(text)
        assert (somebody.data, somebody.codes) == (
            {"secret": "s", "scoped": "s", "told": None},
            ["FORBIDDEN"],
        )
        assert client.data("{ cases }", token=None) == {"cases": "none"}
    assert not any("told" in asked for asked in boats.asked)


def test_a_changed_file_takes_effect_and_a_bad_one_does_not(
    boats: Service, crews: Service, alone: dict[str, Any]
) -> None:
    file = written(alone["supergraph"], boats)
    with here(**alone) as client:
        assert client.ask(QUERY).codes == ["GRAPHQL_VALIDATION_FAILED"]
        file.write_text(file.read_text().replace("join__Graph", "join__Gruph"), encoding="utf-8")
        until(lambda: client.metric('quanyu_reloads_total{result="refused"}') == 1, what="it is refused")
        assert client.data("{ boats { no } }") == {"boats": [{"no": "1"}]}
        written(file, boats, crews)
        until(lambda: client.ready()[1]["generation"] == 2, what="the new graph is in service")
        assert client.data(QUERY) == BOTH


def test_a_subgraph_file_overrides_url_headers_and_limits(
    boats: Service, crews: Service, alone: dict[str, Any], tmp_path: Path
) -> None:
    """By the subgraph's name; that of a composer need not be a name of ours."""
    moved = Service(boats.name, BOATS, root=boats.root)
    moved.start()
    try:
        written(alone["supergraph"], boats, crews)
        folder = tmp_path / "systems" / "subgraphs"
        folder.mkdir(parents=True)
        (folder / "boats.yaml").write_text(
            f"subgraph:\n  name: boat-registry\n  url: {moved.url}\n  headers: {{static: {{X-Channel: quanyu}}}}\n"
            "traffic: {timeoutMs: 1000, retries: 0}\n",
            encoding="utf-8",
        )
        with here(**alone | {"systems": tmp_path / "systems"}) as client:
            assert client.data(QUERY) == BOTH
            assert [one["x-channel"] for one in moved.headers] == ["quanyu"]
            assert boats.asked == []
            boats.stop()
            (folder / "boats.yaml").unlink()
            until(lambda: client.ready()[1]["generation"] == 2, what="without the file")
            assert client.ask(QUERY).codes == ["SOURCE_UNAVAILABLE"]
    finally:
        moved.stop()


def test_a_supergraph_of_quanyu_compose_has_the_house_the_cases_and_own_types(
    tmp_path: Path, city_environ: dict[str, str]
) -> None:
    file = tmp_path / "supergraph.graphql"
    systems = asyncio.run(load_declarations([ROOT / "systems"], file_lookup(city_environ), Known()))
    made = compose_all((), None, systems.own)
    file.write_text(made.composition.supergraph_sdl, encoding="utf-8")
    with here(tmp_path / "data", ROOT / "systems", city_environ, supergraph=file) as client:
        found = client.data(
            "{ regions(first: 1) { nodes { name } } cases(first: 1) { nodes { id department { name } } } }"
        )
        assert found["regions"]["nodes"]
        assert found["cases"]["nodes"][0]["department"]["name"]
        case = f"JT-PERMIT:{cases_of('JT-PERMIT')[0].number}"
        text = "query ($id: ID!) { case(id: $id) { title oversizeRoute { no } } }"
        assert client.data(text, {"id": case})["case"]["title"]


async def loaded(path: Path, folder: Path) -> list[str]:
    declared = await load_supergraph_file(path, folder, file_lookup(os.environ), Known())
    return [
        str(one).replace(str(path.parent), "") for one in (*declared.problems, *declared.remotes.warnings)
    ]


async def test_what_is_wrong_with_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "s.graphql"
    assert await loaded(file, tmp_path) == ["/s.graphql:1:1: FILE_MISSING: no such file"]
    file.write_text("type Query {\n  a: }", encoding="utf-8")
    assert (await loaded(file, tmp_path))[0].startswith("/s.graphql:2:1: INVALID_GRAPHQL: ")
    made = compose(
        [
            SubgraphSchema("a", None, "type Query { a: Int }"),
            SubgraphSchema("b", "file:///etc/passwd", "type Query { b: Int }"),
        ]
    )
    file.write_text(made.supergraph_sdl, encoding="utf-8")
    lines = made.supergraph_sdl.splitlines()
    at = {name: next(n for n, line in enumerate(lines, 1) if f'name: "{name}"' in line) for name in "ab"}
    folder = tmp_path / "subgraphs"
    folder.mkdir()
    (folder / "c.yaml").write_text("subgraph: {name: c, url: http://c.example/}\n", encoding="utf-8")
    found = await loaded(file, tmp_path)
    assert found[0] == (
        f"/s.graphql:{at['a']}:1: SUBGRAPH_URL_MISSING: the subgraph a has no url; give it one, or a file "
        "systems/subgraphs/a.yaml"
    )
    assert found[1].startswith(f"/s.graphql:{at['b']}:1: BAD_ADDRESS: b: ")
    assert found[2] == (
        f"/subgraphs/c.yaml:1:18: SUBGRAPH_UNUSED: the supergraph {file} has no such subgraph; this file does nothing"
    ).replace(str(tmp_path), "")


async def test_a_file_of_another_version_of_the_gateway_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.graphql"
    text = compose([SubgraphSchema("house", None, "type Query { regions: Int gone: Int }")]).supergraph_sdl
    file.write_text(text, encoding="utf-8")
    (problem,) = await loaded(file, tmp_path)
    assert (
        "SUPERGRAPH_OF_ANOTHER_VERSION: it has Query.gone of house, unknown here; compose it again" in problem
    )
