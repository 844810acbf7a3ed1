"""Invented people in place of real ones: the same everywhere, valid where the original was."""

from __future__ import annotations

import base64
import gzip
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.recording.names import kind_of_field, looks_like_person
from adapters.recording.people import People
from adapters.recording.record import clean_path
from schema.errors import IdentifierError
from schema.identifiers import check_resident_id, check_uscc, resident_check_character

KEY = b"key of this test"
CITIZEN = "51232419650707003X"

numbers = st.builds(
    lambda area, born, serial: (body := f"{area}{born:%Y%m%d}{serial:03d}") + resident_check_character(body),
    st.sampled_from(["500229", "110101", "512324"]),
    st.dates(
        min_value=__import__("datetime").date(1930, 1, 1), max_value=__import__("datetime").date(2017, 12, 31)
    ),
    st.integers(0, 999),
)


def people(**how: object) -> People:
    return People(key=KEY, **how)  # type: ignore[arg-type]  # as given


@given(numbers)
def test_an_identity_number_becomes_another_valid_one_of_the_same_year_and_sex(number: str) -> None:
    made = people().resident(number)
    assert check_resident_id(made) == made
    assert made != number
    assert made[6:10] == number[6:10]
    assert int(made[16]) % 2 == int(number[16]) % 2
    assert (made[-1] == "X") == (number[-1] == "X")
    assert people().resident(number) == made
    assert People(key=b"another").resident(number) != made


@given(numbers.filter(lambda one: one[6:8] == "19"))
def test_a_person_known_by_15_digits_here_and_18_there_stays_one_person(number: str) -> None:
    short = number[:6] + number[8:17]
    assert check_resident_id(people().resident(short)) == people().resident(number)


@given(numbers, st.sampled_from("0123456789X"))
def test_a_wrong_number_stays_wrong(number: str, check: str) -> None:
    wrong = number[:17] + check
    made = people().resident(wrong)
    is_right = check == number[17]
    try:
        check_resident_id(made)
    except IdentifierError:
        assert not is_right
    else:
        assert is_right


@given(st.from_regex(r"1[3-9]\d{9}", fullmatch=True))
def test_a_mobile_keeps_its_form_with_and_without_country_code(number: str) -> None:
    made = people().phone(number)
    assert made[:3] == number[:3]
    assert len(made) == 11
    assert made.isdigit()
    assert people().phone(f"+86 {number}") == f"+86 {made}"


@given(st.text("王李张某伟芳娜", min_size=2, max_size=4))
def test_a_name_keeps_its_length(name: str) -> None:
    made = people().name(name)
    assert len(made) == len(name)
    assert made != name


def test_what_is_learned_is_replaced_everywhere_and_what_looks_personal_too() -> None:
    one = people()
    one.learn("name", "陈德明")
    text = one.replace(
        f"经办人陈德明, 身份证{CITIZEN}, 电话13800138000, 023-67512345, a.b@c.example, 渝中区中山路12号3-4"
    )
    for gone in ("陈德明", CITIZEN, "13800138000", "023-67512345", "a.b@c.example", "中山路12号"):
        assert gone not in text
    assert "经办人" in text
    assert "023-" in text
    assert one.counts == {"name": 1, "identity number": 1, "phone": 2, "mail": 1, "address": 1}


def test_replacing_twice_in_one_text_gives_the_same_and_never_replaces_a_replacement() -> None:
    one = people()
    for name in ("王伟", "李芳", "张敏", "刘静"):
        one.learn("name", name)
    learned = one.learned()
    assert one.replace("王伟李芳张敏刘静王伟") == "".join(
        learned[name] for name in ("王伟", "李芳", "张敏", "刘静", "王伟")
    )


def test_numbers_of_cases_stay_though_they_look_like_peoples() -> None:
    one = people(keep=frozenset({CITIZEN}))
    assert one.replace(f"办件{CITIZEN}") == f"办件{CITIZEN}"


@pytest.mark.parametrize(
    "text", ["2018001380013800099", "Z13800138000", "20180301123456", "9150010701380013800"]
)
def test_parts_of_longer_numbers_are_no_mobiles(text: str) -> None:
    assert people().replace(text) == text


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_what_is_packed_in_base64_is_replaced_inside(zipped: bool, charset: str) -> None:
    one = people()
    one.learn("name", "陈德明")
    content = f"<person><name>陈德明</name><id>{CITIZEN}</id></person>".encode(charset)
    packed = base64.b64encode(gzip.compress(content) if zipped else content).decode()
    replaced = base64.b64decode(json.loads(one.replace(json.dumps({"data": packed})))["data"])
    inside = (gzip.decompress(replaced) if zipped else replaced).decode(charset)
    assert "陈德明" not in inside
    assert CITIZEN not in inside
    assert inside.startswith("<person><name>")


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda text: "".join(f"&#{ord(one)};" for one in text),
        lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    ],
)
def test_names_written_by_the_numbers_of_their_characters_are_found(write) -> None:  # type: ignore[no-untyped-def]
    one = people()
    one.learn("name", "陈德明")
    assert one.replace(write("陈德明")) == write(one.learned()["陈德明"])


def test_companies_are_public_unless_it_is_wished_otherwise() -> None:
    code, name = "91500107MA5U00011B", "重庆某旅行社有限公司"
    plain, all_ = people(), people(companies=True)
    for one in (plain, all_):
        one.learn("number", code)
        one.learn("name", name)
    assert plain.replace(f"{name} {code}") == f"{name} {code}"
    replaced = all_.replace(f"{name} {code}")
    assert name not in replaced
    assert replaced.endswith("有限公司 " + check_uscc(replaced.split()[-1]))
    assert code not in replaced


def test_a_birth_date_moves_with_the_number_that_holds_it() -> None:
    one = people()
    one.learn("birth", "1965-07-07")
    born = one.resident(CITIZEN)[6:14]
    assert one.replace("1965-07-07") == f"{born[:4]}-{born[4:6]}-{born[6:]}"


def test_a_key_is_needed() -> None:
    with pytest.raises(ValueError, match="key"):
        People(key=b"")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("Case", "ApplicantName"), "name"),
        (("aj", "xm"), "name"),
        (("holder", "name"), "name"),
        (("item", "name"), None),
        (("Case", "CaseName"), None),
        (("aj", "sfzh"), "number"),
        (("a", "contact_phone"), "phone"),
        (("a", "lxdz"), "address"),
        (("a", "applyTime"), None),
        (("a", "csrq"), "birth"),
    ],
)  # fmt: skip
def test_fields_are_told_by_their_names(path: tuple[str, ...], kind: str | None) -> None:
    assert kind_of_field(path) == kind


@pytest.mark.parametrize(
    ("text", "is_person"),
    [
        ("陈某", True),
        ("欧阳某某", True),
        ("审核科", False),
        ("系统", False),
        ("许可", False),
        ("Zhang San", True),
        ("受理", False),
        ("买买提·艾力", True),
        ("重庆某公司", False),
    ],
)
def test_names_of_people_are_told_from_other_words(text: str, is_person: bool) -> None:
    assert looks_like_person(text) is is_person


def test_an_action_in_a_field_that_elsewhere_is_an_address_stays() -> None:
    """`dz` is 地址 in one system and 动作 in another."""
    one = people()
    one.learn("address", "补正告知")
    assert one.learned() == {}


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_name_in_an_address_is_replaced_in_its_own_charset(charset: str) -> None:
    one = people()
    one.learn("name", "陈德明")
    path = clean_path(f"/a?xm={quote('陈德明', encoding=charset)}&n=1", one)
    assert path == f"/a?xm={quote(one.learned()['陈德明'], encoding=charset)}&n=1"
