"""What a client sends, against what the declaration takes: every problem at once, each with its field, before anything
is recorded. Pure."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.applicant import filter_number
from adapters.problems import one_of
from adapters.write_model import Accepts, FormField, MaterialRule
from schema.errors import IdentifierError, ScalarError
from schema.identifiers import check_resident_id, check_uscc
from schema.scalars import parse_date, parse_datetime

__all__ = ["FormProblem", "SubmissionRefused", "applicant_args", "form_args", "free_text", "key_problem"]

_KEY = re.compile(r"[\x21-\x7e]{8,128}")
_LONGEST_TEXT = 2000
_LARGEST = 2**53
"""Beyond it JSON numbers are not the same everywhere (RFC 8259 section 6)."""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """field: where in the input, dotted. The message never repeats a value."""

    code: str
    field: str
    message: str


class SubmissionRefused(Exception):
    """Nothing was recorded and nothing is sent: the client's own mistakes, all of them."""

    def __init__(self, *problems: FormProblem) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


@dataclass(slots=True)
class _Form:
    problems: list[FormProblem] = field(default_factory=list)

    def add(self, code: str, place: str, message: str) -> None:
        self.problems.append(FormProblem(code, place, message))


def key_problem(key: str) -> FormProblem | None:
    if _KEY.fullmatch(key):
        return None
    message = "idempotencyKey must have 8 to 128 visible ASCII characters, such as a UUID"
    return FormProblem("IDEMPOTENCY_KEY_INVALID", "idempotencyKey", message)


def applicant_args(given: Mapping[str, Any], accepts: Accepts) -> tuple[dict[str, Any], list[FormProblem]]:
    """`$args.applicant`: {kind, name, idType, idNumber, mobile, legalRepresentative}, normalised."""
    form = _Form()
    id_type, number = filter_number(given.get("idType"), given.get("number") or "")
    try:
        if id_type == "RESIDENT_ID":
            check_resident_id(number)
        elif id_type == "USCC":
            check_uscc(number)
        elif not number:
            raise IdentifierError("the number is empty")
    except IdentifierError as error:
        form.add("IDENTIFIER_INVALID", "applicant.number", f"applicant.number: {error}")
    kind = given.get("kind") or ("LEGAL" if id_type in ("USCC", "ORG_CODE") else "NATURAL")
    applicant = {"kind": kind, "idType": id_type, "idNumber": number}
    for name in ("name", "mobile", "legalRepresentative"):
        text = (given.get(name) or "").strip()
        if (
            not text
            and name in accepts.applicant
            and not (name == "legalRepresentative" and kind == "NATURAL")
        ):
            form.add("FIELD_MISSING", f"applicant.{name}", f"applicant.{name} is needed by this system")
        if len(text) > 200:
            form.add("FIELD_INVALID", f"applicant.{name}", f"applicant.{name} has more than 200 characters")
        applicant[name] = text or None
    return applicant, form.problems


def form_args(
    accepts: Accepts, fields: Any, materials: Sequence[Mapping[str, Any]] | None, *, at: str = ""
) -> tuple[dict[str, Any], list[FormProblem]]:
    """`$args.fields` and `$args.materials`; at: the path of the input that both stand in."""
    form = _Form()
    given = fields if fields is not None else {}
    if not isinstance(given, Mapping):
        form.add("FIELD_INVALID", f"{at}fields", "fields must be an object: name -> value")
        given = {}
    values: dict[str, Any] = {}
    for name, rule in accepts.fields.items():
        place, value = f"{at}fields.{name}", given.get(name)
        if value is None or value == "":
            if rule.required:
                form.add("FIELD_MISSING", place, f"{place} is needed{_labelled(rule)}")
            continue
        try:
            values[name] = _fitted(rule, value)
        except _Unfit as problem:
            form.add("FIELD_INVALID", place, f"{place}{_labelled(rule)}: {problem}")
    for name in given.keys() - accepts.fields.keys():
        message = f"this system has no field {str(name)[:60]!r}; {one_of(str(name), accepts.fields)}"
        form.add("FIELD_UNKNOWN", f"{at}fields.{str(name)[:60]}", message)
    papers = dict(_papers(form, accepts.materials, materials or (), f"{at}materials"))
    return {"fields": values, "materials": papers}, form.problems


class _Unfit(Exception):
    pass


def _labelled(rule: FormField) -> str:
    return f" ({rule.label})" if rule.label else ""


def _fitted(rule: FormField, value: Any) -> Any:
    match rule.type:
        case "boolean":
            if not isinstance(value, bool):
                raise _Unfit("true or false is expected")
            return value
        case "integer" | "decimal":
            return _number(rule, value)
        case "date" | "datetime":
            try:
                return parse_date(value) if rule.type == "date" else parse_datetime(value)
            except ScalarError as error:
                raise _Unfit(str(error).partition(", got ")[0]) from None
        case "choice":
            text = str(value)
            if text not in rule.choices:
                raise _Unfit(one_of(text, rule.choices))
            return text
    if not isinstance(value, str):
        raise _Unfit("text is expected")
    text = value.strip()
    if len(text) > rule.max_length:
        raise _Unfit(f"at most {rule.max_length} characters, got {len(text)}")
    if any(ord(sign) < 32 and sign not in "\t\n\r" for sign in text):
        raise _Unfit("it holds control characters")
    if rule.pattern is not None and not re.fullmatch(rule.pattern, text[: rule.max_length]):
        raise _Unfit(f"it does not fit {rule.pattern}")
    return text


def _number(rule: FormField, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Unfit("a number is expected")
    if abs(value) > _LARGEST:
        raise _Unfit(f"at most {_LARGEST}")
    if rule.type == "integer":
        if value != int(value):
            raise _Unfit("a whole number is expected")
        value = int(value)
    if rule.least is not None and value < rule.least:
        raise _Unfit(f"at least {rule.least:g}")
    if rule.most is not None and value > rule.most:
        raise _Unfit(f"at most {rule.most:g}")
    return value


def _papers(
    form: _Form, rules: Mapping[str, MaterialRule], given: Sequence[Mapping[str, Any]], at: str
) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for index, paper in enumerate(given):
        place, code = f"{at}.{index}", str(paper["code"])
        rule = rules.get(code)
        if rule is None:
            form.add(
                "MATERIAL_UNKNOWN",
                place,
                f"this system takes no material {code[:60]!r}; {one_of(code, rules)}",
            )
            continue
        if code in seen:
            form.add("FIELD_INVALID", place, f"material {code} is there twice")
            continue
        seen.add(code)
        content = "".join(str(paper["content"]).split())
        size = _decoded_size(content)
        media = paper.get("mediaType") or "application/octet-stream"
        if size is None:
            form.add("FIELD_INVALID", f"{place}.content", f"material {code}: content is not base64")
        elif size > rule.max_kb * 1024:
            form.add("FIELD_INVALID", f"{place}.content", f"material {code} is larger than {rule.max_kb} KiB")
        elif rule.types and media not in rule.types:
            form.add("FIELD_INVALID", f"{place}.mediaType", f"material {code}: {one_of(media, rule.types)}")
        else:
            name = str(paper.get("name") or rule.name or code)[:200]
            yield code, {"code": code, "name": name, "mediaType": media, "content": content, "size": size}
    for code, rule in rules.items():
        if rule.required and code not in seen:
            named = f" ({rule.name})" if rule.name else ""
            form.add("MATERIAL_MISSING", at, f"material {code}{named} is needed")


def _decoded_size(content: str) -> int | None:
    try:
        return len(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        return None


def free_text(
    value: str | None, place: str, *, required: bool = False
) -> tuple[str | None, list[FormProblem]]:
    """A sentence of the applicant's own, such as why a case is withdrawn."""
    text = (value or "").strip()
    if required and not text:
        return None, [FormProblem("FIELD_MISSING", place, f"{place} is needed")]
    if len(text) > _LONGEST_TEXT:
        return None, [
            FormProblem("FIELD_INVALID", place, f"{place} has more than {_LONGEST_TEXT} characters")
        ]
    return text or None, []
