"""The page that a browser gets: with its files, without them, and never with a script that is not ours."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.web.graphiql import ASSETS, CDN, GraphiQLPage, Sample, load_assets
from tests.web.toy import running_web

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = "# </script><script>alert(1)</script>\n{ hello }"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Assets as an installation has them, with stand-ins for GraphiQL's own files."""
    (tmp_path / "graphiql").mkdir()
    for asset in load_assets():
        (tmp_path / "graphiql" / asset.file).write_text(f"/* {asset.package} */")
    for name in ("page.js", "page.css"):
        (tmp_path / name).write_bytes((ASSETS / name).read_bytes())
    return tmp_path


def page(folder: Path, *, cdn: bool = False) -> GraphiQLPage:
    return GraphiQLPage(load_assets(), (Sample("1", HOSTILE),), folder=folder, cdn=cdn, token="demo-token")


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    with (
        running_web(page=page(folder)) as running,
        httpx.Client(base_url=running.url, headers=BROWSER) as http,
    ):
        yield http


def test_the_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    answer = client.get("/graphql")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert [address for address in addresses if not address.startswith(("/graphiql/", "data:"))] == []
    for address in addresses:
        if address.startswith("/"):
            assert client.get(address).status_code == 200


def test_scripts_run_by_nonce_only_and_the_nonce_is_new_each_time(client: httpx.Client) -> None:
    nonces = set()
    for _ in range(2):
        answer = client.get("/graphql")
        policy = answer.headers["content-security-policy"]
        match = re.search(r"script-src 'nonce-([\w-]+)'(;|$)", policy)
        assert match, policy
        assert answer.text.count("<script ") == answer.text.count(f'<script nonce="{match[1]}"')
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        nonces.add(match[1])
    assert len(nonces) == 2


def test_a_sample_query_cannot_end_the_script_it_stands_in(client: httpx.Client) -> None:
    assert "alert(1)</script>" not in client.get("/graphql").text


def test_the_token_of_the_sample_city_is_on_the_page_and_not_in_the_settings_text(folder: Path) -> None:
    shown = page(folder)
    assert "demo-token" not in repr(shown)
    with running_web(page=shown) as running:
        assert "Bearer demo-token" in httpx.get(f"{running.url}/graphql", headers=BROWSER).text


def test_without_its_files_the_page_says_so_in_two_languages_and_loads_nothing(tmp_path: Path) -> None:
    with running_web(page=page(tmp_path)) as running:
        answer = httpx.get(f"{running.url}/graphql", headers=BROWSER)
        queried = httpx.post(f"{running.url}/graphql", json={"query": "{ hello }"})
    assert "GraphiQL is not installed here" in answer.text
    assert "尚未安装" in answer.text
    assert "scripts/fetch-graphiql" in answer.text
    assert "<script" not in answer.text
    assert CDN not in answer.headers["content-security-policy"]
    assert queried.json() == {"data": {"hello": "hello 全域"}}


def test_the_cdn_is_used_after_a_click_with_hashes(tmp_path: Path) -> None:
    with running_web(page=page(tmp_path)) as running:
        clicked = httpx.get(f"{running.url}/graphql?cdn=1", headers=BROWSER)
    tags = re.findall(rf'<(?:script|link)[^>]+"{re.escape(CDN)}/npm/[^>]+>', clicked.text)
    assert len(tags) == len(load_assets())
    assert all('integrity="sha384-' in tag and 'crossorigin="anonymous"' in tag for tag in tags)
    assert CDN in clicked.headers["content-security-policy"]


def test_an_installed_page_never_uses_the_cdn(client: httpx.Client) -> None:
    assert CDN not in client.get("/graphql?cdn=1").text


def test_a_client_that_wants_json_gets_no_page(client: httpx.Client) -> None:
    answer = client.get(
        "/graphql", params={"query": "{hello}"}, headers={"accept": "application/json, text/html;q=0.1"}
    )
    assert answer.json() == {"data": {"hello": "hello 全域"}}


@pytest.mark.parametrize(
    "name", ["files.json", "package.json", "..%2fpage.js", "%2e%2e%2f%2e%2e%2fgraphql.py", "nothing"]
)
def test_no_other_file_is_served(client: httpx.Client, name: str) -> None:
    assert client.get(f"/graphiql/{name}").status_code == 404


def test_the_hashes_are_those_of_the_files_that_npm_gave() -> None:
    """Holds wherever the files are there; without npm they are not, and the CDN's answer is checked by the browser."""
    for asset in load_assets():
        path = ASSETS / "graphiql" / asset.file
        if path.is_file():
            digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
            assert asset.integrity == f"sha384-{digest}"


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (ASSETS / "package-lock.json").read_text(encoding="utf-8")
