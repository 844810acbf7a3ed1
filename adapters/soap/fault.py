"""SOAP faults to what `$fault` means in a declaration: SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["fault_of"]

_PREFERRED = ("zh", "en")


def fault_of(tree: Any) -> dict[str, Any]:
    """tree: of the Fault element, whole. Codes without their prefixes; subcodes from the outer to the inner."""
    tree = tree if isinstance(tree, dict) else {}
    if "faultcode" in tree or "faultstring" in tree:
        message = tree.get("faultstring")
        return {
            "code": _unprefixed(tree.get("faultcode")),
            "subcode": None,
            "subcodes": [],
            "message": _text(message),
            "language": _language(message),
            "actor": _text(tree.get("faultactor")),
            "detail": tree.get("detail"),
        }
    code, reason = tree.get("Code"), _preferred(_inside(tree.get("Reason"), "Text"))
    subcodes = _subcodes(code)
    return {
        "code": _unprefixed(_inside(code, "Value")),
        "subcode": subcodes[0] if subcodes else None,
        "subcodes": subcodes,
        "message": _text(reason),
        "language": _language(reason),
        "actor": _text(tree.get("Role")) or _text(tree.get("Node")),
        "detail": tree.get("Detail"),
    }


def _subcodes(code: Any) -> list[str]:
    found: list[str] = []
    at = _inside(code, "Subcode")
    while isinstance(at, dict) and len(found) < 16:
        name = _unprefixed(at.get("Value"))
        if name is not None:
            found.append(name)
        at = at.get("Subcode")
    return found


def _preferred(texts: Any) -> Any:
    """Of a reason in several languages the Chinese, else the English, else the first."""
    if not isinstance(texts, list):
        return texts
    for language in _PREFERRED:
        for one in texts:
            if (_language(one) or "").lower().startswith(language):
                return one
    return texts[0] if texts else None


def _language(text: Any) -> str | None:
    given = getattr(text, "attributes", {}).get("@lang")
    return str(given) if given else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _inside(value: Any, name: str) -> Any:
    """A child of an element that may be text only, or not there."""
    return value.get(name) if isinstance(value, dict) else None


def _unprefixed(name: Any) -> str | None:
    return str(name).rpartition(":")[2] if isinstance(name, str) else None
