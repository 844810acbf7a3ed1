"""What can go wrong between the gateway and one system, as the caller can act on it.

    SourceError                  one system could not (or would not) answer
    ├── SourceUnavailable        SOURCE_UNAVAILABLE   no connection, connection lost, HTTP 5xx
    ├── SourceTimeout            SOURCE_TIMEOUT       no answer in the time allowed
    ├── SourceBadData            SOURCE_BAD_DATA      an answer that cannot be read or breaks its own contract
    ├── SourceOverloaded         SOURCE_OVERLOADED    no place or no rate left for this system; nothing was sent
    ├── SourceCircuitOpen        SOURCE_CIRCUIT_OPEN  failing too often, left alone for a while; nothing was sent
    ├── SourceNotReady           SOURCE_NOT_READY     it works on the answer; ask again, its ticket is kept
    ├── SourceMaintenance        SOURCE_MAINTENANCE   in a declared maintenance window; nothing was sent
    ├── SourceFault              SOURCE_FAULT         the gateway itself failed while it asked; its log says how
    ├── SourceRefused            SOURCE_REFUSED       the system answered with a business error
    └── SourceNotFound           NOT_FOUND            the system answered that it does not have it

`str(error)` goes to clients: adapters pass messages without personal data, addresses or traces; the cause is
chained (`raise ... from cause`) for the log.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "SourceBadData",
    "SourceCircuitOpen",
    "SourceError",
    "SourceFault",
    "SourceMaintenance",
    "SourceNotFound",
    "SourceNotReady",
    "SourceOverloaded",
    "SourceRefused",
    "SourceTimeout",
    "SourceUnavailable",
]


class SourceError(Exception):
    """The system could not answer.

    code: stable, for clients. retryable: a second attempt may help. counts_as_failure: the breaker counts it.
    answers: the system did answer, so an older answer must not be served in its place.
    """

    code: ClassVar[str] = "SOURCE_ERROR"
    default_message: ClassVar[str] = "The system could not answer."
    counts_as_failure: ClassVar[bool] = True
    answers: ClassVar[bool] = False
    retryable: bool = False

    def __init__(
        self,
        system: str,
        message: str = "",
        *,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """message: safe for clients; the class's own if empty.

        retryable: overrides the class where the system said so. retry_after_s: least wait that the system asked
        for (HTTP Retry-After, RFC 9110 section 10.2.3).
        """
        self.system = system
        self.message = message or self.default_message
        self.retry_after_s = retry_after_s
        if retryable is not None:
            self.retryable = retryable
        super().__init__(f"{system}: {self.message}")


class SourceUnavailable(SourceError):
    """No connection to the system, or it answered that it cannot serve now (HTTP 5xx, 429)."""

    code = "SOURCE_UNAVAILABLE"
    default_message = "The system cannot be reached."
    retryable = True


class SourceTimeout(SourceError):
    """No answer in the time allowed."""

    code = "SOURCE_TIMEOUT"
    default_message = "The system did not answer in time."
    retryable = True


class SourceBadData(SourceError):
    """The answer cannot be read: not XML or JSON, wrong charset, too large, or against its own contract."""

    code = "SOURCE_BAD_DATA"
    default_message = "The system sent an answer that cannot be read."


class SourceOverloaded(SourceError):
    """Nothing was sent: no place in the queue, or no rate left, before the deadline."""

    code = "SOURCE_OVERLOADED"
    default_message = "Too many calls to this system are under way; try again shortly."
    counts_as_failure = False


class SourceCircuitOpen(SourceError):
    """Nothing was sent: the system has failed too often and is left alone for a while."""

    code = "SOURCE_CIRCUIT_OPEN"
    default_message = "The system has been failing and is not asked for a short while."
    counts_as_failure = False


class SourceNotReady(SourceError):
    """The system has taken the question and gave a ticket for it, but its result was not ready in time."""

    code = "SOURCE_NOT_READY"
    default_message = "The system is still working on the answer; ask again shortly."
    counts_as_failure = False


class SourceMaintenance(SourceError):
    """Nothing was sent: the system is in a maintenance window that its declaration tells."""

    code = "SOURCE_MAINTENANCE"
    default_message = "The system is in its maintenance window."
    counts_as_failure = False


class SourceFault(SourceError):
    """The gateway itself failed to ask the system: a fault to report. The log has the cause."""

    code = "SOURCE_FAULT"
    default_message = "The gateway failed to ask the system; its operators find the cause in the log."
    counts_as_failure = False


class SourceRefused(SourceError):
    """The system answered with a business error. It works; asking again gives the same."""

    code = "SOURCE_REFUSED"
    default_message = "The system refused the request."
    counts_as_failure = False
    answers = True


class SourceNotFound(SourceError):
    """The system answered that it has no such record."""

    code = "NOT_FOUND"
    default_message = "The system has no such record."
    counts_as_failure = False
    answers = True
