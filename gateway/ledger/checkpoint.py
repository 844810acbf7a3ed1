"""Checkpoints of the trail: C2SP tlog-checkpoint in a signed note, cosignatures as C2SP tlog-cosignature. Pure.

    <origin>
    <number of leaves>
    <root, base64>
    time <microseconds since 1970>

    — <origin> <base64 of key hash and Ed25519 signature>
    — <witness> <base64 of key hash, time and Ed25519 signature>

The line `time` is an extension line. Public keys are written as verifier keys: name+hash+key.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Signer",
    "Verifier",
    "cosign",
    "cosigned_by",
    "read_checkpoint",
    "sign_checkpoint",
]

_SIGNED, _COSIGNED = 0x01, 0x04
_DASH = "\u2014"
_NAME = re.compile(r"[^\s+]{1,255}")


class CheckpointError(ValueError):
    """The text is no checkpoint, or is not signed by the key that it should be."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The trail up to a moment: its first `size` leaves have this root."""

    origin: str
    size: int
    root: bytes
    at_us: int

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\ntime {self.at_us}\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 key with the name that it signs under."""

    name: str
    key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Signer:
        """seed: 32 bytes. Raises ValueError."""
        _check_name(name)
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half. public: 32 bytes."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """A verifier key `name+hash+key` of a signer or a witness. Raises CheckpointError."""
        name, _, rest = text.strip().partition("+")
        digest, _, key = rest.partition("+")
        raw = _decoded(key)
        if raw is None or len(raw) != 33 or raw[0] not in (_SIGNED, _COSIGNED) or not _NAME.fullmatch(name):
            raise CheckpointError(
                "a verifier key is written name+hash+key, with an Ed25519 key; `quanyu trail key` prints one"
            )
        found = cls(name, raw[1:])
        if found.key_hash(raw[0]).hex() != digest:
            raise CheckpointError(f"the verifier key of {name} has a wrong hash: it was not copied whole")
        return found

    def key_hash(self, kind: int = _SIGNED) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([kind]) + self.public).digest()[:4]

    def text(self, *, witness: bool = False) -> str:
        kind = _COSIGNED if witness else _SIGNED
        return f"{self.name}+{self.key_hash(kind).hex()}+{_b64(bytes([kind]) + self.public)}"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The note: text, empty line, signature line."""
    text = checkpoint.text()
    blob = signer.verifier.key_hash() + signer.key.sign(text.encode())
    return f"{text}\n{_DASH} {signer.name} {_b64(blob)}\n"


def read_checkpoint(note: str, verifier: Verifier | None) -> Checkpoint:
    """The checkpoint of a note that `verifier` signed; without one, unchecked. Raises CheckpointError."""
    text, lines = _parts(note)
    checkpoint = _parse(text)
    if verifier is not None:
        blobs = [blob for name, blob in lines if name == verifier.name and blob[:4] == verifier.key_hash()]
        if not any(verifier.has_signed(text.encode(), blob[4:]) for blob in blobs):
            raise CheckpointError(f"not signed by the key {verifier.text()}")
    return checkpoint


def cosign(note: str, witness: Signer, *, time_s: int) -> str:
    """A witness's line for a note; it stands after the note's own signature."""
    text, _ = _parts(note)
    signature = witness.key.sign(_cosigned_message(text, time_s))
    blob = witness.verifier.key_hash(_COSIGNED) + time_s.to_bytes(8, "big") + signature
    return f"{_DASH} {witness.name} {_b64(blob)}\n"


def cosigned_by(note: str, lines: Iterable[str], witness: Verifier) -> int | None:
    """When (Unix seconds) the witness saw this checkpoint; None where no line is a good signature of it."""
    text, own = _parts(note)
    more = [found for line in lines if (found := _signature_line(line.rstrip("\n"))) is not None]
    for name, blob in [*own, *more]:
        if name != witness.name or len(blob) != 76 or blob[:4] != witness.key_hash(_COSIGNED):
            continue
        time_s = int.from_bytes(blob[4:12], "big")
        if witness.has_signed(_cosigned_message(text, time_s), blob[12:]):
            return time_s
    return None


def _cosigned_message(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Signed text with its last newline, and (name, blob) of each signature line."""
    text, empty, rest = note.rpartition("\n\n")
    if not empty or not rest.endswith("\n"):
        raise CheckpointError("not a signed note: no empty line before signatures")
    found = [_signature_line(line) for line in rest[:-1].split("\n")]
    if any(one is None for one in found):
        raise CheckpointError("not a signed note: a line after the empty one is no signature")
    return text + "\n", [one for one in found if one is not None]


def _signature_line(line: str) -> tuple[str, bytes] | None:
    dash, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    blob = _decoded(coded)
    return (name, blob) if dash == _DASH and name and blob is not None and len(blob) > 4 else None


def _parse(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 5 or not lines[0]:
        raise CheckpointError("not a checkpoint: origin, size, root and time are wanted")
    origin, size, coded, time_line = lines[:4]
    root = _decoded(coded)
    word, _, at = time_line.partition(" ")
    if not _is_number(size) or root is None or len(root) != 32 or word != "time" or not _is_number(at):
        raise CheckpointError("not a checkpoint: size, root or time cannot be read")
    return Checkpoint(origin, int(size), root, int(at))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0") and len(text) < 20


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a key: 1 to 255 characters, no space, no '+'")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _b64(data) == text else None  # one text for one value: unused bits must be zero
