"""GraphQL services that departments run themselves, as subgraphs over HTTP."""

from __future__ import annotations
