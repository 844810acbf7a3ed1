"""Two answers to one question, compared field by field under the rules of a declaration. Pure.

A field is named by its path in the canonical record; elements of a list share one path (`events[].opinion`). Each path
that was compared is the same, explained (they differ, a rule says why that is nothing) or different.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from adapters.migration_model import CompareRule

__all__ = ["Difference", "Outcome", "Result", "Rules", "compare_records"]

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_PLAIN = CompareRule()
_CHINA = timedelta(hours=8)


class Outcome(StrEnum):
    SAME = "same"
    EXPLAINED = "explained"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first pair of values that differed on a path."""

    path: str
    old: Any
    new: Any


@dataclass(slots=True)
class Result:
    """outcomes: of every path compared; the worst of a path's elements counts. differences: of those that differ,
    explained: of those that a rule explains."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    explained: dict[str, Difference] = field(default_factory=dict)

    @property
    def verdict(self) -> Outcome:
        if self.differences:
            return Outcome.DIFFERENT
        return Outcome.EXPLAINED if self.explained else Outcome.SAME

    def note(self, path: str, outcome: Outcome, old: Any, new: Any) -> None:
        before = self.outcomes.get(path)
        if outcome is Outcome.SAME:
            self.outcomes.setdefault(path, outcome)
        elif outcome is Outcome.DIFFERENT:
            self.outcomes[path] = outcome
            self.explained.pop(path, None)
            self.differences.setdefault(path, Difference(path, old, new))
        elif before is not Outcome.DIFFERENT:
            self.outcomes[path] = outcome
            self.explained.setdefault(path, Difference(path, old, new))


Rules = Mapping[str, CompareRule]


def compare_records(
    old: Mapping[str, Any], new: Mapping[str, Any], rules: Rules, fields: Collection[str]
) -> Result:
    """fields: canonical fields that both were asked for."""
    result = Result()
    for name in fields:
        _compare(name, old.get(name), new.get(name), rules, result)
    return result


def _compare(path: str, old: Any, new: Any, rules: Rules, result: Result) -> None:
    rule = rules.get(path, _PLAIN)
    if rule.ignore:
        result.note(path, Outcome.SAME if old == new else Outcome.EXPLAINED, old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            _compare(f"{path}.{name}", old.get(name), new.get(name), rules, result)
    elif isinstance(old, list) and isinstance(new, list):
        _compare_lists(path, old, new, rule, rules, result)
    elif old == new:
        result.note(path, Outcome.SAME, old, new)
    else:
        alike = _reduced(old, rule, old=True) == _reduced(new, rule, old=False)
        result.note(path, Outcome.EXPLAINED if alike else Outcome.DIFFERENT, old, new)


def _compare_lists(
    path: str, old: list[Any], new: list[Any], rule: CompareRule, rules: Rules, result: Result
) -> None:
    """Element by element, or by key; what only one side has is a difference of the list itself."""
    if old == new:
        result.note(path, Outcome.SAME, None, None)
        for name in _names(old):
            result.note(f"{path}[].{name}", Outcome.SAME, None, None)
        return
    pairs, alone, moved = _paired(old, new, rule.by_key, path, rules)
    outcome = Outcome.DIFFERENT if alone else Outcome.EXPLAINED if moved else Outcome.SAME
    result.note(path, outcome, len(old), len(new))
    for one, other in pairs:
        _compare(f"{path}[]", one, other, rules, result)


def _names(elements: Sequence[Any]) -> Iterator[str]:
    if elements and isinstance(elements[0], dict):
        yield from elements[0]


def _paired(
    old: list[Any], new: list[Any], by_key: tuple[str, ...], path: str, rules: Rules
) -> tuple[list[tuple[Any, Any]], int, bool]:
    """Pairs, how many stand alone, and whether their order differs."""
    if not by_key:
        return list(zip(old, new, strict=False)), abs(len(old) - len(new)), False
    # a key is compared as its own rules say: it may be a time in another zone
    own = {name: rules.get(f"{path}[].{name}", _PLAIN) for name in by_key}

    def key_of(element: Any, *, is_old: bool) -> tuple[Any, ...]:
        if not isinstance(element, dict):
            return (element,)
        return tuple(_hashable(_reduced(element.get(name), own[name], old=is_old)) for name in by_key)

    old_keys = [key_of(one, is_old=True) for one in old]
    new_keys = [key_of(one, is_old=False) for one in new]
    there = dict(zip(new_keys, new, strict=True))
    known = dict(zip(old_keys, old, strict=True))  # one that a system lists twice counts once
    pairs = [(one, there[key]) for key, one in known.items() if key in there]
    alone = len(known) + len(there) - 2 * len(pairs)
    return pairs, alone, old_keys != new_keys


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, dict | list) else value


def _reduced(value: Any, rule: CompareRule, *, old: bool) -> Any:
    """A value with what the rule makes nothing of taken away."""
    if rule.null_is_empty and value in ("", None, [], {}):
        return None
    if isinstance(value, str):
        if old and rule.codes:
            value = rule.codes.get(value, value)
        if rule.same_instant or isinstance(rule.round, str):
            return _moment(value, rule)
        if rule.text == "folded":
            return "".join(unicodedata.normalize("NFKC", value).casefold().split())
        return value
    if isinstance(value, int | float) and isinstance(rule.round, float):
        return round(value / rule.round)
    return value


def _moment(text: str, rule: CompareRule) -> Any:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    # the network's own offset: a day is a day in Chongqing
    seconds = (found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC) + _CHINA).total_seconds()
    return int(seconds // _UNITS[rule.round]) if isinstance(rule.round, str) else seconds
