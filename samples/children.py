"""Child processes of the sample city: started together, awaited by their first line, stopped by their ids.

A child follows its parent through a pipe on its standard input: whatever way the parent ends, the pipe closes and the
child stops by itself.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ChildFailedError", "running_children"]

ROOT = Path(__file__).parent.parent
STOP_TIMEOUT_S = 5.0


class ChildFailedError(RuntimeError):
    """A child ended before it said where it listens."""

    def __init__(self, arguments: Sequence[str], code: int | None, output: str) -> None:
        super().__init__(
            f"`python -m samples {' '.join(arguments)}` ended with code {code} before it was ready"
            f" (its first line: {output.strip() or 'none'}); run it by itself to see why"
        )


@contextlib.contextmanager
def running_children(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str]
) -> Iterator[list[Any]]:
    """Run `python -m samples ARGUMENTS --with-parent` for each command at once.

    Yields the JSON value of each child's first line, in the order of `commands`; stops all children on exit.
    Raises ChildFailedError where one ends early.
    """
    children: list[subprocess.Popen[str]] = []
    try:
        children.extend(_start(arguments, environment) for arguments in commands)
        yield [_first_line(child, arguments) for child, arguments in zip(children, commands, strict=True)]
    finally:
        _stop(children)


def _start(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
        [sys.executable, "-m", "samples", *arguments, "--with-parent"],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C reaches the parent only, which then stops its children in order
    )


def _first_line(child: subprocess.Popen[str], arguments: Sequence[str]) -> Any:  # Any: JSON
    assert child.stdout is not None  # noqa: S101 - PIPE was asked for
    line = child.stdout.readline()
    try:
        return json.loads(line)
    except ValueError as problem:
        child.kill()
        raise ChildFailedError(arguments, child.wait(), line) from problem


def _stop(children: Sequence[subprocess.Popen[str]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
