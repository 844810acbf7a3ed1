"""The page of migrations: what it shows, to whom, and in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from adapters.migration.placement import Phase
from gateway.database import Database
from gateway.migration.declared import read_declared
from gateway.migration.phases import Wish
from gateway.migration.tables import COUNT, SAMPLE, USAGE
from gateway.web.migration_page import Sessions
from gateway.web.migration_page.render import PHASES
from tests.browser import Browser, chromium
from tests.e2e.waiting import until
from tests.migration.test_routing import World, on_database, world

OPERATOR = {"authorization": "Bearer demo-migration"}
HOUR_US = 3_600_000_000
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(Path(tmp_path_factory.mktemp("migration"))) as found:
        until(lambda: on_database(found.data, read_declared), what="what is declared is told")
        found.move(Wish("advance"))
        on_database(found.data, _fill)
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(Path(tmp_path_factory.mktemp("browser")) / "profile") as found:
        yield found


async def _fill(database: Database) -> None:
    """Ten days of comparing: a field that was mended, one that still differs, noise, an explained one."""
    [declared] = (await read_declared(database)).values()
    now = int(time.time() * 1_000_000)
    begin = now - now % HOUR_US - 240 * HOUR_US
    rows: list[dict[str, Any]] = []
    for hour in range(0, 241, 3):
        n = 40 + hour * 7 % 23

        def count(scope: str, name: str, many: int, *, hour: int = hour) -> None:
            if many:
                at = begin + hour * HOUR_US
                rows.append(
                    {"system": "OLD", "mapping": declared.mapping, "bucket_us": at, "scope": scope}
                    | {"name": name, "n": many, "first_us": at, "last_us": at}
                )

        bad = max(0, 9 - hour // 18)
        for name, many in (("different", bad), ("noise", 4), ("explained", 9), ("new_error", hour % 5 == 0)):
            count("verdict", name, int(many))
        count("verdict", "same", n - bad - 13)
        for path, different, explained, noise in (
            ("state", bad, 0, 0),
            ("title", hour % 4 == 0, 0, 0),
            ("appliedAt", 0, 9, 0),
            ("rawStatus", 0, 0, 4),
            ("events[].opinion", 0, 2, 0),
            ("exists", 0, 0, 0),
        ):
            count(f"path:{path}", "different", int(different))
            count(f"path:{path}", "explained", explained)
            count(f"path:{path}", "noise", noise)
            count(f"path:{path}", "same", n - int(different) - explained - noise)
    samples = [
        {"system": "OLD", "mapping": declared.mapping, "path": path, "slot": slot, "outcome": outcome}
        | {"number": f"OLD-{slot}", "old": old, "new": new, "at_us": now - slot * HOUR_US}
        for slot, (path, outcome, old, new) in enumerate(
            (
                ("state", "different", '"ACCEPTED"', '"IN_REVIEW"'),
                ("state", "different", '"CLOSED"', '"DECIDED"'),
                ("title", "different", '"渝北区超限运输许可"', HOSTILE),
                ("appliedAt", "explained", '"2017-06-01T09:00:41+08:00"', '"2017-06-01T09:00:00+08:00"'),
            )
        )
    ]
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
    usage = [
        {"day": day, "system": "OLD", "field": "", "client": client, "version": version}
        | {"operation": operation, "calls": calls, "errors": errors, "last_us": now}
        for client, version, operation, calls, errors in (
            ("city-portal", "4.2.0", "MyCases", 18_204, 3),
            ("counter-app", "1.9", "One", 907, 0),
            (HOSTILE[:60], "", "", 2, 0),
        )
    ]
    async with database.write() as connection:
        await connection.execute(insert(COUNT), rows)
        await connection.execute(insert(SAMPLE), samples)
        await connection.execute(insert(USAGE), usage)


# --- by HTTP ---


def test_whoever_has_the_scope_sees_phase_gates_parity_differences_callers_and_history(pair: World) -> None:
    reply = pair.client.http.get("/migration", headers=OPERATOR)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.text))
    for said in ("OLD → NEW", "SHADOW", "影子比对", "events[].opinion", "IN_REVIEW", "city-portal 4.2.0"):
        assert said in text, said
    assert "MyCases 18 204 3" in text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "advance 推进 LEGACY → SHADOW" in text
    assert "tester: a test" in text
    assert "✕ shut 未过 Differences 差异处置 state, title" in text
    assert "not ready 未就绪" in text


def test_what_systems_and_clients_say_never_becomes_a_tag_and_no_script_could_run(pair: World) -> None:
    reply = pair.client.http.get("/migration", headers=OPERATOR)
    assert "alert(1)" in reply.text
    assert "<script" not in reply.text
    assert "<img" not in reply.text
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert reply.headers["cache-control"] == "no-store"
    assert pair.client.http.get("/migration?system=" + HOSTILE, headers=OPERATOR).text.count("<script") == 0


@pytest.mark.parametrize(
    ("headers", "status", "says"),
    [
        ({}, 401, "Sign in"),
        ({"authorization": "Bearer nobody-knows"}, 401, "not known here"),
        ({"authorization": "Bearer demo-clerk"}, 403, "demo-clerk"),
        ({"cookie": "quanyu-migration=eyJuYW1lIjoibWUiLCJ1bnRpbCI6OTk5OTk5OTk5OX0.AAAA"}, 401, "Sign in"),
    ],
)
def test_others_get_a_page_that_says_why_and_nothing_of_a_migration(
    pair: World, headers: dict[str, str], status: int, says: str
) -> None:
    reply = pair.client.http.get("/migration", headers=headers)
    assert (reply.status_code, says in reply.text, "OLD" in reply.text) == (status, True, False)
    assert 'name="token"' in reply.text


def test_a_system_that_nobody_replaces_says_so_on_the_page(pair: World) -> None:
    reply = pair.client.http.get("/migration?system=NONE", headers=OPERATOR)
    assert (reply.status_code, "NONE: not being replaced" in reply.text) == (404, True)


def test_signing_in_sets_a_cookie_without_the_token_that_no_script_and_no_other_site_can_use(
    pair: World,
) -> None:
    http = pair.client.http
    reply = http.post("/migration/sign-in", data={"token": "demo-migration"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/migration")
    set_cookie = reply.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(set_cookie.split("; "))
    assert "demo-migration" not in set_cookie
    cookie = {"cookie": set_cookie.partition(";")[0]}
    http.cookies.clear()
    assert http.get("/migration", headers=cookie).status_code == 200
    # it opens this page and nothing else
    asked = http.post("/graphql", json={"query": "{ migrations { code } }"}, headers=cookie)
    assert asked.json()["errors"][0]["extensions"]["code"] in ("UNAUTHENTICATED", "FORBIDDEN")
    bent = cookie["cookie"][:-2] + ("AA" if not cookie["cookie"].endswith("AA") else "BB")
    assert http.get("/migration", headers={"cookie": bent}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}, {"origin": "https://evil.example"}],
)
def test_another_site_can_sign_no_browser_in_or_out(pair: World, headers: dict[str, str]) -> None:
    for path in ("/migration/sign-in", "/migration/sign-out"):
        reply = pair.client.http.post(path, data={"token": "demo-migration"}, headers=headers)
        assert (reply.status_code, "set-cookie" in reply.headers) == (403, False)


@pytest.mark.parametrize(("token", "status"), [("demo-clerk", 403), ("nobody-knows", 401), ("", 401)])
def test_a_token_that_may_not_look_signs_nobody_in(pair: World, token: str, status: int) -> None:
    reply = pair.client.http.post("/migration/sign-in", data={"token": token})
    assert (reply.status_code, "set-cookie" in reply.headers) == (status, False)


def test_a_session_ends_by_its_time_and_with_its_token() -> None:
    now = [1000.0]
    sessions = Sessions(b"k" * 32, clock=lambda: now[0])
    long, short = sessions.sign("a", None), sessions.sign("b", 1060.0)
    now[0] = 1059.0
    assert [one.name for one in map(sessions.read, (long, short)) if one] == ["a", "b"]
    now[0] = 1061.0
    assert sessions.read(short) is None
    now[0] = 1000 + 1801.0
    assert sessions.read(long) is None
    assert Sessions(b"other" * 8, clock=lambda: 1000.0).read(long) is None
    for nonsense in ("", ".", "a.b", "é.é", "x" * 5000, long.split(".")[0], long + "=", None):
        assert sessions.read(nonsense) is None


def test_in_production_the_cookie_travels_by_https_only_and_belongs_to_this_host(pair: World) -> None:
    assert Sessions(b"k", secure=True).cookie.startswith("__Host-")


# --- in a browser ---

CONTRAST = """
(() => {
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
                       return .2126 * r + .7152 * g + .0722 * b };
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = el => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor);
                         if (c.length === 3 || c[3] === 1) return c.slice(0, 3) } return [255, 255, 255] };
  const poor = [];
  for (const el of document.querySelectorAll('body *')) {
    if (el.closest('svg') || !el.checkVisibility() || ![...el.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(el).color).slice(0, 3)), light(behind(el))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) poor.push(el.tagName + '.' + el.className + ' ' + ratio.toFixed(2) + ' ' + el.textContent.slice(0, 40));
  }
  return poor;
})()"""

STRUCTURE = """
({
  lang: document.documentElement.lang,
  title: document.title,
  main: document.querySelectorAll('main').length,
  banner: document.querySelectorAll('body > header').length,
  nav: [...document.querySelectorAll('nav')].every(n => n.getAttribute('aria-label')),
  h1: document.querySelectorAll('h1').length,
  leaps: [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]).filter((n, i, all) => i && n > all[i - 1] + 1).length,
  nameless: [...document.querySelectorAll('svg:not([aria-hidden]), section, table:not(.plain), input')].filter(e =>
    !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || (e.labels && e.labels.length))).map(e => e.outerHTML.slice(0, 80)),
  unlabelled: [...document.querySelectorAll('[aria-labelledby]')].filter(e => !document.getElementById(e.getAttribute('aria-labelledby'))).length,
  twice: [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i),
  wordless: [...document.querySelectorAll('.tag')].filter(e => !/[a-z]/i.test(e.textContent)).length,
  current: document.querySelector('.phases [aria-current=step]')?.textContent.includes('SHADOW'),
})"""


def sign_in(browser: Browser, pair: World) -> None:
    browser.open(pair.client.url + "/migration")
    if browser.run("!!document.querySelector('#token')"):
        browser.run("document.querySelector('#token').value = 'demo-migration'")
        browser.press("form.sign-in button")
    assert browser.run("document.querySelector('h1').innerText").startswith("OLD")


def test_a_browser_signs_in_looks_and_signs_out_and_asks_nothing_of_others(
    pair: World, browser: Browser
) -> None:
    browser.requested.clear()
    browser.size(1280)
    sign_in(browser, pair)
    assert browser.run("document.cookie") == ""  # HttpOnly
    browser.press(".systems a")
    assert browser.run("location.search") == "?system=OLD"
    browser.press(".signed button")
    assert browser.run("!!document.querySelector('#token')")
    elsewhere = [one for one in browser.requested if not one.startswith((pair.client.url, "data:"))]
    assert (elsewhere, browser.complaints) == ([], [])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_can_be_read_at_every_width_by_day_and_by_night(
    pair: World, browser: Browser, tmp_path: Path, width: int, *, dark: bool
) -> None:
    browser.size(width, dark=dark)
    sign_in(browser, pair)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.picture(tmp_path / f"{width}-{'dark' if dark else 'light'}.png")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(CONTRAST) == []
    night = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (night == "rgb(15, 20, 27)") is dark


def test_the_page_has_landmarks_headings_in_order_and_names_for_what_is_drawn(
    pair: World, browser: Browser
) -> None:
    sign_in(browser, pair)
    assert browser.run(STRUCTURE) == {
        "lang": "en",
        "title": "OLD · Quanyu 全域",
        "main": 1,
        "banner": 1,
        "nav": True,
        "h1": 1,
        "leaps": 0,
        "nameless": [],
        "unlabelled": 0,
        "twice": [],
        "wordless": 0,
        "current": True,
    }


def test_the_sign_in_page_can_be_read_too(pair: World, browser: Browser, tmp_path: Path) -> None:
    browser.call("Network.clearBrowserCookies")
    browser.size(360)
    browser.open(pair.client.url + "/migration")
    browser.picture(tmp_path / "sign-in.png")
    assert browser.run(CONTRAST) == []
    assert browser.run("document.querySelector('label').control.name") == "token"
    assert browser.run("document.documentElement.scrollWidth") <= 360


def test_phases_are_named_on_the_page_as_they_are_in_the_code() -> None:
    assert list(PHASES) == [str(one) for one in Phase]
