"""Files of the calendar: the house's own, newer ones over it, and everything that can be wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.tracking.calendar.calendar_file import (
    OWN_CALENDAR,
    calendar_schema,
    parse_calendar,
    read_calendar,
)
from gateway.tracking.calendar.moments import day_of
from gateway.tracking.clocks.recompute import recomputed
from gateway.tracking.errors import TrackingFileError
from schema.vocabulary import ProvisionalReason
from tests.tracking.cases import (
    CALENDAR,
    calendar_before_the_decree_of_2020,
    case,
    day,
    deadline,
    event,
    limits,
    now,
    own_calendar_text,
    track,
)

YEAR_2027: dict[str, Any] = {  # invented: the notice was not out when this was written
    "calendar": "cn",
    "version": "2027.1",
    "publishedUntil": "2027-12-31",
    "years": [
        {
            "year": 2027,
            "source": "test",
            "holidays": [
                {"name": "元旦", "from": "2026-12-31", "to": "2027-01-02"},
                {"name": "春节", "from": "2027-02-05", "to": "2027-02-12"},
            ],
            "makeUpDays": ["2026-12-27", "2027-02-14"],
        }
    ],
}


def write(folder: Path, name: str, data: object) -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data, indent=1), encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(TrackingFileError) as caught:
        read_calendar([path])
    assert caught.value.code == "TRACKING_FILE_INVALID"
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


def test_a_newer_file_adds_a_year_and_settles_due_dates(tmp_path: Path) -> None:
    newer = read_calendar([write(tmp_path, "2027.json", YEAR_2027)])
    assert newer.version == "cn-2026.1+2027.1"
    assert newer.is_published(day_of(day("2017-01-01")), day_of(day("2027-12-31")))
    facts, of = case(event("ACCEPT", "2026-11-24", id="a")), limits("60 WORKDAY")
    before = deadline(facts, of, "PROMISED", "2026-12-01")
    after = deadline(facts, of, "PROMISED", "2026-12-01", calendar=newer)
    assert before.provisional == (ProvisionalReason.CALENDAR,)
    assert after.provisional == ()
    assert after.calendar_version == "cn-2026.1+2027.1"
    assert not newer.is_workday(day_of(day("2026-12-31")))  # a notice may reach into the year before
    assert newer.is_workday(day_of(day("2026-12-27")))


def test_a_changed_calendar_is_told_with_old_and_new(tmp_path: Path) -> None:
    facts, of = case(event("ACCEPT", "2020-01-20", id="a")), limits("10 WORKDAY", "60 WORKDAY")
    old = track(facts, of, calendar_before_the_decree_of_2020())
    told = recomputed(old, track(facts, of), at=now("2020-01-27T08:00:00"))
    assert [one.record() for one in told] == [
        {
            "type": "deadline.recomputed",
            "case": "CQ-TEST:1",
            "kind": kind,
            "subject": "",
            "at": "2020-01-27T08:00:00+08:00",
            "old": {"due": f"{was}T23:59:59+08:00", "calendar": "cn-2019.11", "provisional": False},
            "new": {"due": f"{new}T23:59:59+08:00", "calendar": "cn-2026.1", "provisional": False},
        }
        for kind, was, new in (
            ("STATUTORY", "2020-04-20", "2020-04-22"),
            ("PROMISED", "2020-02-07", "2020-02-11"),
        )
    ]
    assert recomputed(track(facts, of), track(facts, of), at=0) == ()


def test_a_calendar_that_only_settles_a_due_date_is_told_too(tmp_path: Path) -> None:
    plain = {**YEAR_2027, "years": [{"year": 2027, "source": "test", "holidays": []}]}
    newer = read_calendar([write(tmp_path, "2027.json", plain)])
    facts, of = case(event("ACCEPT", "2026-12-30")), limits("5 WORKDAY")
    (told,) = recomputed(track(facts, of), track(facts, of, newer), at=0)
    assert (told.old_due, told.old_provisional, told.new_provisional) == (told.new_due, True, False)


def test_a_newer_file_replaces_a_year(tmp_path: Path) -> None:
    years = [year for year in json.loads(own_calendar_text())["years"] if year["year"] == 2026]
    years[0]["makeUpDays"].remove("2026-10-10")
    changed = {"calendar": "cn", "version": "2026.2", "publishedUntil": "2026-12-31", "years": years}
    newer = read_calendar([write(tmp_path, "2026.json", changed)])
    october = day_of(day("2026-10-10"))
    assert CALENDAR.is_workday(october)
    assert not newer.is_workday(october)
    assert newer.published_until == CALENDAR.published_until


def test_the_own_file_follows_its_schema(tmp_path: Path) -> None:
    schema = calendar_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(own_calendar_text()), schema)
    jsonschema.validate(YEAR_2027, schema)


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "bad.json",
        """{
  "calendar": "cn",
  "version": "x y",
  "publishedUntil": "2027-13-31",
  "yeras": [],
  "years": [
    {"year": 2027, "source": "s",
     "holidays": [{"name": "元旦", "from": "2027-01-01"}]}
  ]
}
""",
    )
    assert [problem.split(": ")[:2] for problem in problems(path)] == [
        ["3:14", "BAD_VALUE"],
        ["4:21", "BAD_VALUE"],
        ["5:3", "UNKNOWN_KEY"],
        ["8:19", "MISSING_KEY"],
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"years": []}, "BAD_VALUE: there must be at least one year"),
        ({"publishedUntil": "2026-12-31"}, "BAD_VALUE: must be a day of the last year, 2027"),
        ({"calendar": "hk"}, "BAD_VALUE: must be 'cn'"),
        ({"holiday": ("2027-01-03", "2027-01-01")}, "BAD_VALUE: must be from `from`"),
        ({"holiday": ("2025-01-01", "2025-01-02")}, "BAD_VALUE: more than 31 days outside 2027"),
        ({"holiday": ("2027-02-14", "2027-02-14")}, "CALENDAR_DAY: 2027-02-14 stands here as make-up day"),
        ({"makeUp": "2027-03-01"}, "BAD_VALUE: 2027-03-01 is no Saturday or Sunday"),
        ({"makeUp": "2028-03-04"}, "BAD_VALUE: more than 31 days outside 2027"),
        ({"year": 2029, "publishedUntil": "2029-12-31"}, "CALENDAR_YEARS: known are 2017 to 2026"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    data = json.loads(json.dumps(YEAR_2027))
    if "holiday" in change:
        first, last = change.pop("holiday")
        data["years"][0]["holidays"].append({"name": "x", "from": first, "to": last})
    if "makeUp" in change:
        data["years"][0]["makeUpDays"].append(change.pop("makeUp"))
    if "year" in change:
        data["years"] = [{"year": change.pop("year"), "source": "s", "holidays": []}]
    data.update(change)
    found = problems(write(tmp_path, "bad.json", data))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "FILE_MISSING"),
        (b"\xff\xfe\x00", "FILE_UNREADABLE"),
        (b"", "YAML_EMPTY"),
        (b"[1]", "BAD_VALUE"),
        (b"{", "YAML_SYNTAX"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "calendar.json"
    if content is not None:
        path.write_bytes(content)
    (problem,) = problems(path)
    assert problem.startswith("1:") or code == "YAML_SYNTAX"
    assert f" {code}: " in problem


def test_years_out_of_order_are_told() -> None:
    text = own_calendar_text().replace('"year": 2018', '"year": 2019', 1)
    with pytest.raises(TrackingFileError) as caught:
        parse_calendar(OWN_CALENDAR, text)
    assert "CALENDAR_YEARS" in {problem.code for problem in caught.value.problems}
