"""Events that systems push: read by their declaration's map, appended to the ledger, or kept in quarantine.

What `take` returns from is durable. An event is known by source and id, so that one sent again changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
import structlog

from adapters.mapping.scope import Trouble
from adapters.mapping.tree import xml_tree
from adapters.reply import RawReply
from adapters.source import Source
from adapters.submission.seal import BodySeal, SealBroken
from adapters.traffic.errors import SourceError
from adapters.xml_reply import read_xml_reply
from gateway.casefile.files import CaseFiles
from gateway.casefile.record import new_event
from gateway.harvest.cloudevents import BadEnvelope, CloudEvent, Envelope
from gateway.harvest.model import Lend
from gateway.harvest.store import HarvestStore, Rejected
from gateway.ledger import NewEvent, Writer
from gateway.telemetry.logs import mask_personal_data

__all__ = ["Intake", "IntakeReport", "PushObserver"]

log = structlog.get_logger("gateway.harvest")

RAW_CHARS = 8000


class PushObserver(Protocol):
    def taken(self, system: str, events: int, rejected: int) -> None: ...


@dataclass(slots=True)
class IntakeReport:
    """left_out: of a type that is no change of a case. rejected: (place in the request, id, why)."""

    appended: int = 0
    repeated: int = 0
    left_out: int = 0
    rejected: list[tuple[int, str | None, str]] = field(default_factory=list)


class Intake:
    """seal: of what could not be read, as nobody can be asked for it again. clock: microseconds since 1970."""

    def __init__(
        self,
        lend: Lend,
        store: HarvestStore,
        writer: Writer,
        files: CaseFiles,
        seal: BodySeal,
        *,
        clock: Callable[[], int],
        observer: PushObserver | None = None,
    ) -> None:
        self.lend, self._store, self._writer, self._files = lend, store, writer, files
        self._seal, self._clock = seal, clock
        self._observer = observer

    async def take(self, source: Source, envelopes: Sequence[Envelope]) -> IntakeReport:
        """Raises DatabaseUnavailable: then nothing of it is acknowledged, and all of it may be sent again."""
        report = IntakeReport()
        events: list[NewEvent] = []
        bad: list[tuple[Envelope, str]] = []
        for place, envelope in enumerate(envelopes):
            if isinstance(envelope, CloudEvent) and not _is_wanted(source, envelope):
                report.left_out += 1
                continue
            found, reason = self._read(source, envelope)
            events += found
            if reason is not None:
                bad.append((envelope, reason))
                report.rejected.append((place, getattr(envelope, "id", None), reason))
        await self._append(source, events, report)
        await self._keep(source, bad)
        await self._store.pushed(source.code, report.appended, report.repeated, self._clock())
        if self._observer is not None:
            self._observer.taken(source.code, report.appended, len(report.rejected))
        return report

    async def try_again(self) -> int:
        """What could not be read by another mapping than the one in service; how many can be read now."""
        read = 0
        with self.lend() as sources:
            for system, mapping in await self._store.pushed_mappings():
                source = sources.get(system)
                if source is None or source.push is None or source.namespace == mapping:
                    continue
                read += await self._again(source)
        return read

    async def again(self, system: str) -> int:
        """The same for one system, whatever its mapping."""
        with self.lend() as sources:
            source = sources.get(system)
            return 0 if source is None or source.push is None else await self._again(source)

    async def _again(self, source: Source) -> int:
        read = 0
        for key, sealed in await self._store.pushed_of(source.code):
            try:
                envelope = _envelope(self._seal.open(sealed, f"{source.code}/{key}"))
            except SealBroken as error:
                log.error("a pushed event cannot be opened", system=source.code, code=error.code)
                await self._store.still_unread(source.code, key, source.namespace, None, self._clock())
                continue
            events, reason = self._read(source, envelope)
            report = IntakeReport()
            await self._append(source, events, report)
            if reason is None:
                await self._store.forget_pushed(source.code, key)
                read += 1
            else:
                await self._store.still_unread(
                    source.code, key, source.namespace, mask_personal_data(reason), self._clock()
                )
            await self._store.pushed(source.code, report.appended, 0, None)
        return read

    def _read(self, source: Source, envelope: Envelope) -> tuple[list[NewEvent], str | None]:
        """Events of it, and why it or part of it could not be read."""
        if isinstance(envelope, BadEnvelope):
            return [], envelope.reason
        assert source.push is not None  # noqa: S101 - the endpoint has looked
        try:
            data = _tree(source.code, envelope.data)
        except SourceError as error:
            return [], str(error)
        records, troubles = source.push.read(envelope.whole | {"data": data}, data)
        events = [
            new_event(source.code, str(one["localNo"]), {**one, "id": one.get("id") or _key(envelope, place)})
            for place, one in enumerate(records)
        ]
        return events, "; ".join(_told(one) for one in troubles[:3]) or None

    async def _append(self, source: Source, events: Sequence[NewEvent], report: IntakeReport) -> None:
        appended = await self._writer.append_events(events)
        new = sum(one.state != "repeated" for one in appended)
        report.appended += new
        report.repeated += len(events) - new
        # also of what is repeated: the sender may have got no answer because this process died here
        await self._files.update(
            [event.case_id for event in events], changed=bool(new) and source.can("case")
        )

    async def _keep(self, source: Source, bad: Sequence[tuple[Envelope, str]]) -> None:
        if not bad:
            return
        rejected: list[Rejected] = []
        sealed: dict[str, bytes] = {}
        for envelope, reason in bad:
            raw = _text(envelope)
            shown = mask_personal_data(raw)[:RAW_CHARS]
            one = Rejected(
                source.code, "push", mask_personal_data(reason), shown, None, _identity(envelope, raw)
            )
            rejected.append(one)
            sealed[one.key] = self._seal.close(_kept(envelope), f"{source.code}/{one.key}")
        await self._store.keep_pushed(rejected, sealed, source.namespace, self._clock())


def _is_wanted(source: Source, event: CloudEvent) -> bool:
    types = source.push.declared.types if source.push is not None else ()
    return not types or event.type in types


def _tree(system: str, data: Any) -> Any:
    """XML as the tree that maps read; JSON as it is. Raises SourceError."""
    if not isinstance(data, bytes):
        return data
    reply = RawReply(200, "application/xml", data)
    return xml_tree(read_xml_reply(system, reply, None), None)


def _key(event: CloudEvent, place: int) -> str:
    """Of an event whose map gives no id: source and id make it one of its kind."""
    digest = hashlib.blake2b(orjson.dumps([event.source, event.id]), digest_size=16).hexdigest()
    return f"ce:{digest}" if place == 0 else f"ce:{digest}:{place}"


def _identity(envelope: Envelope, raw: str) -> str:
    if isinstance(envelope, CloudEvent):
        raw = f"{envelope.source}\n{envelope.id}"
    return hashlib.blake2b(raw.encode(), digest_size=16).hexdigest()


def _text(envelope: Envelope) -> str:
    whole = envelope.whole if isinstance(envelope, CloudEvent) else envelope.raw
    return orjson.dumps(whole, default=str).decode()


def _kept(envelope: Envelope) -> Any:
    if isinstance(envelope, BadEnvelope):
        return {"bad": envelope.reason, "raw": orjson.loads(orjson.dumps(envelope.raw, default=str))}
    is_xml = isinstance(envelope.data, bytes)
    data = base64.b64encode(envelope.data).decode() if is_xml else envelope.data
    return {"attributes": dict(envelope.attributes), "data": data, "xml": is_xml}


def _envelope(kept: Any) -> Envelope:
    if "bad" in kept:
        return BadEnvelope(kept["bad"], kept["raw"])
    attributes, data = kept["attributes"], kept["data"]
    if kept["xml"]:
        data = base64.b64decode(data)
    return CloudEvent(attributes["id"], attributes["source"], attributes["type"], attributes, data)


def _told(trouble: Trouble) -> str:
    return f"{trouble.field}: {trouble.message}"
