"""The clocks of a case: what its events and limits say about when what must be done."""
