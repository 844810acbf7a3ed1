"""Files that a declaration names beside itself: keys and certificates. Their paths, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "beside"]

FOLDER = "folder"
"""Name in the validation context: the folder of the declaration."""


def beside(path: str, context: Any) -> str:
    """The path from the declaration's folder, where the validation context gives it; else as it stands."""
    folder = context.get(FOLDER) if isinstance(context, dict) else None
    return str(Path(folder, path)) if isinstance(folder, str | Path) else path
