"""Reads a file of the calendar or of the warning rules into its model, with the places of all that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pydantic

from adapters.loader import Document, load
from adapters.problems import Problem
from adapters.remote.model_problems import model_problems
from gateway.tracking.errors import TrackingFileError

__all__ = ["parse_model", "read_text"]

M = TypeVar("M", bound=pydantic.BaseModel)


def read_text(path: Path) -> str:
    """Raises TrackingFileError for a file that is not there, not readable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TrackingFileError([Problem(path, 1, 1, "FILE_MISSING", "there is no such file")]) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise TrackingFileError(
            [Problem(path, 1, 1, "FILE_UNREADABLE", f"cannot be read: {reason}")]
        ) from None


def parse_model(path: Path, text: str, model: type[M]) -> tuple[M, Document]:
    """YAML (and JSON, which is YAML) to `model`. Raises TrackingFileError with all problems at once."""
    document = load(path, text)
    problems = list(document.problems)
    if document.tree is None and not problems:
        problems.append(Problem(path, 1, 1, "YAML_EMPTY", "the file holds nothing"))
    if not isinstance(document.tree, dict):
        if not problems:
            problems.append(Problem(path, 1, 1, "BAD_VALUE", "the file must hold a mapping"))
        raise TrackingFileError(problems)
    try:
        parsed = model.model_validate(document.tree)
    except pydantic.ValidationError as error:
        raise TrackingFileError([*problems, *model_problems(document, error, model)]) from None
    if problems:
        raise TrackingFileError(problems)
    return parsed, document
