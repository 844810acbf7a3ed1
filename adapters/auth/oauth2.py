"""OAuth 2.0 client credentials (RFC 6749 section 4.4): fetches tokens. The rest is as with any session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

import orjson

from adapters.auth.fixed import basic_header
from adapters.auth.kept import Opened
from adapters.auth.model import OAuth2
from adapters.traffic.errors import SourceBadData, SourceRefused, SourceUnavailable
from adapters.wire.model import HeaderPairs, WireRequest, WireResponse

__all__ = ["OAuth2Login", "Send"]

Send = Callable[[WireRequest], Awaitable[WireResponse]]
"""Sends one request of the gateway's own. Raises SourceError."""
DEFAULT_LIFE_S = 300.0


@dataclass(frozen=True, slots=True)
class OAuth2Login:
    system: str
    oauth2: OAuth2 = field(repr=False)
    send: Send = field(repr=False)

    async def __call__(self) -> Opened:
        response = await self.send(self._request())
        if response.status in (400, 401, 403):
            raise SourceRefused(self.system, "The token endpoint refuses the client's credentials.")
        if response.status in (408, 425, 429) or response.status >= 500:
            raise SourceUnavailable(
                self.system, f"The token endpoint cannot serve now (HTTP status {response.status})."
            )
        return self._opened(response)

    def _request(self) -> WireRequest:
        given = self.oauth2
        headers: HeaderPairs = (
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
        )
        form = {"grant_type": "client_credentials"}
        if given.client_auth == "basic":
            # RFC 6749 section 2.3.1: both form-encoded before they are joined
            value = basic_header(quote_plus(given.client_id), quote_plus(given.client_secret))
            headers = (*headers, ("Authorization", value))
        else:
            form |= {"client_id": given.client_id, "client_secret": given.client_secret}
        if given.scope:
            form["scope"] = given.scope
        body = urlencode({**form, **given.params}).encode("ascii")
        return WireRequest("POST", given.token_url, headers, body, idempotent=True)

    def _opened(self, response: WireResponse) -> Opened:
        try:
            answer = orjson.loads(response.body)
            token = answer["access_token"]
            if not isinstance(token, str) or not token or not token.isascii():
                raise TypeError("no token")
            life_s = float(answer.get("expires_in") or DEFAULT_LIFE_S)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            raise SourceBadData(
                self.system, f"The token endpoint gave no token (HTTP status {response.status})."
            ) from None
        return Opened({"token": token}, max(0.0, life_s))
