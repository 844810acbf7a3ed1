"""A connector compiled: request, failure rules, paging and readers as closures. Built once per generation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.codecs.decoder import DecodeReply, Decoders, compile_decoders
from adapters.declaration import Connector
from adapters.exchange import Call
from adapters.mapping.compiler import RecordReader, compile_condition, compile_expression, compile_map
from adapters.mapping.functions import CompileContext, Reader
from adapters.mapping.template import template_expressions, template_paths
from adapters.mapping.tree import Wanted, add_path
from adapters.paging import PageRules
from adapters.ticket import CompiledTicket
from adapters.wanted import wanted_names
from schema.canonical import VERBS

__all__ = ["CompiledConnector", "ReplyReader", "compile_connector"]

_NEEDED = {verb: tuple(one.name for one in record.fields if one.required) for verb, record in VERBS.items()}


@dataclass(frozen=True, slots=True)
class ReplyReader:
    """For one set of fields. wanted: what the protocol reads (None is all); decode: what the codecs then do."""

    wanted: Wanted | None
    decode: DecodeReply | None
    record: RecordReader


@dataclass(slots=True)
class CompiledConnector:
    """One verb of one system. Readers are kept by the set of fields that they fill."""

    verb: str
    connector: Connector
    call: Call
    context: CompileContext
    record_map: Mapping[str, Any]
    records: Reader | None
    pages: PageRules
    failure: tuple[tuple[str, Reader], ...]
    message: Reader | None
    filters: frozenset[str]
    decoders: Decoders
    also: tuple[tuple[str | int, ...], ...] = ()
    """Paths that are read of every reply, whatever is selected: what tells that a session has ended."""
    ticket: CompiledTicket | None = None
    readers: dict[frozenset[str], ReplyReader] = field(default_factory=dict)

    mapped: frozenset[str] = field(init=False)
    """Canonical fields that the map fills."""

    def __post_init__(self) -> None:
        self.mapped = frozenset(name for name, value in self.record_map.items() if value is not None)

    @property
    def single(self) -> bool:
        """Whether it answers with one record: where there is none, the thing asked for does not exist."""
        return self.verb == "case"

    @property
    def record_name(self) -> str:
        return VERBS[self.verb].name

    @property
    def needed(self) -> tuple[str, ...]:
        """What a record cannot be without: others are left out."""
        return _NEEDED[self.verb]

    def pruned(self, fields: frozenset[str]) -> tuple[Wanted | None, RecordReader]:
        """What of a reply is wanted for these fields, and what reads a record of it."""
        record = VERBS[self.verb]
        wanted = wanted_names(self.connector, self.record_map, record, fields)
        return wanted, compile_map(self.record_map, record, self.context, wanted=fields)

    def reader(self, fields: Collection[str]) -> ReplyReader:
        key = frozenset(fields)
        found = self.readers.get(key)
        if found is None:
            if len(self.readers) > 200:
                self.readers.clear()
            wanted, record = self.pruned(key)
            if wanted is None:  # everything is read, and so everything is decoded
                found = ReplyReader(None, self.decoders if self.decoders.entries else None, record)
            else:
                found = self._pruned_reader(wanted, record)
            self.readers[key] = found
        return found

    def _pruned_reader(self, wanted: Wanted, record: RecordReader) -> ReplyReader:
        for steps in self.also:
            add_path(wanted, steps)
        if self.decoders.entries:
            # a decoded value is handed over whole, whatever is wanted below it
            return ReplyReader(*self.decoders.pruned(wanted), record)
        return ReplyReader(wanted, None, record)


def compile_connector(
    verb: str,
    connector: Connector,
    call: Call,
    context: CompileContext,
    record_map: Mapping[str, Any],
    *,
    ended: str | None = None,
    kind: type[CompiledConnector] = CompiledConnector,
    ticket: CompiledTicket | None = None,
) -> CompiledConnector:
    """ended: condition that a session has ended; kind: what to make, where it is no verb. Raises ExpressionError; declarations that passed `validate` do not."""

    def optional(text: str | None) -> Reader | None:
        return compile_expression(text, context) if text else None

    failure = connector.failure
    rules = tuple(
        (kind, compile_condition(text, context))
        for kind, text in (
            ("not_found", failure.not_found),
            ("unavailable", failure.unavailable),
            ("refused", failure.when),
        )
        if text
    )
    paging = connector.paging
    always = [text for text in (ended, connector.ticket and connector.ticket.pending) if text]
    return kind(
        verb,
        connector,
        call,
        context,
        record_map,
        optional(connector.records),
        PageRules(
            paging, total=optional(paging.total), next_=optional(paging.next), more=optional(paging.more)
        ),
        rules,
        optional(failure.message),
        asked_filters(connector),
        compile_decoders(connector.decode, context),
        tuple(path.steps for path in template_paths(always) if path.root in ("", "reply")),
        ticket,
    )


def asked_filters(connector: Connector) -> frozenset[str]:
    """Names below `$args` that the request sends on: filters that the system applies itself."""
    trees: list[Any] = [
        connector.query,
        connector.body,
        connector.form,
        connector.variables,
        connector.headers,
        *(one.element for one in connector.soap_header),
    ]
    texts = [text for tree in trees for _, text in template_expressions(tree)]
    texts += [part.partition("}")[0] for part in connector.path.split("{")[1:]]
    return frozenset(
        str(path.steps[0]) for path in template_paths(texts) if path.root == "args" and path.steps
    )
