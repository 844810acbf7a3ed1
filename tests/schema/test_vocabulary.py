"""The vocabulary is complete, described in both languages, and agrees with the canonical records."""

from __future__ import annotations

import json

import pytest

from schema.canonical import RECORDS
from schema.errors import UnknownEnumError
from schema.vocabulary import ENUMS, CaseState, values

UNMAPPED = {"CaseState", "CaseEventKind", "CaseType", "Channel", "ApplicantKind", "IdType"}


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_each_value_is_its_name_and_is_described_with_its_chinese_term(name: str) -> None:
    for member in ENUMS[name]:
        assert member.value == member.name == str(member)
        assert is_chinese(member.description)


def test_only_what_legacy_values_are_mapped_to_can_be_unknown() -> None:
    # the outcome of a submission may be unknown too: that is a state of its own, no unmapped value
    assert {name for name in ENUMS if "UNKNOWN" in values(name)} == UNMAPPED | {"SubmissionState"}


def test_members_compare_with_text() -> None:
    assert CaseState.CLOSED == "CLOSED"
    assert CaseState("CLOSED") is CaseState.CLOSED
    assert json.dumps({"state": CaseState.CLOSED}) == '{"state": "CLOSED"}'


def test_every_enum_of_the_canonical_records_exists() -> None:
    named = {
        field.type.removeprefix("enum:")
        for record in RECORDS.values()
        for field in record.fields
        if field.type.startswith("enum:")
    }
    assert named == UNMAPPED
    assert named <= set(ENUMS)


def test_an_unknown_enum_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownEnumError, match=r"no enum 'CaseStat' .*CaseState"):
        values("CaseStat")


def test_the_sample_items_use_only_known_special_procedures(registry_texts: dict[str, str]) -> None:
    header, *lines = registry_texts["service_items.csv"].splitlines()
    column = header.split(",").index("special_procedures")
    used = {word for line in lines for word in line.split(",")[column].split(";") if word}
    assert used
    assert used <= values("SpecialProcedureKind")
