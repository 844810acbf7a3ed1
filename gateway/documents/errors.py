"""What can be wrong with a named document, and with a manifest."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["DocumentRefused", "ManifestInvalid"]


class DocumentRefused(Exception):
    """The operation may not run as it was asked for. Codes: PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED,
    PERSISTED_QUERY_HASH_MISMATCH, DOCUMENT_NOT_FOUND, DOCUMENT_NOT_TRUSTED, DOCUMENT_ID_REQUIRED, BAD_REQUEST."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ManifestInvalid(Exception):
    """A manifest of trusted documents cannot be used; `problems` has one line each."""

    code = "DOCUMENTS_FILE_INVALID"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
