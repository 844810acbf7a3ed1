"""The sample city's registry, a systems port that is nothing but facts, and a way to ask the house subgraph."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLSchema, graphql

from schema.ports import HarvestFacts, MappingFacts, MappingGapFacts, SystemFacts, SystemHealthFacts
from schema.registry import Registry
from schema.registry_files import REGISTRY_FILES, parse_registry
from schema.subgraphs import executable, house_schema
from schema.vocabulary import BreakerState, Capability, HealthState, Protocol, SystemLifecycle

DATA = Path(__file__).parents[2] / "samples" / "data"

TRANSPORT = "115000000090001627"
TOURISM = "115000000090002858"

Ask = Callable[..., Awaitable[ExecutionResult]]


@dataclass(frozen=True, slots=True)
class FixedSystems:
    """A SystemsPort over given facts."""

    facts: Sequence[SystemFacts]
    gaps: Mapping[str, MappingFacts]
    states: Mapping[str, SystemHealthFacts]
    harvests: Mapping[str, HarvestFacts] = field(default_factory=dict)

    def systems(self) -> Sequence[SystemFacts]:
        return self.facts

    def system(self, code: str) -> SystemFacts | None:
        return next((facts for facts in self.facts if facts.code == code), None)

    def health(self, code: str) -> SystemHealthFacts:
        return self.states.get(code, SystemHealthFacts(HealthState.UNTRIED, BreakerState.CLOSED))

    async def mapping(self, code: str) -> MappingFacts:
        return self.gaps.get(code, MappingFacts())

    async def harvest(self, code: str) -> HarvestFacts:
        return self.harvests.get(code, HarvestFacts())


@dataclass(frozen=True, slots=True)
class Context:
    registry: Registry
    systems: FixedSystems
    largest_page: int = 100
    records: None = None


@pytest.fixture(scope="session")
def registry_texts() -> dict[str, str]:
    return {name: (DATA / name).read_text(encoding="utf-8") for name in REGISTRY_FILES}


@pytest.fixture(scope="session")
def registry(registry_texts: dict[str, str]) -> Registry:
    return parse_registry(registry_texts)


@pytest.fixture(scope="session")
def house() -> GraphQLSchema:
    return executable(house_schema())


@pytest.fixture
def systems() -> FixedSystems:
    seen = "2017-11-20T10:00:00+08:00"
    return FixedSystems(
        facts=[
            SystemFacts(
                code="LVJ-AGENCY",
                name="旅行社审批系统",
                owner=TOURISM,
                protocol=Protocol.SOAP_12,
                lifecycle=SystemLifecycle.FROZEN,
            ),
            SystemFacts(
                code="JT-PERMIT",
                name="超限运输许可系统",
                owner=TRANSPORT,
                protocol=Protocol.SOAP_11,
                lifecycle=SystemLifecycle.CONNECTED,
                capabilities=(Capability.GET_CASE, Capability.LIST_CASES),
                encoding="GB18030",
            ),
        ],
        states={
            "JT-PERMIT": SystemHealthFacts(
                HealthState.UP, BreakerState.CLOSED, latency_p50_ms=12.5, calls=7, last_success_at=seen
            )
        },
        gaps={
            "JT-PERMIT": MappingFacts(
                gaps=(MappingGapFacts("state", "77", 3, seen, seen),), mapped_share=0.99
            )
        },
    )


@pytest.fixture
def ask(house: GraphQLSchema, registry: Registry, systems: FixedSystems) -> Ask:
    """Ask the house subgraph; returns graphql-core's result."""

    async def ask(query: str, **variables: Any) -> ExecutionResult:
        return await graphql(
            house, query, variable_values=variables, context_value=Context(registry, systems)
        )

    return ask
