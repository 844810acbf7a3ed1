"""Who asks by the client certificate that a proxy has checked: mutual TLS ends there, and a header names the bearer.

Only a declared proxy is believed. From anyone else the header is refused, and so is one that is there twice, or under a
spelling that some server takes for the same: whoever can put a header past the proxy must not become somebody.

The certificates file is YAML. What a certificate is of is looked up by its fingerprint, never by a name in it:

    certificates:
      - certificate_sha256: 9f86d0...   # of the certificate in DER; `openssl x509 -fingerprint -sha256` shows it
        name: lift-service
        scopes: ["role:clerk"]
        department: "11500000009..."
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.fetch import Caller
from gateway.security.identity import PRESENTED, TokensFileError, read_caller

__all__ = ["CertificateError", "ClientCertificates", "TrustedProxies", "load_certificates"]

LONGEST_HEADER = 16_384
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class CertificateError(Exception):
    """A request whose certificate header is not taken. The message names no certificate."""

    code = "CERTIFICATE_REFUSED"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """networks: of those whose header is believed."""

    networks: Networks

    @classmethod
    def of(cls, texts: Iterable[str]) -> TrustedProxies:
        """Raises ValueError for what is neither address nor network, and for a network of everyone."""
        networks = tuple(ipaddress.ip_network(text) for text in texts)
        wide = [str(one) for one in networks if one.prefixlen == 0]
        if wide:
            raise ValueError(f"{wide[0]} is everyone")
        return cls(networks)

    def has(self, address: str | None) -> bool:
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:  # a Unix socket, or a test client without an address
            return False
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return any((mapped or found) in network for network in self.networks)


class ClientCertificates:
    """ASGI, outermost: finds the bearer of the certificate for whatever authenticates further in.

    header: in lower case. callers: by SHA-256 of the certificate. now: for its time of validity.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        header: str,
        proxies: TrustedProxies,
        callers: Mapping[bytes, Caller],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.app, self.proxies, self.callers, self.now = app, proxies, callers, now
        self.header = header.lower().encode("latin-1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            caller = self._caller(scope)
        except CertificateError as error:
            await _refuse(scope, receive, send, error)
            return
        before = PRESENTED.set(caller)
        try:
            await self.app(_without(scope, self.header), receive, send)
        finally:
            PRESENTED.reset(before)

    def _caller(self, scope: Scope) -> Caller | None:
        """None where no certificate is shown. Raises CertificateError."""
        given = [value for name, value in scope["headers"] if _same(name, self.header)]
        exact = [value for name, value in scope["headers"] if name.lower() == self.header]
        if not given:
            return None
        client = scope.get("client")
        if not self.proxies.has(client[0] if client else None):
            raise CertificateError("Only a declared proxy may name a client certificate")
        if len(given) > 1 or len(exact) != 1:
            raise CertificateError("The header of the client certificate is there more than once")
        if not exact[0].strip():
            return None  # how proxies say that the client has shown none
        certificate = _certificate(exact[0])
        if not certificate.not_valid_before_utc <= self.now() <= certificate.not_valid_after_utc:
            raise CertificateError("The client certificate is not valid at this time")
        digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        caller = self.callers.get(digest)
        if caller is None:
            raise CertificateError("The client certificate is not known here")
        return replace(caller, expires_at=certificate.not_valid_after_utc.timestamp())


def load_certificates(path: Path | None) -> Mapping[bytes, Caller]:
    """Callers by fingerprint. Raises TokensFileError with all problems at once."""
    if path is None:
        return {}
    try:
        tree: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else f" ({type(error).__name__})"
        raise TokensFileError(path, [f"cannot be read{where}; it must be YAML in UTF-8"]) from None
    entries = tree.get("certificates") if isinstance(tree, dict) and set(tree) == {"certificates"} else None
    if not isinstance(entries, list):
        raise TokensFileError(path, ["expected one key, `certificates`, with a list"])
    problems: list[str] = []
    callers: dict[bytes, Caller] = {}
    for number, entry in enumerate(entries, 1):
        found = read_caller(entry, f"certificate {number}", problems, key="certificate_sha256")
        if found is None:
            continue
        digest, caller = found
        if digest in callers:
            problems.append(
                f"certificate {number} ({caller.name}): the same certificate as {callers[digest].name}"
            )
        callers[digest] = caller
    if problems:
        raise TokensFileError(path, problems)
    return callers


def _same(name: bytes, header: bytes) -> bool:
    """As CGI and some proxies read names: `_` is `-`."""
    return name.lower().replace(b"_", b"-") == header.replace(b"_", b"-")


def _without(scope: Scope, header: bytes) -> Scope:
    """No further part sees the certificate, so none sends it on."""
    headers = [(name, value) for name, value in scope["headers"] if not _same(name, header)]
    return scope if len(headers) == len(scope["headers"]) else {**scope, "headers": headers}


def _certificate(value: bytes) -> x509.Certificate:
    """Of `:base64 of DER:` (RFC 9440), or PEM with the URL's escapes (nginx, HAProxy, Traefik write one or the other)."""
    if len(value) > LONGEST_HEADER:
        raise CertificateError(f"The client certificate is longer than {LONGEST_HEADER} characters")
    text = value.decode("latin-1").strip()
    try:
        if text.startswith(":") and text.endswith(":") and len(text) > 2:
            return x509.load_der_x509_certificate(base64.b64decode(text[1:-1], validate=True))
        found = x509.load_pem_x509_certificates(unquote(text).encode("ascii"))
    except (ValueError, binascii.Error, UnicodeEncodeError) as error:
        raise CertificateError("The client certificate cannot be read") from error
    if len(found) != 1:
        raise CertificateError("The client certificate is not one alone")
    return found[0]


async def _refuse(scope: Scope, receive: Receive, send: Send, error: CertificateError) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before it is accepted: 403
        return
    body = {"errors": [{"message": f"{error}.", "extensions": {"code": error.code}}]}
    await JSONResponse(body, 400, {"cache-control": "no-store"})(scope, receive, send)
