"""The eight legacy systems of the sample city, and the department that has moved to a subgraph of its own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SUBGRAPHS", "SYSTEMS", "SystemSpec", "system_of_department", "url_variable"]


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """code: stable id of the system; department: `key` of departments.csv; number: pattern of `year` and `serial`."""

    code: str
    name: str
    department: str
    protocol: str
    number: str


SYSTEMS: dict[str, SystemSpec] = {
    spec.code: spec
    for spec in (
        SystemSpec("JT-PERMIT", "超限运输许可系统", "JTW", "SOAP_11", "JT{year}-{serial:06d}"),
        SystemSpec("FGW-INVEST", "投资项目在线审批监管平台", "FGW", "SOAP_12", "{year}50{serial:08d}"),
        SystemSpec("GSJ-LICENSE", "工商登记业务系统", "GSJ", "REST_JSON", "GS{year}{serial:07d}"),
        SystemSpec("MZJ-CIVIL", "民政业务综合系统", "MZJ", "REST_XML", "渝民〔{year}〕{serial:04d}号"),
        SystemSpec("GA-ENTRY", "公安政务服务平台", "GAJ", "REST_JSON", "GA-{year}-{serial:05d}"),
        SystemSpec("GHJ-PLAN", "规划管理信息系统", "GHJ", "REST_JSON", "GH{year}Z{serial:05d}"),
        SystemSpec("SLJ-WATER", "水行政许可系统", "SLJ", "REST_JSON", "SL.{year}.{serial:05d}"),
        SystemSpec("RSJ-SOCIAL", "人社一体化平台", "RSJ", "GRAPHQL", "RS{year}{serial:06d}"),
    )
}

SUBGRAPHS: dict[str, SystemSpec] = {
    spec.code: spec for spec in (SystemSpec("ZJJ-LIFT", "电梯安全监管服务", "ZJJ", "FEDERATION", ""),)
}
"""Services that speak Apollo Federation: they join by a file in `systems/subgraphs/` and hold no cases."""


def system_of_department(department: str) -> str:
    """Code of the system that serves a department's items, or an empty string."""
    return next((spec.code for spec in SYSTEMS.values() if spec.department == department), "")


def url_variable(system: str) -> str:
    """Environment variable that holds a system's base URL, as the declarations in `systems/` name it."""
    return f"QUANYU_SAMPLE_{system.replace('-', '_')}_URL"
