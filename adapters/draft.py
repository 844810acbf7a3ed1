"""First declarations: guesses from names, written as YAML with what must be filled in marked. Pure.

A draft is meant to be wrong in places that `quanyu check` and `quanyu try` then point at; it saves typing names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schema.canonical import CASE, Field, Record

__all__ = [
    "DraftCall",
    "DraftField",
    "draft_text",
    "guess_map",
    "step_text",
    "words",
    "yaml_expression",
    "yaml_text",
]

SCHEMA_LINE = (
    "# yaml-language-server: $schema=declaration.schema.json (written by `quanyu schema declaration`)"
)

# parts of names as systems have them, longest first in each list; pinyin initials are too ambiguous to guess
_HINTS: dict[str, tuple[str, ...]] = {
    "localNo": (
        "caseno",
        "casecode",
        "casenumber",
        "applyno",
        "applicationno",
        "serialno",
        "workorder",
        "projectno",
        "caseid",
        "requestid",
        "identificatie",
        "number",
        "no",
        "id",
    ),
    "title": ("casename", "projectname", "subject", "title", "omschrijving", "description"),
    "itemCode": ("itemcode", "catalogcode", "basecode", "servicecode"),
    "taskCode": ("taskcode", "implcode"),
    "regionCode": ("regioncode", "areacode", "division", "jurisdiction"),
    "departmentCode": ("deptcode", "orgcode", "departmentcode", "agency"),
    "state": ("status", "state"),
    "appliedAt": (
        "applytime",
        "registertime",
        "applydate",
        "applied",
        "submit",
        "requesteddatetime",
        "startdatum",
        "createtime",
        "date",
        "time",
    ),
    "acceptedAt": ("accepttime", "acceptdate", "acceptedat"),
    "promisedAt": ("promise", "due", "deadline", "expected"),
    "closedAt": ("finish", "close", "complete", "end", "einddatum"),
}
_APPLICANT_HINTS = {
    "name": ("applicantname", "applyname", "ownername", "name"),
    "idNumber": ("idnumber", "certno", "cardno", "idcard", "uscc", "bsn"),
    "mobile": ("mobile", "phone", "tel"),
}


@dataclass(frozen=True, slots=True)
class DraftField:
    """A leaf of a request or a reply: dotted path, type as its description names it."""

    path: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class DraftCall:
    """One verb: lines of its request, where the records stand, and the leaves of a record."""

    verb: str
    note: str
    request: tuple[str, ...]
    records: str | None
    leaves: tuple[DraftField, ...] = ()
    others: tuple[str, ...] = field(default=())


_PLAIN = re.compile(r"[^\W\d][\w./-]*(?: [\w./-]+)*")
_NAME = re.compile(r"[^\W\d][\w-]*")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off"})


def yaml_text(text: str) -> str:
    """A key or value as YAML: plain where that is safe, else double-quoted (JSON strings are YAML)."""
    one_line = " ".join(text.split())
    if _PLAIN.fullmatch(one_line) and one_line.lower() not in _RESERVED:
        return one_line
    return json.dumps(one_line, ensure_ascii=False)


def yaml_expression(text: str) -> str:
    """An expression as a YAML value; its own quotes and bars are harmless inside a plain scalar."""
    return json.dumps(text, ensure_ascii=False) if text[:1] in "`@.[({\"'!&*#%|>" or ": " in text else text


def step_text(name: str) -> str:
    """A name as a step of a path: between backticks where it is no plain name."""
    if name.startswith("@") and _NAME.fullmatch(name[1:]):
        return name
    return (
        name
        if _NAME.fullmatch(name) and name not in ("in", "and", "or", "not", "null", "true", "false")
        else f"`{name}`"
    )


def words(path: str) -> str:
    """Last name of a path in small letters without signs."""
    return "".join(character for character in path.rpartition(".")[2].lower() if character.isalnum())


def guess_map(record: Record, leaves: Sequence[DraftField]) -> list[str]:
    """YAML lines of a map; required fields that nothing fits are marked."""
    lines: list[str] = []
    used: set[str] = set()
    for one in record.fields:
        if one.name == "applicant":
            lines += _guess_applicant(leaves, used)
            continue
        found = _best(_HINTS.get(one.name, ()), leaves, used)
        if found is not None:
            lines.append(f"{one.name}: {_expression(one, found)}")
        elif one.required:
            lines.append(f"{one.name}: TODO # {one.doc}")
    return lines


def _guess_applicant(leaves: Sequence[DraftField], used: set[str]) -> list[str]:
    number = _best(_APPLICANT_HINTS["idNumber"], leaves, used)
    if number is None:
        return []
    lines = ["applicant:", f"  idNumber: {yaml_expression(number.path)}"]
    for name in ("name", "mobile"):
        found = _best(_APPLICANT_HINTS[name], leaves, used)
        if found is not None:
            lines.append(f"  {name}: {yaml_expression(found.path)}")
    return lines


def _best(hints: Iterable[str], leaves: Sequence[DraftField], used: set[str]) -> DraftField | None:
    for hint in hints:
        for leaf in leaves:
            name = words(leaf.path)
            if leaf.path not in used and (name == hint or (len(hint) > 3 and hint in name)):
                used.add(leaf.path)
                return leaf
    return None


def _expression(one: Field, leaf: DraftField) -> str:
    if one.type == "enum:CaseState":
        return yaml_expression(f'{leaf.path} | table("status")')
    if one.type == "datetime":
        if leaf.type.lower() in ("datetime", "date", "date-time"):
            return yaml_expression(f'{leaf.path} | date("iso")')
        return yaml_expression(f'{leaf.path} | date("yyyy-MM-dd HH:mm:ss")') + " # its pattern?"
    return yaml_expression(leaf.path)


def draft_text(code: str, name: str, source: Sequence[str], calls: Sequence[DraftCall]) -> str:
    """The whole file. source: lines below `source:`."""
    lines = [
        SCHEMA_LINE,
        "# A first draft: every TODO must be filled in; `quanyu check` says what does not fit, `quanyu try` shows a call.",
        "system:",
        f"  code: {code}",
        f"  name: {yaml_text(name) if name.strip() else 'TODO'}",
        "  owner: TODO # social credit code of the department",
        "",
        "source:",
        *_indent(source, 1),
        "",
        "traffic:",
        "  timeoutMs: 2000",
        "  concurrency: 8",
        "",
        "tables:",
        "  status: # the system's own codes -> DRAFT, SUBMITTED, RECEIVED, ACCEPTED, UNDER_REVIEW, CLOSED, ...",
        '    "TODO": UNDER_REVIEW',
        "",
        "connectors:",
    ]
    for call in calls:
        lines += _indent(_call_lines(call), 1)
    if not calls:
        lines.append("  {} # nothing here looks like a list or a case: declare `case` and `cases` by hand")
    return "\n".join(lines) + "\n"


def _call_lines(call: DraftCall) -> list[str]:
    lines = [f"{call.verb}: # {call.note}", *_indent(call.request, 1)]
    if any("$page." in line for line in call.request):
        lines.append(
            "  paging: {style: page, size: 50} # TODO: how the list goes on, and where its total stands"
        )
    if call.records:
        lines.append(f"  records: {yaml_expression(call.records)}")
    lines += ["  map:", *_indent(guess_map(CASE, call.leaves), 2)]
    rest = ", ".join(f"{leaf.path}{f' ({leaf.type})' if leaf.type else ''}" for leaf in call.leaves)
    if rest:
        lines.append(f"  # a record has: {' '.join(rest.split())}")
    if call.others:
        lines.append(f"  # other operations: {', '.join(call.others)}")
    lines.append("")
    return lines


def _indent(lines: Iterable[str], level: int) -> list[str]:
    return ["  " * level + line if line else "" for line in lines]
