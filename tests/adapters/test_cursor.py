"""Cursors come back as they were, and only ours, and only for the question they were given for."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.cursor import MAX_CURSOR_CHARS, CursorError, Last, ListCursor, Mark, fingerprint
from tests.adapters.doubles import SECRET

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
POSITIONS = st.one_of(st.none(), st.integers(0, 10**9), TEXTS)
LASTS = st.builds(Last, TEXTS, st.frozensets(TEXTS, max_size=4))
MARKS = st.builds(Mark, POSITIONS, st.one_of(st.none(), LASTS), st.integers(0, 1000))
CURSORS = st.builds(ListCursor, st.dictionaries(TEXTS, MARKS, max_size=5), st.frozensets(TEXTS, max_size=5))
QUESTION = fingerprint({"a": 1}, SECRET)


@given(CURSORS)
def test_a_cursor_comes_back_as_it_was(cursor: ListCursor) -> None:
    text = cursor.encode(QUESTION, SECRET)
    assert ListCursor.decode(text, QUESTION, SECRET) == cursor
    assert text.isascii()
    assert not set("+/= ") & set(text)


@given(CURSORS, st.integers(0), st.characters(codec="ascii", categories=["L", "N", "P", "S"]))
def test_a_cursor_with_another_character_is_refused_or_says_the_same(
    cursor: ListCursor, place: int, character: str
) -> None:
    text = cursor.encode(QUESTION, SECRET)
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    found = None
    with contextlib.suppress(CursorError):
        found = ListCursor.decode(changed, QUESTION, SECRET)
    if found is not None:
        assert found == cursor
        # only the bits that base64 leaves unused at its end may differ, or its other two signs stand there
        assert changed == text or place == len(text) - 1 or character in "+/"


@given(CURSORS, st.dictionaries(TEXTS, TEXTS, min_size=1))
def test_a_cursor_of_other_arguments_is_refused(cursor: ListCursor, arguments: dict[str, str]) -> None:
    with pytest.raises(CursorError, match="other arguments"):
        ListCursor.decode(cursor.encode(QUESTION, SECRET), fingerprint(arguments, SECRET), SECRET)


def test_a_cursor_of_another_gateway_is_refused() -> None:
    text = ListCursor({"A": Mark(2)}).encode(QUESTION, b"another secret")
    with pytest.raises(CursorError, match="not one of this list"):
        ListCursor.decode(text, QUESTION, SECRET)


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        ListCursor.decode(text, QUESTION, SECRET)


def test_a_text_too_long_is_refused_unread() -> None:
    with pytest.raises(CursorError, match="too long"):
        ListCursor.decode("A" * (MAX_CURSOR_CHARS + 1), QUESTION, SECRET)


@given(st.dictionaries(TEXTS, st.one_of(st.none(), TEXTS, st.lists(TEXTS, max_size=2)), max_size=4))
def test_a_fingerprint_is_of_the_arguments_whatever_their_order(arguments: dict[str, object]) -> None:
    turned = dict(reversed(list(arguments.items())))
    assert fingerprint(arguments, SECRET) == fingerprint(turned, SECRET)
    assert fingerprint(arguments, SECRET) != fingerprint({**arguments, "more": 1}, SECRET)
    assert fingerprint(arguments, SECRET) != fingerprint(arguments, b"another")


def test_a_cursor_of_many_systems_with_long_tokens_is_taken_back() -> None:
    tokens = {f"S{n:03d}": Mark(hashlib.shake_256(bytes([n])).hexdigest(600)) for n in range(120)}
    cursor = ListCursor(tokens)
    assert ListCursor.decode(cursor.encode(QUESTION, SECRET), QUESTION, SECRET) == cursor
