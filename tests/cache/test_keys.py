"""Keys tell answers apart and tell nobody what was asked."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.keys import cache_key

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PARTS = st.dictionaries(st.text(), VALUES, max_size=6)


def key(parts: dict[str, Any], **other: Any) -> str:
    return cache_key("ns1", "registry", "cases", parts, **other)


@given(PARTS, st.randoms())
def test_the_order_of_the_parts_does_not_matter(parts: dict[str, Any], chance: random.Random) -> None:
    shuffled = list(parts.items())
    chance.shuffle(shuffled)
    assert key(dict(shuffled)) == key(parts)


@given(PARTS, PARTS)
def test_different_questions_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    def typed(value: object) -> object:  # Python holds True == 1; a question does not
        if isinstance(value, dict):
            return {name: typed(inner) for name, inner in value.items()}
        return [typed(inner) for inner in value] if isinstance(value, list) else (type(value), value)

    assert (key(one) == key(other)) == (typed(one) == typed(other))


@given(st.text(min_size=4))
def test_nothing_asked_for_can_be_read_in_the_key(value: str) -> None:
    secret = f"id-{value}"
    assert secret not in key({"idNumber": secret, secret: 1})


def test_an_identity_number_and_a_name_leave_no_trace() -> None:
    parts = {
        "idNumber": "110101199003078515",
        "name": "张伟",
        "born": date(1990, 3, 7),
        "fee": Decimal("1.50"),
    }
    made = key(parts, secret=b"k")
    assert made.startswith("ns1:registry:cases:")
    assert made.isascii()
    assert not any(str(value) in made for value in ("110101", "19900307", "张伟", "1990-03-07", "1.50"))


@pytest.mark.parametrize(
    "other",
    [
        cache_key("ns2", "registry", "cases", {"a": 1}),
        cache_key("ns1", "licences", "cases", {"a": 1}),
        cache_key("ns1", "registry", "case", {"a": 1}),
        cache_key("ns1", "registry", "cases", {"a": "1"}),
        cache_key("ns1", "registry", "cases", {"a": 1}, secret=b"s"),
    ],
)
def test_namespace_system_operation_type_and_secret_all_count(other: str) -> None:
    assert other != key({"a": 1})


def test_names_that_only_look_alike_once_made_readable_keep_their_own_keys() -> None:
    assert cache_key("n", "a/b", "o", {}) != cache_key("n", "a_b", "o", {})


def test_a_part_without_a_canonical_text_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        key({"a": object()})
