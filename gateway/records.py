"""The ledger of a gateway from its settings: keys, witness, and the looks that the engine is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapters.applicant import filter_number
from cache.pubsub import EmbeddedPubSub, PubSub
from cache.redis_link import FaultListener
from cache.redis_pubsub import RedisPubSub
from gateway.database import Database
from gateway.ledger import Ledger, LedgerKeys, ledger_keys
from gateway.ledger.checkpoint import CheckpointError, Signer, Verifier
from gateway.ledger.errors import KeyInvalid
from gateway.ledger.http_witness import HttpWitness
from gateway.ledger.service import LedgerMetrics
from gateway.ledger.witness import FileWitness, Witness
from gateway.ledger.writer import now_us
from gateway.live.feeds import Feeds, Sees
from gateway.live.hub import LiveHub
from gateway.live.reader import LiveReader
from gateway.looks import LookMetrics, Looks
from gateway.settings import Settings, kept_secret
from gateway.tracking.calendar.working_calendar import WorkingCalendar
from gateway.views.disclosure import DAY_US, DisclosureRules
from gateway.views.records import RecordViews
from schema.identifiers import applicant_ref
from schema.registry import Registry

__all__ = [
    "build_bell",
    "build_feeds",
    "build_ledger",
    "build_looks",
    "build_views",
    "read_ledger_keys",
    "subject_refs",
    "witness_signer",
]


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


def build_ledger(
    settings: Settings,
    database: Database,
    keys: LedgerKeys,
    metrics: LedgerMetrics,
    bell: PubSub | None = None,
) -> Ledger:
    """Not started yet. Raises OSError, KeyInvalid."""
    witnesses: list[Witness] = []
    if settings.witness_file:
        path = Path(settings.witness_file)
        witnesses.append(FileWitness(path, witness_signer(settings, path), keys.signer.verifier))
    if settings.witness_url:
        try:
            known = Verifier.parse(settings.witness_key)
        except CheckpointError as error:
            raise KeyInvalid(f"witness_key: {error}") from None
        witnesses.append(HttpWitness(settings.witness_url, known, keys.signer.verifier))
    return Ledger(
        database,
        keys,
        witnesses=witnesses,
        metrics=metrics,
        bell=bell,
        look_wait_s=settings.access_record_wait_s,
    )


def build_bell(settings: Settings, on_fault: FaultListener) -> PubSub:
    url = settings.redis_url.get_secret_value()
    return RedisPubSub(url, on_fault=on_fault) if url else EmbeddedPubSub()


def build_feeds(ledger: Ledger, registry: Registry, sees: Sees, *, shared: bool) -> Feeds:
    """shared: whether the ledger's bell is one of several processes."""
    hub = LiveHub(LiveReader(ledger.database), ledger.bell, shared=shared)
    return Feeds(hub, registry, ledger.keys.subject_ref, sees)


def build_views(
    settings: Settings, ledger: Ledger, registry: Registry, calendar: Callable[[], WorkingCalendar]
) -> RecordViews:
    rules = DisclosureRules(
        round(settings.disclosure_delay_days * DAY_US),
        frozenset(settings.disclosure_delayed),
        frozenset(settings.disclosure_withheld),
    )
    return RecordViews(ledger.database, ledger.writer, ledger.keys, registry, calendar, now_us, rules)


def build_looks(ledger: Ledger, metrics: LookMetrics) -> Looks:
    return Looks(ledger.recorder, subject_refs(ledger.keys), metrics)


def subject_refs(keys: LedgerKeys) -> Callable[[str], str]:
    """Number of a token -> reference of the applicant."""

    def subject_ref(number: str) -> str:
        id_type, normal = filter_number(None, number)
        return applicant_ref(keys.subject_ref, id_type, normal)

    return subject_ref
