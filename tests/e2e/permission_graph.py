"""The graph of the sample city as its declarations give it, for tests that look at all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.app import file_lookup
from gateway.directory import known_codes, read_registry
from gateway.subgraphs import Declared, load_declared
from tests.e2e.gateways import ROOT

__all__ = ["sample_graph"]


def sample_graph(environ: Mapping[str, str]) -> Declared:
    known = known_codes(read_registry(ROOT / "samples/data"))
    found = asyncio.run(load_declared(ROOT / "systems", file_lookup(environ), known, kept=lambda _name: None))
    found.raise_if_bad()
    return found
