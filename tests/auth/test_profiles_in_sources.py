"""Every way of authentication by declaration, against servers that check it: REST, GraphQL and SOAP alike."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import orjson
import pytest
import trustme
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from adapters.auth.model import Tls
from adapters.auth.wss.header import SecurityHeader
from adapters.auth.wss.model import SoapSignature, SoapVerify
from adapters.auth.wss.names import PROFILES, WSSE, WSU
from adapters.auth.wss.sign import Signer
from adapters.auth.wss.verify import NotSigned, ReplyVerifier
from adapters.build import build_source
from adapters.reply import RawReply
from adapters.soap.wsdl import load_wsdl
from adapters.source import Source
from adapters.traffic.errors import SourceBadData, SourceError, SourceRefused, SourceUnavailable
from tests.adapters.doubles import (
    MINIMAL_MAP,
    Handler,
    case_row,
    checked,
    json_response,
    serving,
    surroundings,
)
from tests.adapters.soap.services import SOAP_11, WRAPPED, envelope, write_wsdl
from tests.auth.pki import identity
from tests.auth.sources import CASE, PASSWORD, Clock, asked, fifty, rest_source, source
from tests.wire.servers import RawServer

HEAD = """
system: {code: T-ONE, name: 测试, owner: 11500000009000015M}
traffic: {retries: 0}
tables: {status: {A: ACCEPTED, C: CLOSED}}
"""
KEY = "k-secret"


def soap_source(origin: str, folder: Path, *, auth: str = "", security: str = "") -> Source:
    text = f"""{HEAD}
source:
  soap:
    wsdl: here.wsdl
    address: {origin}/ws
{f"    auth: {auth}" if auth else ""}
{f"    security: {security}" if security else ""}
connectors:
  case: {{operation: getCase, body: {{no: $args.number}}, records: return, map: {MINIMAL_MAP.replace("state |", "st |")}}}
"""
    return source(text, service=load_wsdl(str(write_wsdl(folder, WRAPPED))))


def graphql_source(origin: str, *, auth: str) -> Source:
    text = f"""{HEAD}
source: {{graphql: {{url: "{origin}/graphql", auth: {auth}}}}}
connectors:
  case: {{document: "query($n: ID) {{ case(n: $n) {{ no state at }} }}", variables: {{n: $args.number}}, records: case, map: {MINIMAL_MAP}}}
"""
    return source(text)


def soap_reply(number: str = "N1") -> bytes:
    inner = f"<t:return><t:no>{number}</t:no><t:st>A</t:st><t:at>2026-01-01</t:at></t:return>"
    return envelope(f'<t:getCaseResponse xmlns:t="urn:t">{inner}</t:getCaseResponse>')


def answering(check: Callable[[Request, bytes], bool]) -> Handler:
    """A case in the protocol that was asked, if `check` holds, else 401."""

    def answer(request: Request, body: bytes) -> Response:
        if not check(request, body):
            return Response("no", 401)
        if request.url.path == "/ws":
            return Response(soap_reply(), media_type="text/xml")
        row = case_row("N1")
        return json_response({"data": {"case": row}} if request.url.path == "/graphql" else row)

    return answer


def sources(origin: str, folder: Path, auth: str) -> list[Source]:
    return [
        rest_source(origin, f"auth: {auth}"),
        graphql_source(origin, auth=auth),
        soap_source(origin, folder, auth=auth),
    ]


USER = base64.b64encode(f"用户:{PASSWORD}".encode()).decode()
USER_GB = base64.b64encode(f"用户:{PASSWORD}".encode("gb18030")).decode()


@pytest.mark.parametrize(
    ("auth", "check"),
    [
        (
            '{basic: {username: 用户, password: "${env:T_PASSWORD}"}}',
            lambda request: request.headers["authorization"] == f"Basic {USER}",
        ),
        (
            '{basic: {username: 用户, password: "${env:T_PASSWORD}", charset: gb18030}}',
            lambda request: request.headers["authorization"] == f"Basic {USER_GB}",
        ),
        ('{bearer: "${env:T_KEY}"}', lambda request: request.headers["authorization"] == f"Bearer {KEY}"),
        ('{apiKey: {name: X-Key, value: "${env:T_KEY}"}}', lambda request: request.headers["x-key"] == KEY),
        (
            '{apiKey: {name: app key, in: query, value: "${env:T_KEY}"}}',
            lambda request: request.query_params["app key"] == KEY,
        ),
        (
            '{headers: {X-A: "${env:T_KEY}", X-B: "${env:T_KEY}"}, bearer: "${env:T_KEY}"}',
            lambda request: [request.headers[name] for name in ("x-a", "x-b")] == [KEY, KEY],
        ),
        ("{}", lambda request: "authorization" not in request.headers),
    ],
)
async def test_fixed_credentials_reach_every_protocol(
    auth: str, check: Callable[[Request], bool], tmp_path: Path
) -> None:
    async with serving(answering(lambda request, _body: check(request))) as (origin, _):
        for one in sources(origin, tmp_path, auth):
            assert await asked(one) == "N1"
            assert KEY not in repr(one)
            assert "pa$$" not in repr(one)
            await one.close()


async def test_fixed_credentials_that_are_refused_are_told_and_not_tried_again(tmp_path: Path) -> None:
    async with serving(answering(lambda _request, _body: False)) as (origin, log):
        for one in sources(origin, tmp_path, '{bearer: "${env:T_KEY}"}'):
            with pytest.raises(SourceError, match="credentials"):
                await asked(one)
            await one.close()
    assert len(log.requests) == 3


# --- HMAC ---


class HmacServer:
    """Checks method, path, sorted pairs, digest of the body, time and nonce; takes no nonce twice."""

    def __init__(self) -> None:
        self.nonces: set[str] = set()

    def __call__(self, request: Request, body: bytes) -> bool:
        headers = request.headers
        nonce, stamp = headers["x-nonce"], headers["x-time"]
        if nonce in self.nonces or abs(int(stamp) / 1000 - datetime.now(UTC).timestamp()) > 60:
            return False
        self.nonces.add(nonce)
        pairs = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(request.url.query)))
        digest = hashlib.sha256(body).hexdigest()
        text = "\n".join([request.method, request.url.path, pairs, digest, stamp, nonce])
        wanted = hmac.new(KEY.encode(), text.encode(), "sha256").digest()
        return headers["x-signature"] == base64.b64encode(wanted).decode()


HMAC = (
    '{algorithm: hmac-sha256, key: "${env:T_KEY}", join: "\\n", form: base64, pairs: {of: [query]}, '
    "canonical: [$method, $path, $pairs, $bodyDigest, $timestamp, $nonce], "
    "timestamp: {put: {header: X-Time}}, nonce: {put: {header: X-Nonce}}, put: {header: X-Signature}}"
)


async def test_hmac_signs_every_protocol_with_time_and_nonce(tmp_path: Path) -> None:
    async with serving(answering(HmacServer())) as (origin, _):
        for one in sources(origin, tmp_path, f"{{hmac: {HMAC}}}"):
            assert await asked(one) == "N1"
            assert await asked(one) == "N1"
            assert KEY not in repr(one)
            await one.close()


async def test_hmac_signs_what_the_other_credentials_put_in(tmp_path: Path) -> None:
    auth = f'{{apiKey: {{name: app, in: query, value: "${{env:T_KEY}}"}}, hmac: {HMAC}}}'
    connectors = CASE.replace("path:", "query: {b: '张 三', a: '1'}, path:")
    async with serving(answering(HmacServer())) as (origin, log):
        one = rest_source(origin, f"auth: {auth}", connectors=connectors)
        assert await asked(one) == "N1"
        await one.close()
    assert dict(parse_qsl(log.last.url.query)) == {"b": "张 三", "a": "1", "app": KEY}


async def test_a_signature_in_an_address_of_another_charset_leaves_the_rest_as_it_was() -> None:
    def check(request: Request, _body: bytes) -> bool:
        text, _, given = request.url.query.rpartition("&sign=")
        pairs = dict(parse_qsl(text, encoding="gb18030"))
        wanted = hashlib.md5((pairs["name"] + KEY).encode(), usedforsecurity=False).hexdigest()
        return pairs == {"name": "张 三"} and given == wanted

    sign = '{algorithm: md5, key: "${env:T_KEY}", canonical: [$query.name, $key], put: {query: sign}}'
    connectors = CASE.replace("path:", "query: {name: 张 三}, path:")
    async with serving(answering(check)) as (origin, _):
        one = rest_source(origin, f"charset: gbk\nauth: {{hmac: {sign}}}", connectors=connectors)
        assert await asked(one) == "N1"
        await one.close()


@pytest.mark.parametrize("part", ["form", "body"])
async def test_a_signature_may_be_a_field_of_what_is_sent(part: str) -> None:
    def check(request: Request, body: bytes) -> bool:
        is_form = part == "form"
        fields: dict[str, Any] = dict(parse_qsl(body.decode())) if is_form else orjson.loads(body)
        given = fields.pop("sign")
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + KEY
        return bool(given == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())

    sign = '{algorithm: md5, key: "${env:T_KEY}", canonical: [$pairs, $key], put: {field: sign}}'
    connectors = (
        f"case: {{method: POST, path: /c, {part}: {{no: $args.number, name: 张三}}, map: {MINIMAL_MAP}}}"
    )
    async with serving(answering(check)) as (origin, _):
        one = rest_source(origin, f"auth: {{hmac: {sign}}}", connectors=connectors)
        assert await asked(one) == "N1"
        await one.close()


# --- OAuth 2.0 ---


@dataclass
class TokenServer:
    """Gives tokens t1, t2, ...; takes those in `good`."""

    good: set[str] = field(default_factory=set)
    given: int = 0
    grants: list[dict[str, list[str]]] = field(default_factory=list)
    basics: list[str | None] = field(default_factory=list)
    answer: Response | None = None
    expires_in: object = 3600

    def __call__(self, request: Request, body: bytes) -> Response:
        if request.url.path == "/token":
            self.grants.append(parse_qs(body.decode()))
            self.basics.append(request.headers.get("authorization"))
            if self.answer is not None:
                return self.answer
            self.given += 1
            self.good.add(f"t{self.given}")
            return json_response({"access_token": f"t{self.given}", "expires_in": self.expires_in})
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.good:
            return json_response({"error": "token"}, status=401)
        return json_response(case_row(request.url.path.rpartition("/")[2]))


def oauth(origin: str, *, more: str = "", clock: Clock | None = None) -> Source:
    secret = f"clientId: i, clientSecret: '${{env:T_PASSWORD}}', scope: 'a b'{more}"
    return rest_source(origin, f"auth: {{oauth2: {{tokenUrl: '{origin}/token', {secret}}}}}", clock=clock)


async def test_fifty_callers_share_one_token() -> None:
    server = TokenServer()
    async with serving(server) as (origin, _):
        one = oauth(origin)
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        await one.close()
    assert server.grants == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["i"],
            "client_secret": [PASSWORD],
            "scope": ["a b"],
        }
    ]


async def test_fifty_callers_with_a_revoked_token_fetch_one() -> None:
    server = TokenServer()
    async with serving(server) as (origin, _):
        one = oauth(origin)
        await asked(one)
        server.good.clear()
        assert await fifty(one) == [f"N{number}" for number in range(50)]
        await one.close()
    assert server.given == 2


async def test_a_client_may_show_itself_by_basic_and_send_more() -> None:
    server = TokenServer()
    async with serving(server) as (origin, _):
        one = oauth(origin, more=", clientAuth: basic, params: {audience: 数据}")
        await asked(one)
        await one.close()
    assert server.grants == [{"grant_type": ["client_credentials"], "scope": ["a b"], "audience": ["数据"]}]
    encoded = "pa%24%24+w%C3%B6rd%26%7B%7D%3C%3E"
    assert server.basics == ["Basic " + base64.b64encode(f"i:{encoded}".encode()).decode()]


async def test_a_late_refusal_of_the_old_token_does_not_throw_the_new_one_away() -> None:
    server, first_done = TokenServer(), asyncio.Event()

    async def answer(request: Request, body: bytes) -> Response:
        given = server(request, body)
        if given.status_code == 401 and request.url.path == "/c/LATE":
            await first_done.wait()
        return given

    async with serving(answer) as (origin, _):
        one = oauth(origin)
        await asked(one)
        server.good.clear()
        late = asyncio.create_task(asked(one, "LATE"))
        assert await asked(one, "N2") == "N2"
        first_done.set()
        assert await late == "LATE"
        await one.close()
    assert server.given == 2


async def test_an_ended_token_is_not_sent_any_more() -> None:
    server, clock = TokenServer(expires_in="60"), Clock()
    async with serving(server) as (origin, log):
        one = oauth(origin, clock=clock)
        await asked(one)
        clock.now += 61
        await asked(one)
        await one.close()
    sent = [request.headers.get("authorization") for request in log.requests]
    assert sent == [None, "Bearer t1", None, "Bearer t2"]


async def test_a_token_that_no_call_takes_is_renewed_once_and_no_oftener() -> None:
    server = TokenServer()

    def refusing(request: Request, body: bytes) -> Response:
        return server(request, body) if request.url.path == "/token" else json_response({}, status=401)

    async with serving(refusing) as (origin, log):
        one = oauth(origin)
        with pytest.raises(SourceRefused, match="refused the gateway's credentials"):
            await asked(one)
        await one.close()
    assert [request.url.path for request in log.requests] == ["/token", "/c/N1"] * 2


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (json_response({"error": "invalid_client"}, status=401), SourceRefused, "refuses the client's"),
        (json_response({"error": "invalid_client"}, status=400), SourceRefused, "refuses the client's"),
        (json_response({"token": "x"}), SourceBadData, "gave no token"),
        (json_response([1]), SourceBadData, "gave no token"),
        (Response("<html>", media_type="text/html"), SourceBadData, "gave no token"),
        (Response("busy", 503), SourceUnavailable, "cannot serve now"),
        (json_response({"access_token": None}), SourceBadData, "gave no token"),
        (json_response({"access_token": "t", "expires_in": "soon"}), SourceBadData, "gave no token"),
    ],
)
async def test_a_token_that_is_not_given_is_told(
    answer: Response, expected: type[SourceError], words: str
) -> None:
    async with serving(TokenServer(answer=answer)) as (origin, _):
        one = oauth(origin)
        with pytest.raises(expected, match=words) as caught:
            await asked(one)
        await one.close()
    assert "pa$$" not in str(caught.value)


async def test_a_wrong_client_secret_is_not_tried_with_every_call() -> None:
    server = TokenServer(answer=json_response({"error": "invalid_client"}, status=401))
    async with serving(server) as (origin, _):
        one = oauth(origin)
        for _ in range(3):
            with pytest.raises(SourceRefused):
                await asked(one)
        await one.close()
    assert len(server.grants) == 1


# --- TLS ---


async def test_a_client_certificate_is_shown_by_declaration_and_systems_share_its_context(
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_tls)
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("gw").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "gw.pem"))
    text = orjson.dumps(case_row("N1"))

    async def script(exchange: Any) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        await exchange.say(head.encode() + text)

    async with RawServer(server_tls) as server:
        server.script = script
        trusted = f"auth: {{tls: {{ca: {tmp_path}/ca.pem, certificate: {tmp_path}/gw.pem}}}}"
        bare = f"auth: {{tls: {{ca: {tmp_path}/ca.pem}}}}"
        around = surroundings()
        built = []
        for auth in (trusted, trusted, bare):
            one = checked(_rest(server.origin, auth))
            assert one.declaration is not None
            built.append(build_source(one.declaration, None, around))
        first, second, without = built
        assert [await asked(one) for one in (first, second)] == ["N1", "N1"]
        with pytest.raises(SourceError):
            await asked(without)
        for one_source in built:
            await one_source.close()
    tls = Tls.model_validate({"ca": f"{tmp_path}/ca.pem", "certificate": f"{tmp_path}/gw.pem"})
    assert first.wire._tls is second.wire._tls is around.tls.of(tls)


def _rest(origin: str, auth: str) -> str:
    from tests.adapters.doubles import rest_yaml

    return rest_yaml(CASE, base=origin, source=auth)


# --- WS-Security ---


class TokenVerifier:
    """A server's side of the UsernameToken profile 1.1: password or digest, nonces once, times not old."""

    def __init__(self, *, hashed: bool = False) -> None:
        self.nonces: set[str] = set()
        self.kinds: list[str] = []
        self.hashed = hashed

    def __call__(self, _request: Request, body: bytes) -> bool:
        security = etree.fromstring(body).find(f"{{{SOAP_11}}}Header/{{{WSSE}}}Security")
        if security is None or not self._fresh(security):
            return False
        token = security.find(f"{{{WSSE}}}UsernameToken")
        if token is None or token.findtext(f"{{{WSSE}}}Username") != "gw":
            return False
        password, nonce = token.find(f"{{{WSSE}}}Password"), token.findtext(f"{{{WSSE}}}Nonce")
        created = token.findtext(f"{{{WSU}}}Created")
        assert password is not None
        self.kinds.append(str(password.get("Type")))
        if nonce is not None and nonce in self.nonces:
            return False
        self.nonces.add(nonce or "")
        if password.get("Type") == PROFILES["text"]:
            return password.text == PASSWORD
        assert nonce is not None
        assert created is not None
        secret = PASSWORD.encode()
        if self.hashed:
            secret = hashlib.sha1(secret, usedforsecurity=False).digest()
        whole = base64.b64decode(nonce) + created.encode() + secret
        return password.text == base64.b64encode(hashlib.sha1(whole, usedforsecurity=False).digest()).decode()

    def _fresh(self, security: etree._Element) -> bool:
        now = datetime.now(UTC)
        times = {
            name: datetime.fromisoformat(text)
            for name in ("Created", "Expires")
            if (text := security.findtext(f"{{{WSU}}}Timestamp/{{{WSU}}}{name}")) is not None
        }
        if not times:
            return True
        return times["Created"] <= now + timedelta(seconds=5) and times["Expires"] > now


@pytest.mark.parametrize(
    ("how", "kind", "hashed"),
    [
        ("", "text", False),
        (", nonce: true, created: true", "text", False),
        (", digest: true", "digest", False),
        (", digest: true, hashPassword: true", "digest", True),
    ],
)
@pytest.mark.parametrize("stamp", ["", ", timestamp: {lifeS: 60}, mustUnderstand: true"])
async def test_a_username_token_is_taken_by_a_server_that_checks_it(
    how: str, kind: str, hashed: bool, stamp: str, tmp_path: Path
) -> None:
    server = TokenVerifier(hashed=hashed)
    token = f'{{usernameToken: {{username: gw, password: "${{env:T_PASSWORD}}"{how}}}{stamp}}}'
    async with serving(answering(server)) as (origin, log):
        one = soap_source(origin, tmp_path, security=token)
        assert [await asked(one), await asked(one)] == (
            ["N1"] * 2 if kind == "digest" or how else ["N1", "N1"]
        )
        assert "pa$$" not in repr(one)
        await one.close()
    assert server.kinds == [PROFILES[kind]] * 2
    assert (b"mustUnderstand" in log.bodies[-1]) is bool(stamp)


def signing_security(folder: Path, *, key_password: str = "") -> str:
    certificate, key = identity("gateway").write(folder, "gateway", password=KEY)
    trusted, _ = identity("system").write(folder, "system")
    return (
        f'{{timestamp: {{}}, signature: {{certificate: {certificate}, key: {key}, password: "${{env:T_KEY}}"}}, '
        f"verify: {{certificates: [{trusted}]}}}}"
    )


def signed_reply(*, number: str = "N1", now: float | None = None) -> bytes:
    root = etree.fromstring(soap_reply(number))
    who = identity("system")
    how = SoapSignature.model_validate({"certificate": "x", "key": "x"})
    clock = (lambda: now) if now is not None else (lambda: datetime.now(UTC).timestamp())
    SecurityHeader(None, 300, Signer(who.key, who.certificate, how), clock=clock).add(root)
    return etree.tostring(root)


async def test_requests_are_signed_and_replies_verified(tmp_path: Path) -> None:
    checks = ReplyVerifier(
        (identity("gateway").key.public_key(),), SoapVerify.model_validate({"certificates": ["x"]})
    )

    def answer(_request: Request, body: bytes) -> Response:
        try:
            checks.body(etree.fromstring(body))
        except NotSigned as error:
            return Response(str(error), 401)
        return Response(signed_reply(), media_type="text/xml")

    async with serving(answer) as (origin, _):
        one = soap_source(origin, tmp_path, security=signing_security(tmp_path))
        assert await asked(one) == "N1"
        await one.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: soap_reply(), "no Header|no Security"),
        (lambda: signed_reply().replace(b">N1<", b">N2<"), "Body is not what was signed"),
        (lambda: signed_reply(now=1_700_000_000.0), "too old"),
    ],
)
async def test_a_reply_that_is_not_signed_as_declared_is_bad_data(
    answer: Callable[[], bytes], words: str, tmp_path: Path
) -> None:
    async with serving(lambda _request, _body: Response(answer(), media_type="text/xml")) as (origin, _):
        one = soap_source(origin, tmp_path, security=signing_security(tmp_path))
        with pytest.raises(SourceBadData, match=f"not signed as declared.*({words})"):
            await asked(one)
        await one.close()


async def test_a_kept_reply_is_held_to_the_time_at_which_it_came(tmp_path: Path) -> None:
    """A cache may serve it for hours; its Timestamp was new when it was asked for."""
    one = soap_source("http://127.0.0.1:9", tmp_path, security=signing_security(tmp_path))
    came = 1_700_000_000.0
    kept = RawReply(200, "text/xml", signed_reply(now=came), asked_at=came)
    assert one.exchange.read(kept, None).tree["return"]["no"] == "N1"
    again = RawReply(200, "text/xml", signed_reply(now=came), asked_at=came + 3600)
    with pytest.raises(SourceBadData, match="too old"):
        one.exchange.read(again, None)
    await one.close()
