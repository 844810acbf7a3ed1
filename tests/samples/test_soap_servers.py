"""JT-PERMIT and FGW-INVEST: what WSDL, faults and security look like to zeep and on the wire."""

from __future__ import annotations

import httpx
import pytest
import zeep

from tests.samples.readers import Invest, Permit, soap_service


@pytest.fixture(scope="module")
def permit(city: dict[str, str]) -> Permit:
    return Permit(city["JT-PERMIT"])


@pytest.fixture(scope="module")
def invest(city: dict[str, str]) -> Invest:
    return Invest(city["FGW-INVEST"])


def test_permit_wsdl_imports_its_schema_from_the_server(city: dict[str, str], http: httpx.Client) -> None:
    address = f"{city['JT-PERMIT']}/services/PermitService"
    wsdl = http.get(f"{address}?wsdl").text
    assert f'schemaLocation="{address}?xsd=PermitTypes.xsd"' in wsdl
    assert "QueryCaseListResponse" in http.get(f"{address}?xsd=PermitTypes.xsd").text


def test_permit_unknown_number_is_a_soap_11_fault_with_status_500(
    city: dict[str, str], http: httpx.Client
) -> None:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<QueryCase xmlns="http://jtw.example/permit/types"><caseNo>JT2017-999999</caseNo></QueryCase>'
        "</s:Body></s:Envelope>"
    )
    reply = http.post(f"{city['JT-PERMIT']}/services/PermitService", content=body)
    assert reply.status_code == 500
    assert "<faultcode>soap:Client</faultcode>" in reply.text
    assert "<f:Code>E404</f:Code>" in reply.text


def test_permit_filters_by_application_time(permit: Permit) -> None:
    reply = permit.service.QueryCaseList(
        **{"pageNo": 1, "pageSize": 50, "from": "20170301000000", "to": "20170331235959"}
    )
    times = [row.ApplyTime for row in reply.CaseList.Case]
    assert times
    assert all(time.startswith("201703") for time in times)


def test_permit_refuses_too_large_a_page_and_a_bad_date(permit: Permit) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="每页条数"):
        permit.service.QueryCaseList(pageNo=1, pageSize=51)
    with pytest.raises(zeep.exceptions.Fault, match="日期格式"):
        permit.service.QueryChanges(since="2017-01-01")


def test_permit_tells_guangdong_event_codes_and_repeats_some_steps(permit: Permit) -> None:
    """One case in twenty comes newest first and with one step twice."""
    rows = [row for page in range(0, 300, 50) for row in permit.page(page, 50)]
    number = next(row[0] for row in rows if int(row[0][-6:]) % 20 == 0)
    steps = permit.service.QueryCase(caseNo=number).Steps.Step
    numbers = [step.StepNo for step in steps]
    assert numbers[:-1] == sorted(numbers[:-1], reverse=True)
    assert numbers[-1] in numbers[:-1]
    assert {step.EventCode for step in steps} <= {
        "SB",
        "WSYSL",
        "SL",
        "SPCL",
        "BZGZ",
        "BZSL",
        "TBCXSQ",
        "TBCXJG",
        "BJ",
        "LQDJ",
    }


def test_permit_lists_its_items(permit: Permit) -> None:
    assert "500116001000" in [item.ItemCode for item in permit.service.QueryItems()]


@pytest.mark.parametrize("digest", [True, False])
def test_invest_takes_a_password_as_digest_or_text(city: dict[str, str], digest: bool) -> None:
    invest = Invest(city["FGW-INVEST"], digest=digest)
    assert invest.service.listCatalog(enabledOnly=True)[0].baseCode == "500101001000"


@pytest.mark.parametrize("digest", [True, False])
def test_invest_refuses_a_wrong_password(city: dict[str, str], digest: bool) -> None:
    invest = Invest(city["FGW-INVEST"], "wrong", digest=digest)
    with pytest.raises(zeep.exceptions.Fault, match="用户名或密码错误"):
        invest.service.listCatalog(enabledOnly=True)


def test_invest_refuses_a_call_without_a_token(city: dict[str, str]) -> None:
    service = soap_service(f"{city['FGW-INVEST']}/tzxm/InvestProjectService?wsdl")
    with pytest.raises(zeep.exceptions.Fault, match="缺少WS-Security"):
        service.getProject(workOrderNo="1")


def test_invest_tells_totals_and_numeric_codes(invest: Invest) -> None:
    page = invest.service.listProjects(query={"startRow": 1, "rowCount": 100})
    assert page.totalRows >= 220
    assert len(page.project) == 100
    project = invest.service.getProject(workOrderNo=page.project[0].workOrderNo)
    assert {log.nodeCode for log in project.log} <= {1, 3, 4, 6, 8, 9, 10, 11}


def test_permit_gives_many_routes_in_one_call_and_passes_over_numbers_that_nobody_has(permit: Permit) -> None:
    listed = permit.service.QueryRouteList(pageNo=1, pageSize=3, tier="2")
    assert listed.Total >= len(listed.Route) == 3
    assert {route.Tier for route in listed.Route} == {"2"}
    cases = [route.CaseNo for route in listed.Route]
    asked = permit.service.QueryRoutes(caseNo=[*cases, "JT2017-999999"])
    assert sorted(route.CaseNo for route in asked) == sorted(cases)
    by_number = permit.service.QueryRoutes(routeNo=[listed.Route[0].RouteNo])
    assert [route.CaseNo for route in by_number] == cases[:1]
    with pytest.raises(zeep.exceptions.Fault, match="每次查询"):
        permit.service.QueryRoutes()
