"""Log lines: one JSON object each (or coloured text), safe to read in a terminal and without personal data.

Whoever logs names the fields; queries, variables and records are never among them. As a second fence every text
is masked (identity numbers, mobiles), freed of control characters and cut. Social credit codes 统一社会信用代码 stay.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import Processor

from schema.identifiers import mask_in_text

__all__ = ["configure_logging", "mask_personal_data", "safe_text"]

LogFormat = Literal["json", "console"]

MAX_TEXT = 2000
MAX_ITEMS = 50
MAX_DEPTH = 4
SHORTEST_NUMBER = 11
"""Characters of the shortest number that is masked, a mobile's."""
_SMALL = 10 ** (SHORTEST_NUMBER - 1)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_HEX_FIELDS = frozenset({"trace_id", "span_id"})
"""Made by machines, hexadecimal: a run of digits in one is chance."""


def mask_personal_data(text: str) -> str:
    """`text` with 18- and 15-digit identity numbers and 11-digit mobiles masked: first three, last one or four digits."""
    return mask_in_text(text)


def safe_text(text: str) -> str:
    """`text` masked, on one line (control, ANSI and direction characters as \\uXXXX) and at most MAX_TEXT long."""
    if len(text) < SHORTEST_NUMBER and text.isprintable():  # nearly all: too short for a number of a person
        return text
    if len(text) > MAX_TEXT:
        # Mask before the cut: half an identity number at the end would pass the mask.
        text = mask_personal_data(text[: MAX_TEXT * 2])[:MAX_TEXT] + f"… ({len(text)} characters)"
    text = mask_personal_data(text)
    return _CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def configure_logging(
    *, level: str = "info", log_format: LogFormat = "json", stream: TextIO | None = None
) -> None:
    """Sends structlog's and the standard library's lines to `stream` (standard error) in one shape.

    Called once by the program's entry; libraries and tests need not call it.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _clean,
    ]
    render: Processor = (
        _json if log_format == "json" else structlog.dev.ConsoleRenderer(colors=target.isatty())
    )
    severity = logging.getLevelNamesMapping()[level.upper()]
    # Our own lines go straight to the stream: a standard library record for each would double their cost.
    structlog.configure(
        processors=[*shared, render],
        logger_factory=structlog.WriteLoggerFactory(target),
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        cache_logger_on_first_use=False,
    )
    _configure_standard_library(target, severity, shared, render)


def _configure_standard_library(
    target: TextIO, severity: int, shared: list[Processor], render: Processor
) -> None:
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(severity)
    # at debug they show what was asked, sent or written: people, and secrets
    for noisy in (
        "httpx",
        "httpcore",
        "zeep",
        "watchfiles",
        "websockets",
        "aiosqlite",
        "asyncpg",
        "sqlalchemy",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)  # uvicorn's copy of its text with ANSI colours
    for key, value in event.items():
        if key not in _HEX_FIELDS and not key.startswith("_"):
            event[key] = _clean_value(value, MAX_DEPTH)
    return event


def _clean_value(value: Any, depth: int) -> Any:
    """JSON-able and safe; anything beyond the caps is counted, not shown."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if -_SMALL < value < _SMALL:
            return value
        # A number may be an identity number too: it is looked at as text.
        return value if (text := str(value)) == (masked := mask_personal_data(text)) else masked
    if isinstance(value, str):
        return safe_text(value)
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        shown = {
            safe_text(str(key)): _clean_value(item, depth - 1)
            for key, item in list(value.items())[:MAX_ITEMS]
        }
        return shown | ({"…": len(value)} if len(value) > MAX_ITEMS else {})
    if isinstance(value, list | tuple | set | frozenset):
        items = [_clean_value(item, depth - 1) for item in list(value)[:MAX_ITEMS]]
        return [*items, f"… ({len(value)})"] if len(value) > MAX_ITEMS else items
    return safe_text(str(value))


def _json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return orjson.dumps({**first, **event}, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
