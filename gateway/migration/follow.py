"""Steps of migrations as they are made, for those who follow them.

Each process knows within `migration_poll_s` that a migration has moved, whoever moved it; followers are woken by that
and read the steps themselves. Where a follower stands is the last version that it has seen of each migration: versions
have no gaps and no clock, so that no step is lost and none comes twice, over a new connection to another process too.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncGenerator, Mapping

import orjson

from gateway.migration.errors import CursorUnknown
from gateway.migration.service import Migrations
from gateway.migration.store import Step, Where

__all__ = ["follow", "parse_cursor", "write_cursor"]

Seen = dict[Where, int]
"""(system, part) -> the last version of it that was told."""
LONGEST = 100_000


async def follow(
    service: Migrations, system: str | None, after: str | None
) -> AsyncGenerator[tuple[Step, str], None]:
    """(step, cursor after it), of one migration or of all; never ends.

    after: a cursor; None begins with what is made from now on. Raises CursorUnknown, DatabaseUnavailable.
    """
    moved = service.moved
    if after is not None:
        seen = parse_cursor(after)
    else:
        # not what this process knows: a step made just before would come, or one just after be taken for known
        await service.refresh()
        seen = {where: state.version for where, state in service.states.items()}
    while True:
        for where in sorted(_ahead(service, system, seen)):
            for step in await service.store.steps_after(where, seen.get(where, 0)):
                seen[where] = step.version
                yield step, write_cursor(seen)
        if not _ahead(service, system, seen):
            await moved.wait()
        moved = service.moved


def _ahead(service: Migrations, system: str | None, seen: Mapping[Where, int]) -> list[Where]:
    return [
        where
        for where, state in service.states.items()
        if system in (None, where[0]) and state.version > seen.get(where, 0)
    ]


def write_cursor(seen: Mapping[Where, int]) -> str:
    rows = sorted((system, part, version) for (system, part), version in seen.items())
    return base64.urlsafe_b64encode(orjson.dumps(rows)).decode().rstrip("=")


def parse_cursor(text: str) -> Seen:
    """Raises CursorUnknown."""
    try:
        if len(text) > LONGEST:
            raise ValueError
        rows = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        if not isinstance(rows, list):
            raise TypeError
        found = {(system, part): version for system, part, version in rows}
        if not all(
            isinstance(one, str) and isinstance(part, str) and type(version) is int
            for (one, part), version in found.items()
        ):
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        raise CursorUnknown(
            "`after` is not a cursor of migrationEvents; take `cursor` of one that came, or leave it out."
        ) from None
    return found
