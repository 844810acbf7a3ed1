"""`quanyu try`: one call, shown as request, answer and mapped record; people and secrets are not shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samples.catalogue import SYSTEMS
from samples.credentials import DEFAULTS
from samples.servers.permit_routes import routes_of
from tests.cli.conftest import Run
from tests.e2e.gateways import NEVER_SHOWN, SAMPLES
from tests.e2e.stubs import declaration, http, stub
from tests.e2e.truth import cases_of
from tests.services import free_port

CITIZEN = SAMPLES[0]


def own_case(system: str) -> str:
    return next(case.number for case in cases_of(system) if case.applicant == CITIZEN)


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_a_case_is_shown_as_request_answer_and_record(
    run: Run, city_environ: dict[str, str], system: str
) -> None:
    number = own_case(system)
    result = run("try", system, "case", number, environ=city_environ)
    assert result.exit_code == 0, result.output
    for title in ("request 1", "answer 1", "mapped"):
        assert title in result.stdout
    assert "HTTP 200" in result.stdout
    assert f'"localNo": "{number}"' in result.stdout
    assert "1 record(s)" in result.stdout
    assert not [secret for secret in NEVER_SHOWN if secret in result.output]


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_cases_of_an_applicant_are_shown_masked(run: Run, city_environ: dict[str, str], system: str) -> None:
    held = [case for case in cases_of(system) if case.applicant == CITIZEN]
    result = run("try", system, "cases", "--applicant", CITIZEN.id_number, environ=city_environ)
    assert result.exit_code == 0, result.output
    assert f"{len(held)} record(s)" in result.stdout
    assert not [secret for secret in NEVER_SHOWN if secret in result.output]


def test_unmasked_is_asked_for_by_name(run: Run, city_environ: dict[str, str]) -> None:
    result = run("try", "GSJ-LICENSE", "case", own_case("GSJ-LICENSE"), "--unmasked", environ=city_environ)
    assert CITIZEN.id_number in result.stdout


@pytest.mark.parametrize("system", ["GHJ-PLAN", "JT-PERMIT"])
def test_the_three_stand_side_by_side_on_a_wide_screen(
    run: Run, city_environ: dict[str, str], system: str
) -> None:
    wide = run("try", system, "case", own_case(system), environ=city_environ, width=200).stdout
    assert any("request 1" in line and "answer 1" in line and "mapped" in line for line in wide.splitlines())


def test_the_three_stand_below_each_other_on_a_narrow_screen(run: Run, city_environ: dict[str, str]) -> None:
    narrow = run("try", "GHJ-PLAN", "case", own_case("GHJ-PLAN"), environ=city_environ, width=80).stdout
    assert not any("request 1" in line and "answer 1" in line for line in narrow.splitlines())
    places = [narrow.index(title) for title in ("request 1", "answer 1", "mapped")]
    assert places == sorted(places)


@pytest.mark.parametrize("system", ["FGW-INVEST", "GSJ-LICENSE", "GA-ENTRY"])
def test_no_credential_is_shown(run: Run, city_environ: dict[str, str], system: str) -> None:
    result = run("try", system, "case", own_case(system), environ=city_environ, width=400)
    assert result.exit_code == 0
    for name, value in DEFAULTS.items():
        if name.endswith(("PASSWORD", "KEY", "SECRET")):
            assert value not in result.output, name
    token = result.stdout.partition('"access_token": "')[2].partition('"')[0]
    assert token.strip("(*)… ") in ("", "secret")


def test_a_stray_status_is_pointed_out(run: Run, city_environ: dict[str, str]) -> None:
    stray = next(case for case in cases_of("JT-PERMIT") if case.stray)
    result = run("try", "JT-PERMIT", "case", stray.number, environ=city_environ)
    assert "code not in table" in result.stdout


def test_items_and_changes(run: Run, city_environ: dict[str, str]) -> None:
    items = run("try", "JT-PERMIT", "items", environ=city_environ)
    assert items.exit_code == 0
    assert '"localCode"' in items.stdout
    changes = run("try", "MZJ-CIVIL", "changes", "--since", "2017-11-20T00:00:00+08:00", environ=city_environ)
    assert changes.exit_code == 0, changes.output
    assert '"occurredAt": "2017-11-2' in changes.stdout


def test_a_period(run: Run, city_environ: dict[str, str]) -> None:
    result = run(
        "try", "GHJ-PLAN", "cases", "--from", "2017-05-01", "--to", "2017-05-31", environ=city_environ
    )
    expected = [
        case
        for case in cases_of("GHJ-PLAN")
        if "2017-05-01" <= case.applied_at.date().isoformat() <= "2017-05-31"
    ]
    assert result.exit_code == 0
    assert f"{len(expected)} record(s)" in result.stdout


def test_a_period_that_is_none_is_told(run: Run, city_environ: dict[str, str]) -> None:
    result = run("try", "JT-PERMIT", "cases", "--from", "May", environ=city_environ)
    assert result.exit_code in (1, 2)
    assert "May" in result.output


def test_an_unknown_number_is_a_failure_with_the_systems_own_words(
    run: Run, city_environ: dict[str, str]
) -> None:
    result = run("try", "GHJ-PLAN", "case", "GH2017Z99999", environ=city_environ)
    assert result.exit_code == 1
    assert "NOT_FOUND" in result.stdout
    assert "未找到该项目" in result.stdout
    assert "HTTP 404" in result.stdout


def test_a_dead_system_is_told(run: Run, tmp_path: Path) -> None:
    text = declaration("DEAD", f"http://127.0.0.1:{free_port()}")
    (tmp_path / "dead.yaml").write_text(text, encoding="utf-8")
    result = run("try", "DEAD", "case", "DEAD-1", "--systems", tmp_path)
    assert result.exit_code == 1
    assert "SOURCE_UNAVAILABLE" in result.stdout
    assert "request 1" in result.stdout


def test_an_answer_that_cannot_be_read_is_shown_all_the_same(run: Run, tmp_path: Path) -> None:
    with stub(http(b"<html><body>Wartung</body></html>", content_type="text/html")) as server:
        (tmp_path / "aa.yaml").write_text(declaration("AA", server.url), encoding="utf-8")
        result = run("try", "AA", "case", "AA-1", "--systems", tmp_path)
    assert result.exit_code == 1
    assert "SOURCE_BAD_DATA" in result.stdout
    assert "Wartung" in result.stdout


def test_an_unknown_system_is_told_with_those_that_there_are(run: Run, city_environ: dict[str, str]) -> None:
    result = run("try", "NOPE", "case", "1", environ=city_environ)
    assert result.exit_code == 1
    assert "NOPE" in result.stderr
    assert "JT-PERMIT" in result.stderr


def test_a_system_whose_declaration_is_wrong_is_told_with_its_problems(run: Run, tmp_path: Path) -> None:
    text = declaration("AA", "http://127.0.0.1:9").replace("traffic:", "trafic:")
    (tmp_path / "aa.yaml").write_text(text, encoding="utf-8")
    result = run("try", "AA", "case", "1", "--systems", tmp_path)
    assert result.exit_code == 1
    assert "aa.yaml:" in result.stderr
    assert "UNKNOWN_KEY" in result.stderr


def test_wrong_words_are_told_by_usage(run: Run, city_environ: dict[str, str]) -> None:
    assert run("try", "JT-PERMIT", "case", environ=city_environ).exit_code == 2
    assert run("try", "JT-PERMIT", "delete", environ=city_environ).exit_code == 2
    verb = run("try", "GHJ-PLAN", "items", environ=city_environ)
    assert verb.exit_code == 1
    assert "case, cases, changes" in verb.stderr


# --- own types ---


def test_a_root_field_of_own_types_is_shown_with_its_arguments(
    run: Run, city_environ: dict[str, str]
) -> None:
    result = run(
        "try", "JT-PERMIT", "oversizeRoutes", "--arg", "tier=TIER_2", environ=city_environ, width=200
    )
    assert result.exit_code == 0, result.output
    assert "tier>2</" in result.stdout
    assert '"tier": "TIER_2"' in result.stdout
    assert '"tier": "TIER_1"' not in result.stdout
    assert "181****0601" in result.stdout or "181****060" in result.stdout


@pytest.mark.parametrize("what", ["Case.oversizeRoute", "Route"])
def test_what_stands_in_an_object_takes_its_key(run: Run, city_environ: dict[str, str], what: str) -> None:
    route = routes_of(cases_of("JT-PERMIT"))[0]
    key = route.no if what == "Route" else f"JT-PERMIT:{route.case_no}"
    result = run("try", "JT-PERMIT", what, key, environ=city_environ, width=200)
    assert result.exit_code == 0, result.output
    assert f'"no": "{route.no}"' in result.stdout
    assert "1 record(s)" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Case.oversizeRoute",), "give its key (id)"),
        (("Case.oversizeRoute", "nothing"), "nothing"),
        (("oversizeRoutes", "--arg", "size=1"), "no argument 'size'; there is tier, first, after"),
        (("oversizeRoutes", "--arg", "tier=BIG"), "argument tier"),
        (("oversizeRoutes", "--arg", "tier"), "NAME=VALUE"),
        (("case", "1", "--arg", "a=b"), "fields of own types"),
        (("routes",), "there is items, case, cases, changes, Case.oversizeRoute, Route, oversizeRoutes"),
    ],
)
def test_words_that_make_no_question_are_told(
    run: Run, city_environ: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    result = run("try", "JT-PERMIT", *words, environ=city_environ, width=400)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize("system", ["JT-PERMIT", "GA-ENTRY"])
def test_for_machines_it_is_one_object_masked_and_without_secrets(
    run: Run, city_environ: dict[str, str], system: str
) -> None:
    number = own_case(system)
    result = run("try", system, "case", number, "--json", environ=city_environ)
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (told["system"], told["ok"], told["error"]) == (system, True, None)
    assert [one["localNo"] for one in told["records"]] == [number]
    assert number in told["calls"][-1]["answer"]
    assert not [secret for secret in NEVER_SHOWN if secret in result.output]
    assert "ga-sample-secret" not in result.output


def test_for_machines_a_failure_has_its_code(run: Run, city_environ: dict[str, str]) -> None:
    result = run("try", "GHJ-PLAN", "case", "GH2017Z99999", "--json", environ=city_environ)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "NOT_FOUND"
