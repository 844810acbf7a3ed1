"""What a reply, or the wire's error, says went wrong: the SourceError that it is. Pure."""

from __future__ import annotations

from adapters.exchange import Read
from adapters.reply import RawReply
from adapters.traffic.errors import (
    SourceBadData,
    SourceError,
    SourceNotFound,
    SourceOverloaded,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from adapters.wire import errors as wire_errors

__all__ = ["failure_of", "protocol_failure", "status_failure", "wire_failure"]


def protocol_failure(read: Read, reply: RawReply, *, single: bool) -> str | None:
    """What the protocol's own signs say: not_found, unavailable, refused, or None for a good reply."""
    if read.fault is not None and not reply.content_type.lower().startswith("application/problem+"):
        # SOAP 1.1 "Server", SOAP 1.2 "Receiver": the system's side failed, another attempt may do
        code = str(read.fault.get("code") or "").partition(".")[
            0
        ]  # "Server.userException" is of the class Server
        return "unavailable" if code in ("Server", "Receiver") else "refused"
    said = (read.fault or {}).get("detail")
    return status_failure(_problem_status(reply.status, said), single=single)


def _problem_status(status: int, problem: object) -> int:
    """Behind some proxies everything comes with 200; a problem detail then has the status that was meant (RFC 9457
    section 3.1.2)."""
    told = problem.get("status") if isinstance(problem, dict) else None
    if status < 400 and str(told).isdigit() and 400 <= int(str(told)) < 600:
        return int(str(told))
    return status


def status_failure(status: int, *, single: bool) -> str | None:
    """single: one thing was asked for, so 404 says that there is none."""
    if status < 400:
        return None
    if status == 404 and single:
        return "not_found"
    if status in (408, 425, 429) or status >= 500:
        return "unavailable"
    return "refused"


def failure_of(system: str, kind: str, status: int) -> SourceError:
    if kind == "not_found":
        return SourceNotFound(system)
    if kind == "unavailable":
        return SourceUnavailable(
            system, f"The system answered that it cannot serve now (HTTP status {status})."
        )
    if status in (401, 403) or kind == "credentials":
        return SourceRefused(system, f"The system refused the gateway's credentials (HTTP status {status}).")
    return SourceRefused(system, "The system refused the request.")


def wire_failure(system: str, error: wire_errors.WireError) -> SourceError:
    if isinstance(error, wire_errors.PoolTimeout):
        return SourceOverloaded(system)  # our own limit, not the system's fault
    if isinstance(error, wire_errors.DeadlineExceeded):
        return SourceTimeout(system)
    if isinstance(error, wire_errors.AnswerTooLarge):
        return SourceBadData(system, "The reply is larger than `traffic.maxBodyMb` allows.")
    if isinstance(error, wire_errors.ProtocolError):
        return SourceBadData(system, "The reply is not HTTP.")
    if isinstance(error, wire_errors.RequestRefused):
        return SourceRefused(system, f"The request was not sent: {error.reason}.")
    if isinstance(error, wire_errors.TlsFailed):
        return SourceUnavailable(system, "The TLS handshake failed.", retryable=False)
    return SourceUnavailable(system)
