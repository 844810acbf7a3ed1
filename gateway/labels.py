"""Which labels of progressive @override hold for a request: percentages by a sticky lot, others by rules of the operator.

A label that is no percentage holds if it is in the list of those that always do, if a trusted caller's header names
it, or if the operator's hook says so. The hook is a plain function and must be quick: it is asked for every request.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.fetch import Caller, RequestContext
from gateway.planner.overrides import Labels, override_labels

__all__ = [
    "CHOOSE_SCOPE",
    "LabelHook",
    "LabelHookError",
    "LabelRequest",
    "LabelRules",
    "load_label_hook",
    "sticky_by",
]

CHOOSE_SCOPE = "overrides:choose"
"""Scope of callers whose header may name labels."""

MIGRATION_LABEL = "migration:"
"""Of labels that follow a migration: the fields go over with the cases."""

MOST_NAMED = 50
"""Labels that are read of a header."""

_log = logging.getLogger(__name__)


class LabelHookError(Exception):
    """The hook of override labels cannot be used."""

    code = "SETTINGS_INVALID"


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """What a hook may decide by. lot: what percentages hang on; headers: by name in lower case."""

    caller: Caller
    lot: str
    headers: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)


LabelHook = Callable[[str, LabelRequest], bool]
"""(label, request) -> whether it holds."""


@dataclass(frozen=True, slots=True)
class LabelRules:
    """always: labels that hold for everyone. header: in lower case; names further ones for callers with CHOOSE_SCOPE.

    sticky: (kind, name) of `sticky_by`.
    """

    always: frozenset[str] = frozenset()
    header: str = ""
    hook: LabelHook | None = None
    sticky: tuple[str, str] = ("caller", "")
    migrations: Callable[[str, str], bool] | None = None
    """(label, lot) -> whether `migration:SYSTEM` holds; percentages that an operator moves."""

    def of(self, context: RequestContext, variables: Mapping[str, Any]) -> Labels:
        """Whether a label holds for a request."""
        request = LabelRequest(context.caller, self._lot(context, variables), context.headers, variables)
        named = self._named(context)

        def custom(label: str) -> bool:
            if self.migrations is not None and label.startswith(MIGRATION_LABEL):
                return self.migrations(label, request.lot)
            return label in self.always or label in named or self._asked(label, request)

        return override_labels(request.lot, custom)

    def _named(self, context: RequestContext) -> frozenset[str]:
        if not self.header or CHOOSE_SCOPE not in context.caller.scopes:
            return frozenset()
        labels = context.headers.get(self.header, "").split(",")[:MOST_NAMED]
        return frozenset(label.strip() for label in labels)

    def _asked(self, label: str, request: LabelRequest) -> bool:
        """A hook that fails leaves the field where it was."""
        if self.hook is None:
            return False
        try:
            return bool(self.hook(label, request))
        except Exception:
            _log.exception("the hook of override labels failed for %s", label)
            return False

    def _lot(self, context: RequestContext, variables: Mapping[str, Any]) -> str:
        """What a percentage hangs on. Where it is not there, the caller; where nobody is known, the request."""
        kind, name = self.sticky
        found = (
            context.headers.get(name)
            if kind == "header"
            else variables.get(name)
            if kind == "variable"
            else None
        )
        if isinstance(found, str | int) and found != "":
            return str(found)
        caller = context.caller
        if caller.subject is not None:
            return caller.subject
        return context.request_id if caller.name == "anonymous" else caller.name


def sticky_by(text: str) -> tuple[str, str]:
    """ "caller", "variable:NAME" (a variable of the operation, say a case's id) or "header:NAME", taken apart.

    Raises ValueError for anything else.
    """
    kind, _, name = text.partition(":")
    if text == "caller" or (kind in ("variable", "header") and name.strip()):
        return kind, name.strip().lower() if kind == "header" else name.strip()
    raise ValueError('"caller", "variable:NAME" or "header:NAME" is wanted')


def load_label_hook(text: str) -> LabelHook | None:
    """The function of "module:function"; None of empty text. Raises LabelHookError."""
    if not text:
        return None
    module, _, name = text.partition(":")
    try:
        found = getattr(importlib.import_module(module), name) if module and name else None
    except Exception as error:  # whatever the operator's module raises when it is imported
        raise LabelHookError(f"override_label_hook: {text} cannot be imported: {error}") from error
    if not callable(found):
        raise LabelHookError(f'override_label_hook: "module:function" is wanted, found {text!r}')
    hook: LabelHook = found
    return hook
