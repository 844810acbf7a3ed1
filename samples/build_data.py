"""Derives `implementations.csv`, `materials.csv` and `applicants.json` from the registry files beside them.

    python -m samples.build_data

Deterministic: the same registry gives the same bytes. Municipal items are implemented once, district items once in
each of the 40 districts and zones, town and village items in the sample towns and villages.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

from samples.catalogue import system_of_department
from samples.identity import citizen_number, social_credit_code
from samples.materials import materials_of
from samples.registry import DATA, NOT_ON_APPLICATION, read_rows

__all__ = ["build", "main"]

TRAVEL_AGENCY = "500128001000"
LEVEL_DIGIT = {"MUNICIPALITY": "2", "DISTRICT": "4", "TOWNSHIP": "5", "VILLAGE": "6"}
ZONE_DIGITS = {"CQ-LJXQ": "500191", "CQ-WSJK": "500192"}
"""The zones have no GB/T 2260 code in 2017; inside social credit codes they need six digits all the same."""

IMPLEMENTATION_COLUMNS = [
    "task_code",
    "base_code",
    "dept_uscc",
    "org_uscc",
    "org_name",
    "region",
    "level",
    "power_source",
    "case_type",
    "statutory_amount",
    "statutory_unit",
    "promised_amount",
    "promised_unit",
    "channels",
    "accept_scope",
    "max_on_site_visits",
    "system",
    "valid_from",
    "valid_to",
]
MATERIAL_COLUMNS = ["base_code", "key", "name", "requirement", "form", "copies", "source"]

SAMPLE_REPRESENTATIVES = {
    "91500107MA5U00011B": "周某英",
    "91500241MA5U024120": "刘某波",
    "91500000MA5U09008N": "孙某",
    "52500000MJP000013J": "吴某",
}
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余"
GIVEN = [
    "堃",
    "喆",
    "䶮",
    "𬭎",
    "建国",
    "秀英",
    "志强",
    "丽华",
    "渝生",
    "巴山",
    "小琴",
    "文涛",
    "玉兰",
    "德明",
]
TRADES = ("物流", "建设", "水务", "劳务", "餐饮", "科技", "运输", "物业", "农业", "旅游")


def build(folder: Path = DATA) -> dict[str, str]:
    """File name -> text of every derived file."""
    return {
        "implementations.csv": _csv(IMPLEMENTATION_COLUMNS, _implementations(folder)),
        "materials.csv": _csv(MATERIAL_COLUMNS, _materials(folder)),
        "applicants.json": json.dumps(_applicants(folder), ensure_ascii=False, indent=1) + "\n",
    }


def main() -> None:
    for name, text in build().items():
        (DATA / name).write_text(text, encoding="utf-8", newline="")


def _csv(columns: list[str], rows: Iterator[dict[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _implementations(folder: Path) -> Iterator[dict[str, str]]:
    departments = {row["key"]: row for row in read_rows("departments.csv", folder)}
    regions = read_rows("regions.csv", folder)
    for item in read_rows("service_items.csv", folder):
        levels = item["levels"].split(";")
        for region in regions:
            if region["level"] in levels:
                yield _implementation(item, departments[item["dept_key"]], region)


def _implementation(
    item: dict[str, str], department: dict[str, str], region: dict[str, str]
) -> dict[str, str]:
    organ, organ_name = _organ(department, region)
    row = {
        "task_code": organ + LEVEL_DIGIT[region["level"]] + item["base_code"],
        "base_code": item["base_code"],
        "dept_uscc": department["uscc"],
        "org_uscc": organ,
        "org_name": organ_name,
        "region": region["code"],
        "level": region["level"],
        "power_source": _power_source(item, region),
        "case_type": item["case_type"],
        "statutory_amount": item["legal_limit"],
        "statutory_unit": item["legal_unit"],
        "promised_amount": item["promised_limit"],
        "promised_unit": item["promised_unit"],
        "channels": ";".join(_channels(item, region)),
        "accept_scope": _accept_scope(item, region),
        "max_on_site_visits": _visits(item),
        "system": "" if item["power_type"] in NOT_ON_APPLICATION else system_of_department(item["dept_key"]),
        "valid_from": "",
        "valid_to": "",
    }
    return row | _delegation(item, region)


def _organ(department: dict[str, str], region: dict[str, str]) -> tuple[str, str]:
    """Social credit code and name of the body that implements an item in a region; synthetic below the city."""
    if region["level"] == "MUNICIPALITY":
        return department["uscc"], department["name"]
    if region["level"] != "DISTRICT":
        digits, suffix = region["code"][:6], region["code"][6:].replace("S", "").replace("V", "")
        place = {"TOWNSHIP": "公共服务中心", "VILLAGE": "便民服务室"}[region["level"]]
        return (
            social_credit_code("11", digits, f"{suffix.ljust(5, '0')}{department['dept_no']}"),
            region["name"] + place,
        )
    digits = ZONE_DIGITS.get(region["code"], region["code"])
    code = social_credit_code("11", digits, f"{digits[2:]}0{department['dept_no']}")
    return code, region["name"] + department["name"].removeprefix("市")


def _power_source(item: dict[str, str], region: dict[str, str]) -> str:
    if region["level"] in {"TOWNSHIP", "VILLAGE"}:
        return "ENTRUSTED_BY_SUPERIOR"
    if region["kind"] == "DEVELOPMENT_ZONE":
        return "AUTHORISED_BY_SUPERIOR"
    if item["base_code"] == TRAVEL_AGENCY and region["level"] == "DISTRICT":
        return "DELEGATED_DOWN"
    return "STATUTORY_OWN"


def _delegation(item: dict[str, str], region: dict[str, str]) -> dict[str, str]:
    """Travel agencies: decided by the city in 15 working days to mid-2017, by the district in 5 from then on."""
    if item["base_code"] != TRAVEL_AGENCY:
        return {}
    if region["level"] == "MUNICIPALITY":
        return {"promised_amount": "15", "valid_to": "2017-06-30"}
    return {"promised_amount": "5", "valid_from": "2017-07-01"}


def _channels(item: dict[str, str], region: dict[str, str]) -> list[str]:
    if item["power_type"] in NOT_ON_APPLICATION:
        return []
    if region["level"] == "VILLAGE":
        return ["WINDOW", "PROXY"]
    channels = ["ONLINE", "WINDOW"]
    if "NATURAL" in item["service_object"]:
        channels.append("MOBILE")
    if item["case_type"] == "INSTANT" and region["level"] == "DISTRICT":
        channels.append("TERMINAL")
    return channels


def _accept_scope(item: dict[str, str], region: dict[str, str]) -> str:
    if region["level"] == "MUNICIPALITY" or item["power_type"] == "PUBLIC_SERVICE":
        return "CITY_WIDE"
    if region["level"] in {"TOWNSHIP", "VILLAGE"}:
        return "LOCAL_ONLY"
    return "CROSS_DISTRICT" if "NATURAL" in item["service_object"] else "DISTRICT"


def _visits(item: dict[str, str]) -> str:
    if item["power_type"] in NOT_ON_APPLICATION:
        return ""
    if item["power_type"] == "PUBLIC_SERVICE":
        return "0"
    return "1" if item["case_type"] == "INSTANT" or not item["special_procedures"] else "2"


def _materials(folder: Path) -> Iterator[dict[str, str]]:
    for item in read_rows("service_items.csv", folder):
        for index, material in enumerate(materials_of(item), start=1):
            yield {"base_code": item["base_code"], "key": f"{item['base_code']}-{index:02d}", **material}


def _applicants(folder: Path) -> list[dict[str, str | bool]]:
    """The eight sample identities, then 40 natural and 22 legal persons."""
    rng = random.Random("applicants")
    samples = json.loads((folder / "sample_identities.json").read_text(encoding="utf-8"))
    districts = [row["code"] for row in read_rows("regions.csv", folder) if row["code"].isdigit()][1:]
    rows = [_applicant(row["kind"], row["id"], row["name"], rng, sample=True) for row in samples]
    for index in range(40):
        birth = f"{rng.randint(1945, 1999)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
        number = citizen_number(rng.choice(districts), birth, rng.randint(1, 999))
        name = rng.choice(SURNAMES) + (GIVEN[index] if index < len(GIVEN) else rng.choice(GIVEN[4:]))
        rows.append(_applicant("NATURAL", number, name, rng, sample=False))
    for index in range(22):
        code = social_credit_code("91", rng.choice(districts), f"MA5U{rng.randint(1000, 9999)}")
        name = f"重庆{SURNAMES[index]}{rng.choice(GIVEN[4:])}{rng.choice(TRADES)}有限公司"
        rows.append(_applicant("LEGAL", code, name, rng, sample=False))
    return rows


def _applicant(
    kind: str, number: str, name: str, rng: random.Random, *, sample: bool
) -> dict[str, str | bool]:
    representative = ""
    if kind == "LEGAL":
        representative = SAMPLE_REPRESENTATIVES.get(number) or rng.choice(SURNAMES) + rng.choice(GIVEN[4:])
    return {
        "kind": kind,
        "id": number,
        "name": name,
        "mobile": f"1{rng.choice('358')}{rng.randint(0, 9)}0000{rng.randint(0, 9999):04d}",
        "representative": representative,
        "sample": sample,
    }


if __name__ == "__main__":
    main()
