"""The harvest of one process from its settings: case files, harvester, and the schedule that runs them."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from gateway.casefile.files import CaseFiles, TrackingRules
from gateway.casefile.record import SubjectRef
from gateway.database import Database
from gateway.engine import GraphQLEngine
from gateway.harvest.history import HistoryHarvester
from gateway.harvest.model import HarvestLimits, HarvestObserver, HarvestReport, Lend, harvested_by
from gateway.harvest.push import Intake, PushObserver
from gateway.harvest.run import Harvester
from gateway.harvest.store import HarvestStore
from gateway.ledger import Ledger
from gateway.ledger.writer import now_us
from gateway.migration.tables import BACKFILL
from gateway.outbox import body_seal
from gateway.settings import Settings, secret_key_bytes
from gateway.tracking.calendar.calendar_file import OWN_CALENDAR, read_calendar
from gateway.tracking.errors import TrackingFileError
from gateway.tracking.warnings.rule_file import OWN_RULES, read_rules
from gateway.tracking.warnings.triggers import RuleBook
from schema.identifiers import applicant_ref
from schema.registry import Registry

if TYPE_CHECKING:
    from gateway.harvest.schedule import HarvestSchedule

__all__ = [
    "TrackingFiles",
    "build_case_files",
    "build_harvester",
    "build_historian",
    "build_intake",
    "build_schedule",
    "read_tracking_rules",
]

log = structlog.get_logger("gateway.harvest")

LOOK_S = 1.0


def read_tracking_rules(settings: Settings) -> TrackingRules:
    """Raises TrackingFileError."""
    calendars = [Path(file) for file in settings.calendar_files]
    path = Path(settings.warning_rules) if settings.warning_rules else OWN_RULES
    calendar, rules = read_calendar(calendars), read_rules(path)
    basis = f"{calendar.version}#{_digest(OWN_CALENDAR, *calendars)}.{_digest(path)}"
    return TrackingRules(calendar, RuleBook(rules), basis, now_us())


def _digest(*paths: Path) -> str:
    """Of what the files hold: a version may have been forgotten."""
    return blake2b(b"\0".join(path.read_bytes() for path in paths), digest_size=6).hexdigest()


class TrackingFiles:
    """Calendar and rules in service. Where `watch` is set their files are looked at again each second that they are
    used; one that cannot be read leaves those before it in service, and is told of in the log, once."""

    def __init__(self, settings: Settings) -> None:
        """Raises TrackingFileError."""
        self._settings = settings
        named = [*settings.calendar_files, *([settings.warning_rules] if settings.warning_rules else [])]
        self._paths = [Path(name) for name in named]
        self._marks = self._seen()
        self._rules = read_tracking_rules(settings)
        self._looked_s = time.monotonic()

    def __call__(self) -> TrackingRules:
        if self._settings.watch and time.monotonic() - self._looked_s >= LOOK_S:
            self.look()
        return self._rules

    def look(self) -> None:
        """Reads files that have changed."""
        self._looked_s = time.monotonic()
        marks = self._seen()
        if marks == self._marks:
            return
        self._marks = marks
        try:
            self._rules = read_tracking_rules(self._settings)
        except (TrackingFileError, OSError) as error:
            log.error("calendar or rules cannot be read; those before stay in service", fault=str(error))
        else:
            log.info("calendar and rules were read again", basis=self._rules.basis)

    def _seen(self) -> list[tuple[int, int, int] | None]:
        found: list[tuple[int, int, int] | None] = []
        for path in self._paths:
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return found


def build_case_files(
    database: Database,
    ledger: Ledger,
    registry: Registry,
    rules: Callable[[], TrackingRules],
    lend: Lend,
) -> CaseFiles:
    def owner(system: str) -> str | None:
        with lend() as sources:
            source = sources.get(system)
            return source.declaration.system.owner if source is not None else None

    return CaseFiles(database, ledger.writer, registry, rules, now_us, owner)


def build_harvester(
    settings: Settings,
    ledger: Ledger,
    files: CaseFiles,
    lend: Lend,
    *,
    observer: HarvestObserver | None = None,
    on_progress: Callable[[HarvestReport], None] | None = None,
) -> Harvester:
    return Harvester(
        lend,
        HarvestStore(ledger.database),
        ledger.writer,
        files,
        _subject_ref(ledger),
        **_how(settings),
        on_progress=on_progress,
        observer=observer,
    )


def build_historian(
    settings: Settings,
    ledger: Ledger,
    files: CaseFiles,
    lend: Lend,
    *,
    on_progress: Callable[[HarvestReport], None] | None = None,
) -> HistoryHarvester:
    """For the whole history of systems on their way out."""
    store = HarvestStore(ledger.database, BACKFILL)
    return HistoryHarvester(
        lend, store, ledger.writer, files, _subject_ref(ledger), **_how(settings), on_progress=on_progress
    )


def _subject_ref(ledger: Ledger) -> SubjectRef:
    return lambda id_type, number: applicant_ref(ledger.keys.subject_ref, id_type, number)


def _how(settings: Settings) -> dict[str, Any]:
    return {
        "holder": f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}",
        "clock": now_us,
        "limits": HarvestLimits(
            lease_s=settings.harvest_lease_s, page_timeout_s=settings.harvest_lease_s / 2
        ),
    }


def build_intake(
    settings: Settings,
    ledger: Ledger,
    files: CaseFiles,
    lend: Lend,
    *,
    observer: PushObserver | None = None,
) -> Intake:
    """For what systems push."""
    seal = body_seal(settings.outbox_keys.get_secret_value(), secret_key_bytes(settings))
    return Intake(
        lend,
        HarvestStore(ledger.database),
        ledger.writer,
        files,
        seal,
        clock=now_us,
        observer=observer,
    )


def build_schedule(
    settings: Settings,
    engine: GraphQLEngine,
    harvester: Harvester,
    files: CaseFiles,
    intake: Intake,
    *,
    retired: Callable[[str], bool] = lambda _system: False,
) -> HarvestSchedule:
    """retired: whether a system was replaced, and may not be asked any more."""
    # docket takes half a second to import: no other command than those that harvest should wait for it
    from gateway.harvest.schedule import HarvestSchedule
    from gateway.harvest.tasks import EMBEDDED

    def systems() -> Mapping[str, float]:
        with engine.lend_sources() as sources:
            return {
                code: source.declaration.harvest.every_s or settings.harvest_every_s
                for code, source in sources.items()
                if not retired(code)
                and (harvested_by(source) is not None or (source.push is not None and source.can("case")))
            }

    return HarvestSchedule(
        harvester,
        harvester.store,
        files,
        intake,
        systems,
        now_us,
        url=settings.redis_url.get_secret_value() or EMBEDDED,
        at_once=settings.harvest_at_once,
        grace_s=settings.drain_s,
        lease_s=settings.harvest_lease_s,
    )
