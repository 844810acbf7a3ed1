"""Keyset pages lose nothing and repeat nothing, and tell a foreign cursor from their own."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import CursorInvalidError, LimitExceededError
from schema.paging import Slice, decode_cursor, encode_cursor, fingerprint, paginate

HERE = fingerprint("regions", {"level": None})
KEYS = st.lists(st.text(), unique=True, max_size=60).map(sorted)


def page_of(rows: list[str], first: int | None = None, after: str | None = None) -> Slice[str]:
    return paginate(rows, lambda row: row, first=first, after=after, binding=HERE)


@given(KEYS, st.integers(1, 100))
def test_paging_through_gives_every_row_once(rows: list[str], first: int) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = page_of(rows, first, after)
        assert page.total == len(rows)
        assert page.has_previous is bool(seen)
        seen.extend(page.rows)
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert seen == rows


@given(KEYS.filter(bool), st.data())
def test_a_row_that_has_gone_does_not_disturb_its_cursor(rows: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(rows))
    cursor = encode_cursor(gone, HERE)
    left = [row for row in rows if row != gone]
    assert list(page_of(left, 100, cursor).rows) == [row for row in left if row > gone]


@given(st.text())
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(CursorInvalidError):
        decode_cursor(text, HERE)


@pytest.mark.parametrize("content", [["x"], {"a": 1}, [1, "k"], "text", None, [HERE, 5]])
def test_well_formed_nonsense_is_no_cursor(content: object) -> None:
    with pytest.raises(CursorInvalidError, match="cannot be read"):
        decode_cursor(base64.urlsafe_b64encode(json.dumps(content).encode()).decode(), HERE)


def test_a_cursor_of_other_arguments_is_refused_with_what_to_do() -> None:
    elsewhere = encode_cursor("500107", fingerprint("regions", {"level": "VILLAGE"}))
    with pytest.raises(CursorInvalidError, match=r"other arguments; start again without it") as caught:
        page_of(["500107"], 1, elsewhere)
    assert caught.value.extensions == {"code": "CURSOR_INVALID"}


@pytest.mark.parametrize("first", [0, -1, 101, 1_000_000])
def test_first_has_bounds(first: int) -> None:
    with pytest.raises(LimitExceededError, match=rf"between 1 and 100, got {first}") as caught:
        page_of([], first)
    assert caught.value.extensions == {"code": "LIMIT_EXCEEDED"}
