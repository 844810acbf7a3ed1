"""Who `@policy` lets pass: a file of rules, and where words are not enough a function of the operator's.

    policies:
      lift-inspector:              # any one of these is enough; all words of one must hold
        - {scopes: ["role:clerk"], department: "115000000090002340"}
        - {name: audit-job}

A policy that stands in neither is granted by the scope `policy:NAME` alone. Granting is all that a rule can do.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field

from adapters.fetch import Caller
from schema.roles import with_roles

__all__ = ["PolicyError", "PolicyHook", "PolicyRules", "Way", "load_policies"]

PREFIX = "policy:"

_log = logging.getLogger(__name__)

PolicyHook = Callable[[str, Caller], bool]
"""(policy, caller) -> whether it is granted. Quick: it is asked for each request of a caller who is somebody."""


class PolicyError(Exception):
    """The policy file or hook cannot be used. `problems` has one line each."""

    code = "POLICY_FILE_INVALID"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Way(BaseModel):
    """One way to be granted: everything that is given must hold. An empty one would hold for everyone and is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scopes: frozenset[str] = frozenset()
    name: str | None = Field(default=None, min_length=1)
    department: str | None = Field(default=None, min_length=1)
    region: str | None = Field(default=None, min_length=1)

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Way:
        if not (self.scopes or self.name or self.department or self.region):
            raise ValueError("give at least one of scopes, name, department, region")
        return self

    def holds(self, caller: Caller) -> bool:
        return (
            with_roles(self.scopes) - self._roles() <= caller.scopes
            and self.name in (None, caller.name)
            and self.department in (None, caller.department)
            and self.region in (None, caller.region)
        )

    def _roles(self) -> frozenset[str]:
        """Names of roles: what they stand for is asked for, however the token says it."""
        return frozenset(scope for scope in self.scopes if scope.startswith("role:"))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: dict[str, tuple[Way, ...]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """ways: of each policy that the file has; hook: asked for all that the ways do not grant."""

    ways: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    hook: PolicyHook | None = None

    def granted(self, caller: Caller, policies: Iterable[str]) -> frozenset[str]:
        """Scopes `policy:NAME` for those of `policies` that the caller passes. Nobody passes any."""
        if caller.name == "anonymous" or not (self.ways or self.hook):
            return frozenset()
        return frozenset(PREFIX + one for one in policies if self._passes(one, caller))

    def _passes(self, policy: str, caller: Caller) -> bool:
        if any(way.holds(caller) for way in self.ways.get(policy, ())):
            return True
        if self.hook is None:
            return False
        try:
            return self.hook(policy, caller) is True
        except Exception:  # whatever the operator's function raises; a hook that fails grants nothing
            _log.exception("the policy hook failed for %s", policy)
            return False


def load_policies(file: Path | None, hook: str) -> PolicyRules:
    """Raises PolicyError with all problems at once."""
    return PolicyRules(_ways(file) if file is not None else {}, _hook(hook) if hook else None)


def _ways(path: Path) -> Mapping[str, tuple[Way, ...]]:
    try:
        tree: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else f" ({type(error).__name__})"
        raise PolicyError([f"{path}: cannot be read{where}; it must be YAML in UTF-8"]) from None
    try:
        return _File.model_validate(tree).policies
    except pydantic.ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        ]
        raise PolicyError(lines) from None


def _hook(text: str) -> PolicyHook:
    module, _, name = text.partition(":")
    try:
        found = getattr(importlib.import_module(module), name) if module and name else None
    except Exception as error:  # whatever the operator's module raises when it is imported
        raise PolicyError([f"policy_hook: {text} cannot be imported: {type(error).__name__}"]) from error
    if not callable(found):
        raise PolicyError([f'policy_hook: "module:function" is wanted, found {text!r}'])
    hook: PolicyHook = found
    return hook
