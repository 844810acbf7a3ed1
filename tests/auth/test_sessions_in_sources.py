"""Login sessions by declaration: opened once for all, attached where the system wants them, renewed when they end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lxml import etree
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters.soap.wsdl import load_wsdl
from adapters.source import Source
from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused, SourceUnavailable
from tests.adapters.doubles import MINIMAL_MAP, case_row, json_response, serving
from tests.adapters.soap.services import SOAP_11, envelope, write_wsdl
from tests.auth.sources import CASE, PASSWORD, Clock, LoginServer, asked, fifty, rest_source, source


def session(
    *,
    take: str = "{token: data.sid}",
    attach: str = "{headers: {X-Session: $session.token}}",
    more: str = "",
    login: str = "",
) -> str:
    return f"""
auth:
  session:
    login:
      path: /login
      body: {{user: gw, pwd: $secrets.password}}
      failure: {{when: 'code != "0"'}}
{login}
    secrets: {{password: "${{env:T_PASSWORD}}"}}
    take: {take}
    attach: {attach}
{more}
"""


async def test_fifty_callers_share_one_login() -> None:
    server = LoginServer()
    async with serving(server) as (origin, _):
        one = rest_source(origin, session())
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        await one.close()
    assert server.logins == [{"user": "gw", "pwd": PASSWORD}]


@pytest.mark.parametrize(
    "take", ["{token: data.sid}", "{token: $headers.x-sid}", "{token: $cookies.JSESSIONID}"]
)
async def test_the_session_stands_in_the_reply_a_header_or_a_cookie(take: str) -> None:
    server = LoginServer()
    async with serving(server) as (origin, _):
        one = rest_source(origin, session(take=take))
        assert await asked(one) == "N1"
        await one.close()


class ByPlace(LoginServer):
    def session_of(self, request: Request, body: bytes) -> str | None:  # noqa: ARG002
        held = [
            request.cookies.get("JSESSIONID"),
            request.query_params.get("sid"),
            request.headers.get("authorization", "").removeprefix("Session ") or None,
        ]
        return next((one for one in held if one is not None), None)


@pytest.mark.parametrize(
    ("attach", "connectors"),
    [
        ("{cookies: {JSESSIONID: $session.token}}", CASE),
        ("{query: {sid: $session.token}}", CASE),
        ("{query: {sid: $session.token}}", CASE.replace("path:", "query: {a: '1'}, path:")),
        ("{headers: {Authorization: 'Session {$session.token}'}}", CASE),
        ("{}", CASE.replace("path:", "query: {sid: $session.token}, path:")),
    ],
)
async def test_it_is_attached_where_the_system_wants_it(attach: str, connectors: str) -> None:
    server = ByPlace()
    async with serving(server) as (origin, log):
        one = rest_source(origin, session(attach=attach), connectors=connectors)
        assert await asked(one) == "N1"
        await one.close()
    assert [request.url.path for request in log.requests] == ["/login", "/c/N1"]


async def test_it_may_stand_in_a_field_of_each_body() -> None:
    class InBody(LoginServer):
        def session_of(self, request: Request, body: bytes) -> str | None:  # noqa: ARG002
            return "s1" if body == b'{"sid":"s1","no":"N1"}' else None

    connectors = f"case: {{method: POST, path: /c/N1, body: {{sid: $session.token, no: $args.number}}, map: {MINIMAL_MAP}}}"
    async with serving(InBody()) as (origin, _):
        one = rest_source(origin, session(attach="{}"), connectors=connectors)
        assert await asked(one) == "N1"
        await one.close()


ENDED = [
    ("", None),
    ("{status: [419]}", Response("gone", 419)),
    ("{when: 'code == \"1003\"'}", json_response({"code": "1003", "msg": "login first"})),
    ("{status: [302]}", RedirectResponse("/login.html", 302)),
    ("{html: true}", Response("<html>login</html>", media_type="text/html")),
]


@pytest.mark.parametrize(("rule", "answer"), ENDED)
async def test_each_sign_of_its_end_renews_it_once_for_all(rule: str, answer: Response | None) -> None:
    server = LoginServer(ended=answer)
    more = f"    ended: {rule}" if rule else ""
    async with serving(server) as (origin, _):
        one = rest_source(origin, session(more=more))
        await asked(one)
        server.good.clear()
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        await one.close()
    assert server.given == 2


@pytest.mark.parametrize(("rule", "answer"), ENDED)
async def test_a_system_that_takes_no_session_is_asked_once_more_and_no_oftener(
    rule: str, answer: Response | None
) -> None:
    server = LoginServer(ended=answer)
    more = f"    ended: {rule}" if rule else ""

    def refusing(request: Request, body: bytes) -> Response:
        given = server(request, body)
        server.good.clear()
        return given

    async with serving(refusing) as (origin, log):
        one = rest_source(origin, session(more=more))
        with pytest.raises(SourceRefused, match="refused the gateway's credentials"):
            await asked(one)
        await one.close()
    assert [request.url.path for request in log.requests] == ["/login", "/c/N1"] * 2


async def test_it_is_renewed_ahead_of_its_end_and_the_old_one_serves_meanwhile() -> None:
    server, clock = LoginServer(more={"ttl": "100"}), Clock()
    held, reached = asyncio.Event(), asyncio.Event()

    async def slow_second_login(request: Request, body: bytes) -> Response:
        if request.url.path == "/login" and server.given == 1:
            reached.set()
            await held.wait()
        return server(request, body)

    async with serving(slow_second_login) as (origin, _):
        one = rest_source(origin, session(more="    expiresIn: data.ttl\n    renewBeforeS: 20"), clock=clock)
        await asked(one)
        clock.now += 90
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        await reached.wait()
        held.set()
        clock.now += 11  # the old one has ended
        server.good.discard("s1")
        assert await asked(one) == "N1"
        await one.close()
    assert server.given == 2


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ("    lifeS: 60", {}),
        ("    expiresIn: data.ttl", {"ttl": 60}),
        ("    expiresAt: data.until | epoch_ms", {"until": 0}),
    ],
)
async def test_after_its_life_it_is_not_sent_any_more(more: str, answer: dict[str, int]) -> None:
    server, clock = LoginServer(more=dict(answer)), Clock()
    async with serving(server) as (origin, log):
        one = rest_source(origin, session(more=more), clock=clock)
        await asked(one)
        clock.now += 61
        await asked(one)
        await one.close()
    assert [request.headers.get("x-session") for request in log.requests] == [None, "s1", None, "s2"]


# --- logins that fail ---


async def test_a_wrong_password_is_tried_once_and_not_with_every_call() -> None:
    server = LoginServer()
    async with serving(server) as (origin, log):
        one = source_with_password(origin, "wrong-one")
        for _ in range(3):
            outcomes = await asyncio.gather(*(asked(one, f"N{n}") for n in range(10)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {SourceRefused}
            assert "wrong-one" not in "".join(map(str, outcomes))
        await one.close()
    assert [request.url.path for request in log.requests] == ["/login"]


def source_with_password(origin: str, password: str) -> Source:
    from tests.adapters.doubles import rest_yaml

    return source(rest_yaml(CASE, base=origin, source=session()), environment={"T_PASSWORD": password})


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (Response("no", 403), SourceRefused, "refuses the gateway's login"),
        (Response("busy", 503), SourceUnavailable, "cannot be served now"),
        (Response("slow down", 429), SourceUnavailable, "cannot be served now"),
        (json_response({"code": "0", "data": {}}), SourceBadData, "gave no session"),
        (json_response({"code": "0", "data": {"sid": None}}), SourceBadData, "gave no session"),
        (json_response({"code": "0", "data": {"sid": {"x": 1}}}), SourceBadData, "not as declared"),
        (json_response({"code": "0", "data": {"sid": "x" * 9000}}), SourceBadData, "longer than"),
        (Response("{", media_type="application/json"), SourceBadData, "not JSON"),
        (Response("<html>maintenance</html>", media_type="text/html"), SourceBadData, "HTML"),
    ],
)
async def test_a_login_that_fails_is_told(answer: Response, expected: type[SourceError], words: str) -> None:
    async with serving(LoginServer(answer=answer)) as (origin, _):
        one = rest_source(origin, session())
        with pytest.raises(expected, match=words):
            await asked(one)
        await one.close()


async def test_a_login_server_that_is_not_there_is_unavailable() -> None:
    one = rest_source("http://127.0.0.1:9", session())
    with pytest.raises(SourceUnavailable):
        await asked(one)
    await one.close()


async def test_a_login_form_answers_with_a_page_and_a_cookie() -> None:
    class Form(ByPlace):
        def __call__(self, request: Request, body: bytes) -> Response:
            given = super().__call__(request, body)
            if request.url.path != "/login":
                return given
            page = RedirectResponse("/home", 302)
            page.set_cookie("JSESSIONID", f"s{self.given}")
            return page

    server = Form()
    auth = """
auth:
  session:
    login: {path: /login, form: {user: gw, pwd: $secrets.password}}
    secrets: {password: "${env:T_PASSWORD}"}
    take: {token: $cookies.JSESSIONID}
    attach: {cookies: {JSESSIONID: $session.token}}
"""
    async with serving(server) as (origin, _):
        one = rest_source(origin, auth)
        assert await asked(one) == "N1"
        await one.close()
    assert server.logins == [{"user": "gw", "pwd": PASSWORD}]


async def test_a_login_elsewhere_gets_none_of_the_systems_own_secrets() -> None:
    login_server = LoginServer()
    async with serving(login_server) as (sso, sso_log), serving(LoginServer(good={"s1"})) as (origin, log):
        text = session(login=f"      address: {sso}").replace(
            "auth:\n", "auth:\n  headers: {X-App: '${env:T_KEY}'}\n"
        )
        one = rest_source(origin, text)
        assert await asked(one) == "N1"
        await one.close()
    assert "x-app" not in sso_log.last.headers
    assert (log.last.headers["x-app"], log.last.headers["x-session"]) == ("k-secret", "s1")


async def test_it_is_closed_with_the_source_where_the_system_wants_that() -> None:
    server = LoginServer()
    more = "    logout: {path: /logout, headers: {X-Session: $session.token}}"
    async with serving(server) as (origin, _):
        idle, used = rest_source(origin, session(more=more)), rest_source(origin, session(more=more))
        await asked(used)
        await idle.close()
        await used.close()
    assert server.logouts == ["s1"]


async def test_the_next_generation_takes_it_over_and_it_is_not_closed() -> None:
    server = LoginServer()
    more = "    logout: {path: /logout, headers: {X-Session: $session.token}}"
    async with serving(server) as (origin, _):
        before, after = rest_source(origin, session(more=more)), rest_source(origin, session(more=more))
        await asked(before)
        after.credentials.adopt(before.credentials)
        await before.close()
        assert await asked(after) == "N1"
        assert server.logouts == []
        await after.close()
    assert (server.given, server.logouts) == (1, ["s1"])


async def test_nothing_secret_shows() -> None:
    server = LoginServer()
    async with serving(server) as (origin, _):
        one = rest_source(origin, session())
        await asked(one)
        shown = repr(one) + repr(one.credentials) + str(one.declaration)
        assert "pa$$" not in shown
        assert "'s1'" not in shown
        await one.close()


# --- XML, GraphQL, SOAP ---


async def test_a_session_of_an_xml_system_ends_by_a_code_that_no_field_reads() -> None:
    """The reader is pruned to what is selected: the condition's names belong to that."""
    good, given = set[str](), 0

    def answer(request: Request, body: bytes) -> Response:
        nonlocal given
        if request.url.path == "/login":
            given += 1
            good.add(f"s{given}")
            return Response(f"<r><head><rc>0</rc></head><sid>s{given}</sid></r>", media_type="text/xml")
        if request.query_params.get("sid") not in good:
            return Response("<r><head><rc>1003</rc></head></r>", media_type="text/xml")
        text = "<r><head><rc>0</rc></head><b><no>N1</no><state>A</state><at>2026-01-01</at></b></r>"
        return Response(text, media_type="text/xml")

    auth = """
format: xml
auth:
  session:
    login: {path: /login, body: {Login: {pwd: $secrets.password}}}
    secrets: {password: "${env:T_PASSWORD}"}
    take: {token: sid}
    attach: {query: {sid: $session.token}}
    ended: {when: head.rc == "1003"}
"""
    async with serving(answer) as (origin, _):
        one = rest_source(origin, auth, connectors=f"case: {{path: /c, records: b, map: {MINIMAL_MAP}}}")
        assert await asked(one) == "N1"
        good.clear()
        assert await asked(one) == "N1"
        await one.close()
    assert given == 2


async def test_a_graphql_system_logs_in_by_mutation_and_ends_by_an_error_code() -> None:
    import orjson

    good, given = set[str](), 0

    def answer(request: Request, body: bytes) -> Response:
        nonlocal given
        asked_for = orjson.loads(body)
        if "login" in asked_for["query"]:
            assert asked_for["variables"] == {"p": PASSWORD}
            given += 1
            good.add(f"s{given}")
            return json_response({"data": {"login": {"sid": f"s{given}"}}})
        if request.headers.get("authorization") not in {f"Bearer {one}" for one in good}:
            return json_response({"errors": [{"message": "x", "extensions": {"code": "UNAUTHENTICATED"}}]})
        return json_response({"data": {"case": case_row("N1")}})

    text = f"""
system: {{code: T-ONE, name: 测试, owner: 11500000009000015M}}
source:
  graphql:
    url: ORIGIN/graphql
    auth:
      session:
        login:
          document: "mutation($p: String) {{ login(p: $p) {{ sid }} }}"
          variables: {{p: $secrets.password}}
        secrets: {{password: "${{env:T_PASSWORD}}"}}
        take: {{token: login.sid}}
        attach: {{headers: {{Authorization: "Bearer {{$session.token}}"}}}}
        ended: {{fault: [UNAUTHENTICATED]}}
traffic: {{retries: 0}}
tables: {{status: {{A: ACCEPTED, C: CLOSED}}}}
connectors:
  case: {{document: "query($n: ID) {{ case(n: $n) {{ no state at }} }}", variables: {{n: $args.number}}, records: case, map: {MINIMAL_MAP}}}
"""
    async with serving(answer) as (origin, _):
        one = source(text.replace("ORIGIN", origin))
        assert await asked(one) == "N1"
        good.clear()
        assert await asked(one) == "N1"
        await one.close()
    assert given == 2


WSDL = f"""<?xml version="1.0"?>
<wsdl:definitions name="S" targetNamespace="urn:t" xmlns:t="urn:t" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <wsdl:types><xs:schema targetNamespace="urn:t" elementFormDefault="qualified">
    {
    "".join(
        f'''<xs:element name="{name}"><xs:complexType><xs:sequence>
      <xs:element name="{inner}" type="xs:string"/></xs:sequence></xs:complexType></xs:element>'''
        for name, inner in (("Login", "pwd"), ("LoginResponse", "sid"), ("getCase", "no"))
    )
}
    <xs:element name="getCaseResponse"><xs:complexType><xs:sequence><xs:element name="return"><xs:complexType>
      <xs:sequence><xs:element name="no" type="xs:string"/><xs:element name="state" type="xs:string"/>
      <xs:element name="at" type="xs:string"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType>
    </xs:element></xs:schema></wsdl:types>
  {
    "".join(
        f'<wsdl:message name="{name}"><wsdl:part name="p" element="t:{name}"/></wsdl:message>'
        for name in ("Login", "LoginResponse", "getCase", "getCaseResponse")
    )
}
  <wsdl:portType name="P">{
    "".join(
        f'''<wsdl:operation name="{name}"><wsdl:input message="t:{name}"/>
    <wsdl:output message="t:{name}Response"/></wsdl:operation>'''
        for name in ("Login", "getCase")
    )
}</wsdl:portType>
  <wsdl:binding name="B" type="t:P"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    {
    "".join(
        f'''<wsdl:operation name="{name}"><soap:operation soapAction="{name}"/>
    <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>'''
        for name in ("Login", "getCase")
    )
}</wsdl:binding>
  <wsdl:service name="S"><wsdl:port name="P" binding="t:B"><soap:address location="{{address}}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""


class SoapLogin:
    """Wants <h:SessionHeader><h:sid> of namespace urn:h in the header; faults with urn:t's SessionExpired."""

    def __init__(self) -> None:
        self.good: set[str] = set()
        self.given = 0

    def __call__(self, request: Request, body: bytes) -> Response:
        root = etree.fromstring(body)
        if request.headers["soapaction"] == '"Login"':
            assert root.findtext(".//{urn:t}pwd") == PASSWORD
            self.given += 1
            self.good.add(f"s{self.given}")
            reply = f'<t:LoginResponse xmlns:t="urn:t"><t:sid>s{self.given}</t:sid></t:LoginResponse>'
            return Response(envelope(reply), media_type="text/xml")
        if root.findtext(f"{{{SOAP_11}}}Header/{{urn:h}}SessionHeader/{{urn:h}}sid") not in self.good:
            fault = '<soap:Fault><faultcode xmlns:e="urn:t">e:SessionExpired</faultcode><faultstring>x</faultstring></soap:Fault>'
            return Response(envelope(fault), status_code=500, media_type="text/xml")
        number = root.findtext(".//{urn:t}no")
        reply = (
            f'<t:getCaseResponse xmlns:t="urn:t"><t:return><t:no>{number}</t:no><t:state>A</t:state>'
            "<t:at>2026-01-01</t:at></t:return></t:getCaseResponse>"
        )
        return Response(envelope(reply), media_type="text/xml")


async def test_a_soap_system_logs_in_by_operation_and_wants_the_session_in_its_header(tmp_path: Path) -> None:
    server = SoapLogin()
    text = f"""
system: {{code: T-ONE, name: 测试, owner: 11500000009000015M}}
source:
  soap:
    wsdl: here.wsdl
    address: ORIGIN/ws
    auth:
      session:
        login: {{operation: Login, body: {{pwd: $secrets.password}}}}
        secrets: {{password: "${{env:T_PASSWORD}}"}}
        take: {{token: sid}}
        attach: {{soapHeader: {{namespace: "urn:h", element: {{SessionHeader: {{sid: $session.token}}}}}}}}
        ended: {{fault: [SessionExpired]}}
traffic: {{retries: 0}}
tables: {{status: {{A: ACCEPTED, C: CLOSED}}}}
connectors:
  case: {{operation: getCase, body: {{no: $args.number}}, records: return, map: {MINIMAL_MAP}}}
"""
    service = load_wsdl(str(write_wsdl(tmp_path, WSDL)))
    async with serving(server) as (origin, _):
        one = source(text.replace("ORIGIN", origin), service=service)
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        server.good.clear()
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        await one.close()
    assert server.given == 2
