"""A value of a request to the text of its XSD type. Pure.

Numbers, booleans and bytes are held to their type, since a wrong one is found by nobody else until the system answers
nonsense. Dates go as the template wrote them: many systems take forms of their own where their WSDL says xsd:dateTime.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from zeep.xsd.types import builtins
from zeep.xsd.types.collection import ListType, UnionType

__all__ = ["BadText", "simple_text"]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN")


class BadText(ValueError):
    """A value does not fit its type; the message names the type, never the value."""


def simple_text(xsd_type: Any, value: Any) -> str:
    """Raises BadText."""
    if isinstance(xsd_type, ListType):
        items = value if isinstance(value, list) else str(value).split()
        return " ".join(simple_text(xsd_type.item_type, one) for one in items)
    if isinstance(value, bytes):
        return _written_bytes(xsd_type, value)
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, int | float):
        text = str(value)
    else:
        raise BadText(f"no value for the type {_name(xsd_type)}")
    if not isinstance(xsd_type, UnionType) and not _fits(xsd_type, text.strip()):
        raise BadText(f"no value of the type {_name(xsd_type)}")
    return text


def _fits(xsd_type: Any, text: str) -> bool:
    if isinstance(xsd_type, builtins.Boolean):
        return text in ("true", "false", "1", "0")
    if isinstance(xsd_type, builtins.Integer):
        return _INTEGER.fullmatch(text) is not None
    if isinstance(xsd_type, builtins.Decimal):
        return _DECIMAL.fullmatch(text) is not None
    if isinstance(xsd_type, builtins.Float | builtins.Double):
        return _FLOAT.fullmatch(text) is not None
    if isinstance(xsd_type, builtins.Base64Binary):
        return _is_base64(text)
    return True


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _written_bytes(xsd_type: Any, value: bytes) -> str:
    if isinstance(xsd_type, builtins.HexBinary):
        return value.hex().upper()
    if isinstance(xsd_type, builtins.Base64Binary) or type(xsd_type).__name__ == "AnyType":
        return base64.b64encode(value).decode("ascii")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadText(f"bytes, where the type is {_name(xsd_type)}") from None


def _name(xsd_type: Any) -> str:
    return str(getattr(xsd_type, "name", None) or type(xsd_type).__name__)
