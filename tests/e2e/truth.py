"""What the sample systems really hold, from their generator: what the gateway's answers are measured by."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from samples.cases import Case, generate_cases
from samples.catalogue import SYSTEMS
from samples.register import Dialect
from samples.registry import load_registry
from samples.serve import DEFAULT_SEED

__all__ = ["cases_of", "dialect_of", "everything"]


def dialect_of(system: str) -> Dialect:
    module = import_module(f"samples.servers.{system.lower().replace('-', '_')}")
    dialect: Dialect = module.DIALECT
    return dialect


@cache
def cases_of(system: str) -> tuple[Case, ...]:
    """All cases of one system, newest first."""
    module = import_module(f"samples.servers.{system.lower().replace('-', '_')}")
    kinds = frozenset(dialect_of(system).events) - getattr(module, "ONLY_FILED", frozenset())
    return generate_cases(SYSTEMS[system], load_registry(), seed=DEFAULT_SEED, kinds=kinds)


@cache
def everything() -> dict[str, Case]:
    """Case id -> case, of all systems."""
    return {f"{system}:{case.number}": case for system in SYSTEMS for case in cases_of(system)}
