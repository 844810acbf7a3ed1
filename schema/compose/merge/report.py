"""Errors and hints of a merge, collected while it goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from schema.compose.errors import CompositionError, CompositionHint
from schema.compose.subgraph import SubgraphModel, SubgraphType

__all__ = ["Parts", "Report", "Sources", "most_common", "parts_of"]

Parts = Mapping[str, Mapping[str, SubgraphType]]
"""type -> subgraph -> its part."""

T = TypeVar("T", bound=Hashable)


@dataclass(slots=True)
class Report:
    """What was found so far."""

    errors: list[CompositionError] = field(default_factory=list)
    hints: list[CompositionHint] = field(default_factory=list)

    def error(
        self,
        code: str,
        message: str,
        *,
        subgraph: str | None = None,
        type_name: str | None = None,
        field_name: str | None = None,
        line: int | None = None,
    ) -> None:
        """Adds an error."""
        self.errors.append(CompositionError(code, message, subgraph, type_name, field_name, line))

    def hint(
        self,
        code: str,
        message: str,
        *,
        subgraph: str | None = None,
        type_name: str | None = None,
        field_name: str | None = None,
    ) -> None:
        """Adds a hint."""
        self.hints.append(CompositionHint(code, message, subgraph, type_name, field_name))

    def description(self, place: tuple[str, str | None], texts: Mapping[str, str | None]) -> str | None:
        """The description that most subgraphs give an element (of equals, the first by name); a hint if they differ."""
        found = [text for _, text in sorted(texts.items()) if text]
        kept = most_common(found)
        if len(set(found)) > 1:
            name = ".".join(part for part in place if part)
            message = (
                f"{name} is described differently in {', '.join(key for key, text in texts.items() if text)}; "
                "the most frequent description is kept. Use one in all"
            )
            self.hint("INCONSISTENT_DESCRIPTION", message, type_name=place[0], field_name=place[1])
        return kept

    def deprecation(self, place: tuple[str, str | None], reasons: Mapping[str, str | None]) -> str | None:
        """The reason of @deprecated that most subgraphs give, with a hint if they differ."""
        found = [text for text in reasons.values() if text is not None]
        if len(set(found)) > 1:
            name = ".".join(part for part in place if part)
            message = f"{name} is @deprecated for different reasons; the most frequent is kept. Use one in all subgraphs"
            code = "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"
            self.hint(code, message, type_name=place[0], field_name=place[1])
        return most_common(found)


@dataclass(frozen=True, slots=True)
class Sources:
    """All subgraphs of a composition, by name, and their parts of each type."""

    models: Mapping[str, SubgraphModel]
    parts: Parts

    def is_subtype(self, name: str, of: str) -> bool:
        """Whether any subgraph says that `name` implements, or is a member of, `of`."""
        members = (member for part in self.parts.get(of, {}).values() for member in part.members)
        interfaces = (item for part in self.parts.get(name, {}).values() for item in part.interfaces)
        return name in members or of in interfaces


def parts_of(models: Sequence[SubgraphModel]) -> Sources:
    """Arranges models by type."""
    parts: dict[str, dict[str, SubgraphType]] = {}
    for model in models:
        for definition in model.types.values():
            parts.setdefault(definition.name, {})[model.name] = definition
    return Sources({model.name: model for model in models}, parts)


def most_common(items: Sequence[T]) -> T | None:
    """The most frequent item, the first of equals; None of none."""
    return Counter(items).most_common(1)[0][0] if items else None
