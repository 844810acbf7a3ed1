"""The registry reads its files whole or says everything that is wrong with them, and knows codes with history."""

from __future__ import annotations

from datetime import date

import pytest

from schema.errors import RegistryError
from schema.registry import Registry, search_key
from schema.registry_files import parse_registry
from schema.vocabulary import RegionLevel

TRAVEL_AGENCY = "500128001000"
TOURISM = "115000000090002858"


def problems_of(texts: dict[str, str]) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        parse_registry(texts)
    return [str(problem) for problem in caught.value.problems]


def test_the_sample_city_is_complete(registry: Registry) -> None:
    assert (len(registry.regions), len(registry.departments), len(registry.items)) == (46, 34, 58)
    assert all(registry.implementations(item.base_code) for item in registry.items)
    assert all(registry.item_materials(item.base_code) for item in registry.items)


@pytest.mark.parametrize(
    ("code", "on", "name"),
    [
        ("500110", None, "綦江区"),
        ("500110", date(2017, 11, 20), "綦江区"),
        ("500110", date(2009, 5, 1), "万盛经济技术开发区"),
        ("500222", date(2009, 5, 1), "綦江区"),
        ("500234", date(2015, 5, 1), "开州区"),
        ("500234", date(2017, 5, 1), "开州区"),
        ("500234", None, "开州区"),
        ("500107", date(2009, 5, 1), "九龙坡区"),
        ("500154", date(2015, 5, 1), None),
        ("999999", None, None),
    ],
)
def test_a_code_means_what_it_meant_on_the_day(
    registry: Registry, code: str, on: date | None, name: str | None
) -> None:
    """500110 was 万盛 until 2011; 500234 was 开县, which is 开州区 (500154) since 2016."""
    row = registry.region(code, on)
    assert (row.name if row else None) == name


def test_a_village_belongs_to_town_county_and_city(registry: Registry) -> None:
    assert [row.code for row in registry.ancestors("500229S01V01")] == ["500229S01", "500229", "500000"]
    assert registry.descendants("500229") == {"500229S01", "500229S01V01"}
    assert len(registry.descendants("500000")) == 45
    assert registry.ancestors("999999") == []


def test_search_takes_words_in_any_order_and_either_width(registry: Registry) -> None:
    assert [row.name for row in registry.search_items("许可 旅行社")] == ["旅行社业务经营许可"]
    assert [row.base_code for row in registry.search_items("公路超限运输许可(跨区县)")] == ["500116001000"]
    assert {row.base_code for row in registry.search_items("500116")} == {
        "500116001000",
        "500116002000",
        "500116003000",
    }
    assert len(registry.search_items("  ")) == 58
    assert registry.search_items("没有的事项") == []
    assert search_key("ＡＢ c（一）") == "abc(一)"


def test_rows_hold_what_the_files_say(registry: Registry) -> None:
    row = next(row for row in registry.implementations(TRAVEL_AGENCY) if row.region == "500107")
    assert (row.department, row.level, row.valid_from) == (TOURISM, RegionLevel.DISTRICT, date(2017, 7, 1))
    assert row.promised
    assert row.promised.amount == 5
    item = registry.item(TRAVEL_AGENCY)
    assert item
    assert item.department == TOURISM


def test_a_department_of_an_implementation_need_not_be_where_its_region_is(registry: Registry) -> None:
    rows = registry.implementations(TRAVEL_AGENCY)
    assert {row.department for row in rows} == {TOURISM}
    assert len({row.org_code for row in rows}) == len(rows)


def test_names_of_columns_may_be_those_of_the_source(registry_texts: dict[str, str]) -> None:
    """The files that the sample data came from call them base_code_synthetic and legal_limit."""
    renamed = {**registry_texts}
    renamed["service_items.csv"] = renamed["service_items.csv"].replace(
        "base_code,", "base_code_synthetic,", 1
    )
    renamed["departments.csv"] = "\ufeff" + renamed["departments.csv"].replace("uscc,", "uscc_synthetic,", 1)
    assert len(parse_registry(renamed).items) == 58


def test_all_problems_come_at_once_with_file_line_and_column(registry_texts: dict[str, str]) -> None:
    regions = registry_texts["regions.csv"]
    bad = {
        **registry_texts,
        "regions.csv": regions.replace("500101,万州区,Wanzhou,DISTRICT", "500101,万州区,Wanzhou,PROVINCE", 1)
        + "500102,涪陵区,Fuling,DISTRICT,DISTRICT,500000,,2017-13-01,,\n"
        + ",无名,,DISTRICT,DISTRICT,599999,,,,\n",
        "departments.csv": "uscc,key,name\n11500000009000015X,FGW,市发展和改革委员会\n",
    }
    del bad["materials.csv"]
    found = problems_of(bad)
    last = len(regions.splitlines())
    assert (
        "regions.csv:3:level: expected one of MUNICIPALITY, DISTRICT, TOWNSHIP, VILLAGE, found 'PROVINCE'"
        in found
    )
    assert f"regions.csv:{last + 1}:valid_from: expected a date as YYYY-MM-DD, found '2017-13-01'" in found
    assert f"regions.csv:{last + 1}:code: '500102' is on line 4 already" in found
    assert f"regions.csv:{last + 2}:code: must not be empty" in found
    assert f"regions.csv:{last + 2}:parent: '599999' is not in regions.csv" in found
    assert "departments.csv:1:region: column is missing; found uscc, key, name" in found
    assert any(line.startswith("departments.csv:2:uscc: the check character") for line in found)
    assert any(
        line.startswith("service_items.csv:2:dept_key: 'LVJ' is not in departments.csv") for line in found
    )
    assert "materials.csv:1:: the file is missing" in found
    assert found.index("materials.csv:1:: the file is missing") == len(found) - 1


def test_lines_are_counted_past_line_breaks_inside_a_cell(registry_texts: dict[str, str]) -> None:
    header, rest = registry_texts["regions.csv"].split("\n", 1)
    bad = f'{header}\n"500199","两行\n的名","",DISTRICT,DISTRICT,,,,,\n500198,某区,,NOWHERE,DISTRICT,,,,,\n{rest}'
    found = problems_of({**registry_texts, "regions.csv": bad})
    assert found == [
        "regions.csv:4:level: expected one of MUNICIPALITY, DISTRICT, TOWNSHIP, VILLAGE, found 'NOWHERE'"
    ]


def test_half_a_limit_is_a_problem(registry_texts: dict[str, str]) -> None:
    bad = registry_texts["implementations.csv"].replace(",20,WORKDAY,15,WORKDAY,", ",20,WORKDAY,15,,", 1)
    found = problems_of({**registry_texts, "implementations.csv": bad})
    assert found == [
        "implementations.csv:2:promised_amount: amount and unit of a limit go together, one of them is missing"
    ]


def test_a_comma_without_quotes_is_found(registry_texts: dict[str, str]) -> None:
    bad = registry_texts["regions.csv"].replace("渝中区,Yuzhong", "渝,中区,Yuzhong", 1)
    found = problems_of({**registry_texts, "regions.csv": bad})
    assert "regions.csv:5:: 11 cells under 10 columns; a comma inside a cell needs quotes" in found


def test_a_division_above_itself_is_found(registry_texts: dict[str, str]) -> None:
    bad = registry_texts["regions.csv"].replace(
        "500229,城口县,Chengkou,DISTRICT,COUNTY,500000",
        "500229,城口县,Chengkou,DISTRICT,COUNTY,500229S01V01",
        1,
    )
    found = problems_of({**registry_texts, "regions.csv": bad})
    assert len(found) == 3
    assert all(line.endswith("parent: the division is above itself") for line in found)


def test_the_message_names_the_first_problems_and_counts_the_rest(registry_texts: dict[str, str]) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_registry({**registry_texts, "departments.csv": "uscc,key,name,region\n"})
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) > 2000
    assert len(lines) == 52
    assert lines[-1] == f"  ... and {len(caught.value.problems) - 50} more"


def test_empty_and_binary_files_are_problems_not_crashes(registry_texts: dict[str, str]) -> None:
    for text in ("", "\n\n", "code,name\r\r", "\x00\x01", '"' + "x" * 200_000):
        assert problems_of({**registry_texts, "regions.csv": text})
