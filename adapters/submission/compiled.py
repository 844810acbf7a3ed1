"""One write of one system, compiled: its request, what its answer means, what it is found by. Built once a generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.codecs.decoder import DecodeReply, compile_decoders
from adapters.codecs.errors import CodecError
from adapters.declaration import Write
from adapters.exchange import Call, Exchange, Read
from adapters.mapping.compiler import compile_condition, compile_expression
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext, Reader, as_text
from adapters.mapping.scope import Scope
from adapters.reply import RawReply
from adapters.submission.states import Kind, Verdict
from adapters.traffic.errors import SourceBadData

__all__ = ["CompiledWrite", "compile_write", "is_found_by_reference", "judge", "mode_of"]

Condition = Callable[[Any, Scope], bool]
_CERTAIN_STATUS = frozenset({400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422})
"""HTTP says of these that the request was not carried out (RFC 9110 section 15.5); of 408, 409, 425 and 5xx it does
not, and legacy systems answer them after the fact too."""


@dataclass(frozen=True, slots=True)
class CompiledWrite:
    operation: str
    write: Write
    call: Call
    decode: DecodeReply | None
    rules: tuple[tuple[Kind, Condition], ...]
    filed: Condition | None
    readers: Mapping[str, Reader]
    message: Reader | None
    match: Condition | None
    look_up: Reader | None


def compile_write(operation: str, write: Write, call: Call, context: CompileContext) -> CompiledWrite:
    """Raises ExpressionError; declarations that passed their check do not."""
    failure, answer, reconcile = write.failure, write.answer, write.reconcile
    rules = tuple(
        (kind, compile_condition(text, context))
        for kind, text in (
            (Kind.REFUSED, failure.refused),
            (Kind.NOT_TAKEN, failure.not_taken),
            (Kind.UNKNOWN, failure.unknown),
        )
        if text
    )
    readers = {
        name: compile_expression(text, context)
        for name, text in (
            ("number", answer.number),
            ("ticket", answer.ticket),
            ("starts_at", answer.starts_at),
            ("place", answer.place),
        )
        if text
    }
    decoders = compile_decoders(write.decode, context)
    decode = decoders.pruned({})[1] if decoders.entries else None
    query = reconcile if reconcile is not None and reconcile.style == "query" else None
    return CompiledWrite(
        operation,
        write,
        call,
        decode,
        rules,
        compile_condition(answer.filed, context) if answer.filed else None,
        readers,
        compile_expression(failure.message, context) if failure.message else None,
        compile_condition(query.match, context) if query is not None and query.match else None,
        compile_expression(query.number, context) if query is not None and query.number else None,
    )


def judge(compiled: CompiledWrite, exchange: Exchange, reply: RawReply) -> Verdict:
    """What a reply that arrived says. Whatever cannot be read, or does not say what it should, is unknown: the system
    may have filed it all the same."""
    try:
        read = exchange.read(reply, None)
        if compiled.decode is not None and read.fault is None:
            read = replace(read, tree=compiled.decode(read.tree, reply))
    except (SourceBadData, CodecError) as error:
        if reply.status in _CERTAIN_STATUS:
            return Verdict(Kind.REFUSED, f"HTTP status {reply.status}")
        reason = error.message if isinstance(error, SourceBadData) else f"cannot be decoded ({error.code})"
        return Verdict(Kind.UNKNOWN, f"HTTP status {reply.status}: {reason}")
    return _read_verdict(compiled, read, reply)


def _read_verdict(compiled: CompiledWrite, read: Read, reply: RawReply) -> Verdict:
    scope = Scope({"reply": read.tree, "status": reply.status, "fault": read.fault or {}})
    try:
        reason = _text(compiled.message, read.tree, scope) or _fault_message(read)
    except ValueProblem:
        reason = None
    where = f"HTTP status {reply.status}" + (f", fault {read.fault.get('code')}" if read.fault else "")
    try:
        kind = next((kind for kind, holds in compiled.rules if holds(read.tree, scope)), None)
    except ValueProblem as problem:
        return Verdict(
            Kind.UNKNOWN, f"{where}: a failure rule does not fit the reply: {problem}", reason=reason
        )
    if kind is not None:
        return Verdict(kind, f"{where}: as declared", reason=reason)
    kind = _protocol_kind(read, reply)
    if kind is not None:
        return Verdict(kind, where, reason=reason)
    try:
        return _good(compiled, read, scope)
    except ValueProblem as problem:
        return Verdict(Kind.UNKNOWN, f"{where}: the answer is not as declared: {problem}")


def _good(compiled: CompiledWrite, read: Read, scope: Scope) -> Verdict:
    if compiled.filed is not None and not compiled.filed(read.tree, scope):
        return Verdict(Kind.UNKNOWN, "the answer does not say that it was filed")
    found = {name: _text(reader, read.tree, scope) for name, reader in compiled.readers.items()}
    number, ticket = found.get("number"), found.get("ticket")
    rest = {"starts_at": found.get("starts_at"), "place": found.get("place")}
    if number:
        return Verdict(Kind.FILED, "answered", number, ticket, **rest)
    if ticket:
        reconcile = compiled.write.reconcile
        later = compiled.operation == "submit" and reconcile is not None and reconcile.style == "query"
        return Verdict(Kind.TAKEN if later else Kind.FILED, "answered with a ticket", None, ticket, **rest)
    if compiled.filed is not None and "number" not in compiled.readers and "ticket" not in compiled.readers:
        return Verdict(Kind.FILED, "answered", None, None, **rest)
    return Verdict(Kind.UNKNOWN, "the answer holds neither number nor ticket")


def _protocol_kind(read: Read, reply: RawReply) -> Kind | None:
    """What the protocol itself says; a fault of the server's side may come after it was filed."""
    if read.fault is not None:
        code = str(read.fault.get("code") or "").partition(".")[0]
        return (
            Kind.REFUSED
            if code in ("Client", "Sender", "VersionMismatch", "MustUnderstand")
            else Kind.UNKNOWN
        )
    if reply.status < 400:
        return None
    if reply.status == 429:
        return Kind.NOT_TAKEN
    return Kind.REFUSED if reply.status in _CERTAIN_STATUS else Kind.UNKNOWN


def _fault_message(read: Read) -> str | None:
    message = (read.fault or {}).get("message")
    return message if isinstance(message, str) else None


def _text(reader: Reader | None, tree: Any, scope: Scope) -> str | None:
    value = reader(tree, scope) if reader is not None else None
    return (as_text(value).strip() or None) if value is not None else None


def mode_of(operation: str, write: Write) -> str:
    """SubmissionMode: when the system gives the number."""
    if write.answer.number is not None:
        return "IMMEDIATE"
    reconcile = write.reconcile
    later = operation == "submit" and reconcile is not None and reconcile.style == "query"
    return "LATER" if write.answer.ticket is not None and later else "NEVER"


def is_found_by_reference(write: Write) -> bool:
    """Whether one submission cannot be taken for another when it is looked for. Else those of one applicant for one
    item are sent one after the other."""
    reconcile = write.reconcile
    if reconcile is None or reconcile.style == "resend":
        return True
    text = f"{reconcile.match or ''} {reconcile.number or ''}"
    return "$args.reference" in text or "$answer." in text
