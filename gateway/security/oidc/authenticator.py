"""Who asks: static tokens and tokens of declared issuers behind one question."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from joserfc.jwk import KeySet

from adapters.fetch import Caller
from gateway.security.identity import ANONYMOUS, PRESENTED, TokenDirectory, UnauthenticatedError, bearer_of
from gateway.security.oidc.declaration import Issuer
from gateway.security.oidc.keys import IssuerKeys, IssuerUnavailable, Load, loader_of
from gateway.security.oidc.verify import TokenRefused, key_for, peek, verify
from schema.roles import with_roles

__all__ = ["Identity", "caller_of"]

LONGEST_NAME = 200


class Identity:
    """`gateway.web.ports.Authenticator`. issuers: whose tokens are taken beside the static ones."""

    def __init__(
        self,
        tokens: TokenDirectory,
        issuers: Iterable[Issuer] = (),
        *,
        loader: Callable[[Issuer], Load] = loader_of,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """now: seconds since 1970, for the claims; monotonic: for the pauses between loads of keys."""
        self._tokens = tokens
        self._now = now
        self._issuers = {one.issuer: (one, IssuerKeys(one, loader(one), monotonic)) for one in issuers}

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller of an `Authorization` header; ANONYMOUS without one. Raises UnauthenticatedError, always with
        the same code; its message tells the bearer what is wrong with the token."""
        if not authorization:
            return PRESENTED.get() or ANONYMOUS
        token = bearer_of(authorization)
        known = self._tokens.find(token)
        if known is not None:
            return known
        if not self._issuers or token.count(".") != 2:
            raise UnauthenticatedError
        header, claims = peek(token)
        name = claims.get("iss")
        found = self._issuers.get(name) if isinstance(name, str) else None
        if found is None:
            raise TokenRefused("The bearer token is of an issuer that is not taken here")
        issuer, keys = found
        if "crit" in header:
            raise TokenRefused("The bearer token asks for what is not understood here (`crit`)")
        key = await self._key(header, issuer, keys)
        return caller_of(verify(token, key, issuer, self._now()), issuer)

    async def close(self) -> None:
        await asyncio.gather(*(keys.close() for _, keys in self._issuers.values()))

    async def _key(self, header: Mapping[str, Any], issuer: Issuer, keys: IssuerKeys) -> Any:
        """By the keys that are known, else by those of a new load: issuers change keys without telling."""
        try:
            return key_for(header, await keys.current(), issuer) or _chosen(
                header, await keys.renewed(), issuer
            )
        except IssuerUnavailable:
            raise TokenRefused("The bearer token cannot be checked: its issuer does not answer") from None


def caller_of(claims: Mapping[str, Any], issuer: Issuer) -> Caller:
    """What the claims say of the bearer, in our words. Raises TokenRefused where they do not say who."""
    names = issuer.claims
    name = _text(claims, names.name)
    if name is None:
        raise TokenRefused(f"The bearer token does not say whose it is (`{names.name}`)")
    if name == ANONYMOUS.name:  # in the trail it would be nobody
        raise TokenRefused(f"The bearer token is of somebody called {name}")
    words = {word for place in names.scopes for word in _words(_at(claims, place))}
    if issuer.scopes is not None:
        words = {ours for word in words for ours in issuer.scopes.get(word, ())}
    return Caller(
        name=name[:LONGEST_NAME],
        scopes=with_roles(words) | ANONYMOUS.scopes,
        subject=_text(claims, names.subject),
        department=_text(claims, names.department),
        region=_text(claims, names.region),
        expires_at=float(claims["exp"]) + issuer.leeway_s,
    )


def _chosen(header: Mapping[str, Any], keys: KeySet, issuer: Issuer) -> Any:
    found = key_for(header, keys, issuer)
    if found is None:
        raise TokenRefused("The bearer token is signed with a key that its issuer does not have")
    return found


def _at(claims: Mapping[str, Any], place: str) -> Any:
    """The claim of that whole name, else down the dots."""
    if place in claims:
        return claims[place]
    value: Any = claims
    for step in place.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _text(claims: Mapping[str, Any], place: str | None) -> str | None:
    value = _at(claims, place) if place is not None else None
    return value if isinstance(value, str) and value else None


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
