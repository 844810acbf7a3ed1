"""The keys of one issuer: found by discovery, kept, asked for again when one is not known or time has passed.

OpenID Connect Discovery 1.0 section 4, RFC 8414. An issuer that does not answer leaves the keys that are known in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

from adapters.wire.errors import WireError
from adapters.wire.guard import UrlGuard
from adapters.wire.model import WireLimits, WireRequest
from adapters.wire.wire import Wire
from gateway.security.oidc.declaration import Issuer

__all__ = ["IssuerKeys", "IssuerUnavailable", "Load", "loader_of"]

log = structlog.get_logger("gateway.security")

LEAST_PAUSE_S = 10.0
"""Between two requests to an issuer: a flood of tokens with unknown keys must not become one."""

_LIMITS = WireLimits(max_body_bytes=262_144, max_connections=2, connect_timeout_s=2.0)
_TIMEOUT_S = 5.0
_MOST_KEYS = 100
_LEAST_MODULUS = 341
"""Characters of base64url of a modulus of 2048 bits (RFC 7518 section 3.3)."""

Load = Callable[[], Awaitable[KeySet]]
"""Raises IssuerUnavailable."""


class IssuerUnavailable(Exception):
    """The issuer's keys cannot be had now, and none are known."""


class IssuerKeys:
    """now: seconds, only ever forward."""

    def __init__(self, issuer: Issuer, load: Load, now: Callable[[], float]) -> None:
        self._issuer, self._load, self._now = issuer, load, now
        self._keys: KeySet | None = None
        self._loaded_at = self._tried_at = float("-inf")
        self._loading: asyncio.Task[None] | None = None

    async def current(self) -> KeySet:
        """Those that are known; the first time, and where they are old and cannot be renewed behind, after a load.

        Raises IssuerUnavailable.
        """
        if self._keys is None:
            await self._renew()
        elif self._now() - self._loaded_at >= self._issuer.refresh_s:
            self._begin()  # behind: the known ones are good until others are there
        if self._keys is None:
            raise IssuerUnavailable
        return self._keys

    async def renewed(self) -> KeySet:
        """After a key that was not known: loaded anew, unless that was tried a moment ago. Raises IssuerUnavailable."""
        await self._renew()
        return await self.current()

    async def close(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)

    async def _renew(self) -> None:
        task = self._begin()
        if task is not None:
            await asyncio.shield(task)

    def _begin(self) -> asyncio.Task[None] | None:
        """One at a time, for all who wait."""
        if self._loading is not None and not self._loading.done():
            return self._loading
        if self._now() - self._tried_at < LEAST_PAUSE_S:
            return None
        self._tried_at = self._now()
        self._loading = asyncio.create_task(self._reload(), name="load an issuer's keys")
        return self._loading

    async def _reload(self) -> None:
        try:
            self._keys = await self._load()
            self._loaded_at = self._now()
        except IssuerUnavailable as error:
            log.warning("an issuer's keys cannot be loaded", issuer=self._issuer.issuer, reason=str(error))


def loader_of(issuer: Issuer) -> Load:
    """From a file, or by discovery and HTTP."""
    if issuer.jwks_file is not None:
        return _from_file(issuer.jwks_file)
    return _from_issuer(issuer)


def _from_file(path: Path) -> Load:
    async def load() -> KeySet:
        try:
            return _key_set(await asyncio.to_thread(path.read_bytes))
        except OSError as error:
            raise IssuerUnavailable(f"{path}: {error.strerror or type(error).__name__}") from None

    return load


def _from_issuer(issuer: Issuer) -> Load:
    async def load() -> KeySet:
        uri = issuer.jwks_uri
        if uri is None:
            well_known = issuer.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = _json(await _get(well_known))
            if not isinstance(found, dict) or found.get("issuer") != issuer.issuer:
                raise IssuerUnavailable("the discovery document is of another issuer")
            uri = found.get("jwks_uri")
            if not isinstance(uri, str) or not _is_of(issuer, uri):
                raise IssuerUnavailable(
                    "`jwks_uri` of the discovery document is at another host; give it as `jwksUri`"
                )
        return _key_set(await _get(uri))

    return load


def _is_of(issuer: Issuer, uri: str) -> bool:
    """A discovery document must not send us anywhere else than its own host."""
    url, own = urlsplit(uri), urlsplit(issuer.issuer)
    return (url.scheme, url.hostname) == (own.scheme, own.hostname) and not url.username


async def _get(url: str) -> bytes:
    parts = urlsplit(url)
    wire = Wire(guard=UrlGuard([f"{parts.scheme}://{parts.netloc}"]), limits=_LIMITS)
    try:
        request = WireRequest("GET", url, (("Accept", "application/json"),), idempotent=True)
        response = await wire.send(request, timeout_s=_TIMEOUT_S)
    except WireError as error:
        raise IssuerUnavailable(str(error)) from None
    finally:
        await wire.close()
    if response.status != 200:
        raise IssuerUnavailable(f"{parts.netloc} answered with HTTP status {response.status}")
    return response.body


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise IssuerUnavailable("the answer is no JSON") from None


def _key_set(body: bytes) -> KeySet:
    """RFC 7517 section 5: keys that we do not understand are left out; shared secrets are never taken."""
    document = _json(body)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise IssuerUnavailable("the answer is no key set")
    keys = []
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        if entry["kty"] == "RSA" and len(str(entry.get("n"))) < _LEAST_MODULUS:
            continue
        public = {
            name: value
            for name, value in entry.items()
            if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")
        }
        try:
            keys.append(import_key(public))
        except (JoseError, ValueError, TypeError):
            continue
    if not keys:
        raise IssuerUnavailable("the key set has no key that signatures can be checked with")
    return KeySet(keys)
