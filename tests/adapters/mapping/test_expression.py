"""The grammar of expressions: what binds tighter, what names look like, and that nothing crashes it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import (
    MAX_LENGTH,
    Binary,
    Call,
    Expression,
    ListOf,
    Literal,
    Not,
    Path,
    parse,
    paths_of,
)


def shown(tree: Expression) -> str:
    """The tree with every bracket written."""
    match tree:
        case Literal(value):
            return repr(value)
        case Path(root, steps):
            return ".".join([*(["$" + root] if root else []), *map(str, steps)]) or "."
        case Call(name, value, arguments):
            return f"({shown(value)} | {name}({', '.join(map(shown, arguments))}))"
        case Binary(operator, left, right):
            return f"({shown(left)} {operator} {shown(right)})"
        case Not(value):
            return f"(not {shown(value)})"
        case ListOf(items):
            return f"[{', '.join(map(shown, items))}]"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and not c == d ?? e | trim", "(a or (b and (not (c == (d ?? (e | trim()))))))"),
        ("a and b or c and d", "((a and b) or (c and d))"),
        ("not a and b", "((not a) and b)"),
        ("not not a", "(not (not a))"),
        ("a ?? b ?? c", "((a ?? b) ?? c)"),
        ("a ?? b | upper", "(a ?? (b | upper()))"),
        ("(a ?? b) | upper", "((a ?? b) | upper())"),
        ("a | split('-', 0) | trim", "((a | split('-', 0)) | trim())"),
        ("a != 'x' or b in [1, '2', null]", "((a != 'x') or (b in [1, '2', None]))"),
        ("a.b[0].c[-1].@d", "a.b.0.c.-1.@d"),
        ("@id", "@id"),
        (".", "."),
        (".a", "a"),
        ("$args.applicant.idNumber", "$args.applicant.idNumber"),
        ("$status", "$status"),
        ("$reply.head.code == '0'", "($reply.head.code == '0')"),
        ("状态 | table('状态')", "(状态 | table('状态'))"),
        ("办件.环节名称", "办件.环节名称"),
        ("a-b.c_d", "a-b.c_d"),
        ("`a b`.`c.d`.`1x`", "a b.c.d.1x"),
        ("a.true.or", "a.true.or"),
        ("true == false", "(True == False)"),
        ("-1.5 < a", "(-1.5 < a)"),
        (r'"a\"b" ?? ' + r"'\\'", "('a\"b' ?? '\\\\')"),
        ("[]", "[]"),
    ],
)
def test_reads(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "offset", "part"),
    [
        ("", 0, "found 'the end', expected a path"),
        ("a b", 2, "found 'b', expected an operator or the end"),
        ("a < b < c", 6, "found '<', expected an operator or the end"),
        ("a | 5", 4, "found '5', expected a function"),
        ("a | f(", 6, "found 'the end', expected a path"),
        ("a | f(1 2)", 8, "found '2', expected ','"),
        ("a[b]", 2, "found 'b', expected a position such as [0]"),
        ("a[1.5]", 2, "found '1.5', expected a position such as [0]"),
        ("$", 1, "found 'the end', expected a name after $"),
        ("a.@", 3, "found 'the end', expected an attribute name"),
        ("a + b", 2, "'+' cannot stand here"),
        ('a == "x', 5, "'\"' cannot stand here"),
        ("`a", 0, "'`' cannot stand here"),
        ("1abc", 0, "'1' cannot stand here"),
        ("  a &", 4, "'&' cannot stand here"),
        ("(((a))", 6, "found 'the end', expected ')'"),
        ("a" * (MAX_LENGTH + 1), 0, "longer than 2000 characters"),
        ("(" * 300 + "a" + ")" * 300, None, "nested too deeply"),
    ],
)
def test_refuses_and_says_where(text: str, offset: int | None, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert part in caught.value.message
    assert offset is None or caught.value.offset == offset


PIECES = st.sampled_from(
    [*"ab.|()[]$@`'\"<>=!?1-,是 ", "??", "==", " not ", " in ", " or ", " and ", "| trim", "[0]", "\\", "\n"]
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=40).map("".join)))
@example("a" + " ?? a" * 390)
@example("not " * 400 + "a")
def test_any_text_is_read_or_refused_with_a_position(text: str) -> None:
    refused = None
    try:
        assert all(isinstance(path, Path) for path in paths_of(parse(text)))
    except ExpressionError as error:
        refused = error
    assert refused is None or 0 <= refused.offset <= len(text)


NAMES = st.from_regex(r"\A[a-z办件][a-z0-9_-]{0,5}\Z").filter(
    lambda name: name not in ("or", "and", "not", "in", "true", "false", "null")
)
LITERALS = st.one_of(
    st.integers(-999, 999).map(Literal),
    st.sampled_from([True, False, None]).map(Literal),
    st.text(alphabet="ab\"'\\ 是", max_size=5).map(Literal),
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda steps: Path("", tuple(steps)))
TREES: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(LITERALS, PATHS),
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from(["==", "!=", "<", "in", "and", "or", "??"]), inner, inner),
        st.builds(Not, inner),
        st.builds(lambda value, name: Call(name, value, ()), inner, NAMES),
        st.lists(inner, max_size=2).map(lambda items: ListOf(tuple(items))),
    ),
    max_leaves=8,
)


def written(tree: Expression) -> str:
    match tree:
        case Literal(str(text)):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Literal(bool(value)):
            return "true" if value else "false"
        case Literal(value):
            return "null" if value is None else str(value)
        case Path(_, steps):
            return ".".join(f"`{step}`" for step in steps)
        case Call(name, value, _):
            return f"({written(value)}) | {name}"
        case Binary(operator, left, right):
            return f"({written(left)}) {operator} ({written(right)})"
        case Not(value):
            return f"not ({written(value)})"
        case ListOf(items):
            return f"[{', '.join(map(written, items))}]"


@given(TREES)
def test_what_is_written_with_brackets_is_read_as_it_was(tree: Expression) -> None:
    assert shown(parse(written(tree))) == shown(tree)


def test_paths_come_left_to_right() -> None:
    assert [shown(path) for path in paths_of(parse("a ?? b.c | f and not ($d in [e, f[0]])"))] == [
        "a",
        "b.c",
        "$d",
        "e",
        "f.0",
    ]
