"""Reading YAML: values stay the text that was written, every mistake has its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adapters.loader import MAX_BYTES, Plain, load

FILE = Path("x.yaml")


def found(text: str) -> list[tuple[int, int, str]]:
    return [(one.line, one.column, one.code) for one in load(FILE, text).problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: [1, 2\nc: 3\n", (3, 2, "YAML_SYNTAX"), id="bracket never closed"),
        pytest.param("a:\n\tb: 1\n", (2, 1, "YAML_SYNTAX"), id="tab as indentation"),
        pytest.param("a: 1\n b: 2\n", (2, 3, "YAML_SYNTAX"), id="wrong indentation"),
        pytest.param("a: *nowhere\n", (1, 4, "YAML_SYNTAX"), id="alias without anchor"),
        pytest.param('a: "x\n', (2, 1, "YAML_SYNTAX"), id="string never closed"),
        pytest.param("a: 1\n---\nb: 2\n", (2, 1, "YAML_SYNTAX"), id="two documents"),
        pytest.param("", (1, 1, "YAML_EMPTY"), id="nothing"),
        pytest.param("# only a comment\n", (1, 1, "YAML_EMPTY"), id="only a comment"),
        pytest.param("a: 1\n? [x]\n: 2\n", (2, 3, "YAML_KEY"), id="key that is a list"),
        pytest.param("a:\n  b: 1\n  c: 2\n  b: 3\n", (4, 3, "DUPLICATE_KEY"), id="duplicate key"),
        pytest.param("a: &a\n  b: *a\n", (1, 4, "YAML_TOO_DEEP"), id="alias inside itself"),
        pytest.param("a: {<<: 5}\n", (1, 9, "YAML_MERGE"), id="merge of a scalar"),
    ],
)
def test_says_where_the_mistake_is(text: str, expected: tuple[int, int, str]) -> None:
    assert found(text) == [expected]


def test_a_character_that_yaml_forbids_is_reported_at_its_place() -> None:
    # regression: PyYAML's ReaderError has `position` instead of a mark; the problem says 1:1 wherever it stands
    assert found("a: 1\nb: x\x07y\n") == [(2, 5, "YAML_SYNTAX")]


def test_a_duplicate_says_where_the_first_one_stands() -> None:
    [problem] = load(FILE, "tables:\n  status: {1: A, 2: B, 1: C}\n").problems
    assert (problem.line, problem.column) == (2, 24)
    assert problem.message == "'1' stands here again (first in line 2)"


def test_all_mistakes_of_a_file_are_found_at_once() -> None:
    assert [code for _, _, code in found("a: 1\na: 2\nb: {c: 1, c: 2}\n? [x]\n: 1\n")] == [
        "DUPLICATE_KEY",
        "DUPLICATE_KEY",
        "YAML_KEY",
    ]


def test_scalars_stay_as_written() -> None:
    tree = load(
        FILE, "{a: 01, b: no, c: 1.50, d: 2017-01-01, e: 0x1F, f: null, g: ~, h: , i: '~', j: 是}"
    ).tree
    assert tree == {
        "a": "01",
        "b": "no",
        "c": "1.50",
        "d": "2017-01-01",
        "e": "0x1F",
        "f": None,
        "g": None,
        "h": None,
        "i": "~",
        "j": "是",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("-3", -3),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1.50", "1.50"),
        ("no", "no"),
        ("True", "True"),
        ("+1", "+1"),
        ("1e5", "1e5"),
    ],
)
def test_a_plain_scalar_is_a_number_only_if_it_is_written_as_one(text: str, value: object) -> None:
    literal = Plain(text).literal()
    assert (literal, type(literal)) == (value, type(value))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_words_that_python_takes_for_floats_stay_text(text: str) -> None:
    # regression: YAML 1.2 core writes .nan and .inf; a code `inf` in a request template becomes JSON null
    assert Plain(text).literal() == text


def test_quoted_scalars_are_not_plain() -> None:
    tree = load(FILE, "a: 20\nb: '20'\n").tree
    assert isinstance(tree["a"], Plain)
    assert not isinstance(tree["b"], Plain)


def test_merge_keys_fill_in_what_is_not_said() -> None:
    tree = load(FILE, "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}\n").tree
    assert tree["b"] == {"x": "1", "y": "3", "z": "4"}


def test_of_several_merged_mappings_the_first_wins() -> None:
    tree = load(FILE, "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n").tree
    assert tree["c"] == {"x": "1", "y": "2"}


def test_a_quoted_merge_sign_is_a_plain_key() -> None:
    assert load(FILE, "a: {'<<': 1}\n").tree == {"a": {"<<": "1"}}


def test_what_is_written_here_has_its_place_here_also_when_the_merge_comes_later() -> None:
    document = load(FILE, "a: &a {x: 1}\nb:\n  x: 2\n  <<: *a\n")
    # regression: following the alias overwrites the mark of `b.x` with that of `a.x` (1, 12)
    assert document.where(("b", "x")) == (3, 6)


def test_a_mapping_that_merges_another_keeps_its_own_place() -> None:
    document = load(FILE, "a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n")
    # regression: the mapping's own mark becomes that of the merged one (1, 4)
    assert document.where(("b",)) == (3, 3)


def test_an_alias_bomb_is_refused_without_being_unfolded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    document = load(FILE, "\n".join(lines))
    assert {one.code for one in document.problems} == {"YAML_TOO_DEEP"}
    assert len(document.marks) < 60_000


def test_an_alias_bomb_is_one_problem() -> None:
    lines = ["a0: &a0 [" + ", ".join("x" * 900) + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 900)}]" for i in range(1, 3)]
    # regression: every value past the limit adds a problem of its own: hundreds of the same line
    assert len(load(FILE, "\n".join(lines)).problems) == 1


def test_a_file_nested_without_end_is_refused() -> None:
    # regression: yaml.compose recurses; RecursionError leaves `load`, which is never to raise
    assert load(FILE, "a: " + "[" * 5000).problems


def test_a_file_that_is_too_large_is_refused() -> None:
    assert found("#" * (MAX_BYTES + 1)) == [(1, 1, "FILE_TOO_LARGE")]


def test_the_place_of_something_that_is_not_there_is_the_place_around_it() -> None:
    document = load(FILE, "a:\n  b: 1\n")
    assert document.where(("a", "c", "d")) == (2, 3)
    assert document.where(("a", "b"), key=True) == (2, 3)
    assert document.where(("z",)) == (1, 1)


LEAVES = st.text(alphabet="abc01是 :#'\"-{}[]~", max_size=6)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LEAVES, inner, max_size=3),
    max_leaves=12,
)


@given(TREES)
def test_quoted_values_come_back_as_they_were(tree: object) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, default_style='"')
    document = load(FILE, text)
    assert document.problems == []
    assert document.tree == tree


@given(st.text(max_size=60))
def test_any_text_gives_a_tree_or_problems(text: str) -> None:
    document = load(FILE, text)
    assert document.problems or document.tree is not None or text.strip()
    assert all(one.line >= 1 and one.column >= 1 for one in document.problems)
