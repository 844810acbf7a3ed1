"""Files of warning rules: the house's own, and everything that can be wrong with one, at its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from gateway.cli import main
from gateway.tracking.calendar.calendar_file import calendar_schema, read_calendar
from gateway.tracking.clocks.findings import FINDINGS, ORDER
from gateway.tracking.errors import TrackingFileError
from gateway.tracking.warnings.rule_file import OWN_RULES, parse_rules, read_rules
from gateway.tracking.warnings.rules import rules_schema
from schema.vocabulary import WarningLevel

HEAD = "version: '1'\nrules:\n"
GOOD = """  - id: T-80
    version: 1
    level: NOTICE
    when: {clock: PROMISED, percent: 80}
    text: {en: "{used} of {total}", zh: "{used}"}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(TrackingFileError) as caught:
        parse_rules(Path("rules.yaml"), text)
    return [str(problem) for problem in caught.value.problems]


def test_the_default_rules_are_those_of_the_domain() -> None:
    levels = {rule.id: rule.level for rule in read_rules().rules}
    notice, yellow, red = WarningLevel.NOTICE, WarningLevel.YELLOW, WarningLevel.RED
    assert levels == {
        "T-80": notice,
        "T-90": yellow,
        "T-100": red,
        "L-100": red,
        "S-STEP": yellow,
        "C-5D": yellow,
        "C-DEEMED": red,
        "P-OVER": yellow,
        "P-NOTICE": notice,
        "D-REASON": yellow,
        "D-ORDER": yellow,
        "D-LATE": notice,
        "A-CALL": yellow,
        "I-SRC": notice,
    }
    assert [rule.id for rule in read_rules().rules if rule.supervision_order] == ["L-100"]


def test_the_default_rules_follow_their_schema() -> None:
    schema = dict(rules_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(OWN_RULES.read_text(encoding="utf-8")), schema)


def test_every_finding_has_words_in_both_languages() -> None:
    assert set(FINDINGS) >= ORDER
    for en, zh in FINDINGS.values():
        assert en
        assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)


def test_all_that_is_wrong_is_told_at_once_with_its_place() -> None:
    text = HEAD + (
        "  - id: t-80\n"
        "    version: 0\n"
        "    level: ORANGE\n"
        "    when: {clock: PROMISE, percent: 180}\n"
        "    text: {en: '{day}', zh: x}\n" + GOOD + "  - id: T-80\n"
        "    version: 1\n"
        "    level: RED\n"
        "    whem: {clock: PROMISED, passed: true}\n"
        "    text: {en: x, zh: x}\n"
    )
    found = [problem.split(": ")[:2] for problem in problems(text)]
    assert found == [
        ["rules.yaml:3:9", "BAD_VALUE"],
        ["rules.yaml:4:14", "BAD_VALUE"],
        ["rules.yaml:5:12", "BAD_VALUE"],
        ["rules.yaml:6:19", "BAD_VALUE"],
        ["rules.yaml:6:37", "BAD_VALUE"],
        ["rules.yaml:7:11", "BAD_VALUE"],
        ["rules.yaml:13:5", "MISSING_KEY"],
        ["rules.yaml:16:5", "UNKNOWN_KEY"],
    ]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{}", "give one of clock, finding, lateBy and silentFor"),
        ("{clock: PROMISED}", "with clock give percent or left (or both), or passed"),
        (
            "{clock: PROMISED, percent: 80, passed: true}",
            "with clock give percent or left (or both), or passed",
        ),
        ("{clock: PROMISED, percent: 80, lateBy: 1 HOUR}", "give one of"),
        ("{clock: PROMISED, percent: 80, after: 1 WORKDAY}", "after belongs to passed"),
        ("{clock: PROMISED, passed: true, deemed: true}", "deemed belongs to clock: ACCEPTANCE"),
        ("{finding: ORDER, percent: 80}", "belong to clock"),
        ("{finding: SLOW}", "no finding 'SLOW'"),
        ("{lateBy: 2 WORKDAY}", "lateBy and silentFor are in HOUR"),
        ("{clock: PROMISED, left: soon}", "as `1 WORKDAY`"),
        ("{clock: PROMISED, left: 99999 HOUR}", "as `1 WORKDAY`"),
    ],
)
def test_a_condition_that_cannot_be_is_told(when: str, expected: str) -> None:
    (found,) = problems(HEAD + GOOD.replace("{clock: PROMISED, percent: 80}", when))
    assert found.startswith("rules.yaml:6:")
    assert expected in found


def test_a_rule_that_stands_twice_is_told_with_both_places() -> None:
    assert problems(HEAD + GOOD + GOOD) == [
        "rules.yaml:8:9: DUPLICATE_RULE: 'T-80' stands here again (first in line 3)"
    ]


def test_no_rules_is_a_mistake() -> None:
    assert problems("version: '1'\nrules: []\n") == [
        "rules.yaml:2:8: BAD_VALUE: there must be at least one rule"
    ]


def test_a_text_is_no_format_string() -> None:
    (found,) = problems(HEAD + GOOD.replace("{used} of {total}", "{used.__class__}"))
    assert "braces take one of" in found


DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "deadlines-and-warnings.md").read_text(encoding="utf-8")


def rows_after(heading: str) -> dict[str, str]:
    """First cell (a code) to the second, of the first table below a heading's row."""
    table = PAGE[PAGE.index(heading) :].split("\n\n", 1)[0]
    return dict(re.findall(r"^\| `([A-Z0-9_-]+)` \| (.*?) \|", table, re.M))


def test_the_page_tells_every_finding_in_its_own_words() -> None:
    assert rows_after("| Finding 数据问题") == {code: f"{en}. {zh}" for code, (en, zh) in FINDINGS.items()}


def test_the_page_tells_every_rule_with_its_level() -> None:
    told = {rule: level.split()[0] for rule, level in rows_after("| Rule 规则").items()}
    assert told == {rule.id: str(rule.level) for rule in read_rules().rules}


def test_the_examples_of_the_page_are_right(tmp_path: Path) -> None:
    rules, calendar = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    assert parse_rules(Path("rules.yaml"), rules).rules[0].version == 2
    file = tmp_path / "2027.yaml"
    file.write_text(calendar, encoding="utf-8")
    assert read_calendar([file]).version == "cn-2026.1+2027.1"


def test_what_the_command_shows_on_the_page_is_what_it_says() -> None:
    shown = re.search(r"^\$ quanyu (clock .*?)\n(.*?)^```", PAGE, re.M | re.S)
    assert shown
    assert CliRunner().invoke(main, shown[1].split()).stdout == shown[2]


@pytest.mark.parametrize("name", ["warning-rules", "working-calendar"])
def test_the_json_schemas_are_what_the_command_prints(name: str) -> None:
    """If this fails: `quanyu schema rules` (or calendar) `> docs/reference/NAME.schema.json`."""
    made = {"warning-rules": rules_schema, "working-calendar": calendar_schema}[name]()
    kept = (DOCS / "reference" / f"{name}.schema.json").read_text(encoding="utf-8")
    assert json.loads(kept) == json.loads(json.dumps(made))
