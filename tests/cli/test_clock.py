"""`quanyu clock` and `quanyu rules`: the days counted and why, and rule files checked whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.tracking.warnings.rule_file import OWN_RULES
from tests.cli.conftest import Run


def test_the_days_are_shown_with_the_reason_of_each(run: Run) -> None:
    result = run(
        *[
            "clock",
            "--accepted",
            "2017-11-20",
            "--limit",
            "20",
            "WORKDAY",
            "--stop",
            "2017-12-01..2017-12-21",
            "--at",
            "2018-01-05",
        ]
    )
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "2017-12-01 Fri .. 2017-12-21 Thu          -  clock stopped 停止计时" in lines
    assert "2018-01-01 Mon                            -  holiday 元旦 节假日" in lines
    assert "2018-01-08 Mon .. 2018-01-09 Tue     19..20  working days 工作日" in lines
    assert "due 应于 2018-01-09 23:59:59+08:00" in lines
    assert "at 2018-01-05 00:00:00+08:00: RUNNING, 18 of 20 used 已用, 2 left 剩余 (90%)" in lines
    assert lines[-1] == "calendar 日历 cn-2026.1"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("--accepted 2018-02-09 --limit 1 WORKDAY", "make-up day 调休上班"),
        ("--accepted 2017-09-25 --limit 10 CALENDAR_DAY", "moved on to a working day 顺延至工作日"),
        ("--accepted 2018-01-31 --limit 1 MONTH", "due 应于 2018-02-28 23:59:59+08:00"),
        ("--accepted 2017-11-20T22:00 --limit 30 HOUR", "due 应于 2017-11-22 04:00:00+08:00"),
        ("--accepted 2026-11-24 --limit 60 WORKDAY", "taken as working days, not published 日历未公布"),
        ("--accepted 2026-11-24 --limit 60 WORKDAY", "published until 2026-12-31 only"),
        (
            "--accepted 2017-11-20 --limit 10 WORKDAY --stop 2017-11-23.. --at 2017-11-27",
            "a stop is still open",
        ),
    ],
)
def test_each_way_of_counting_says_what_it_did(run: Run, words: str, shown: str) -> None:
    result = run("clock", *words.split())
    assert result.exit_code == 0, result.stderr
    assert shown in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--accepted 20.11.2017 --limit 1 WORKDAY", "is no date or time"),
        ("--accepted 2017-11-20 --limit 1 DAY", "'DAY' is not one of"),
        ("--accepted 2017-11-20 --limit 99999 WORKDAY", "is no limit of a case"),
        ("--accepted 2017-11-20 --limit 1 WORKDAY --stop 2017-11-23", "is no stop"),
        ("--accepted 2017-11-20 --limit 1 WORKDAY --stop 2017-11-23..2017-11-22", "ends before it begins"),
        ("--accepted 0001-01-01 --limit 1 WORKDAY", "outside the years that can be counted"),
        (
            "--accepted 2017-11-20 --limit 9 WORKDAY --stop 2017-11-21.. --at 2150-01-01",
            "outside the years that can be counted",
        ),
        ("--accepted 2017-11-20 --limit 1 WORKDAY --calendar no.json", "no.json:1:1: FILE_MISSING"),
    ],
)
def test_what_cannot_be_counted_is_told_in_a_sentence(run: Run, words: str, said: str) -> None:
    result = run("clock", *words.split())
    assert result.exit_code != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_the_calendar_of_the_settings_is_used(run: Run, tmp_path: Path) -> None:
    newer = tmp_path / "2027.json"
    newer.write_text(
        json.dumps(
            {
                "calendar": "cn",
                "version": "2027.1",
                "publishedUntil": "2027-12-31",
                "years": [{"year": 2027, "source": "test", "holidays": []}],
            }
        ),
        encoding="utf-8",
    )
    words = ["clock", "--accepted", "2026-12-30", "--limit", "5", "WORKDAY"]
    by_setting = run(*words, environ={"QUANYU_CALENDAR_FILES": str(newer)})
    by_option = run(*words, "--calendar", newer)
    assert "calendar 日历 cn-2026.1+2027.1" in by_setting.stdout
    assert "calendar 日历 cn-2026.1+2027.1" in by_option.stdout
    assert "provisional" not in by_option.stdout


def test_the_built_in_rules_pass_their_own_check(run: Run) -> None:
    result = run("rules", "check", OWN_RULES)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "version 2017.1: 14 rules, 14 in use\n"
    shown = run("rules", "show")
    assert shown.stdout == OWN_RULES.read_text(encoding="utf-8")


def test_a_bad_file_of_rules_is_told_whole(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        OWN_RULES.read_text(encoding="utf-8").replace("percent: 80", "percent: 800").replace("RED", "ROT", 1),
        encoding="utf-8",
    )
    result = run("rules", "check", path)
    assert result.exit_code == 1
    assert [line.split(": ")[1] for line in result.stdout.splitlines()] == ["BAD_VALUE", "BAD_VALUE"]
    assert result.stderr == "2 problems\n"
    as_json = run("rules", "check", path, "--json")
    assert {json.loads(line)["code"] for line in as_json.stdout.splitlines()} == {"BAD_VALUE"}
    used = run("rules", "show", environ={"QUANYU_WARNING_RULES": str(path)})
    assert used.exit_code == 1
    assert "BAD_VALUE" in used.stderr
