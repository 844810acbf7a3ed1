"""Recorded exchanges with systems: taken, freed of personal data, replayed as contract tests, served as mocks."""
