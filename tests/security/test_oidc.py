"""Tokens of an OpenID Connect issuer, and all that are none."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.security.identity import UnauthenticatedError, load_tokens
from gateway.security.oidc.authenticator import Identity
from gateway.security.oidc.declaration import IdentityFileError, Issuer, load_identity_file
from gateway.security.oidc.local_issuer import issue, local_issuer
from tests.security.issuer import NOW, RSA, RSA_OTHER, TestIssuer, claims, issuer, signed, unsigned

NO_TOKENS = load_tokens(None)


class Clock:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def identity(of: TestIssuer, clock: Clock | None = None, **declared: Any) -> Identity:
    one = Issuer.model_validate({"issuer": of.url, "audience": ["quanyu"], **declared})
    return Identity(NO_TOKENS, [one], now=lambda: NOW, monotonic=clock or Clock())


async def refused(who: Identity, token: str) -> str:
    with pytest.raises(UnauthenticatedError) as error:
        await who.authenticate(f"Bearer {token}")
    return str(error.value)


async def test_claims_become_the_caller_in_our_words() -> None:
    names = {
        "subject": "id_card",
        "department": "org.uscc",
        "region": "region",
        "scopes": ["realm_access.roles"],
    }
    async with issuer(RSA) as running:
        who = identity(running, claims=names, scopes={"clerk": ["cases:read", "systems:read"]})
        payload = claims(
            running,
            id_card="500229197001010010",
            org={"uscc": "11500000009000242T"},
            region="500107",
            realm_access={"roles": ["clerk", "offline_access"]},
        )
        caller = await who.authenticate("Bearer " + signed(payload))
    assert caller.name == "wang"
    assert caller.scopes == {"cases:read", "systems:read", "public"}
    assert (caller.subject, caller.department, caller.region) == (
        "500229197001010010",
        "11500000009000242T",
        "500107",
    )
    assert caller.expires_at == NOW + 630
    assert "500229197001010010" not in repr(caller)


async def test_a_role_in_a_token_is_its_scopes() -> None:
    async with issuer(RSA) as running:
        caller = await identity(running).authenticate("Bearer " + signed(claims(running, scope="role:clerk")))
    assert caller.scopes >= {"cases:department", "cases:file"}
    assert "cases:read" not in caller.scopes


ED, P256, P384 = (
    OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    ECKey.generate_key("P-256", {"kid": "p256"}),
    ECKey.generate_key("P-384", {"kid": "p384"}),
)


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS256", RSA),
        ("PS256", RSA),
        ("ES256", P256),
        ("EdDSA", ED),
        ("Ed25519", ED),
        ("RS512", RSA),
        ("ES384", P384),
    ],
)
async def test_every_declared_algorithm_is_taken(alg: str, key: RSAKey | ECKey | OKPKey) -> None:
    async with issuer(RSA, P256, P384, ED) as running:
        who = identity(running, algorithms=["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"])
        assert (await who.authenticate("Bearer " + signed(claims(running), key, alg=alg))).name == "wang"


def confused(of: TestIssuer) -> str:
    """Signed with the public key as if it were a shared secret."""
    public = RSA.as_pem(private=False)
    token = unsigned({"alg": "HS256", "kid": "rsa-1"}, claims(of))
    body = token.rpartition(".")[0]
    return unsigned(
        {"alg": "HS256", "kid": "rsa-1"}, claims(of), hmac.digest(public, body.encode(), hashlib.sha256)
    )


WEAK = RSAKey.generate_key(1024, {"kid": "weak"})
MADE = RSAKey.generate_key(2048, {"kid": "rsa-1"})

BAD: dict[str, Callable[[TestIssuer], str]] = {
    "alg none": lambda of: unsigned({"alg": "none"}, claims(of), b""),
    "alg none with a signature": lambda of: unsigned({"alg": "none", "kid": "rsa-1"}, claims(of)),
    "alg None in capitals": lambda of: unsigned({"alg": "NONE", "kid": "rsa-1"}, claims(of)),
    "the public key as a shared secret": confused,
    "no alg": lambda of: unsigned({"kid": "rsa-1"}, claims(of)),
    "alg is a list": lambda of: unsigned({"alg": ["RS256"], "kid": "rsa-1"}, claims(of)),
    "an algorithm that is not declared": lambda of: signed(claims(of), alg="RS384"),
    "another key under a known name": lambda of: signed(claims(of), MADE),
    "a key of its own in the header": lambda of: signed(claims(of), MADE, jwk=MADE.as_dict(private=False)),
    "a key to be fetched": lambda of: signed(claims(of), MADE, jku="http://127.0.0.1:1/keys"),
    "a certificate to be fetched": lambda of: signed(claims(of), MADE, x5u="http://127.0.0.1:1/cert"),
    "an unknown key": lambda of: signed(claims(of), RSA_OTHER),
    "a key that is a number": lambda of: unsigned({"alg": "RS256", "kid": 7}, claims(of)),
    "a key of too few bits": lambda of: signed(claims(of), WEAK),
    "a key of another type": lambda of: unsigned({"alg": "ES256", "kid": "rsa-1"}, claims(of)),
    "another issuer": lambda of: signed(claims(of, iss="https://other.example")),
    "an issuer that is a list": lambda of: signed(claims(of, iss=[of.url])),
    "no issuer": lambda of: signed(claims(of, iss=...)),
    "another audience": lambda of: signed(claims(of, aud="someone else")),
    "no audience": lambda of: signed(claims(of, aud=...)),
    "an audience that is a map": lambda of: signed(claims(of, aud={"quanyu": 1})),
    "expired": lambda of: signed(claims(of, exp=NOW - 31)),
    "no expiry": lambda of: signed(claims(of, exp=...)),
    "an expiry that is text": lambda of: signed(claims(of, exp="never")),
    "an expiry that is true": lambda of: unsigned({"alg": "RS256", "kid": "rsa-1"}, claims(of, exp=True)),
    "not valid yet": lambda of: signed(claims(of, nbf=NOW + 31)),
    "issued in the future": lambda of: signed(claims(of, iat=NOW + 31)),
    "nobody's": lambda of: signed(claims(of, sub=...)),
    "somebody who would be nobody in the trail": lambda of: signed(claims(of, sub="anonymous")),
    "somebody who is a number": lambda of: signed(claims(of, sub=7)),
    "an identity token": lambda of: signed(claims(of), typ="logout+jwt"),
    "a critical extension": lambda of: unsigned(
        {"alg": "RS256", "kid": "rsa-1", "crit": ["b64"], "b64": False}, claims(of)
    ),
    "changed afterwards": lambda of: signed(claims(of)).replace(".", ".e", 1),
    "cut": lambda of: signed(claims(of))[:-10],
    "without a signature": lambda of: signed(claims(of)).rpartition(".")[0] + ".",
    "two parts": lambda of: signed(claims(of)).rpartition(".")[0],
    "encrypted": lambda of: signed(claims(of)) + ".a.b",
    "no JSON": lambda _: "aGVsbG8.aGVsbG8.aGVsbG8",
    "lists in place of objects": lambda _: "W10.W10.eA",
    "no base64": lambda _: "é.é.é",
    "a megabyte": lambda of: signed(claims(of, note="x" * 1_000_000)),
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_token_that_is_not_good_is_refused(kind: str) -> None:
    async with issuer(RSA, WEAK) as running:
        who = identity(running)
        assert (await who.authenticate("Bearer " + signed(claims(running)))).name == "wang"
        said = await refused(who, BAD[kind](running))
    assert said.endswith("Send a valid one, or none to ask as the public.")
    assert len(said) < 250


@pytest.mark.parametrize(
    "changes", [{"exp": NOW - 29}, {"nbf": NOW + 29}, {"iat": NOW + 29}, {"aud": ["x", "quanyu"]}]
)
async def test_clocks_may_differ_by_the_leeway(changes: dict[str, Any]) -> None:
    async with issuer(RSA) as running:
        assert (
            await identity(running).authenticate("Bearer " + signed(claims(running, **changes)))
        ).name == "wang"


async def test_a_token_that_names_no_key_needs_an_issuer_with_one() -> None:
    async with issuer(RSA) as running:
        assert (
            await identity(running).authenticate("Bearer " + signed(claims(running), kid=...))
        ).name == "wang"
    async with issuer(RSA, RSA_OTHER) as running:
        await refused(identity(running), signed(claims(running), kid=...))


async def test_tokens_may_not_be_older_than_declared() -> None:
    async with issuer(RSA) as running:
        who = identity(running, maxAgeS=3600)
        assert (await who.authenticate("Bearer " + signed(claims(running, iat=NOW - 3600)))).name == "wang"
        assert "older" in await refused(who, signed(claims(running, iat=NOW - 3700)))
        assert "older" in await refused(who, signed(claims(running)))


async def test_a_new_key_is_found_at_once_and_a_withdrawn_one_after_the_refresh() -> None:
    clock = Clock()
    async with issuer(RSA) as running:
        who = identity(running, clock, refreshS=60)
        await who.authenticate("Bearer " + signed(claims(running)))
        running.keys = [RSA_OTHER.as_dict(private=False)]
        clock.at = 20
        new = signed(claims(running), RSA_OTHER)
        assert (await who.authenticate("Bearer " + new)).name == "wang"
        await refused(who, signed(claims(running)))
    await who.close()


async def test_unknown_keys_do_not_become_a_flood_at_the_issuer() -> None:
    async with issuer(RSA) as running:
        who = identity(running)
        await who.authenticate("Bearer " + signed(claims(running)))
        for _ in range(20):
            await refused(who, signed(claims(running), RSA_OTHER))
        assert running.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_known_keys_outlast_their_issuers_outage() -> None:
    clock = Clock()
    async with issuer(RSA) as running:
        who = identity(running, clock, refreshS=60)
        token = "Bearer " + signed(claims(running))
        await who.authenticate(token)
        running.down = True
        clock.at = 1000
        assert (await who.authenticate(token)).name == "wang"
        await refused(who, signed(claims(running), RSA_OTHER))
        assert (await who.authenticate(token)).name == "wang"
    await who.close()


async def test_an_issuer_that_never_answered_refuses_and_is_asked_again_later() -> None:
    clock = Clock()
    async with issuer(RSA) as running:
        running.down = True
        who = identity(running, clock)
        token = signed(claims(running))
        assert "does not answer" in await refused(who, token)
        running.down = False
        assert "does not answer" in await refused(who, token)
        clock.at = 11
        assert (await who.authenticate("Bearer " + token)).name == "wang"


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://other.example", "jwks_uri": "http://127.0.0.1:1/keys"},
        {"jwks_uri": "http://169.254.169.254/latest"},
        {"jwks_uri": "file:///etc/passwd"},
        {},
    ],
)
async def test_a_discovery_document_cannot_send_the_gateway_elsewhere(discovery: dict[str, str]) -> None:
    async with issuer(RSA) as running:
        running.discovery = {"issuer": running.url, **discovery, "x": 1}
        assert "does not answer" in await refused(identity(running), signed(claims(running)))
        assert running.asked == ["/.well-known/openid-configuration"]


async def test_keys_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [RSA.as_dict(private=False), {"kty": "new"}]}))
    (tmp_path / "identity.yaml").write_text(
        "issuers: [{issuer: city-sso, audience: [quanyu], jwksFile: keys.json}]"
    )
    who = Identity(NO_TOKENS, load_identity_file(tmp_path / "identity.yaml").issuers, now=lambda: NOW)
    payload = {"iss": "city-sso", "aud": "quanyu", "sub": "li", "exp": NOW + 60}
    assert (await who.authenticate("Bearer " + signed(payload))).name == "li"


def test_all_problems_of_an_identity_file_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "identity.yaml"
    path.write_text(
        "issuers:\n"
        "- {issuer: 'http://sso.example', audience: [], algorithms: [HS256]}\n"
        "- {issuer: 'https://a:b@sso.example', audience: [x], leewayS: 9000, unknown: 1}\n"
    )
    with pytest.raises(IdentityFileError) as found:
        load_identity_file(path)
    text = "\n".join(found.value.problems)
    for word in ("0.issuer: must be https", "0.audience", "algorithms.0", "1.issuer", "leewayS", "unknown"):
        assert word in text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("issuers: [", "line"),
        ("issuers: [{issuer: city, audience: [x]}]", "jwksUri"),
        (
            "issuers: [{issuer: 'https://a.example', audience: [x]}, {issuer: 'https://a.example', audience: [x]}]",
            "twice",
        ),
    ],
)
def test_an_identity_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "identity.yaml"
    path.write_text(text)
    with pytest.raises(IdentityFileError, match=word):
        load_identity_file(path)


async def test_tokens_of_the_local_issuer_are_taken_where_it_is_on(tmp_path: Path) -> None:
    token = issue(tmp_path, "demo", ["cases:read"], hours=1, region="500107")
    who = Identity(NO_TOKENS, [local_issuer(tmp_path)])
    caller = await who.authenticate(f"Bearer {token}")
    assert (caller.name, caller.region, "cases:read" in caller.scopes) == ("demo", "500107", True)
    assert (tmp_path / "issuer/key.json").stat().st_mode & 0o077 == 0
    other = issue(tmp_path / "other", "demo", ["cases:read"], hours=1)
    await refused(who, other)
