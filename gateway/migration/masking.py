"""Values of differences as people may see them: what names a person is masked, the rest shortened. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.telemetry.logs import mask_personal_data

__all__ = ["shown_value"]

LONGEST = 200
_PERSONAL = ("applicant", "actor", "opinion")


def shown_value(path: str, value: Any) -> str:
    """As JSON. Of a field that names people only its length and its ends are shown: enough to see how two differ."""
    if value is None:
        return "null"
    if isinstance(value, str) and any(part in _PERSONAL for part in path.replace("[]", "").split(".")):
        hidden = f"{value[:1]}{'*' * max(0, len(value) - 2)}{value[-1:] if len(value) > 1 else ''}"
        return orjson.dumps(hidden[:LONGEST]).decode()
    text = orjson.dumps(value, default=str).decode()
    return mask_personal_data(text)[:LONGEST]
