"""The REST, XML and GraphQL systems: the habits that set each of them apart."""

from __future__ import annotations

import httpx
import pytest

from samples.city import running_city
from tests.samples.readers import Civil, Entry, License, Social


def test_license_answers_200_with_a_code_for_every_failure(city: dict[str, str], http: httpx.Client) -> None:
    address = f"{city['GSJ-LICENSE']}/djgl/api/v1/bjlb"
    reply = http.get(address)
    assert (reply.status_code, reply.json()["code"]) == (200, 1001)
    license_system = License(city["GSJ-LICENSE"], http)
    assert license_system.get("bjlb", size=101)["code"] == 1003
    assert license_system.get("bjlb", kssj="2017-01-01")["code"] == 1002
    assert license_system.get("bjxq", bjbh="GS1") == {"code": 1404, "msg": "办件不存在：GS1", "data": None}


def test_license_filters_by_application_time(city: dict[str, str], http: httpx.Client) -> None:
    reply = License(city["GSJ-LICENSE"], http).get(
        "bjlb", size=100, kssj="2017/05/01 00:00:00", jssj="2017/05/31 23:59:59"
    )
    rows = reply["data"]["rows"]
    assert reply["data"]["total"] == len(rows) > 0
    assert all(row["sqsj"].startswith("2017/05/") for row in rows)


def test_civil_declares_gb2312_and_sends_gb18030(city: dict[str, str], http: httpx.Client) -> None:
    """Strict GB2312 and even GBK readers fail on it."""
    content = Civil(city["MZJ-CIVIL"], http).post("AJLB", "<start>0</start><rows>200</rows>")
    assert content.startswith(b'<?xml version="1.0" encoding="GB2312"?>')
    text = content.decode("gb18030")
    assert "䶮" in text
    assert "堃" in text
    for charset in ("gb2312", "gbk", "utf-8"):
        with pytest.raises(UnicodeDecodeError):
            content.decode(charset)


def test_civil_filters_by_whole_days(city: dict[str, str], http: httpx.Client) -> None:
    civil = Civil(city["MZJ-CIVIL"], http)
    body = "<start>0</start><rows>200</rows><ksrq>20170801</ksrq><jsrq>20170831</jsrq>"
    times = [row.findtext("sqsj", "") for row in civil.ask("AJLB", body).iterfind("body/list/aj")]
    assert times
    assert all(time.startswith("2017年08月") for time in times)


@pytest.mark.parametrize(
    ("code", "body", "retcode"),
    [("AJCX", "<ajbh>1</ajbh>", "9001"), ("XXXX", "", "9002"), ("AJLB", "<rows>0</rows>", "9004")],
)
def test_civil_tells_failures_in_its_head(
    city: dict[str, str], http: httpx.Client, code: str, body: str, retcode: str
) -> None:
    assert Civil(city["MZJ-CIVIL"], http).ask(code, body).findtext("head/retcode") == retcode


def test_entry_needs_a_token_and_its_links_are_absolute(city: dict[str, str], http: httpx.Client) -> None:
    address = f"{city['GA-ENTRY']}/zwfw/v2/applications?limit=50"
    reply = http.get(address)
    assert (reply.status_code, reply.json()["errorCode"]) == (401, "TOKEN_INVALID")
    following = Entry(city["GA-ENTRY"], http).get(address).json()["links"]["next"]
    assert following.startswith(f"{city['GA-ENTRY']}/zwfw/v2/applications?")


def test_entry_refuses_a_wrong_secret(city: dict[str, str], http: httpx.Client) -> None:
    form = {"grant_type": "client_credentials"}
    reply = http.post(f"{city['GA-ENTRY']}/oauth/token", data=form, auth=("quanyu", "wrong"))
    assert (reply.status_code, reply.json()) == (401, {"error": "invalid_client"})


def test_entry_token_is_used_up_after_its_calls(http: httpx.Client) -> None:
    with running_city(["GA-ENTRY"], environment={"QUANYU_SAMPLE_GA_ENTRY_TOKEN_CALLS": "2"}) as urls:
        token = {"Authorization": f"Bearer {Entry(urls['GA-ENTRY'], http).new_token()}"}
        address = f"{urls['GA-ENTRY']}/zwfw/v2/services"
        assert [http.get(address, headers=token).status_code for _ in range(3)] == [200, 200, 401]


def test_plan_filters_by_submission_and_cuts_its_limit(city: dict[str, str], http: httpx.Client) -> None:
    query = {"submitted_after": "2017-04-01T00:00:00+08:00", "submitted_before": "2017-04-30T23:59:59+08:00"}
    reply = http.get(f"{city['GHJ-PLAN']}/ghgl/api/projects", params={**query, "limit": "1000"}).json()
    assert reply["limit"] == 100
    assert reply["results"]
    assert all(row["submitted_at"].startswith("2017-04-") for row in reply["results"])


def test_water_fails_every_fifth_call_in_three_ways() -> None:
    with running_city(["SLJ-WATER"]) as urls, httpx.Client(timeout=10) as client:
        address = f"{urls['SLJ-WATER']}/slxk/permit.ashx?method=items"
        seen = [_water_answer(client, address) for _ in range(20)]
    good = ["json"] * 4
    assert seen == [*good, "500", *good, "reset", *good, "html", *good, "500"]


def _water_answer(client: httpx.Client, address: str) -> str:
    try:
        reply = client.get(address)
    except httpx.ReadError:
        return "reset"
    if reply.status_code != 200:
        return str(reply.status_code)
    return "json" if reply.headers["content-type"].startswith("application/json") else "html"


def test_social_is_a_federation_subgraph(city: dict[str, str], http: httpx.Client) -> None:
    social = Social(city["RSJ-SOCIAL"], http)
    sdl = social.ask("{ _service { sdl } }")["data"]["_service"]["sdl"]
    assert 'type RsApplication @key(fields: "serialNo")' in sdl
    number = social.page(0, 1)[0][0]
    query = "query($of: [_Any!]!) { _entities(representations: $of) { ... on RsApplication { serialNo } } }"
    reply = social.ask(
        query, of=[{"__typename": "RsApplication", "serialNo": key} for key in (number, "none")]
    )
    assert reply == {"data": {"_entities": [{"serialNo": number}, None]}}


def test_social_filters_and_refuses_a_foreign_cursor(city: dict[str, str], http: httpx.Client) -> None:
    social = Social(city["RSJ-SOCIAL"], http)
    reply = social.ask(
        '{ applications(since: "2017-09-01T00:00:00+08:00", until: "2017-09-30T23:59:59+08:00", first: 100)'
        " { totalCount edges { node { submittedAt } } } }"
    )["data"]["applications"]
    assert reply["totalCount"] == len(reply["edges"]) > 0
    assert all(edge["node"]["submittedAt"].startswith("2017-09-") for edge in reply["edges"])
    refused = social.ask('{ applications(after: "abc") { totalCount } }')
    assert refused["errors"][0]["extensions"]["code"] == "RSJ_BAD_CURSOR"
