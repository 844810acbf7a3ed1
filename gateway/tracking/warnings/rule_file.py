"""Files of warning rules: YAML to rules, with everything that is wrong at once, each with its line and column."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from adapters.loader import Document
from adapters.problems import Problem
from gateway.tracking.errors import TrackingFileError
from gateway.tracking.files import parse_model, read_text
from gateway.tracking.warnings.rules import RuleSet

__all__ = ["OWN_RULES", "parse_rules", "read_rules"]

OWN_RULES = Path(__file__).parent / "default_rules.yaml"


@lru_cache(maxsize=8)
def read_rules(path: Path = OWN_RULES) -> RuleSet:
    """The rules of a file; the house's own without one. Raises TrackingFileError with all problems."""
    return parse_rules(path, read_text(path))


def parse_rules(path: Path, text: str) -> RuleSet:
    """Raises TrackingFileError with all problems."""
    rules, document = parse_model(path, text, RuleSet)
    if problems := list(_problems(rules, document)):
        raise TrackingFileError(problems)
    return rules


def _problems(rules: RuleSet, document: Document) -> Iterator[Problem]:
    if not rules.rules:
        yield document.problem(("rules",), "BAD_VALUE", "there must be at least one rule")
    first: dict[str, int] = {}
    for index, rule in enumerate(rules.rules):
        place = ("rules", index, "id")
        if rule.id in first:
            line, _ = document.where(("rules", first[rule.id], "id"))
            yield document.problem(
                place, "DUPLICATE_RULE", f"{rule.id!r} stands here again (first in line {line})"
            )
        first.setdefault(rule.id, index)
