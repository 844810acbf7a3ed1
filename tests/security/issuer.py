"""An OpenID Connect issuer over real HTTP, whose keys and answers a test may change, and tokens of all kinds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

__all__ = ["NOW", "RSA", "RSA_OTHER", "TestIssuer", "claims", "issuer", "signed", "unsigned"]

NOW = 1_800_000_000.0
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
RSA_OTHER = RSAKey.generate_key(2048, {"kid": "rsa-2"})


@dataclass(slots=True)
class TestIssuer:
    """keys: public JWKs at `/keys`; discovery: what replaces the discovery document; down: answers 503."""

    __test__ = False

    keys: list[Mapping[str, Any]]
    port: int = 0
    down: bool = False
    discovery: Mapping[str, Any] | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            self.asked.append(path)
            found: Any = {"keys": self.keys}
            if path.endswith("openid-configuration"):
                found = self.discovery or {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
            body = json.dumps(found).encode()
            status = "503 Down" if self.down else "200 OK"
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def issuer(*keys: RSAKey | ECKey | OKPKey) -> AsyncIterator[TestIssuer]:
    running = TestIssuer([dict(key.as_dict(private=False)) for key in keys])
    listening = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = listening.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        listening.close()


def claims(of: TestIssuer, **changes: Any) -> dict[str, Any]:
    found = {
        "iss": of.url,
        "aud": "quanyu",
        "sub": "wang",
        "exp": NOW + 600,
        "scope": "cases:read",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not ...}


def signed(
    payload: Mapping[str, Any], key: RSAKey | ECKey | OKPKey = RSA, *, alg: str = "RS256", **header: Any
) -> str:
    given = {"alg": alg, "kid": key.kid, **header}
    return jwt.encode(
        {name: value for name, value in given.items() if value is not ...},
        dict(payload),
        key,
        algorithms=[alg],
    )


def unsigned(header: Mapping[str, Any], payload: Mapping[str, Any], signature: bytes = b"x") -> str:
    """Of parts that no library would put together."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
