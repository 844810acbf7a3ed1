"""A witness at an address, which co-signs checkpoints: the client's side of C2SP tlog-witness.

    POST PREFIX/add-checkpoint      old SIZE, a consistency proof in base64, an empty line, the signed checkpoint
    200 its cosignature; 409 the size that it has seen, when it is another; 422 the trail does not go on from there

https://github.com/C2SP/C2SP/blob/main/tlog-witness.md
"""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from adapters.wire.errors import WireError
from adapters.wire.guard import UrlGuard
from adapters.wire.model import WireLimits, WireRequest, WireResponse
from adapters.wire.wire import Wire
from gateway.ledger.checkpoint import CheckpointError, Verifier, cosigned_by, read_checkpoint
from gateway.ledger.errors import WitnessRefused
from gateway.ledger.witness import Proof

__all__ = ["HttpWitness", "WitnessAway"]

TIMEOUT_S = 5.0
ASKED = 3
"""Tries, where it has seen another size than we know of: another process of ours may have shown it more."""
_LIMITS = WireLimits(max_body_bytes=65_536, max_connections=1, connect_timeout_s=2.0)


class WitnessAway(OSError):
    """It cannot be reached, or does not answer as the protocol says. The trail goes on without it."""

    code = "WITNESS_AWAY"


class HttpWitness:
    """url: prefix of its addresses. witness: its verifier key, by which what it signs is checked. trail: our own."""

    def __init__(self, url: str, witness: Verifier, trail: Verifier, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/") + "/add-checkpoint"
        self._witness, self._trail, self._timeout_s = witness, trail, timeout_s
        self._seen = 0

    @property
    def name(self) -> str:
        return self._witness.name

    async def see(self, note: str, proof: Proof) -> str:
        """Its cosignature line. Raises WitnessRefused, WitnessAway."""
        size = read_checkpoint(note, self._trail).size
        for _ in range(ASKED):
            reply = await self._shown(note, size, proof)
            if reply.status == 200:
                return self._cosigned(note, size, reply.body)
            seen = _size_of(reply) if reply.status == 409 else None
            if seen is None:
                raise self._refusal(reply.status)
            if seen > size:
                raise WitnessRefused(f"{self.name} has seen {seen} records, the trail has {size}")
            self._seen = seen
        raise WitnessAway(f"{self.name} tells another size each time")

    async def _shown(self, note: str, size: int, proof: Proof) -> WireResponse:
        old = min(self._seen, size)
        path = await proof(old, size) if 0 < old < size else ()
        lines = [f"old {old}", *(base64.b64encode(one).decode() for one in path), "", note]
        parts = urlsplit(self._url)
        wire = Wire(guard=UrlGuard([f"{parts.scheme}://{parts.netloc}"]), limits=_LIMITS)
        try:
            request = WireRequest(
                "POST", self._url, (("content-type", "text/plain; charset=utf-8"),), "\n".join(lines).encode()
            )
            return await wire.send(request, timeout_s=self._timeout_s)
        except WireError as error:
            raise WitnessAway(f"{self.name} cannot be asked: {error}") from None
        finally:
            await wire.close()

    def _cosigned(self, note: str, size: int, body: bytes) -> str:
        lines = body.decode("utf-8", "replace").splitlines()
        for line in lines:
            try:
                if cosigned_by(note, [line], self._witness) is not None:
                    self._seen = size
                    return line + "\n"
            except CheckpointError:
                continue
        raise WitnessRefused(
            f"{self.name} answered without a cosignature of its key {self._witness.text(witness=True)}"
        )

    def _refusal(self, status: int) -> WitnessRefused | WitnessAway:
        if status == 422:
            return WitnessRefused(
                f"{self.name}: the trail does not begin with the {self._seen} records that it has seen"
            )
        if status in (400, 403, 404):
            return WitnessRefused(
                f"{self.name} does not take this trail (HTTP {status}); give it the key {self._trail.text()}"
            )
        return WitnessAway(f"{self.name} answered with HTTP status {status}")


def _size_of(reply: WireResponse) -> int | None:
    text = bytes(reply.body).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() and len(text) < 19 else None
