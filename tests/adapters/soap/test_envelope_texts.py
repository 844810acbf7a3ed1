"""Envelopes filled in are the envelopes that zeep writes, whatever the values; what it alone can write stays its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.soap.envelope import EnvelopeTexts
from adapters.soap.wsdl import load_wsdl
from samples.farm_systems import __file__ as samples_file

WSDL = Path(samples_file).parent / "servers" / "farm.wsdl"


@pytest.fixture(scope="module")
def operation(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("wsdl") / "farm.wsdl"
    path.write_text(WSDL.read_text("utf-8").replace("{address}", "http://127.0.0.1:9/ws"), "utf-8")
    return load_wsdl(str(path)).operations["QueryCaseList"].binding_operation


def _zeep(operation: Any, arguments: dict[str, Any]) -> bytes:
    return etree.tostring(operation.create(**arguments).content, encoding="utf-8", xml_declaration=True)


def _same(one: bytes, other: bytes) -> bool:
    return etree.tostring(etree.fromstring(one), method="c14n") == etree.tostring(
        etree.fromstring(other), method="c14n"
    )


@given(
    number=st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
    page=st.integers(-(2**31), 2**31),
    with_number=st.booleans(),
)
def test_a_filled_text_is_what_zeep_writes_or_is_refused_alike(
    operation: Any, number: str, page: int, with_number: bool
) -> None:
    texts = EnvelopeTexts(lambda arguments: _zeep(operation, arguments))
    # in another order than the schema's
    arguments: dict[str, Any] = {"size": 20, "page": page} | ({"idNumber": number} if with_number else {})
    texts.fill({"size": 1, "page": 1} | ({"idNumber": "x"} if with_number else {}))
    try:
        expected = _zeep(operation, arguments)
    except ValueError:
        with pytest.raises(ValueError, match="character"):
            texts.fill(arguments)
        return
    assert _same(texts.fill(arguments), expected)


def test_zeep_is_asked_once_for_arguments_of_one_shape(operation: Any) -> None:
    asked: list[dict[str, Any]] = []

    def write(arguments: dict[str, Any]) -> bytes:
        asked.append(arguments)
        return _zeep(operation, arguments)

    texts = EnvelopeTexts(write)
    for number in ("500229197001010010", "<&>\"'", "陈某"):
        assert _same(
            texts.fill({"idNumber": number, "page": 2, "size": 20}),
            _zeep(operation, {"idNumber": number, "page": 2, "size": 20}),
        )
    assert len(asked) == 1


def test_values_that_have_forms_of_their_own_stay_zeeps(operation: Any) -> None:
    texts = EnvelopeTexts(lambda arguments: _zeep(operation, arguments))
    arguments = {"idNumber": None, "page": 1, "size": 20}
    assert texts.fill(arguments) == _zeep(operation, arguments)


def test_what_is_written_otherwise_than_given_is_never_kept() -> None:
    texts = EnvelopeTexts(lambda arguments: f"<a>{str(arguments['b']).upper()}</a>".encode())
    assert [texts.fill({"b": one}) for one in ("x", "nan")] == [b"<a>X</a>", b"<a>NAN</a>"]
