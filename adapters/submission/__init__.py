"""Writes to legacy systems: validated, recorded in an outbox, sent once, reconciled where no answer came."""
