"""One subgraph: its SDL, read into a model, with what is wrong with it alone."""

from schema.compose.subgraph.federation_1 import upgrade
from schema.compose.subgraph.model import (
    SubgraphArgument,
    SubgraphDirective,
    SubgraphEnumValue,
    SubgraphField,
    SubgraphKey,
    SubgraphModel,
    SubgraphSchema,
    SubgraphType,
)
from schema.compose.subgraph.read import read_subgraph

__all__ = [
    "SubgraphArgument",
    "SubgraphDirective",
    "SubgraphEnumValue",
    "SubgraphField",
    "SubgraphKey",
    "SubgraphModel",
    "SubgraphSchema",
    "SubgraphType",
    "read_subgraph",
    "upgrade",
]
