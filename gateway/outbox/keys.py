"""Keys of the outbox: which seal bodies, from the settings or made and kept in the data folder."""

from __future__ import annotations

from adapters.submission.seal import BodySeal

__all__ = ["body_seal"]


def body_seal(outbox_keys: str, secret: bytes) -> BodySeal:
    """outbox_keys: secrets between blanks or line ends, the newest first; empty takes `secret` for the bodies too.

    The hashes are always keyed with `secret`: another one would forget every idempotency key.
    """
    keys = [key.encode() for key in outbox_keys.split()] or [secret]
    return BodySeal(keys, hash_key=secret)
