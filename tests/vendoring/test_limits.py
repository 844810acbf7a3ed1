"""Limits of an import hold whatever a server sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.vendoring.documents import Limits
from adapters.vendoring.store import ImportRefused, Wanted, fetch
from tests.vendoring.hosts import hosting
from tests.vendoring.wsdls import PARTS


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(max_documents=3), "more than 3 documents"),
        (Limits(max_total_bytes=3000), "more than 3000 bytes in all"),
        (Limits(max_document_bytes=900), "900"),
    ],
)
async def test_too_many_or_too_large_documents_are_refused(limits: Limits, words: str) -> None:
    with hosting(PARTS) as host, pytest.raises(ImportRefused) as refused:
        await fetch(Wanted("wsdl", f"{host.url}/s?wsdl", limits=limits))
    assert words in str(refused.value)


async def test_a_chain_without_end_ends() -> None:
    """Each schema includes the next, as a server that makes them up can."""
    schema = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="{}"/></xs:schema>'
    )
    with hosting({f"/{number}": schema.format(number + 1) for number in range(60)}) as host:
        with pytest.raises(ImportRefused, match="more than 50 documents"):
            await fetch(Wanted("wsdl", f"{host.url}/0", limits=Limits(max_documents=50)))
        assert len(host.asked) == 50


async def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "s.wsdl"
    path.write_text("<a>" + "x" * 2000 + "</a>")
    with pytest.raises(ImportRefused, match="more than 1000 bytes"):
        await fetch(Wanted("wsdl", str(path), limits=Limits(max_document_bytes=1000)))


@pytest.mark.parametrize(
    "source", ["http://", "http://a b/", "http://user:hunter2@127.0.0.1/s?wsdl", "nowhere.wsdl"]
)
async def test_an_address_that_is_none_is_told(source: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        await fetch(Wanted("wsdl", source))
    assert refused.value.problems
    assert "hunter2" not in str(refused.value)
