"""The expression language of declarations: text to a syntax tree. Pure; what it means is in `compiler.py`.

    status | table("status")              a path, then functions
    Body.rows[0].name ?? "无"              first value that is there
    code != "0" and not (msg == null)     conditions
    $args.from | format("yyyyMMdd")       what the caller asked for, in requests
    if(kind == "1", person, company)      one of two
    jmespath: ...   xpath: ...            another language, for the whole of the text (`foreign.py`)

Total by construction: no loops, no recursion, no user functions. Names may hold Chinese letters and `-`;
others stand between backticks. `@name` is an XML attribute, `.` the record itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal as Lit

from adapters.mapping.errors import ExpressionError
from adapters.mapping.foreign import foreign_of

__all__ = [
    "Binary",
    "Call",
    "Choice",
    "Expression",
    "Foreign",
    "ListOf",
    "Literal",
    "Not",
    "Path",
    "parse",
    "paths_of",
]

MAX_LENGTH = 2000
MAX_DEPTH = 30
MAX_PARTS = 100


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Path:
    """`root`: "" for the record, else the name after `$`. `steps`: names, "@attribute", or positions."""

    root: str
    steps: tuple[str | int, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """`value | name(arguments)`."""

    name: str
    value: Expression
    arguments: tuple[Expression, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Binary:
    operator: Lit["==", "!=", "<", "<=", ">", ">=", "in", "and", "or", "??"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    value: Expression


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`if(condition, value, otherwise)`."""

    condition: Expression
    value: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Foreign:
    """A text in another language; it may look at all of the record."""

    language: str
    text: str
    offset: int = 0


Expression = Literal | Path | Call | Binary | Not | ListOf | Choice | Foreign

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?(?![\w-]))
    | (?P<quoted>`[^`]+`)
    | (?P<name>[^\W\d][\w-]*)
    | (?P<symbol>\?\?|==|!=|<=|>=|[|()\[\],.$@<>])
    )""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int
    spaced: bool = False


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Trees hold nothing that changes, and one text is read by the checks, the readers and the pruning. Raises ExpressionError with the offset of the first thing that cannot be read."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    foreign = foreign_of(text)
    if foreign is not None:
        return Foreign(*foreign)
    parser = _Parser(_tokens(text))
    result = parser.expression(0)
    parser.end()
    return result


def paths_of(expression: Expression) -> list[Path]:
    """Every path in it, left to right."""
    match expression:
        case Path():
            return [expression]
        case Call(_, value, arguments):
            return [path for one in (value, *arguments) for path in paths_of(one)]
        case Binary(_, left, right):
            return paths_of(left) + paths_of(right)
        case Not(value):
            return paths_of(value)
        case ListOf(items):
            return [path for one in items for path in paths_of(one)]
        case Choice(condition, value, otherwise):
            return [path for one in (condition, value, otherwise) for path in paths_of(one)]
        case Foreign():
            return [Path("", ())]
    return []


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            raise ExpressionError(f"{rest[0]!r} cannot stand here", len(text) - len(rest))
        kind = str(match.lastgroup)
        start = match.start(kind)
        tokens.append(_Token(kind, match.group(kind), start, spaced=start > at))
        at = match.end()
    tokens.append(_Token("end", "the end", len(text)))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.parts = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *texts: str) -> bool:
        if self.now.kind in ("symbol", "name") and self.now.text in texts:
            self.at += 1
            return True
        return False

    def joined(self) -> None:
        """One more operator: chains become nested trees, which must not exhaust the stack of those who walk them."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise ExpressionError(f"more than {MAX_PARTS} operators and functions", self.now.offset)

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.wrong(f"{text!r}")

    def wrong(self, wanted: str) -> ExpressionError:
        return ExpressionError(f"found {self.now.text!r}, expected {wanted}", self.now.offset)

    def end(self) -> None:
        if self.now.kind != "end":
            raise self.wrong("an operator or the end")

    def expression(self, level: int) -> Expression:
        """Levels, loosest first: or, and, not, comparison, ??, pipe."""
        self.depth += 1
        if self.depth > MAX_DEPTH * 6:
            raise ExpressionError("nested too deeply", self.now.offset)
        try:
            return (self._or, self._and, self._not, self._comparison, self._coalesce, self._pipe)[level]()
        finally:
            self.depth -= 1

    def _or(self) -> Expression:
        left = self.expression(1)
        while self.take("or"):
            self.joined()
            left = Binary("or", left, self.expression(1))
        return left

    def _and(self) -> Expression:
        left = self.expression(2)
        while self.take("and"):
            self.joined()
            left = Binary("and", left, self.expression(2))
        return left

    def _not(self) -> Expression:
        if self.take("not"):
            self.joined()
            return Not(self.expression(2))
        return self.expression(3)

    def _comparison(self) -> Expression:
        left = self.expression(4)
        for operator in _COMPARISONS:
            if self.take(operator):
                return Binary(operator, left, self.expression(4))  # type: ignore[arg-type]  # one of the literals
        return left

    def _coalesce(self) -> Expression:
        left = self.expression(5)
        while self.take("??"):
            self.joined()
            left = Binary("??", left, self.expression(5))
        return left

    def _pipe(self) -> Expression:
        value = self._primary()
        while self.take("|"):
            self.joined()
            if self.now.kind != "name":
                raise self.wrong("a function")
            name, offset = self.now.text, self.now.offset
            self.at += 1
            arguments: tuple[Expression, ...] = ()
            if self.take("("):
                arguments = self._list(")")
            value = Call(name, value, arguments, offset)
        return value

    def _list(self, closing: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        if self.take(closing):
            return ()
        while True:
            items.append(self.expression(0))
            if self.take(closing):
                return tuple(items)
            self.expect(",")

    def _primary(self) -> Expression:
        token = self.now
        if token.kind == "string":
            self.at += 1
            return Literal(re.sub(r"\\(.)", r"\1", token.text[1:-1]))
        if token.kind == "number":
            self.at += 1
            return Literal(float(token.text) if "." in token.text else int(token.text))
        if token.kind == "name" and token.text in _WORDS:
            self.at += 1
            return Literal(_WORDS[token.text])
        if self.take("("):
            inner = self.expression(0)
            self.expect(")")
            return inner
        if self.take("["):
            return ListOf(self._list("]"))
        if token.kind == "name" and token.text == "if" and self.tokens[self.at + 1].text == "(":
            return self._choice()
        return self._path()

    def _choice(self) -> Choice:
        offset = self.now.offset
        self.at += 2
        self.joined()
        parts = self._list(")")
        if len(parts) != 3:
            raise ExpressionError("if takes a condition and two values", offset)
        return Choice(*parts)

    def _path(self) -> Path:
        offset, root = self.now.offset, ""
        steps: list[str | int] = []
        if self.take("$"):
            root = self._name("a name after $")
        elif self.take("."):
            if self.now.kind not in ("name", "quoted") or self.now.spaced:
                return Path("", (), offset)
            steps.append(self._name("a name"))
        else:
            steps.append(self._step())
        while True:
            if self.take("."):
                steps.append(self._step())
            elif self.take("["):
                if self.now.kind != "number" or "." in self.now.text:
                    raise self.wrong("a position such as [0]")
                steps.append(int(self.now.text))
                self.at += 1
                self.expect("]")
            else:
                return Path(root, tuple(steps), offset)

    def _step(self) -> str:
        if self.take("@"):
            return "@" + self._name("an attribute name")
        return self._name("a path, a literal or (")

    def _name(self, wanted: str) -> str:
        token = self.now
        if token.kind not in ("name", "quoted"):
            raise self.wrong(wanted)
        self.at += 1
        return token.text.strip("`")
