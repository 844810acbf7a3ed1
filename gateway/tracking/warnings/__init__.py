"""Warnings and cards: rules over clocks and findings, what they raise, and what becomes of it."""
