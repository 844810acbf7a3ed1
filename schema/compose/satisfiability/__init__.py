"""Whether subgraphs together can answer every query of the supergraph."""

from schema.compose.satisfiability.walk import check_satisfiability

__all__ = ["check_satisfiability"]
