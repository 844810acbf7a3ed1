"""A system and its successor: phases, parity, usage, gates and rollback. `adapters.migration` routes and compares."""
