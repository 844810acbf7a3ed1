"""Waiting for SIGTERM or Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["stop_signals"]


@contextmanager
def stop_signals() -> Iterator[Callable[[], None]]:
    """From here on a signal ends nothing by itself; the function returns once one has come.

    A pipe and no threading.Event: the wait that a handler interrupts may hold the very lock that `set` needs.
    """
    reader, writer = os.pipe()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: os.write(writer, b".")) for number in numbers}
    try:
        yield lambda: _wait(reader)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _wait(reader: int) -> None:
    os.read(reader, 1)
