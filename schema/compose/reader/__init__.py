"""A finished supergraph (join spec v0.1 to v0.5, of any composer) -> the model that composition gives."""

from schema.compose.reader.read import read_supergraph_document

__all__ = ["read_supergraph_document"]
