"""A system's own types: GraphQL types and fields that a declaration adds, answered by the system's own calls."""
