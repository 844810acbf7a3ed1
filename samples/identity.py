"""Identity numbers with valid check digits: GB 11643 (citizens) and GB 32100 (legal persons). Pure."""

from __future__ import annotations

__all__ = ["citizen_number", "social_credit_code"]

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def citizen_number(region: str, birth: str, serial: int) -> str:
    """18 characters: six-digit region, birth as yyyymmdd, serial 0..999, ISO 7064 MOD 11-2 check (GB 11643-1999)."""
    body = f"{region}{birth}{serial:03d}"
    total = sum(int(digit) * pow(2, 17 - index, 11) for index, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def social_credit_code(kind: str, region: str, organisation: str) -> str:
    """18 characters: two for registrar and class, six-digit region, 8 of the organisation, two checks (GB 32100-2015).

    kind: `11` government body, `52` private school, `91` company, `92` sole trader, ...
    """
    body = kind + region + organisation + _organisation_check(organisation)
    total = sum(_USCC_ALPHABET.index(sign) * pow(3, index, 31) for index, sign in enumerate(body))
    return body + _USCC_ALPHABET[(31 - total % 31) % 31]


def _organisation_check(organisation: str) -> str:
    """Check sign of an organisation code (GB 11714-1997)."""
    total = sum(
        _ORG_ALPHABET.index(sign) * weight for sign, weight in zip(organisation, _ORG_WEIGHTS, strict=True)
    )
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))
