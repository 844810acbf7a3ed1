"""How fields of the `cases` subgraph are had from canonical records: references, masks, timeline, source.

Parents are `CaseView`, or dicts of a canonical record. What is personal is masked here, before it has any
answer's shape: one field, `NaturalPerson.idNumber`, gives a whole number, and notes the purpose that it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapters.fanout import Found
from adapters.mapping.dates import NETWORK_OFFSET
from adapters.shape import FieldRule, Rules, Run, Selection
from schema.errors import IdentifierError
from schema.identifiers import (
    applicant_ref,
    case_id,
    check_resident_id,
    display_name,
    event_id,
    mask_id_in_charge,
    mask_in_text,
    mask_mobile,
    mask_name,
    mask_number,
)
from schema.paging import fingerprint, paginate

__all__ = [
    "ALWAYS",
    "CaseView",
    "applicant_of",
    "case_rules",
    "masked_applicant",
    "network_time",
    "record_fields",
    "subject_of",
]

ALWAYS = ("localNo", "appliedAt")
"""Canonical fields that are read whatever is selected: they identify and order."""


@dataclass(slots=True)
class CaseView:
    """A case as the shapers see it; derived parts are made once."""

    found: Found
    fetched_at: float
    events: list[dict[str, Any]] | None = field(default=None)

    def get(self, name: str) -> Any:
        return self.found.record.get(name)

    @property
    def id(self) -> str:
        return case_id(self.found.system, self.found.record["localNo"])


def network_time(unix_s: float | None) -> str | None:
    """Unix seconds as ISO 8601 in the network's offset."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).astimezone(NETWORK_OFFSET).isoformat(timespec="milliseconds")


def record_fields(
    selected: frozenset[str], rules: Rules, type_name: str, known: frozenset[str]
) -> frozenset[str]:
    """Canonical fields that a selection of GraphQL fields of `type_name` needs."""
    needed = set(ALWAYS) if type_name == "Case" else set()
    for name in selected:
        rule = rules.get((type_name, name))
        needed.update(rule.needs if rule and rule.needs else (name,))
    return frozenset(needed & known)


def case_rules(ref_key: bytes) -> dict[tuple[str, str], FieldRule]:
    """Rules of Case, Applicant, CaseEvent, SystemItem, CaseChange, SourceOutcome."""
    rules: dict[tuple[str, str], FieldRule] = {
        ("Case", "id"): FieldRule(lambda case, *_: case.id),
        ("Case", "systemCode"): FieldRule(lambda case, *_: case.found.system),
        ("Case", "system"): FieldRule(lambda case, *_: {"code": case.found.system}),
        ("Case", "applicant"): FieldRule(
            lambda case, *_: applicant_of(case.get("applicant"), ref_key), ("applicant",)
        ),
        ("Case", "rawStatus"): FieldRule(
            lambda case, *_: mask_in_text(case.get("rawStatus") or ""), ("rawStatus",)
        ),
        ("Case", "state"): FieldRule(lambda case, *_: case.get("state") or "UNKNOWN", ("state",)),
        ("Case", "currentStep"): FieldRule(_current_step, ("events",)),
        ("Case", "timeline"): FieldRule(_timeline, ("events",)),
        ("Case", "source"): FieldRule(_source_info, ("deepLink",)),
        ("NaturalPerson", "idNumber"): FieldRule(_unmasked),
        ("CaseEvent", "actor"): FieldRule(lambda event, *_: _masked(event.get("actor"))),
        ("CaseEvent", "kind"): FieldRule(lambda event, *_: event.get("kind") or "UNKNOWN"),
        ("CaseEvent", "department"): FieldRule(
            lambda event, *_: _reference("code", event.get("departmentCode"))
        ),
        ("SystemItem", "item"): FieldRule(
            lambda item, *_: _reference("baseCode", item.get("itemCode")), ("itemCode",)
        ),
        ("CaseChange", "caseId"): FieldRule(
            lambda change, *_: case_id(change["__system"], change["localNo"]), ("localNo",)
        ),
        ("SourceOutcome", "legacySystem"): FieldRule(lambda outcome, *_: {"code": outcome["system"]}),
    }
    for name, key, code in (
        ("item", "baseCode", "itemCode"),
        ("implementation", "taskCode", "taskCode"),
        ("region", "code", "regionCode"),
        ("department", "code", "departmentCode"),
    ):
        rules["Case", name] = FieldRule(_referrer(key, code), (code,))
    for type_name, names in _TEXTS.items():
        for name in names:
            rules[type_name, name] = FieldRule(_text(name), (name,))
    return rules


_TEXTS = {
    "Case": ("title", "localItemCode", "externalRefs"),
    "CaseEvent": ("rawKind", "step", "opinion", "documentNo"),
    "SystemItem": ("name",),
    "CaseChange": ("rawKind", "rawStatus"),
}
"""What systems' clerks have written: a number of a person in it is masked. Names in it nobody can tell."""


def _text(name: str) -> Any:
    return lambda record, *_: _without_numbers(record.get(name))


def _without_numbers(value: Any) -> Any:
    """A text, or JSON with texts in it."""
    if isinstance(value, str):
        return mask_in_text(value)
    if isinstance(value, Mapping):
        return {key: _without_numbers(one) for key, one in value.items()}
    return [_without_numbers(one) for one in value] if isinstance(value, list) else value


def _referrer(key: str, code: str) -> Any:
    return lambda case, *_: _reference(key, case.get(code))


def _reference(key: str, value: Any) -> dict[str, Any] | None:
    return {key: value} if value else None


def _masked(name: Any) -> str | None:
    return mask_name(name) if name else None


def _unmasked(applicant: Any, run: Run, arguments: Mapping[str, Any], _selection: Selection) -> Any:
    run.context.seen.purposes.add(str(arguments["purpose"]))
    return applicant.get("idNumber")


def subject_of(record: Mapping[str, Any] | None, ref_key: bytes) -> str | None:
    """`Applicant.ref` of a canonical applicant, None where it has no number."""
    if not record or not record.get("idNumber"):
        return None
    number = record["idNumber"]
    id_type = _id_type(record.get("idType"), record.get("kind") or "UNKNOWN", number)
    return applicant_ref(ref_key, id_type, number)


def applicant_of(
    record: Mapping[str, Any] | None, ref_key: bytes, *, in_charge: bool = False
) -> dict[str, Any] | None:
    """With the number of a person, for the one field that unmasks it: of a case at hand, never of what is kept.
    in_charge: whether the caller is a clerk of the case, who sees more of the number."""
    if record and "ref" in record:
        return _kept_applicant(record)
    shown = masked_applicant(record, ref_key)
    if record and shown and shown["__typename"] == "NaturalPerson":
        shown["idNumber"] = record["idNumber"]
        if in_charge and shown["idType"] == "RESIDENT_ID":
            shown["maskedId"] = mask_id_in_charge(record["idNumber"])
    return shown


def _kept_applicant(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of a case file, where all is masked already; whole numbers are not kept. None without a reference."""
    if not record["ref"]:
        return None
    kind = record.get("kind") or "UNKNOWN"
    shown = {"ref": record["ref"], "kind": kind, "displayName": record.get("name") or ""}
    number = record.get("idNumber")
    if kind in ("LEGAL", "OTHER_ORG"):
        return shown | {
            "__typename": "LegalPerson",
            "uscc": number if number and "*" not in number else None,
            "legalRepresentative": record.get("legalRepresentative"),
            "maskedContact": record.get("mobile"),
        }
    return shown | {
        "__typename": "NaturalPerson",
        "idType": record.get("idType") or "OTHER",
        "maskedId": number or "",
        "maskedMobile": record.get("mobile"),
        "idNumber": None,
    }


def masked_applicant(record: Mapping[str, Any] | None, ref_key: bytes) -> dict[str, Any] | None:
    """An applicant as anyone may see it; None without a number."""
    if not record or not record.get("idNumber"):
        return None
    number, kind = record["idNumber"], record.get("kind") or "UNKNOWN"
    id_type = _id_type(record.get("idType"), kind, number)
    legal = kind in ("LEGAL", "OTHER_ORG") or (kind == "UNKNOWN" and id_type in ("USCC", "ORG_CODE"))
    shown = {
        "ref": applicant_ref(ref_key, id_type, number),
        "kind": kind,
        "displayName": display_name("LEGAL" if legal else kind, record.get("name") or ""),
    }
    if legal:
        return shown | {
            "__typename": "LegalPerson",
            "uscc": number if id_type == "USCC" else None,
            "legalRepresentative": _masked(record.get("legalRepresentative")),
            "maskedContact": mask_mobile(record["mobile"]) if record.get("mobile") else None,
        }
    return shown | {
        "__typename": "NaturalPerson",
        "idType": id_type,
        "maskedId": mask_number(id_type, number),
        "maskedMobile": mask_mobile(record["mobile"]) if record.get("mobile") else None,
    }


def _id_type(declared: str | None, kind: str, number: str) -> str:
    """What kind of number it is. A person's number is one whatever the system calls it: sole traders are registered
    as legal persons under their owner's, and it must not be taken for the open code of a company."""
    try:
        check_resident_id(number)
    except IdentifierError:
        pass
    else:
        return "RESIDENT_ID"
    if declared and declared != "UNKNOWN":
        return declared
    if len(number) == 18 and (kind in ("LEGAL", "OTHER_ORG") or not number[:17].isdigit()):
        return "USCC"
    return "RESIDENT_ID" if len(number) in (15, 18) else "OTHER"


def _events(case: CaseView) -> list[dict[str, Any]]:
    """Events in order of time, numbered from 1: legacy systems send them late, twice and out of order."""
    if case.events is None:
        once = {
            (event.get("id"), event["occurredAt"], event.get("rawKind")): event
            for event in case.get("events") or []
            if event.get("occurredAt")
        }
        ordered = sorted(once.values(), key=lambda event: event["occurredAt"])
        case.events = [
            {**event, "seq": seq, "id": event_id(case.id, seq)} for seq, event in enumerate(ordered, 1)
        ]
    return case.events


def _current_step(case: CaseView, *_: Any) -> dict[str, Any] | None:
    events = _events(case)
    return events[-1] if events else None


def _timeline(case: CaseView, _run: Run, arguments: dict[str, Any], _selection: Selection) -> dict[str, Any]:
    page = paginate(
        _events(case),
        lambda event: f"{event['seq']:06d}",
        first=arguments.get("first"),
        after=arguments.get("after"),
        binding=fingerprint("Case.timeline", {"case": case.id}),
    )
    return connection(
        list(page.rows),
        list(page.cursors),
        has_next=page.has_next,
        has_previous=page.has_previous,
        total=page.total,
    )


def connection(
    nodes: list[Any],
    cursors: list[str],
    *,
    has_next: bool,
    has_previous: bool,
    total: int | None,
) -> dict[str, Any]:
    """A Relay connection as plain values."""
    return {
        "nodes": nodes,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=False)],
        "pageInfo": {
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
        "totalCount": total,
    }


def _source_info(case: CaseView, *_: Any) -> dict[str, Any]:
    page = case.found.page
    return {
        "system": case.found.system,
        "asOf": network_time(page.as_of),
        "fetchedAt": network_time(case.fetched_at),
        "freshness": {"FRESH": "OK"}.get(page.status, page.status),
        "deepLink": _without_numbers(case.get("deepLink")),
    }
