"""One module a system. Each has `build(seed, environment)`, which renders all cases and returns the server."""
