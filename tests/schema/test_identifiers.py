"""Numbers: check arithmetic against the standards' examples, masks, references, case ids."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schema.errors import IdentifierError
from schema.identifiers import (
    CaseId,
    applicant_ref,
    case_id,
    check_resident_id,
    check_uscc,
    display_name,
    event_id,
    mask_id,
    mask_mobile,
    mask_name,
    mask_number,
    normalise_number,
    parse_case_id,
    resident_check_character,
    uscc_check_character,
)
from schema.vocabulary import ApplicantKind, IdType
from tests.schema.conftest import DATA

SYSTEM = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z")
NUMBER = st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable())
REGION = st.from_regex(r"\A[1-9][0-9]{5}\Z")
SERIAL = st.integers(0, 999).map(lambda number: f"{number:03}")
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def resident_id(region: str, born: date, serial: str) -> str:
    body = f"{region}{born:%Y%m%d}{serial}"
    return body + resident_check_character(body)


# --- case ids ---


@given(SYSTEM, NUMBER)
def test_a_case_id_can_be_taken_apart_again(system: str, local_no: str) -> None:
    """Whatever the number holds, colons too."""
    assert parse_case_id(case_id(system, local_no)) == CaseId(system, local_no)


def test_a_case_id_is_readable() -> None:
    assert case_id("JT-PERMIT", "JT2017-000123") == "JT-PERMIT:JT2017-000123"
    assert str(CaseId("JT-PERMIT", "渝交〔2017〕12号")) == "JT-PERMIT:渝交〔2017〕12号"
    assert event_id("JT-PERMIT:JT2017-000123", 3) == "JT-PERMIT:JT2017-000123#3"


@pytest.mark.parametrize(
    "text", ["", "JT2017-000123", ":1", "JT PERMIT:1", "JT-PERMIT:", "JT-PERMIT: ", "A:1\n2"]
)
def test_what_is_no_case_id_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError):
        parse_case_id(text)


# --- GB 11643 ---


@given(REGION, st.dates(date(1900, 1, 1), date(2099, 12, 31)), SERIAL)
def test_any_birthplace_is_taken(region: str, born: date, serial: str) -> None:
    """Divisions come and go; a number is not judged by its prefix."""
    number = resident_id(region, born, serial)
    assert check_resident_id(number) == number
    assert check_resident_id(f" {number.lower()} ") == number


@given(
    REGION,
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    SERIAL,
    st.integers(0, 17),
    st.sampled_from("0123456789X"),
)
def test_any_single_wrong_character_is_found(
    region: str, born: date, serial: str, place: int, wrong: str
) -> None:
    number = resident_id(region, born, serial)
    assume(number[place] != wrong)
    with pytest.raises(IdentifierError):
        check_resident_id(number[:place] + wrong + number[place + 1 :])


@given(REGION, st.dates(date(1900, 1, 1), date(1999, 12, 31)), SERIAL)
def test_an_old_number_of_15_digits_is_upgraded(region: str, born: date, serial: str) -> None:
    assert check_resident_id(f"{region}{born:%y%m%d}{serial}") == resident_id(region, born, serial)


def test_the_sample_identities_are_right() -> None:
    """They were made by another program, from the standards."""
    people = json.loads((DATA / "sample_identities.json").read_text(encoding="utf-8"))
    assert {person["kind"] for person in people} == {"NATURAL", "LEGAL"}
    for person in people:
        check = check_resident_id if person["kind"] == "NATURAL" else check_uscc
        assert check(person["id"]) == person["id"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("5002291970010100", "17 digits"),
        ("500229197013010010", "date of birth"),
        ("500229197001010011", "check character"),
        ("", "17 digits"),
    ],
)
def test_the_reason_is_named_and_the_number_is_not(number: str, reason: str) -> None:
    """The message may be logged; the number is a person's."""
    with pytest.raises(IdentifierError, match=reason) as caught:
        check_resident_id(number)
    assert not number or number not in str(caught.value)


# --- GB 32100 ---


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17))
def test_a_social_credit_code_with_its_check_character_is_right(body: str) -> None:
    number = body + uscc_check_character(body)
    assert check_uscc(number.lower()) == number


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17), st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_any_single_wrong_character_of_a_code_is_found(body: str, place: int, wrong: str) -> None:
    number = body + uscc_check_character(body)
    assume(number[place] != wrong)
    with pytest.raises(IdentifierError, match="check character"):
        check_uscc(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize("number", ["91500107MA5U00011", "91500107MA5UI0011B", "九" * 18])
def test_what_cannot_be_a_code_is_refused(number: str) -> None:
    with pytest.raises(IdentifierError):
        check_uscc(number)


# --- masks ---


@pytest.mark.parametrize(
    ("name", "masked"),
    [("陈某某", "陈**"), ("刘波", "刘*"), ("陈", "*"), ("", ""), (" 陈某 ", "陈*"), ("Ana Li", "A** **")],
)
def test_a_name_keeps_its_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_an_id_keeps_first_three_and_last_two() -> None:
    assert mask_id("500229197001010010") == "500*************10"
    assert mask_id("1234567") == "*******"


def test_a_mobile_number_keeps_first_three_and_last_four() -> None:
    assert mask_mobile("13800000010") == "138****0010"
    assert mask_mobile("63112345") == "******45"
    assert mask_mobile("110") == "***"


@given(st.text())
def test_masks_keep_the_length_and_are_the_same_twice(text: str) -> None:
    """Masking what is masked already changes nothing, so a mask may stand at more than one place."""
    for mask in (mask_id, mask_mobile, mask_name):
        once = mask(text)
        assert len(once) == len(text.strip())
        assert mask(once) == once


@given(st.text(st.characters(categories=["Nd", "Lu"]), min_size=8))
def test_a_masked_id_shows_at_most_five_characters(number: str) -> None:
    assert sum(character != "*" for character in mask_id(number)) <= 5


def test_companies_are_open_and_people_are_not() -> None:
    assert display_name(ApplicantKind.LEGAL, "某旅行社有限公司") == "某旅行社有限公司"
    assert display_name(ApplicantKind.NATURAL, "陈某某") == "陈**"
    assert display_name(ApplicantKind.UNKNOWN, "陈某某") == "陈**"
    assert mask_number(IdType.USCC, "91500107MA5U00011B") == "91500107MA5U00011B"
    assert mask_number(IdType.PASSPORT, "E12345678") == "E12****78"
    assert mask_number(IdType.UNKNOWN, "91500107MA5U00011B") == "915*************1B"


# --- references ---


def test_one_person_has_one_reference_in_every_system() -> None:
    """However the systems write the number."""
    key = b"k" * 32
    number = check_resident_id("500229700101001")
    spellings = ["500229700101001", number, f" {number[:6]} {number[6:]} ", number.lower()]
    refs = {applicant_ref(key, IdType.RESIDENT_ID, spelling) for spelling in spellings}
    assert len(refs) == 1
    assert refs == {hmac.new(key, f"RESIDENT_ID\x1f{number}".encode(), hashlib.sha256).hexdigest()}


@given(st.sampled_from(list(IdType)), st.text(min_size=1), st.sampled_from(list(IdType)), st.text(min_size=1))
def test_different_applicants_have_different_references(
    one: IdType, number: str, other: IdType, another: str
) -> None:
    key = b"k"
    same = one == other and normalise_number(one, number) == normalise_number(other, another)
    assert (applicant_ref(key, one, number) == applicant_ref(key, other, another)) is same


def test_a_reference_depends_on_the_key() -> None:
    assert applicant_ref(b"a", IdType.PASSPORT, "E1") != applicant_ref(b"b", IdType.PASSPORT, "E1")
    with pytest.raises(ValueError, match="needs a key"):
        applicant_ref(b"", IdType.PASSPORT, "E1")


def test_a_number_that_breaks_its_standard_still_names_its_holder() -> None:
    """Legacy data holds such numbers; the person must be found all the same."""
    assert normalise_number(IdType.RESIDENT_ID, " 50022919700101001 1 ") == "500229197001010011"
