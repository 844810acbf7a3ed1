"""A request -> its prepared operation, with what is withheld from this caller. Found by its text where it was met before."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from graphql import DocumentNode, OperationDefinitionNode

from adapters.fetch import RequestContext
from gateway.executor import compile_introspection
from gateway.in_service import Asked, Generation
from gateway.labels import LabelRules
from gateway.migration.coordinates import coordinates_of
from gateway.operation import OperationError, PreparedOperation, prepare
from gateway.request import GraphQLRequest
from gateway.security.authorise import Denied, denied_fields, withhold
from gateway.security.declared import granted
from gateway.security.footprint import footprint_of
from gateway.security.limits import OperationLimits
from gateway.security.policies import PolicyRules
from gateway.security.visible import View
from schema.permissions import RECORDED

__all__ = ["Preparing"]

_NO_LABELS: frozenset[str] = frozenset()
LONGEST_KEPT = 32_768
"""Characters of a query up to which its plan is kept: a thousand padded ones must not fill the memory."""


@dataclass(frozen=True, slots=True)
class _Refused:
    errors: list[OperationError]
    denied: list[Denied]


@dataclass(frozen=True, slots=True)
class Preparing:
    """The same for all generations."""

    limits: OperationLimits
    labels: LabelRules = field(default_factory=LabelRules)
    policies: PolicyRules = field(default_factory=PolicyRules)

    def scopes(self, generation: Generation, context: RequestContext) -> frozenset[str]:
        scopes = granted(context.caller)
        if generation.policies:
            scopes |= self.policies.granted(context.caller, generation.policies)
        return scopes

    def prepare(
        self,
        generation: Generation,
        request: GraphQLRequest,
        context: RequestContext,
        *,
        deferring: frozenset[str] | None = None,
    ) -> tuple[PreparedOperation, tuple[Denied, ...]] | list[OperationError]:
        """With what of it is withheld. Cached by text, name, override labels and what of it is withheld; scopes that
        the operation does not touch make no difference to the cache."""
        graph = generation.graph
        labels = _NO_LABELS
        if graph.has_labels:  # a lot is drawn by a hash
            labels = graph.active_labels(self.labels.of(context, request.variables))
        scopes = self.scopes(generation, context)
        key = (request.query, request.operation_name, scopes)
        known = generation.denials.get(key)
        if known is not None:
            known.times += 1
            found = generation.operations.peek(
                known.marked, request.operation_name, labels=labels, deferring=deferring
            )
            if found is not None:
                known.labels, known.deferring = labels, deferring
                return found, known.denied
        made = self._made(generation, request, scopes, labels, deferring)
        if isinstance(made, _Refused):
            return _withheld_stream(made.denied, context) or made.errors
        return made

    def warm(
        self, generation: Generation, former: Generation, *, most: int = 200, within_s: float = 2.0
    ) -> int:
        """Prepares what the former generation was asked most, for the same scopes, before the first request comes; how many.

        Blocking. generation: not in service yet. What it would refuse is passed over.
        """
        began, done = time.perf_counter(), 0
        hottest = sorted(former.denials.copy().items(), key=lambda item: -item[1].times)[:most]
        for (text, name, scopes), asked in hottest:
            if time.perf_counter() - began > within_s:
                break
            request = GraphQLRequest(text, operation_name=name)
            made = self._made(generation, request, scopes, asked.labels, asked.deferring)
            done += not isinstance(made, _Refused)
        return done

    def _made(
        self,
        generation: Generation,
        request: GraphQLRequest,
        scopes: frozenset[str],
        labels: frozenset[str],
        deferring: frozenset[str] | None,
    ) -> tuple[PreparedOperation, tuple[Denied, ...]] | _Refused:
        """Made anew, and kept."""
        made = self._make(generation, request, scopes, labels, deferring)
        if isinstance(made, _Refused):
            return made
        operation, denied = made
        if len(generation.denials) > 4 * len(generation.operations) + 256:  # texts whose plans have gone
            generation.denials.clear()
        if len(request.query) <= LONGEST_KEPT:
            seen = generation.views.of(scopes) if operation.introspect and generation.views else None
            marked = _marked(request.query, denied, seen)
            key = (request.query, request.operation_name, scopes)
            known = generation.denials.get(key)
            times = known.times if known is not None else 1
            generation.denials[key] = Asked(denied, marked, labels, deferring, times)
            generation.operations.put(
                marked, request.operation_name, operation, labels=labels, deferring=deferring
            )
        return operation, denied

    def _make(
        self,
        generation: Generation,
        request: GraphQLRequest,
        scopes: frozenset[str],
        labels: frozenset[str],
        deferring: frozenset[str] | None,
    ) -> tuple[PreparedOperation, tuple[Denied, ...]] | _Refused:
        schema = generation.composition.api_schema
        supergraph = generation.composition.supergraph
        assert schema is not None and supergraph is not None  # noqa: S101, PT018 - a generation composed
        denied: list[Denied] = []

        def strip(document: DocumentNode, operation: OperationDefinitionNode) -> DocumentNode:
            denied.extend(denied_fields(document, operation, schema, generation.permissions, scopes))
            return withhold(document, schema, denied) if denied else document

        made = prepare(
            schema,
            supergraph,
            generation.subgraphs,
            request.query,
            request.operation_name,
            graph=generation.graph,
            limits=self.limits,
            planned=strip,
            labels=labels,
            deferring=deferring,
        )
        if isinstance(made, list):
            return _Refused(made, denied)
        footprint = footprint_of(
            made.document,
            made.operation,
            schema,
            RECORDED,
            text=request.query,
            denied=[one.path for one in denied],
        )
        coordinates = coordinates_of(made.document, made.operation, schema)
        introspect = made.introspect
        if introspect is not None and generation.views is not None:
            seen = generation.views.of(scopes).told
            introspect = compile_introspection(seen, made.document, made.operation)
        made = replace(made, footprint=footprint, introspect=introspect, coordinates=coordinates)
        if generation.costs is not None:
            made = replace(made, cost=generation.costs.compile(made.document, made.operation))
        if generation.cacheable is not None and footprint is None:
            made = replace(made, max_age_s=generation.cacheable.max_age_s(made.document, made.operation))
        return made, tuple(denied)


def _withheld_stream(denied: list[Denied], context: RequestContext) -> list[OperationError]:
    """A subscription has one root field; where that is withheld there is nothing to subscribe to."""
    roots = [one for one in denied if one.type_name == "Subscription"]
    told = [one.formatted(anonymous=context.caller.name == "anonymous") for one in roots]
    return [OperationError(one["extensions"]["code"], one["message"]) for one in told]


def _marked(text: str, denied: tuple[Denied, ...], seen: View | None) -> str:
    """Cache key of a text with what is withheld from it. seen: what it may introspect."""
    if denied:
        text += "\x00" + ",".join(sorted(f"{one.type_name}.{one.field_name}" for one in denied))
    return text if seen is None else text + "\x01" + ",".join(sorted(seen.key))
