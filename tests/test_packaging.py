"""The wheel: one top-level name, everything inside it, and it runs where no source is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from gateway.web.graphiql import ASSETS, load_assets
from quanyu import __version__

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ("gateway", "adapters", "schema", "cache")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without the network, by the hatchling that is installed."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_its_only_top_level_is_quanyu(names: list[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"quanyu", f"quanyu-{__version__}.dist-info"}


@pytest.mark.parametrize("room", HOUSE)
def test_every_source_file_of_the_house_is_in_it(names: list[str], room: str) -> None:
    sources = {f"quanyu/app/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / room).rglob("*.py")}
    assert sources - set(names) == set()


def test_it_carries_what_the_page_needs_and_the_licence(names: list[str]) -> None:
    web = "quanyu/app/gateway/web/assets"
    assert {
        f"{web}/page.js",
        f"{web}/page.css",
        f"{web}/files.json",
        f"{web}/sample_queries/1-applicant.graphql",
    } <= set(names)
    assert f"quanyu-{__version__}.dist-info/licenses/LICENSE" in names
    for asset in load_assets():
        if (ASSETS / "graphiql" / asset.file).is_file():
            assert f"{web}/graphiql/{asset.file}" in names


def test_it_carries_nothing_that_a_build_or_an_editor_left_behind(names: list[str]) -> None:
    assert [
        name for name in names if "__pycache__" in name or "node_modules" in name or name.endswith(".pyc")
    ] == []


def test_no_installed_distribution_owns_a_name_of_the_house() -> None:
    owners = packages_distributions()
    assert {name: owners[name] for name in HOUSE if set(owners.get(name, ())) - {"quanyu"}} == {}


def test_the_command_runs_from_an_unpacked_wheel_elsewhere(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    # The checkout must not help: it is neither the working directory nor on the path.
    code = (
        f"import sys; sys.path = [{str(tmp_path / 'site')!r}] + [p for p in sys.path if p != {str(ROOT)!r}]; "
        "sys.argv = ['quanyu', '--version']; import runpy; runpy.run_module('quanyu', run_name='__main__')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert __version__ in ran.stdout
