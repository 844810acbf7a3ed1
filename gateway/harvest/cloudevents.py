"""CloudEvents 1.0 over HTTP (cloudevents/spec, core and HTTP protocol binding): structured, batched and binary. Pure.

The maintained SDK has no batches, and makes an id up where an event has none: then one that is sent again would count
as another. So the envelope is read here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

__all__ = ["BadEnvelope", "CloudEvent", "Envelope", "NotCloudEvents", "read_events", "signed_content"]

SPEC = "1.0"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
MOST = 1000
"""Events in one batch."""
_JSON = re.compile(r"(?:application|text)/(?:[\w.+-]+\+)?json")
_XML = re.compile(r"(?:application|text)/(?:[\w.+-]+\+)?xml")
_NAME = re.compile(r"[a-z0-9]{1,40}")
_TEXTS = ("id", "source", "type", "subject", "dataschema", "datacontenttype")


class NotCloudEvents(Exception):
    """The request as a whole cannot be taken. status: of HTTP."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """attributes: all of the envelope but `data`. data: JSON values, or the bytes of XML."""

    id: str
    source: str
    type: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    data: Any = field(default=None, repr=False)

    @property
    def whole(self) -> dict[str, Any]:
        data = self.data.decode("utf-8", "replace") if isinstance(self.data, bytes) else self.data
        return {**self.attributes, "data": data}


@dataclass(frozen=True, slots=True)
class BadEnvelope:
    """One of a batch that is no CloudEvent, and why."""

    reason: str
    raw: Any = field(repr=False)


Envelope = CloudEvent | BadEnvelope


def read_events(content_type: str, headers: Mapping[str, str], body: bytes) -> list[Envelope]:
    """headers: by lower-case name. Raises NotCloudEvents; of a batch, single bad ones are told in the list."""
    media, charset = _media(content_type)
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise NotCloudEvents(415, "PUSH_MEDIA_TYPE", f"The charset {charset} is not taken; send UTF-8.")
    if media == BATCHED:
        return _batch(body)
    if media == STRUCTURED:
        one = _structured(_json(body))
    elif "ce-specversion" in headers:
        one = _binary(media, headers, body)
    else:
        raise NotCloudEvents(
            415,
            "PUSH_MEDIA_TYPE",
            f"Send CloudEvents 1.0: {STRUCTURED}, {BATCHED}, or ce- headers with JSON or XML as the body.",
        )
    if isinstance(one, BadEnvelope):
        raise NotCloudEvents(422, "PUSH_NOT_CLOUDEVENTS", f"This is no CloudEvent 1.0: {one.reason}.")
    return [one]


def signed_content(content_type: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """What a signature covers beside id and time: the body, and in binary mode the attributes before it, one
    `name:value` a line in order of their names, as they stand in the headers."""
    if _media(content_type)[0] in (STRUCTURED, BATCHED):
        return body
    lines = [f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("ce-")]
    return "".join(lines).encode("latin-1", "replace") + body


def _media(content_type: str) -> tuple[str, str]:
    media, _, parameters = content_type.partition(";")
    charset = next(
        (
            part.partition("=")[2].strip().strip('"')
            for part in parameters.split(";")
            if "charset" in part.lower()
        ),
        "",
    )
    return media.strip().lower(), charset.lower()


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotCloudEvents(422, "PUSH_NOT_CLOUDEVENTS", f"The body is not JSON: {error}.") from None


def _batch(body: bytes) -> list[Envelope]:
    found = _json(body)
    if not isinstance(found, list):
        raise NotCloudEvents(422, "PUSH_NOT_CLOUDEVENTS", "A batch is a JSON array of events.")
    if len(found) > MOST:
        raise NotCloudEvents(
            413, "PUSH_TOO_MANY", f"The batch has {len(found)} events; send at most {MOST} at once."
        )
    return [_structured(one) for one in found]


def _structured(found: Any) -> Envelope:
    if not isinstance(found, dict):
        return BadEnvelope("an event is a JSON object", found)
    attributes = {name: value for name, value in found.items() if name not in ("data", "data_base64")}
    if "data" in found and "data_base64" in found:
        return BadEnvelope("`data` and `data_base64` stand side by side", found)
    media = str(attributes.get("datacontenttype") or "application/json").partition(";")[0].strip().lower()
    data = found.get("data")
    if "data_base64" in found:
        try:
            data = base64.b64decode(str(found["data_base64"]), validate=True)
        except binascii.Error:
            return BadEnvelope("`data_base64` is not base64", found)
    return _event(attributes, media, data, found)


def _binary(media: str, headers: Mapping[str, str], body: bytes) -> Envelope:
    attributes: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if media:
        attributes["datacontenttype"] = media
    return _event(attributes, media or "application/json", body or None, attributes)


def _event(attributes: dict[str, Any], media: str, data: Any, raw: Any) -> Envelope:
    problem = _problem(attributes)
    if problem is not None:
        return BadEnvelope(problem, raw)
    if _XML.fullmatch(media):
        data = data.encode() if isinstance(data, str) else data
        if not isinstance(data, bytes):
            return BadEnvelope("`data` is not text, as its content type says", raw)
    elif not _JSON.fullmatch(media):
        return BadEnvelope(f"data of type {media[:60]!r} is not read here; JSON and XML are", raw)
    elif isinstance(data, bytes):
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            return BadEnvelope("its data is not JSON", raw)
    return CloudEvent(attributes["id"], attributes["source"], attributes["type"], attributes, data)


def _problem(attributes: Mapping[str, Any]) -> str | None:
    if attributes.get("specversion") != SPEC:
        return f"`specversion` is {attributes.get('specversion')!r}, not '1.0'"
    for name in ("id", "source", "type"):
        if not attributes.get(name):
            return f"`{name}` is missing"
    for name in _TEXTS:
        value = attributes.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > 2000):
            return f"`{name}` is not a text of at most 2000 characters"
    unknown = next((name for name in attributes if not _NAME.fullmatch(name)), None)
    if unknown is not None:
        return f"{unknown[:60]!r} is no name of an attribute: lower-case letters and digits only"
    moment = attributes.get("time")
    if moment is not None:
        try:
            if datetime.fromisoformat(str(moment)).utcoffset() is None:
                return "`time` has no offset"
        except ValueError:
            return "`time` is no time of RFC 3339"
    return None
