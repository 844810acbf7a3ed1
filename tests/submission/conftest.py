"""The two systems of the sample city that take applications, each behind a proxy of the test's own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from samples.city import city_environment, running_city
from samples.servers.jt_permit import NUMBER_AFTER_VARIABLE
from schema.identifiers import resident_check_character
from tests.e2e.gateways import ROOT
from tests.submission.fault_proxy import FaultProxy, fault_proxy

SOAP, REST = "JT-PERMIT", "GSJ-LICENSE"
_people = count(1)


@pytest.fixture(scope="session")
def takers() -> Iterator[dict[str, str]]:
    """System -> base URL; the SOAP one numbers its cases at once."""
    with running_city([SOAP, REST], environment={NUMBER_AFTER_VARIABLE: "0"}) as urls:
        yield urls


@pytest.fixture(autouse=True)
def _no_proxy_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@dataclass(frozen=True, slots=True)
class Taker:
    """A system behind its proxy. marker: what its applications have in them; query: what asks for its list."""

    code: str
    direct: str
    proxy: FaultProxy
    marker: bytes
    query: bytes
    item: str
    fields: dict[str, Any]

    @property
    def clerk(self) -> str:
        """Token of one who files for its department."""
        return "demo-clerk" if self.code == SOAP else "demo-clerk-gsj"

    def application(self, person: str) -> dict[str, Any]:
        applicant = {"name": "王小明", "number": person, "mobile": "13800001234"}
        return {"itemCode": self.item, "system": self.code, "applicant": applicant, "fields": self.fields}

    def filed(self, person: str) -> list[str]:
        """Numbers of the applicant's cases, asked of the system itself."""
        if self.code == REST:
            reply = httpx.get(
                f"{self.direct}/djgl/api/v1/bjlb",
                params={"zjhm": person, "page": 1, "size": 100},
                headers={"X-Api-Key": "gsj-sample-key"},
                trust_env=False,
            )
            return [row["bjbh"] for row in reply.json()["data"]["rows"]]
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
            '<QueryCaseList xmlns="http://jtw.example/permit/types"><pageNo>1</pageNo><pageSize>50</pageSize>'
            f"<applicantId>{person}</applicantId></QueryCaseList></e:Body></e:Envelope>"
        )
        reply = httpx.post(f"{self.direct}/services/PermitService", content=body.encode(), trust_env=False)
        return re.findall(r"<CaseNo>([^<]+)</CaseNo>", reply.text)


@pytest.fixture(params=["soap", "rest"])
def taker(request: pytest.FixtureRequest, takers: dict[str, str]) -> Iterator[Taker]:
    yield from _taker(SOAP if request.param == "soap" else REST, takers)


@pytest.fixture
def rest_taker(takers: dict[str, str]) -> Iterator[Taker]:
    yield from _taker(REST, takers)


@pytest.fixture
def soap_taker(takers: dict[str, str]) -> Iterator[Taker]:
    yield from _taker(SOAP, takers)


def _taker(code: str, takers: dict[str, str]) -> Iterator[Taker]:
    with fault_proxy(takers[code]) as proxy:
        if code == SOAP:
            fields: dict[str, Any] = {"plateNo": "渝A12345", "totalWeight": 49.5}
            yield Taker(
                code, takers[code], proxy, b"SubmitApplication", b"QueryCaseList", "500116001000", fields
            )
        else:
            yield Taker(
                code, takers[code], proxy, b"/sbtj", b"/bjlb", "500123002000", {"businessScope": "餐饮服务"}
            )


@pytest.fixture
def person() -> str:
    """An identity number that nobody else has in this run."""
    body = f"50010119880101{next(_people) + 100 * (os.getpid() % 9):03d}"
    return body + resident_check_character(body)


@pytest.fixture
def environ(taker: Taker) -> dict[str, str]:
    return city_environment({taker.code: taker.proxy.url})


Declare = Callable[..., Path]


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Copies the declaration of a system of the city, with these seconds to settle and this time for a call."""

    def write(code: str, *, settle_s: float = 60, timeout_ms: int = 1500) -> Path:
        folder = tmp_path / "systems"
        folder.mkdir(exist_ok=True)
        text = (ROOT / "systems" / f"{code.lower()}.yaml").read_text(encoding="utf-8")
        text = re.sub(r"settleS: \d+", f"settleS: {settle_s}", text)
        text = re.sub(r"timeoutMs: \d+", f"timeoutMs: {timeout_ms}", text)
        (folder / f"{code.lower()}.yaml").write_text(text, encoding="utf-8")
        return folder

    return write
