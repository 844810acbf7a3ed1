"""What the envelopes of a SOAP source carry in their header: the session's element, WS-Security. Pure."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from adapters.auth.attach import Header
from adapters.auth.wss.header import SecurityHeader, soap_header
from adapters.mapping.errors import ValueProblem
from adapters.mapping.scope import Scope

__all__ = ["Dress", "compile_dress"]

Dress = Callable[[etree._Element, Scope], None]
"""Adds to an envelope, in place; new in each, so that an envelope with it cannot be kept. Raises ValueProblem."""


def compile_dress(security: SecurityHeader | None, session: Header | None) -> Dress | None:
    """None if envelopes go as they are."""
    if security is None and session is None:
        return None

    def dress(envelope: etree._Element, scope: Scope) -> None:
        if session is not None:
            soap_header(envelope).append(session(scope))
        if security is not None:  # last: it may sign what stands there
            try:
                security.add(envelope)
            except (etree.LxmlError, ValueError) as error:
                raise ValueProblem("the envelope has no canonical form that could be signed") from error

    return dress
