"""A small client of each system, so that tests can ask all eight the same questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx
import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken

from samples.credentials import DEFAULTS

Row = tuple[str, str, str]
"""Case number, applicant's identity number, raw time of application."""


class Reader(Protocol):
    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        """Rows from `start`, a multiple of `size`."""

    def events(self, number: str) -> int:
        """Number of events of a case; raises UnknownNumberError."""


class UnknownNumberError(Exception):
    """What the system said about an unknown number."""


def every_row(reader: Reader, applicant: str = "") -> list[Row]:
    """All rows, page by page."""
    rows: list[Row] = []
    while page := reader.page(len(rows), 50, applicant):
        rows += page
        if len(page) < 50:
            break
    return rows


def readers(city: dict[str, str], http: httpx.Client) -> dict[str, Reader]:
    return {
        "JT-PERMIT": Permit(city["JT-PERMIT"]),
        "FGW-INVEST": Invest(city["FGW-INVEST"]),
        "GSJ-LICENSE": License(city["GSJ-LICENSE"], http),
        "MZJ-CIVIL": Civil(city["MZJ-CIVIL"], http),
        "GA-ENTRY": Entry(city["GA-ENTRY"], http),
        "GHJ-PLAN": Plan(city["GHJ-PLAN"], http),
        "SLJ-WATER": Water(city["SLJ-WATER"], http),
        "RSJ-SOCIAL": Social(city["RSJ-SOCIAL"], http),
    }


def soap_service(wsdl: str, *, wsse: Any = None) -> Any:  # Any: zeep has no types, and makes this from a WSDL
    library: Any = zeep
    return library.Client(wsdl, wsse=wsse).service


class Permit:
    def __init__(self, url: str) -> None:
        self.service = soap_service(f"{url}/services/PermitService?wsdl")

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        reply = self.service.QueryCaseList(
            pageNo=start // size + 1, pageSize=size, applicantId=applicant or zeep.xsd.SkipValue
        )
        rows = reply.CaseList.Case if reply.CaseList else []
        return [(row.CaseNo, row.CertNo, row.ApplyTime) for row in rows]

    def events(self, number: str) -> int:
        try:
            return len(self.service.QueryCase(caseNo=number).Steps.Step)
        except zeep.exceptions.Fault as problem:
            raise UnknownNumberError(problem.message) from problem


class Invest:
    def __init__(self, url: str, password: str = "", *, digest: bool = True) -> None:
        token_type: Any = UsernameToken  # Any: zeep has no types
        token = token_type(
            DEFAULTS["QUANYU_SAMPLE_FGW_INVEST_USERNAME"],
            password or DEFAULTS["QUANYU_SAMPLE_FGW_INVEST_PASSWORD"],
            use_digest=digest,
        )
        self.service = soap_service(f"{url}/tzxm/InvestProjectService?wsdl", wsse=token)

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        query = {"startRow": start + 1, "rowCount": size} | ({"ownerCertNo": applicant} if applicant else {})
        reply = self.service.listProjects(query=query)
        return [(row.workOrderNo, row.owner.certNo, row.submitTime) for row in reply.project]

    def events(self, number: str) -> int:
        try:
            return len(self.service.getProject(workOrderNo=number).log)
        except zeep.exceptions.Fault as problem:
            raise UnknownNumberError(problem.message) from problem


@dataclass
class License:
    url: str
    http: httpx.Client

    def get(self, path: str, **query: str | int) -> Any:  # Any: JSON
        key = {"X-Api-Key": DEFAULTS["QUANYU_SAMPLE_GSJ_LICENSE_KEY"]}
        return self.http.get(f"{self.url}/djgl/api/v1/{path}", params=query, headers=key).json()

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        rows = self.get("bjlb", page=start // size + 1, size=size, zjhm=applicant)["data"]["rows"]
        return [(row["bjbh"], row["zjhm"], row["sqsj"]) for row in rows]

    def events(self, number: str) -> int:
        reply = self.get("bjxq", bjbh=number)
        if reply["code"]:
            raise UnknownNumberError(reply["msg"])
        return len(reply["data"]["lcjl"])


@dataclass
class Civil:
    url: str
    http: httpx.Client

    def post(self, code: str, body: str) -> bytes:
        text = (
            '<?xml version="1.0" encoding="GB2312"?>'
            f"<request><head><trancode>{code}</trancode></head><body>{body}</body></request>"
        )
        reply = self.http.post(f"{self.url}/mzyw/service.do", content=text.encode("gb18030"))
        assert reply.status_code == 200
        return reply.content

    def ask(self, code: str, body: str) -> etree._Element:
        _declaration, _, rest = self.post(code, body).decode("gb18030").partition("?>")
        return etree.fromstring(rest)

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        root = self.ask("AJLB", f"<start>{start}</start><rows>{size}</rows><sfzh>{applicant}</sfzh>")
        return [
            (row.findtext("ajbh", ""), row.findtext("sfzh", ""), row.findtext("sqsj", ""))
            for row in root.iterfind("body/list/aj")
        ]

    def events(self, number: str) -> int:
        root = self.ask("AJCX", f"<ajbh>{number}</ajbh>")
        if root.findtext("head/retcode") != "0000":
            raise UnknownNumberError(root.findtext("head/retmsg", ""))
        return len(root.findall("body/aj/gc/hj"))


class Entry:
    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url, self.http = url, http
        self.token = "none-yet"

    def get(self, address: str) -> httpx.Response:
        """GET with a token; a new token and a second try after a 401."""
        reply = self.http.get(address, headers={"Authorization": f"Bearer {self.token}"})
        if reply.status_code != 401:
            return reply
        self.token = self.new_token()
        return self.http.get(address, headers={"Authorization": f"Bearer {self.token}"})

    def new_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": DEFAULTS["QUANYU_SAMPLE_GA_ENTRY_CLIENT_ID"],
            "client_secret": DEFAULTS["QUANYU_SAMPLE_GA_ENTRY_CLIENT_SECRET"],
        }
        return str(self.http.post(f"{self.url}/oauth/token", data=form).json()["access_token"])

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        """Pages before `start` are walked, as cursors have to be."""
        address = f"{self.url}/zwfw/v2/applications?limit={size}&holderNumber={applicant}"
        for _ in range(start // size):
            address = self.get(address).json()["links"]["next"] or ""
            if not address:
                return []
        rows = self.get(address).json()["items"]
        # Fixed width, so that text order is time order.
        return [
            (row["no"], row["holder"]["document"]["number"], f"{row['times']['applied']:015d}")
            for row in rows
        ]

    def events(self, number: str) -> int:
        reply = self.get(f"{self.url}/zwfw/v2/applications/{number}")
        if reply.status_code == 404:
            raise UnknownNumberError(reply.json()["title"])
        return len(reply.json()["history"])


@dataclass
class Plan:
    url: str
    http: httpx.Client

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        query: dict[str, str | int] = {"offset": start, "limit": size, "applicant_code": applicant}
        rows = self.http.get(f"{self.url}/ghgl/api/projects", params=query).json()["results"]
        return [(row["project_no"], row["applicant"]["code"], row["submitted_at"]) for row in rows]

    def events(self, number: str) -> int:
        reply = self.http.get(f"{self.url}/ghgl/api/projects/{number}")
        if reply.status_code == 404:
            raise UnknownNumberError(reply.json()["detail"])
        return len(reply.json()["events"])


@dataclass
class Water:
    url: str
    http: httpx.Client

    def get(self, **query: str | int) -> Any:  # Any: JSON
        """Asks again where the system fails, which it never does twice in a row."""
        try:
            reply = self.http.get(f"{self.url}/slxk/permit.ashx", params=query)
            return reply.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return self.http.get(f"{self.url}/slxk/permit.ashx", params=query).json()

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        rows = self.get(method="list", pageIndex=start // size, pageSize=size, cardNo=applicant)["Rows"]
        return [(row["PermitNo"], row["CardNo"], row["ApplyDate"]) for row in rows]

    def events(self, number: str) -> int:
        reply = self.get(method="get", permitNo=number)
        if not reply["Success"]:
            raise UnknownNumberError(reply["Message"])
        return len(reply["Data"]["Flows"])


@dataclass
class Social:
    url: str
    http: httpx.Client

    def ask(self, query: str, **variables: object) -> Any:  # Any: JSON
        return self.http.post(f"{self.url}/graphql", json={"query": query, "variables": variables}).json()

    def page(self, start: int, size: int, applicant: str = "") -> list[Row]:
        after = None
        connection: Any = None
        for _ in range(start // size + 1):
            connection = self.ask(
                "query($n: Int!, $after: String, $id: String) {"
                " applications(first: $n, after: $after, idNumber: $id) {"
                "  edges { node { serialNo submittedAt holder { idNumber } } } pageInfo { endCursor } } }",
                n=size,
                after=after,
                id=applicant,
            )["data"]["applications"]
            after = connection["pageInfo"]["endCursor"]
        return [
            (edge["node"]["serialNo"], edge["node"]["holder"]["idNumber"], edge["node"]["submittedAt"])
            for edge in connection["edges"]
        ]

    def events(self, number: str) -> int:
        reply = self.ask("query($n: ID!) { application(serialNo: $n) { steps { id } } }", n=number)
        if "errors" in reply:
            raise UnknownNumberError(reply["errors"][0]["message"])
        return len(reply["data"]["application"]["steps"])


def changes_after(
    city: dict[str, str], read: dict[str, Any], since: datetime
) -> dict[str, Callable[[], list[str]]]:
    """System -> a call that gives the raw times of changes after `since`, for the systems that list changes."""
    permit, invest, civil = read["JT-PERMIT"], read["FGW-INVEST"], read["MZJ-CIVIL"]
    chinese = f"{since:%Y}年{since:%m}月{since:%d}日 {since:%H}时{since:%M}分"
    entry = f"{city['GA-ENTRY']}/zwfw/v2/changes?limit=50&since={int(since.timestamp() * 1000)}"
    logs = {"since": since.isoformat(), "limit": "50"}
    plan = read["GHJ-PLAN"]
    social = "query($s: DateTime!) { applicationChanges(since: $s) { at } }"
    return {
        "JT-PERMIT": lambda: [
            row.ChangeTime for row in permit.service.QueryChanges(since=f"{since:%Y%m%d%H%M%S}").Change
        ],
        "FGW-INVEST": lambda: [
            row.modifyTime
            for row in invest.service.getModifications(
                afterTime=f"{since:%Y-%m-%d %H:%M:%S}", maxCount=50
            ).modification
        ],
        "GSJ-LICENSE": lambda: [
            row["bgsj"]
            for row in read["GSJ-LICENSE"].get("bgjl", sj=f"{since:%Y/%m/%d %H:%M:%S}", size=50)["data"][
                "rows"
            ]
        ],
        "MZJ-CIVIL": lambda: [
            row.findtext("gxsj", "")
            for row in civil.ask("BGLB", f"<gxsj>{chinese}</gxsj>").iterfind("body/list/bg")
        ],
        "GA-ENTRY": lambda: [f"{row['at']:015d}" for row in read["GA-ENTRY"].get(entry).json()["items"]],
        "GHJ-PLAN": lambda: [
            row["time"] for row in plan.http.get(f"{plan.url}/ghgl/api/logs", params=logs).json()["results"]
        ],
        "RSJ-SOCIAL": lambda: [
            row["at"]
            for row in read["RSJ-SOCIAL"].ask(social, s=since.isoformat())["data"]["applicationChanges"]
        ],
    }
