"""One token -> its claims, or why not. Pure: keys and time come from outside.

RFC 7519 (JWT), RFC 8725 (its best current practice): the algorithm is one of the issuer's declared ones and fits the
key's type; nothing that the header says of keys (`jwk`, `jku`, `x5u`, `x5c`) is looked at; `crit` is refused.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from gateway.security.identity import UnauthenticatedError
from gateway.security.oidc.declaration import Issuer

__all__ = ["LONGEST_TOKEN", "TokenRefused", "key_for", "peek", "verify"]

LONGEST_TOKEN = 16_384
_KEY_TYPES = {"R": RSAKey, "P": RSAKey, "E": ECKey}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_LEAST_RSA_BITS = 2048


class TokenRefused(UnauthenticatedError):
    """The token is one of ours to judge, and not good. The reason says no more than its bearer knows."""


def peek(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, unchecked: to choose the issuer and the key. Raises TokenRefused."""
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("The bearer token is too long")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenRefused("The bearer token is no signed JSON Web Token")
    try:
        header, claims = (orjson.loads(_decoded(part)) for part in parts[:2])
    except (ValueError, binascii.Error):
        raise TokenRefused("The bearer token is no JSON Web Token") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRefused("The bearer token is no JSON Web Token")
    return header, claims


def key_for(header: Mapping[str, Any], keys: KeySet, issuer: Issuer) -> RSAKey | ECKey | OKPKey | None:
    """The key by `kid`, of the type that `alg` needs; the only one where no `kid` is given; None where there is none.

    Raises TokenRefused for an algorithm that the issuer is not declared with.
    """
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in issuer.algorithms:
        raise TokenRefused("The bearer token is signed with an algorithm that is not allowed for its issuer")
    if kid is not None and not isinstance(kid, str):
        raise TokenRefused("The bearer token names its key in a way that is none")
    fitting = [one for one in keys.keys if _fits(one, algorithm) and (kid is None or one.kid == kid)]
    if len(fitting) != 1:
        return None
    found = fitting[0]
    assert isinstance(found, RSAKey | ECKey | OKPKey)  # noqa: S101 - _fits saw to it
    return found


def verify(token: str, key: RSAKey | ECKey | OKPKey, issuer: Issuer, now_s: float) -> Mapping[str, Any]:
    """The claims of a good token. Raises TokenRefused."""
    try:
        found = jwt.decode(token, key, algorithms=list(issuer.algorithms))
    except (JoseError, ValueError):
        raise TokenRefused("The bearer token's signature is not that of its issuer") from None
    kind = found.header.get("typ")
    if kind is not None and (
        not isinstance(kind, str) or kind.lower() not in {one.lower() for one in issuer.types}
    ):
        raise TokenRefused("The bearer token is of a kind that is not for this use")
    claims = found.claims
    if claims.get("iss") != issuer.issuer:
        raise TokenRefused("The bearer token is of another issuer")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not set(issuer.audience) & {
        one for one in named if isinstance(one, str)
    }:
        raise TokenRefused("The bearer token is for another audience")
    _in_time(claims, issuer, now_s)
    return claims


def _in_time(claims: Mapping[str, Any], issuer: Issuer, now_s: float) -> None:
    expires, not_before, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise TokenRefused("The bearer token does not say when it expires")
    if expires <= now_s - issuer.leeway_s:
        raise TokenRefused("The bearer token has expired")
    if not_before is not None and not_before > now_s + issuer.leeway_s:
        raise TokenRefused("The bearer token is not valid yet")
    if issued is not None and issued > now_s + issuer.leeway_s:
        raise TokenRefused("The bearer token was issued in the future")
    if issuer.max_age_s is not None and (
        issued is None or issued < now_s - issuer.max_age_s - issuer.leeway_s
    ):
        raise TokenRefused("The bearer token is older than its issuer's tokens may be")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
        raise TokenRefused(f"The bearer token's `{name}` is no time")
    return float(value)


def _fits(key: Any, algorithm: str) -> bool:
    """By type, curve, size and what the key set says of its use."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) not in (algorithm, _other_name(algorithm)):
        return False
    if algorithm in ("EdDSA", "Ed25519"):
        return isinstance(key, OKPKey) and key.get("crv") == "Ed25519"
    if not isinstance(key, _KEY_TYPES[algorithm[0]]):
        return False
    if algorithm in _CURVES:
        return bool(key.get("crv") == _CURVES[algorithm])
    return bool(key.raw_value.key_size >= _LEAST_RSA_BITS)


def _other_name(algorithm: str) -> str:
    """RFC 9864 renames EdDSA by curve."""
    return {"EdDSA": "Ed25519", "Ed25519": "EdDSA"}.get(algorithm, algorithm)


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
