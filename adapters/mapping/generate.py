"""Python source for one map: what nearly every record of every system needs, without a call per field.

Measured on 50 records of 13 fields (bench/mapping.py): closures take 3.0 times hand-written Python, this 1.07. Only the
straight cases are written out: a path of names, then a code table or a date of fixed width, into text, an enum or a
time. At the first sign of anything else (another type, a code that is missing, a date that is none) the field's closure is
asked, so that there is one meaning of the language, in `compiler.py`; a test compares the two on values of every kind.

Names of fields and paths stand in the source as `repr` of text, nothing else of a declaration does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.mapping import expression as ex
from adapters.mapping.dates import fixed_slices
from adapters.mapping.functions import CompileContext, plain_codes
from adapters.mapping.scope import Scope

__all__ = ["Entry", "Together", "generate"]

RecordReader = Callable[[Any, Scope], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: what it is read by (None where only the closure can), the type it gets, and its closure, which notes
    what does not fit and gives null for it."""

    name: str
    tree: ex.Expression | None
    type: str
    closure: Callable[[Any, Scope], Any]


@dataclass(frozen=True, slots=True)
class Together:
    """A part of the record: null where all in it is null. object: a plain object that holds only what there is."""

    name: str
    entries: Sequence[Entry | Together]
    closure: Callable[[Any, Scope], Any]
    object: bool = False


def generate(
    entries: Sequence[Entry | Together], slow: RecordReader, context: CompileContext
) -> RecordReader:
    """slow: reads what is no dict."""
    writer = _Writer(context)
    values = [(one.name, writer.value(one)) for one in entries]
    body = "\n".join(f"    {line}" for line in writer.lines)
    shown = ", ".join(f"{name!r}: {value}" for name, value in values)
    source = (
        "def read(node, scope):\n"
        "    if type(node) is not dict:\n"
        "        return slow(node, scope)\n"
        f"    get = node.get\n{body}\n"
        f"    return {{{shown}}}\n"
    )
    names: dict[str, Any] = {**writer.names, "slow": slow, "MISS": _MISS, "iso": datetime.fromisoformat}
    exec(compile(source, "<map>", "exec"), names)  # noqa: S102 - our own text; see above  # nosec B102
    read: RecordReader = names["read"]
    return read


class _Miss:
    """What stands where a path leads through something that is no dict."""


_MISS = _Miss()


@dataclass(slots=True)
class _Writer:
    context: CompileContext
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    paths: dict[tuple[str | int, ...], str] = field(default_factory=dict)
    count: int = 0

    def name(self, value: Any = None) -> str:
        """A new variable, or a constant that holds `value`."""
        self.count += 1
        name = f"v{self.count}"
        if value is not None:
            name = f"c{self.count}"
            self.names[name] = value
        return name

    def value(self, entry: Entry | Together) -> str:
        """Writes what puts a field's value into a variable; its name."""
        if isinstance(entry, Together):
            return self._object(entry) if entry.object else self._part(entry)
        ask = f"{self.name(entry.closure)}(node, scope)"
        out = self.name()
        self.lines += self._read(out, entry, ask) or [f"{out} = {ask}"]
        return out

    def _part(self, entry: Together) -> str:
        values = [(one.name, self.value(one)) for one in entry.entries]
        out = self.name()
        shown = ", ".join(f"{name!r}: {value}" for name, value in values)
        there = " or ".join(f"{value} is not None" for _, value in values) or "False"
        self.lines.append(f"{out} = {{{shown}}} if {there} else None")
        return out

    def _object(self, entry: Together) -> str:
        ask = f"{self.name(entry.closure)}(node, scope)"
        out, trees = self.name(), [one.tree for one in entry.entries if isinstance(one, Entry)]
        if not all(isinstance(tree, ex.Path) and _is_straight(tree) for tree in trees):
            self.lines.append(f"{out} = {ask}")
            return out
        found = [
            (one.name, self.path(tree.steps))
            for one, tree in zip(entry.entries, trees, strict=True)
            if isinstance(tree, ex.Path)
        ]
        self.lines.append(f"{out} = {{}}")
        for name, path in found:
            self.lines.append(f"if {path} is not None and {path} != '': {out}[{name!r}] = {path}")
        missed = " or ".join(f"{path} is MISS" for _, path in found)
        self.lines.append(f"{out} = {ask} if {missed} else {out} or None")
        return out

    def path(self, steps: Sequence[str | int]) -> str:
        """The variable that holds what stands at a path; read once, whoever asks. MISS where a closure must look."""
        key = tuple(steps)
        known = self.paths.get(key)
        if known is not None:
            return known
        out = self.name()
        if len(key) == 1:
            self.lines.append(f"{out} = get({key[0]!r})")
        else:
            above = self.path(key[:-1])
            self.lines.append(
                f"{out} = {above}.get({key[-1]!r}) if type({above}) is dict else None if {above} is None else MISS"
            )
        self.paths[key] = out
        return out

    def _read(self, out: str, entry: Entry, ask: str) -> list[str] | None:
        """Lines for the straight cases; None leaves all of it to the closure."""
        tree, kind = entry.tree, entry.type
        if isinstance(tree, ex.Path) and _is_straight(tree):
            path = self.path(tree.steps)
            if kind == "str":
                return [
                    f"if type({path}) is str: {out} = {path}.strip() or None",
                    f"else: {out} = None if {path} is None else {ask}",
                ]
            exact = {"int": "int", "float": "float", "bool": "bool"}.get(kind)
            if exact is not None:
                return [f"{out} = {path} if {path} is None or type({path}) is {exact} else {ask}"]
            return None
        if not (isinstance(tree, ex.Call) and isinstance(tree.value, ex.Path) and _is_straight(tree.value)):
            return None
        if tree.name == "table" and len(tree.arguments) == 1:
            return self._table(out, tree, tree.value.steps, kind, ask)
        if tree.name == "date" and kind == "datetime" and len(tree.arguments) == 1:
            return self._date(out, tree, tree.value.steps, ask)
        return None

    def _table(
        self, out: str, tree: ex.Call, steps: Sequence[str | int], kind: str, ask: str
    ) -> list[str] | None:
        codes = plain_codes(str(getattr(tree.arguments[0], "value", "")), self.context)
        known = _fitting(codes, kind, self.context)
        if known is None:
            return None
        path, look = self.path(steps), self.name(known.get)
        return [
            f"if type({path}) is str:",
            f"    {out} = {look}({path}.strip())",
            f"    if {out} is None and {path}: {out} = {ask}",
            f"else: {out} = None if {path} is None else {ask}",
        ]

    def _date(self, out: str, tree: ex.Call, steps: Sequence[str | int], ask: str) -> list[str] | None:
        fixed = fixed_slices(str(getattr(tree.arguments[0], "value", "")), self.context.offset)
        if fixed is None:
            return None
        path = self.path(steps)
        parts = "".join(
            one if isinstance(one, str) else f"{{{path}[{one[0]}:{one[1]}]}}" for one in fixed.parts
        )
        tests = [f"type({path}) is str", f"len({path}) == {fixed.width}"]
        tests += [f"{path}[{at}:{at + len(text)}] == {text!r}" for at, text in fixed.literals]
        return [
            f"if {' and '.join(tests)}:",
            f'    {out} = f"{parts}"',
            f"    try: iso({out})",
            f"    except ValueError: {out} = {ask}",
            f"    else: {out} += {fixed.offset!r}",
            f"else: {out} = None if {path} is None else {ask}",
        ]


def _is_straight(path: ex.Path) -> bool:
    return not path.root and bool(path.steps) and all(isinstance(step, str) for step in path.steps)


def _fitting(codes: Mapping[str, str], kind: str, context: CompileContext) -> dict[str, str] | None:
    """Codes whose meaning needs nothing more for a type; None for types that need more."""
    if kind == "str":
        return {raw: text for raw, meaning in codes.items() if (text := meaning.strip())}
    if kind.startswith("enum:"):
        allowed = context.enums(kind.removeprefix("enum:"))
        return {raw: meaning for raw, meaning in codes.items() if meaning in allowed}
    return None
