"""Recorded cases as tests of one's own: with pytest, or whatever else calls functions and knows AssertionError.

import quanyu  # puts the rooms on the path where Quanyu is installed
from adapters.recording.testing import case_files, check_case

@pytest.mark.parametrize("file", case_files(Path("systems/cases")), ids=lambda file: file.stem)
def test_a_recorded_case_still_holds(file):
    check_case(file, systems=[Path("systems")])
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.recording.case import case_files, read_case
from adapters.recording.replay import replay_case
from adapters.recording.subject import load_subject, standing_in

__all__ = ["case_files", "check_case"]


def check_case(
    file: Path, *, systems: Sequence[Path] = (Path("systems"),), environment: Mapping[str, str] = os.environ
) -> None:
    """Replays one case against the declarations in `systems`; no system is called.

    Raises AssertionError with every difference, CaseError for a file that is none, SubjectError for a declaration that
    does not hold.
    """
    case = read_case(file)
    subject = load_subject(case.system, systems, standing_in(environment), file.parent)
    result = asyncio.run(replay_case(case, subject))
    if not result.ok:
        raise AssertionError("\n".join([f"{file} differs:", *map(str, result.differences)]))
