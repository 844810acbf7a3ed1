"""The ledger's keys, from two secrets: one that signs checkpoints, one that stands between people and their records.

Pure: secrets come in as bytes (see `gateway.settings.kept_secret`), keys go out.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.ledger.checkpoint import Signer
from gateway.ledger.errors import KeyInvalid

__all__ = ["LedgerKeys", "ledger_keys"]

SHORTEST = 32


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """signer: of checkpoints; subject_ref: keys the references to people; master: encrypts each subject's own key."""

    signer: Signer
    subject_ref: bytes = field(repr=False)
    master: bytes = field(repr=False)


def ledger_keys(origin: str, ledger_secret: bytes, subject_secret: bytes) -> LedgerKeys:
    """origin: name of the trail, 1 to 255 characters without space and '+'. Raises KeyInvalid."""
    for name, secret in (("ledger_key", ledger_secret), ("subject_key", subject_secret)):
        if len(secret) < SHORTEST:
            raise KeyInvalid(f"{name} has {len(secret)} bytes; at least {SHORTEST} are needed")
    try:
        signer = Signer.from_seed(origin, _derived(ledger_secret, b"checkpoint signer"))
    except ValueError as error:
        raise KeyInvalid(f"ledger_origin: {error}") from None
    return LedgerKeys(
        signer, _derived(subject_secret, b"subject reference"), _derived(subject_secret, b"subject master")
    )


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose; the secret has full entropy, so HMAC is a sound derivation (RFC 5869's expand)."""
    return hmac.new(secret, b"quanyu " + purpose + b"\x01", sha256).digest()
