"""What the house subgraph's resolvers reach: the registry read from its files, and the facts of each system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.declaration import Declaration
from adapters.mapping.dates import NETWORK_OFFSET
from adapters.network import Network
from adapters.soap.wsdl import SoapService
from adapters.traffic.breaker import BreakerState as TrafficBreaker
from adapters.traffic.record import TrafficSnapshot
from adapters.validate import Known
from gateway.gaps import GapBook
from gateway.harvest.book import HarvestBook
from schema.canonical import CASE
from schema.errors import RegistryError, RegistryProblem
from schema.ports import HarvestFacts, LivePort, MappingFacts, SystemFacts, SystemHealthFacts
from schema.records_port import RecordsPort
from schema.registry import Registry
from schema.registry_files import REGISTRY_FILES, parse_registry
from schema.vocabulary import BreakerState, Capability, HealthState, Protocol, SystemLifecycle

__all__ = ["HouseContext", "Systems", "known_codes", "read_registry"]

_CAPABILITY = {
    "items": Capability.LIST_ITEMS,
    "case": Capability.GET_CASE,
    "cases": Capability.LIST_CASES,
    "changes": Capability.CHANGES_SINCE,
    "submit": Capability.SUBMIT,
    "supplement": Capability.SUPPLEMENT,
    "withdraw": Capability.WITHDRAW,
    "appointment": Capability.BOOK,
}
_BREAKER = {
    TrafficBreaker.CLOSED: BreakerState.CLOSED,
    TrafficBreaker.HALF_OPEN: BreakerState.HALF_OPEN,
    TrafficBreaker.OPEN: BreakerState.OPEN,
}


def read_registry(folder: Path, *, needed: bool = True) -> Registry:
    """Raises RegistryError with all problems; a file that is not there is one. needed: else there may be no folder,
    and the registry is empty."""
    if not needed and not folder.exists():
        return Registry()
    texts: dict[str, str] = {}
    problems: list[RegistryProblem] = []
    for name in REGISTRY_FILES:
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            problems.append(RegistryProblem(str(folder / name), 1, "", f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError:
            problems.append(RegistryProblem(str(folder / name), 1, "", "is not UTF-8"))
    if problems:
        raise RegistryError(problems)
    return parse_registry(texts)


def known_codes(registry: Registry) -> Known:
    return Known(
        frozenset(row.code for row in registry.departments),
        frozenset(row.code for row in registry.regions),
        frozenset(row.base_code for row in registry.items),
    )


@dataclass(frozen=True, slots=True)
class HouseContext:
    """`schema.ports.HouseContext` of one generation."""

    registry: Registry
    systems: Systems
    largest_page: int = 100
    live: LivePort | None = None
    records: RecordsPort | None = None


class Systems:
    """`schema.ports.SystemsPort` over the declarations and the network of one generation."""

    def __init__(
        self,
        declarations: Sequence[Declaration],
        services: Mapping[str, SoapService],
        network: Network,
        gaps: GapBook,
        harvests: HarvestBook | None = None,
    ) -> None:
        self._facts = {one.system.code: _facts(one, services.get(one.system.code)) for one in declarations}
        self._declarations = {one.system.code: one for one in declarations}
        self._network, self._gaps, self._harvests = network, gaps, harvests

    def systems(self) -> Sequence[SystemFacts]:
        return [self._facts[code] for code in sorted(self._facts)]

    def system(self, code: str) -> SystemFacts | None:
        return self._facts.get(code)

    def health(self, code: str) -> SystemHealthFacts:
        source = self._network.sources.get(code)
        if source is None:
            return SystemHealthFacts(
                HealthState.DOWN, BreakerState.CLOSED, last_error_code="WSDL_UNREACHABLE"
            )
        return _health(source.traffic.snapshot())

    async def mapping(self, code: str) -> MappingFacts:
        unmapped = _unmapped_fields(self._declarations[code])
        share = 1 - len(unmapped) / len(CASE.fields)
        return MappingFacts(await self._gaps.of(code), unmapped, round(share, 4))

    async def harvest(self, code: str) -> HarvestFacts:
        source = self._network.sources.get(code)
        if source is None or self._harvests is None:
            return HarvestFacts()
        return await self._harvests.of(source)

    def states(self) -> dict[str, str]:
        """For /health/ready: up, degraded, down or unknown."""
        words = {HealthState.UNTRIED: "unknown"}
        return {
            code: words.get(state := self.health(code).state, state.value.lower()) for code in self._facts
        }


def _facts(declaration: Declaration, service: SoapService | None) -> SystemFacts:
    system, source = declaration.system, declaration.source
    encoding = None
    if source.soap is not None:
        protocol = Protocol.SOAP_12 if service is not None and service.version == "1.2" else Protocol.SOAP_11
        encoding = source.soap.charset
    elif source.graphql is not None:
        protocol = Protocol.GRAPHQL
    else:
        xml = source.rest is not None and source.rest.format == "xml"
        protocol = Protocol.REST_XML if xml else Protocol.REST_JSON
        encoding = source.rest.charset if source.rest is not None else None
    return SystemFacts(
        system.code,
        system.name,
        system.owner,
        protocol,
        SystemLifecycle(system.lifecycle),
        tuple(
            _CAPABILITY[verb]
            for verb in (*declaration.connectors.declared(), *declaration.connectors.writes())
        ),
        system.vendor or None,
        encoding or "utf-8",
    )


def _health(snapshot: TrafficSnapshot) -> SystemHealthFacts:
    breaker = _BREAKER[snapshot.breaker_state]
    rate = snapshot.failures / snapshot.calls if snapshot.calls else None
    success, error = snapshot.last_success_at, snapshot.last_error_at
    failing_last = error is not None and (success is None or error > success)
    if breaker is BreakerState.OPEN:
        state = HealthState.DOWN
    elif not snapshot.calls:
        state = HealthState.UNTRIED
    elif failing_last and success is None and snapshot.last_error_code != "SOURCE_TIMEOUT":
        state = HealthState.DOWN
    else:
        state = HealthState.DEGRADED if failing_last or breaker is BreakerState.HALF_OPEN else HealthState.UP
    return SystemHealthFacts(
        state,
        breaker,
        _ms(snapshot.p50_s),
        _ms(snapshot.p95_s),
        round(rate, 4) if rate is not None else None,
        snapshot.calls,
        snapshot.failures,
        _text(success),
        snapshot.last_error_code,
        _text(error),
        snapshot.in_flight,
    )


def _unmapped_fields(declaration: Declaration) -> tuple[str, ...]:
    """Canonical fields that neither the single case nor the list maps."""
    connectors = declaration.connectors.declared()
    mapped = {
        name
        for verb in ("case", "cases")
        if verb in connectors
        for name, value in (connectors[verb].map or {}).items()
        if value is not None
    }
    implied = {"rawStatus"} if "state" in mapped else set()
    return tuple(field.name for field in CASE.fields if field.name not in mapped | implied)


def _ms(seconds: float | None) -> float | None:
    return round(seconds * 1000, 1) if seconds is not None else None


def _text(unix_s: float | None) -> str | None:
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).astimezone(NETWORK_OFFSET).isoformat(timespec="seconds")
