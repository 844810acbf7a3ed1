"""An issuer of this machine, for development: one key in the data folder, tokens by `quanyu token`."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection
from pathlib import Path

import orjson
from joserfc import jwt
from joserfc.jwk import OKPKey

from gateway.security.oidc.declaration import ClaimNames, Issuer

__all__ = ["AUDIENCE", "ISSUER", "issue", "local_issuer"]

ISSUER = "quanyu-local"
AUDIENCE = "quanyu"


def local_issuer(data_dir: Path) -> Issuer:
    """Its declaration; makes its key, readable by its owner alone, where there is none."""
    folder = data_dir / "issuer"
    public = folder / "jwks.json"
    if not public.is_file():
        _make_key(folder)
    return Issuer(
        issuer=ISSUER,
        audience=(AUDIENCE,),
        algorithms=("EdDSA", "Ed25519"),
        jwks_file=public,
        claims=ClaimNames(subject="subject", department="department", region="region"),
    )


def issue(
    data_dir: Path,
    name: str,
    scopes: Collection[str],
    *,
    hours: float,
    subject: str | None = None,
    department: str | None = None,
    region: str | None = None,
) -> str:
    """A token of the local issuer."""
    local_issuer(data_dir)
    key = OKPKey.import_key(orjson.loads((data_dir / "issuer" / "key.json").read_bytes()))
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": name,
        "iat": now,
        "exp": now + int(hours * 3600),
        "jti": secrets.token_hex(8),
        "scope": " ".join(sorted(scopes)),
        "subject": subject,
        "department": department,
        "region": region,
    }
    given = {key: value for key, value in claims.items() if value is not None}
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, given, key, algorithms=["Ed25519"])


def _make_key(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(8), "use": "sig"})
    _write(folder / "key.json", orjson.dumps(key.as_dict(private=True)), 0o600)
    _write(folder / "jwks.json", orjson.dumps({"keys": [key.as_dict(private=False)]}), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole, and never readable by others for a moment."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
