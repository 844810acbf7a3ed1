"""The ledger of a gateway from its settings: keys, witness, and the looks that the engine is given."""

from __future__ import annotations

from pathlib import Path

from adapters.case_filter import filter_number
from gateway.database import Database
from gateway.ledger import Ledger, LedgerKeys, ledger_keys
from gateway.ledger.checkpoint import Signer
from gateway.ledger.service import LedgerMetrics
from gateway.ledger.witness import FileWitness
from gateway.ledger.writer import now_us
from gateway.looks import LookMetrics, Looks
from gateway.settings import Settings, kept_secret
from gateway.tracking.calendar.calendar_file import read_calendar
from gateway.views.disclosure import DAY_US, DisclosureRules
from gateway.views.records import RecordViews
from schema.identifiers import applicant_ref
from schema.registry import Registry

__all__ = ["build_ledger", "build_looks", "build_views", "read_ledger_keys", "witness_signer"]


def read_ledger_keys(settings: Settings) -> LedgerKeys:
    """Raises KeyInvalid, OSError where a new key cannot be kept."""
    return ledger_keys(
        settings.ledger_origin,
        kept_secret(settings.ledger_key, settings.data_dir / "ledger_key"),
        kept_secret(settings.subject_key, settings.data_dir / "subject_key"),
    )


def witness_signer(settings: Settings, path: Path) -> Signer:
    """The file witness's own key lies beside its file: whoever owns the file owns the witness."""
    secret = kept_secret(type(settings.ledger_key)(""), path.with_name(path.name + ".key"))
    name = f"{settings.ledger_origin}/witness"
    return Signer.from_seed(name, ledger_keys(name, secret, secret).master)


def build_ledger(settings: Settings, database: Database, keys: LedgerKeys, metrics: LedgerMetrics) -> Ledger:
    """Not started yet. Raises OSError."""
    witnesses = []
    if settings.witness_file:
        path = Path(settings.witness_file)
        witnesses.append(FileWitness(path, witness_signer(settings, path), keys.signer.verifier))
    return Ledger(database, keys, witnesses=witnesses, metrics=metrics)


def build_views(settings: Settings, ledger: Ledger, registry: Registry) -> RecordViews:
    """Raises TrackingFileError."""
    calendar = read_calendar(tuple(Path(name) for name in settings.calendar_files))
    rules = DisclosureRules(
        round(settings.disclosure_delay_days * DAY_US),
        frozenset(settings.disclosure_delayed),
        frozenset(settings.disclosure_withheld),
    )
    return RecordViews(ledger.database, ledger.writer, ledger.keys, registry, lambda: calendar, now_us, rules)


def build_looks(ledger: Ledger, metrics: LookMetrics) -> Looks:
    def subject_ref(number: str) -> str:
        id_type, normal = filter_number(None, number)
        return applicant_ref(ledger.keys.subject_ref, id_type, normal)

    return Looks(ledger.recorder, subject_ref, metrics)
