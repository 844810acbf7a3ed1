"""Subgraph models -> Supergraph: the union of their types, field by field, with every conflict reported.

Rules: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/composition
Output types and unions merge by union, input types and arguments by intersection, enums by where they are used.
"""

from __future__ import annotations

from collections.abc import Sequence

from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.federation_spec import join_version
from schema.compose.merge.bases import check_bases
from schema.compose.merge.composed import merge_composed_directives
from schema.compose.merge.directives import DirectiveMerger
from schema.compose.merge.enums import enum_uses
from schema.compose.merge.executable import merge_executable_directives
from schema.compose.merge.features import features_of, federation_minor
from schema.compose.merge.fields import FieldMerger
from schema.compose.merge.interfaces import check_implementations, demand_upwards, spread_interface_objects
from schema.compose.merge.report import Report, parts_of
from schema.compose.merge.runtime_types import check_runtime_types
from schema.compose.merge.types import TypeMerger
from schema.compose.subgraph import SubgraphModel
from schema.compose.supergraph import Supergraph, SupergraphSubgraph, TypeDefinition

__all__ = ["merge"]


def merge(
    models: Sequence[SubgraphModel],
) -> tuple[Supergraph, list[CompositionError], list[CompositionHint]]:
    """The supergraph as far as it can be built, with all errors and hints."""
    report, sources = Report(), parts_of(models)
    minor = federation_minor(models, report)
    check_bases(sources, report)
    composed = merge_composed_directives(models, report)
    directives = DirectiveMerger(
        {name: item.repeatable for name, item in composed.directives.items()}, report
    )
    merger = TypeMerger(FieldMerger(sources, directives, report), directives, enum_uses(sources), report)
    types: dict[str, TypeDefinition] = {}
    for name, parts in sources.parts.items():
        merged = merger.merge(name, parts)
        if merged is not None:
            types[name] = merged
    spread_interface_objects(types)
    check_implementations(types, sources, report)
    check_runtime_types(types, sources, report)
    demand_upwards(types)
    definitions = merge_executable_directives(models, composed, report)
    applied = directives.merge(("schema", None), {model.name: model.applied for model in models})
    supergraph = Supergraph(
        {model.name: SupergraphSubgraph(model.name, model.url) for model in models},
        types,
        definitions,
        features_of(types, applied, composed, models),
        applied,
        join_version(minor),
    )
    return supergraph, report.errors, report.hints
