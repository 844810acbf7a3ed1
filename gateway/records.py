"""The ledger of a gateway from its settings: keys, witness, and the looks that the engine is given."""

from __future__ import annotations

from pathlib import Path

from adapters.applicant import filter_number
from gateway.database import Database
from gateway.ledger import Ledger, LedgerKeys, ledger_keys
from gateway.ledger.checkpoint import Signer
from gateway.ledger.service import LedgerMetrics
from gateway.ledger.witness import FileWitness
from gateway.looks import LookMetrics, Looks
from gateway.settings import Settings, kept_secret
from schema.identifiers import applicant_ref

__all__ = ["build_ledger", "build_looks", "read_ledger_keys", "witness_signer"]


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


def build_looks(ledger: Ledger, metrics: LookMetrics) -> Looks:
    def subject_ref(number: str) -> str:
        id_type, normal = filter_number(None, number)
        return applicant_ref(ledger.keys.subject_ref, id_type, normal)

    return Looks(ledger.recorder, subject_ref, metrics)
