"""A request that names its document -> the request with the text; and whether a text may run at all.

Automatic persisted queries: https://www.apollographql.com/docs/apollo-server/performance/apq. Forms of an id: GraphQL
over HTTP's proposal (`documentId`), Relay's (`id`, `doc_id`), Apollo's (`extensions.persistedQuery.sha256Hash`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import structlog

from cache.store import Store
from gateway.documents.errors import DocumentRefused
from gateway.documents.manifest import Manifest
from gateway.request import GraphQLRequest

__all__ = ["KEEP_S", "LONGEST_KEPT", "Documents", "Mode"]

Mode = Literal["log", "known", "id"]
KEEP_S: Final = 86_400.0
LONGEST_KEPT: Final = 65_536
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MISSING: Final = "PersistedQueryNotFound"
"""Apollo's clients look for this word."""


@dataclass(slots=True)
class Documents:
    """store: of documents under their hash, None where they are not kept. manifest: None where none is declared;
    replaced whole when its files change. is_personal: whether a text holds what must not be kept."""

    store: Store | None = None
    manifest: Manifest | None = None
    mode: Mode = "known"
    is_personal: Callable[[str], bool] = lambda _text: False
    unknown: int = 0
    log: structlog.typing.FilteringBoundLogger = field(
        default_factory=lambda: structlog.get_logger("gateway.documents"), repr=False
    )

    async def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """Raises DocumentRefused."""
        sha256 = _hash_of(request)
        if not request.query:
            return await self._named(request, sha256)
        if sha256 is not None and hashlib.sha256(request.query.encode()).hexdigest() != sha256:
            raise DocumentRefused(
                "PERSISTED_QUERY_HASH_MISMATCH",
                "provided sha does not match query: `sha256Hash` is of another text",
            )
        self._check(request)
        return request

    async def keep(self, request: GraphQLRequest) -> None:
        """Keeps the text of an operation that ran, where its client asked for that."""
        sha256 = _hash_of(request)
        if self.store is None or sha256 is None or request.document_id is not None:
            return
        if self._only_ids or len(request.query) > LONGEST_KEPT or self.is_personal(request.query):
            return
        await self.store.put(_key(sha256), request.query.encode(), keep_s=KEEP_S)

    @property
    def _only_ids(self) -> bool:
        return self.manifest is not None and self.mode == "id"

    async def _named(self, request: GraphQLRequest, sha256: str | None) -> GraphQLRequest:
        name = request.document_id if request.document_id is not None else sha256
        if name is None:
            raise DocumentRefused("QUERY_MISSING", "`query` is missing: it holds the GraphQL document")
        if self.manifest is not None:
            trusted = self.manifest.by_id.get(name)
            if trusted is not None:
                return replace(
                    request,
                    query=trusted.text,
                    operation_name=request.operation_name or trusted.name,
                    document_id=name,
                )
        if request.document_id is not None:
            raise DocumentRefused("DOCUMENT_NOT_FOUND", f"no document has the id {name[:80]!r}")
        if self._only_ids:
            raise DocumentRefused("DOCUMENT_NOT_FOUND", "no trusted document has this hash as its id")
        if self.store is None:
            raise DocumentRefused("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        kept = await self.store.get(_key(name))
        if kept is None or hashlib.sha256(kept.value).hexdigest() != name:
            raise DocumentRefused("PERSISTED_QUERY_NOT_FOUND", _MISSING)
        found = replace(request, query=kept.value.decode())
        self._check(found)
        return found

    def _check(self, request: GraphQLRequest) -> None:
        if self.manifest is None:
            return
        if self.mode == "id":
            raise DocumentRefused(
                "DOCUMENT_ID_REQUIRED", "only documents known by their id run here; send the id alone"
            )
        if request.query in self.manifest.texts:
            return
        if self.mode == "known":
            raise DocumentRefused(
                "DOCUMENT_NOT_TRUSTED", "only documents that clients were built with run here"
            )
        self.unknown += 1
        digest = hashlib.sha256(request.query.encode()).hexdigest()
        self.log.warning("document is in no manifest", sha256=digest, operation_name=request.operation_name)


def _hash_of(request: GraphQLRequest) -> str | None:
    """Raises DocumentRefused for what is no hash."""
    given = request.extensions.get("persistedQuery")
    if given is None:
        return None
    sha256 = given.get("sha256Hash") if isinstance(given, dict) else None
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256) or given.get("version") != 1:
        raise DocumentRefused(
            "BAD_REQUEST",
            "`extensions.persistedQuery` needs `version` 1 and `sha256Hash` in 64 hexadecimal digits",
        )
    return sha256


def _key(sha256: str) -> str:
    return f"document:{sha256}"
