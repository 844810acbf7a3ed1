"""Numbers that name cases and people: how they are built, checked, masked and turned into a reference.

Pure. Checks follow the standards' arithmetic only: length, date and check character. A birthplace prefix is
never judged, for real people hold numbers of divisions that no longer exist (GB 11643; domain.md section 0).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import date

from schema.errors import IdentifierError
from schema.vocabulary import ApplicantKind, IdType

__all__ = [
    "CaseId",
    "applicant_ref",
    "case_id",
    "check_resident_id",
    "check_uscc",
    "display_name",
    "event_id",
    "mask_address",
    "mask_id",
    "mask_id_in_charge",
    "mask_in_text",
    "mask_mobile",
    "mask_name",
    "mask_number",
    "normalise_number",
    "parse_case_id",
    "resident_check_character",
    "uscc_check_character",
]

_SYSTEM_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESIDENT_18 = re.compile(r"[0-9]{17}[0-9X]")
_RESIDENT_15 = re.compile(r"[0-9]{15}")
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I O S V Z
_RESIDENT_CHECK = "10X98765432"  # GB 11643, by the sum mod 11
_MASK = "*"
_ADDRESS_HEAD = re.compile(r".{0,15}?[省市州盟](?:.{1,8}?[区县市旗])?|.{1,8}?[区县旗]")
# A resident identity number has a date of birth inside, a social credit code does not: that tells them apart.
_IDENTITY_18 = re.compile(
    r"(?<!\d)([1-9]\d{2})\d{3}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}([\dXx])(?!\d)"
)
_IDENTITY_15 = re.compile(r"(?<!\d)([1-9]\d{2})\d{5}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{2}(\d)(?!\d)")
_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
_LONG_DIGITS = re.compile(r"\d{11}")


@dataclass(frozen=True, slots=True)
class CaseId:
    """The gateway's name of a case: which system, and the number that it goes by there."""

    system: str
    local_no: str

    def __str__(self) -> str:
        return case_id(self.system, self.local_no)


def case_id(system: str, local_no: str) -> str:
    """`JT-PERMIT:JT2017-000123`. The number may hold any printable text, colons too; the system code may not.

    Raises IdentifierError if either part cannot be in an id.
    """
    if not _SYSTEM_CODE.fullmatch(system):
        raise IdentifierError(f"system code {system!r} must be letters, digits, '.', '_' or '-'")
    if not local_no.strip() or not local_no.isprintable():
        raise IdentifierError(f"case number {local_no!r} of system {system} is empty or not printable")
    return f"{system}:{local_no}"


def parse_case_id(text: str) -> CaseId:
    """Inverse of `case_id`. Raises IdentifierError and says what a case id looks like."""
    system, colon, local_no = text.partition(":")
    if not colon:
        raise IdentifierError(f"case id {text!r} must be SYSTEM:NUMBER, such as JT-PERMIT:JT2017-000123")
    case_id(system, local_no)
    return CaseId(system, local_no)


def event_id(case: str, seq: int) -> str:
    """Id of the `seq`-th event (from 1) of the case with id `case`: `JT-PERMIT:JT2017-000123#3`."""
    return f"{case}#{seq}"


def resident_check_character(body: str) -> str:
    """Check character of the 17 digits of a citizen number: weights 2^(17-i) mod 11 (GB 11643)."""
    total = sum(int(digit) * pow(2, 17 - i, 11) for i, digit in enumerate(body))
    return _RESIDENT_CHECK[total % 11]


def check_resident_id(number: str) -> str:
    """Normal form (18 characters, capital X) of a citizen number; 15 digits of before 1999 are upgraded.

    Raises IdentifierError for a wrong length, a date that does not exist or a wrong check character.
    """
    text = number.strip().upper()
    if _RESIDENT_15.fullmatch(text):
        body = f"{text[:6]}19{text[6:]}"
        text = body + resident_check_character(body)
    if not _RESIDENT_18.fullmatch(text):
        raise IdentifierError("a resident identity number has 17 digits and a digit or X (or 15 digits)")
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise IdentifierError("the date of birth in the resident identity number does not exist") from None
    if resident_check_character(text[:17]) != text[17]:
        raise IdentifierError("the check character of the resident identity number is wrong")
    return text


def uscc_check_character(body: str) -> str:
    """Check character of the 17 characters of a social credit code: weights 3^i mod 31 (GB 32100)."""
    total = sum(_USCC_ALPHABET.index(character) * pow(3, i, 31) for i, character in enumerate(body))
    return _USCC_ALPHABET[-total % 31]


def check_uscc(number: str) -> str:
    """Normal form (capitals) of a unified social credit code.

    Raises IdentifierError for a wrong length, a character outside the alphabet or a wrong check character.
    """
    text = number.strip().upper()
    if len(text) != 18:
        raise IdentifierError(f"a unified social credit code has 18 characters, not {len(text)}")
    if any(character not in _USCC_ALPHABET for character in text):
        raise IdentifierError("a unified social credit code has digits and capitals without I, O, S, V, Z")
    if uscc_check_character(text[:17]) != text[17]:
        raise IdentifierError("the check character of the unified social credit code is wrong")
    return text


def normalise_number(id_type: str, number: str) -> str:
    """One spelling of an identity number, so that systems agree on the person.

    Numbers that break their standard come back trimmed and in capitals: legacy data holds such numbers.
    """
    text = "".join(number.split()).upper()
    try:
        if id_type == IdType.RESIDENT_ID:
            return check_resident_id(text)
        if id_type == IdType.USCC:
            return check_uscc(text)
    except IdentifierError:
        return text
    return text


def applicant_ref(key: bytes, id_type: str, number: str) -> str:
    """The same 64 hex digits for one applicant in every system; without `key` it says nothing of the number.

    HMAC-SHA256 of type and normalised number with a separator between. An empty key is refused (ValueError).
    """
    if not key:
        raise ValueError("applicant_ref needs a key: without one anyone could try all numbers")
    message = f"{id_type}\x1f{normalise_number(id_type, number)}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def mask_name(name: str) -> str:
    """陈某某 -> 陈**: the first character stays; a name of one character is hidden whole."""
    text = name.strip()
    if len(text) < 2:
        return _MASK * len(text)
    return text[0] + "".join(character if character.isspace() else _MASK for character in text[1:])


def mask_id(number: str) -> str:
    """First 3 and last 2 characters stay; of fewer than 8 nothing does."""
    return _keep(number.strip(), 3, 2, shortest=8)


def mask_id_in_charge(number: str) -> str:
    """As a clerk of the case sees it: first 6 (division) and last 4 characters; of fewer than 15 as `mask_id`."""
    text = number.strip()
    return _keep(text, 6, 4, shortest=15) if len(text) >= 15 else mask_id(text)


def mask_mobile(number: str) -> str:
    """138****0010: first 3 and last 4 stay; of fewer than 11 characters the last 2, of fewer than 7 nothing."""
    text = number.strip()
    return _keep(text, 3, 4, shortest=11) if len(text) >= 11 else _keep(text, 0, 2, shortest=7)


def mask_address(address: str) -> str:
    """重庆市城口县******: what follows the province, city and county is hidden; without those, all of it is."""
    text = address.strip()
    head = _ADDRESS_HEAD.match(text)
    kept = head.end() if head is not None and head.end() < len(text) else 0
    return text[:kept] + _MASK * min(6, len(text) - kept)


def mask_in_text(text: str) -> str:
    """Text with 18- and 15-digit identity numbers and 11-digit mobiles in it masked: first three, last one or four."""
    if not _LONG_DIGITS.search(text):
        return text
    text = _IDENTITY_18.sub(r"\1**************\2", text)
    text = _IDENTITY_15.sub(r"\1***********\2", text)
    return _MOBILE.sub(r"\1****\2", text)


def mask_number(id_type: str, number: str) -> str:
    """Social credit and organisation codes are open; every other number is masked."""
    if id_type in {IdType.USCC, IdType.ORG_CODE}:
        return number.strip()
    return mask_id(number)


def display_name(kind: str, name: str) -> str:
    """Names of companies and organisations are open; every other name is masked, that of an unknown kind too."""
    return name.strip() if kind in {ApplicantKind.LEGAL, ApplicantKind.OTHER_ORG} else mask_name(name)


def _keep(text: str, head: int, tail: int, *, shortest: int) -> str:
    if len(text) < shortest:
        return _MASK * len(text)
    return text[:head] + _MASK * (len(text) - head - tail) + text[len(text) - tail :]
