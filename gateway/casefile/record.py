"""A canonical Case record as a case file keeps it, and an event of it as the ledger keeps it. Pure.

People are masked here, once and for all: what is stored can be shown to whoever may see the case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from gateway.ledger.records import NewEvent
from schema.identifiers import display_name, mask_in_text, mask_mobile, mask_name, mask_number
from schema.scalars import CHINA_STANDARD_TIME

__all__ = [
    "SubjectRef",
    "event_dict",
    "kept_record",
    "micros",
    "names_of",
    "new_event",
    "subject_of",
    "without",
]

SubjectRef = Callable[[str, str], str]
"""(type of the number, normalised number) -> reference."""

_PERSONAL = ("opinion",)
"""Free text of events, in which anyone may be named: kept under the subject's key, never in the hashed body."""
_TITLES = ("title", "rawStatus")
"""Of a record: written by systems, a title often with the applicant's name, a status that nobody mapped with anything."""
_WORDS = {"step", "rawKind", "rawStatus"}
"""Of an event: a system's own words."""
_DETAIL = ("step", "rawKind", "departmentCode", "endedAt", "documentNo", "state", "rawStatus")


def kept_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Without events, and with the applicant masked, in titles as well."""
    kept = {
        name: value
        for name, value in record.items()
        if name not in ("events", "applicant") and value is not None
    }
    applicant = record.get("applicant")
    if isinstance(applicant, Mapping):
        kind, id_type = str(applicant.get("kind") or "UNKNOWN"), str(applicant.get("idType") or "OTHER")
        shown: dict[str, Any] = {"kind": kind, "idType": id_type}
        for name, mask in (
            ("name", lambda text: display_name(kind, text)),
            ("idNumber", lambda text: mask_number(id_type, text)),
            ("mobile", mask_mobile),
            ("legalRepresentative", mask_name),
        ):
            value = applicant.get(name)
            if isinstance(value, str) and value:
                shown[name] = mask(value)
        kept["applicant"] = shown
    hidden = names_of(record)
    for name in _TITLES:
        if isinstance(kept.get(name), str):
            kept[name] = without(hidden, kept[name])
    return kept


def names_of(record: Mapping[str, Any]) -> dict[str, str]:
    """What stands in an applicant's record and may stand in a title too -> how it is shown, the longest first."""
    applicant = record.get("applicant")
    if not isinstance(applicant, Mapping):
        return {}
    kind, id_type = str(applicant.get("kind") or "UNKNOWN"), str(applicant.get("idType") or "OTHER")
    found: dict[str, str] = {}
    for name, mask in (
        ("name", lambda text: display_name(kind, text)),
        ("legalRepresentative", mask_name),
        ("idNumber", lambda text: mask_number(id_type, text)),
        ("mobile", mask_mobile),
    ):
        value = applicant.get(name)
        # one character is a surname, and in every other word
        if isinstance(value, str) and len(value.strip()) > 1 and "*" not in value:
            found[value.strip()] = mask(value.strip())
    return dict(sorted(found.items(), key=lambda one: -len(one[0])))


def without(hidden: Mapping[str, str], text: str) -> str:
    """The text with these masked in it, and any identity number and mobile besides."""
    for name, shown in hidden.items():
        if name != shown:
            text = text.replace(name, shown)
    return mask_in_text(text)


def subject_of(
    record: Mapping[str, Any], ref: SubjectRef, normal: Callable[[str | None, str], tuple[str, str]]
) -> str | None:
    """Reference of the applicant; None where the system does not tell a whole number."""
    number = (record.get("applicant") or {}).get("idNumber")
    if not isinstance(number, str) or not number or "*" in number:
        return None
    return ref(*normal((record.get("applicant") or {}).get("idType"), number))


def new_event(
    system: str,
    local_no: str,
    told: Mapping[str, Any],
    *,
    subject: str | None = None,
    hidden: Mapping[str, str] = MappingProxyType({}),
) -> NewEvent:
    """A canonical CaseEvent or CaseChange as it is recorded. hidden: `names_of` its case, where that is known."""
    detail: dict[str, Any] = {name: str(told[name]) for name in _DETAIL if told.get(name) not in (None, "")}
    for name in _WORDS & detail.keys():
        detail[name] = without(hidden, detail[name])
    if told.get("actor"):
        detail["actor"] = mask_name(str(told["actor"]))
    personal = {name: str(told[name]) for name in _PERSONAL if told.get(name)}
    if personal:
        detail["opinionGiven"] = True
    return NewEvent(
        system=system,
        case_id=f"{system}:{local_no}",
        kind=str(told.get("kind") or "UNKNOWN"),
        occurred_us=micros(told.get("occurredAt")),
        key=str(told.get("id") or ""),
        subject=subject,
        detail=detail,
        personal=personal if subject else {},
    )


def event_dict(fields: Mapping[str, Any], at_us: int) -> dict[str, Any]:
    """What the ledger holds of an event, as the canonical record that clocks read (`tracking.clocks.facts`)."""
    detail = fields["detail"]
    occurred = fields["occurred"]
    return {
        "id": fields["key"],
        "kind": fields["kind"],
        "occurredAt": _moment(occurred) if occurred is not None else None,
        "receivedAt": _moment(at_us),
        "opinion": "given" if detail.get("opinionGiven") else "",
        **{name: value for name, value in detail.items() if name != "opinionGiven"},
    }


def micros(moment: object) -> int | None:
    """Microseconds since 1970 of an ISO 8601 text; without an offset it is China's. None for what is none."""
    try:
        when = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    if when.utcoffset() is None:
        when = when.replace(tzinfo=CHINA_STANDARD_TIME)
    return round(when.timestamp() * 1_000_000)


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, CHINA_STANDARD_TIME)
