"""Credentials of REST and GraphQL calls. OAuth 2.0 tokens are fetched once, shared, and renewed before they end or
when the system says 401."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import orjson

from adapters.declaration import OAuth2, RestAuth
from adapters.traffic.errors import SourceBadData, SourceRefused, SourceUnavailable
from adapters.wire.model import HeaderPairs, WireRequest, WireResponse
from cache.single_flight import SingleFlight

__all__ = ["Credentials", "FixedCredentials", "NoCredentials", "OAuth2Credentials", "credentials_for"]

Send = Callable[[WireRequest], Awaitable[WireResponse]]
RENEW_BEFORE_S = 10.0
DEFAULT_LIFE_S = 300.0


class NoCredentials:
    renewable = False

    async def headers(self, send: Send) -> HeaderPairs:
        del send
        return ()

    def forget(self, refused: HeaderPairs) -> None:
        """Called when the system refused these credentials."""


class FixedCredentials(NoCredentials):
    def __init__(self, name: str, value: str) -> None:
        self._headers: HeaderPairs = ((name, value),)

    async def headers(self, send: Send) -> HeaderPairs:
        del send
        return self._headers


class OAuth2Credentials(NoCredentials):
    """RFC 6749 section 4.4, client authentication in the body. Concurrent callers share one token request."""

    renewable = True

    def __init__(self, system: str, oauth2: OAuth2, clock: Callable[[], float]) -> None:
        self._system, self._oauth2, self._clock = system, oauth2, clock
        self._flights: SingleFlight[HeaderPairs] = SingleFlight()
        self._headers: HeaderPairs | None = None
        self._good_until = 0.0

    async def headers(self, send: Send) -> HeaderPairs:
        if self._headers is not None and self._clock() < self._good_until:
            return self._headers
        return await self._flights.run("token", lambda: self._fetch(send))

    def forget(self, refused: HeaderPairs) -> None:
        if self._headers == refused:  # else another call has fetched new ones meanwhile
            self._headers = None

    async def _fetch(self, send: Send) -> HeaderPairs:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._oauth2.client_id,
            "client_secret": self._oauth2.client_secret,
        }
        if self._oauth2.scope:
            form["scope"] = self._oauth2.scope
        response = await send(
            WireRequest(
                "POST",
                self._oauth2.token_url,
                (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")),
                urlencode(form).encode("ascii"),
                idempotent=True,
            )
        )
        if response.status in (400, 401, 403):
            raise SourceRefused(self._system, "The token endpoint refuses the client's credentials.")
        if response.status in (408, 425, 429) or response.status >= 500:
            raise SourceUnavailable(
                self._system, f"The token endpoint cannot serve now (HTTP status {response.status})."
            )
        try:
            answer = orjson.loads(response.body)
            token = answer["access_token"]
            if not isinstance(token, str) or not token:
                raise TypeError("no token")
            life_s = float(answer.get("expires_in") or DEFAULT_LIFE_S)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            raise SourceBadData(
                self._system, f"The token endpoint gave no token (HTTP status {response.status})."
            ) from None
        self._good_until = self._clock() + max(0.0, life_s - RENEW_BEFORE_S)
        self._headers = (("Authorization", f"Bearer {token}"),)
        return self._headers


Credentials = NoCredentials


def credentials_for(system: str, auth: RestAuth | None, clock: Callable[[], float]) -> Credentials:
    if auth is None:
        return NoCredentials()
    if auth.oauth2 is not None:
        return OAuth2Credentials(system, auth.oauth2, clock)
    if auth.api_key is not None:
        return FixedCredentials(auth.api_key.name, auth.api_key.value)
    if auth.bearer is not None:
        return FixedCredentials("Authorization", f"Bearer {auth.bearer}")
    if auth.basic is not None:
        pair = f"{auth.basic.username}:{auth.basic.password}".encode()
        return FixedCredentials("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
    return NoCredentials()
