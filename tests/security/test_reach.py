"""Which cases a caller may have: the rule itself, on records and on rows of SQL alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, Text, create_engine, insert, select

from adapters.fetch import Caller
from adapters.reach import Reach, reach_of
from gateway.security.reach import rows_within
from schema.identifiers import applicant_ref
from schema.roles import ROLES, with_roles

KEY = b"k" * 32
JT, GSJ = "115000000090001627", "115000000090002340"
CHEN, ZHAO = "500229197001010010", "51232419650707003X"
COMPANY = "91500107MA5U00011B"


class City:
    """Two districts, one with a town."""

    below: Mapping[str, frozenset[str]] = {
        "500000": frozenset({"500107", "500107101", "500229"}),
        "500107": frozenset({"500107101"}),
    }

    def descendants(self, code: str) -> frozenset[str]:
        return self.below.get(code, frozenset())

    def is_whole(self, code: str) -> bool:
        return code == "500000"


def reach(*scopes: str, **who: Any) -> Reach:
    return reach_of(Caller("somebody", with_roles(scopes), **who), City())


def record(
    department: str | None = JT, region: str | None = "500107", number: str | None = CHEN
) -> dict[str, Any]:
    return {
        "departmentCode": department,
        "regionCode": region,
        "applicant": {"idNumber": number} if number else None,
    }


@pytest.mark.parametrize(
    "caller",
    [
        reach(),
        reach("public"),
        reach("role:migration"),
        reach("role:nobody-knows"),
        reach("role:applicant"),
        reach("cases:own"),
        reach("role:clerk"),
        reach("role:clerk", region="500107"),
        reach("role:supervisor"),
        reach("role:supervisor", department=JT),
        reach("cases:file", department=JT, subject=CHEN, region="500107"),
    ],
)
def test_a_scope_without_its_part_of_the_token_reaches_nothing(caller: Reach) -> None:
    assert caller.nothing
    assert not caller.sees(record(), owner=JT)
    assert not caller.sees({}, owner=None)


def test_an_applicant_reaches_their_own_cases_of_every_department() -> None:
    chen = reach("role:applicant", subject=CHEN)
    assert chen.sees(record(GSJ, "500229"), owner=JT)
    assert chen.sees(record(number="500229700101001"), owner=JT)  # of before 1999: 15 digits
    assert not chen.sees(record(number=ZHAO), owner=JT)
    assert not chen.sees(record(number=None), owner=JT)
    assert not chen.sees(record(number="500229********0010"), owner=JT)
    assert chen.needs() == {"applicant"}


def test_a_company_reaches_its_own_cases() -> None:
    assert reach("cases:own", subject=COMPANY).sees(record(number=COMPANY.lower()), owner=JT)


def test_a_clerk_reaches_the_own_department_in_the_own_region_and_below() -> None:
    clerk = reach("role:clerk", department=JT, region="500107")
    assert clerk.sees(record(), owner=GSJ)
    assert clerk.sees(record(region="500107101"), owner=GSJ)
    assert not clerk.sees(record(region="500229"), owner=JT)
    assert not clerk.sees(record(region="500000"), owner=JT)
    assert not clerk.sees(record(region=None), owner=JT)
    assert not clerk.sees(record(GSJ), owner=JT)
    assert clerk.needs() == {"departmentCode", "regionCode"}


def test_a_case_that_names_no_department_is_of_its_systems() -> None:
    clerk = reach("role:clerk", department=JT)
    assert clerk.sees(record(None), owner=JT)
    assert not clerk.sees(record(None), owner=GSJ)
    assert not clerk.sees(record(None), owner=None)


def test_whoever_is_of_the_whole_city_reaches_cases_without_a_division_and_of_unknown_ones() -> None:
    for caller in (
        reach("role:clerk", department=JT, region="500000"),
        reach("role:supervisor", region="500000"),
    ):
        assert caller.sees(record(region=None), owner=JT)
        assert caller.sees(record(region="999999"), owner=JT)


def test_a_supervisor_reaches_every_department_of_the_region() -> None:
    supervisor = reach("role:supervisor", region="500107", department=JT)
    assert supervisor.sees(record(GSJ, "500107101"), owner=JT)
    assert not supervisor.sees(record(JT, "500229"), owner=JT)


def test_several_scopes_add_up() -> None:
    clerk = reach("role:clerk", "cases:own", department=JT, region="500107", subject=CHEN)
    assert clerk.sees(record(GSJ, "500229"), owner=GSJ)
    assert clerk.sees(record(JT, "500107", ZHAO), owner=GSJ)
    assert not clerk.sees(record(GSJ, "500229", ZHAO), owner=GSJ)
    assert clerk.handles(record(JT, "500107", ZHAO), owner=GSJ)
    assert not clerk.handles(record(GSJ, "500229"), owner=GSJ)


def test_who_may_read_all_is_asked_for_nothing_more() -> None:
    auditor = reach("role:auditor")
    assert (auditor.everything, auditor.needs()) == (True, frozenset())
    assert auditor.sees({}, owner=None)


def test_a_number_is_in_no_text_of_a_reach() -> None:
    assert CHEN not in repr(reach("cases:own", subject=CHEN))


CODES = st.sampled_from([None, "500000", "500107", "500107101", "500229", "999999"])
DEPARTMENTS = st.sampled_from([JT, GSJ])
NUMBERS = st.sampled_from([CHEN, ZHAO, COMPANY])
CALLERS = st.builds(
    lambda scopes, subject, department, region: reach(
        *scopes, subject=subject, department=department, region=region
    ),
    st.sets(st.sampled_from([*(f"role:{role}" for role in ROLES), "cases:own"])),
    st.one_of(st.none(), NUMBERS),
    st.one_of(st.none(), DEPARTMENTS),
    CODES,
)


@given(CALLERS, st.lists(st.tuples(DEPARTMENTS, CODES, NUMBERS), max_size=8))
def test_rows_of_sql_are_in_reach_exactly_where_records_are(
    caller: Reach, cases: list[tuple[str, str | None, str]]
) -> None:
    columns = [Column(name, Text) for name in ("no", "subject", "department", "region")]
    table = Table("one", MetaData(), *columns)
    engine = create_engine("sqlite://")
    table.metadata.create_all(engine)
    seen = []
    with engine.begin() as connection:
        for no, (department, region, number) in enumerate(cases):
            subject = applicant_ref(KEY, "USCC" if number == COMPANY else "RESIDENT_ID", number)
            row = {"no": str(no), "subject": subject, "department": department, "region": region}
            connection.execute(insert(table).values(**row))
            if caller.sees(record(department, region, number), owner=None):
                seen.append(str(no))
            assert caller.sees_row(subject=subject, department=department, region=region, key=KEY) is (
                str(no) in seen
            )
        within = rows_within(
            caller, key=KEY, subject=table.c.subject, department=table.c.department, region=table.c.region
        )
        found = connection.scalars(select(table.c.no).where(within).order_by(table.c.no))
        assert list(found) == seen
    engine.dispose()
