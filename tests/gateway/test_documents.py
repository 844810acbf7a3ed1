"""Documents by name: hashes, ids, manifests of both formats, what runs in each mode, and changed files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cache.embedded import EmbeddedStore
from gateway.documents import (
    DocumentRefused,
    Documents,
    ManifestInvalid,
    ManifestWatch,
    read_manifest,
)
from gateway.request import GraphQLRequest
from tests.e2e.waiting import until_async

TEXT, OTHER = "query Regions { regions { totalCount } }", "{ departments { totalCount } }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(text: str, query: str = "") -> GraphQLRequest:
    return GraphQLRequest(query, extensions={"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}})


def apollo(folder: Path, *operations: dict[str, Any]) -> Path:
    file = folder / "apollo.json"
    content = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations)}
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def relay(folder: Path, **documents: Any) -> Path:
    file = folder / "relay.json"
    file.write_text(json.dumps(documents), encoding="utf-8")
    return file


async def code(documents: Documents, request: GraphQLRequest) -> str:
    with pytest.raises(DocumentRefused) as caught:
        await documents.resolve(request)
    return caught.value.code


async def test_a_hash_is_enough_once_the_document_has_run() -> None:
    documents = Documents(EmbeddedStore())
    assert await code(documents, hashed(TEXT)) == "PERSISTED_QUERY_NOT_FOUND"
    whole = await documents.resolve(hashed(TEXT, TEXT))
    assert await code(documents, hashed(TEXT)) == "PERSISTED_QUERY_NOT_FOUND"  # it did not run yet
    await documents.keep(whole)
    assert (await documents.resolve(hashed(TEXT))).query == TEXT


async def test_a_hash_of_another_text_is_refused_and_keeps_nothing() -> None:
    documents = Documents(EmbeddedStore())
    assert await code(documents, hashed(TEXT, OTHER)) == "PERSISTED_QUERY_HASH_MISMATCH"


@pytest.mark.parametrize(
    "given", [1, "x", {}, {"version": 2, "sha256Hash": "0" * 64}, {"version": 1, "sha256Hash": "A" * 64}]
)
async def test_what_is_no_hash_is_a_bad_request(given: Any) -> None:
    request = GraphQLRequest("", extensions={"persistedQuery": given})
    assert await code(Documents(EmbeddedStore()), request) == "BAD_REQUEST"


async def test_people_and_giants_are_not_kept() -> None:
    documents = Documents(EmbeddedStore(), is_personal=lambda text: "500229" in text)
    for text in (
        '{ cases(applicant: {number: "500229197001010010"}) { totalCount } }',
        "{a" + " " * 70_000 + "}",
    ):
        await documents.keep(hashed(text, text))
        assert await code(documents, hashed(text)) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_gateway_that_keeps_none_says_so() -> None:
    assert await code(Documents(), hashed(TEXT)) == "PERSISTED_QUERY_NOT_SUPPORTED"
    await Documents().keep(hashed(TEXT, TEXT))


async def test_both_formats_are_read_and_every_form_of_an_id_is_taken(tmp_path: Path) -> None:
    files = (
        apollo(tmp_path, {"id": "a1", "name": "Regions", "type": "query", "body": TEXT}),
        relay(tmp_path, r1=OTHER),
    )
    documents = Documents(manifest=read_manifest(files), mode="id")
    found = await documents.resolve(GraphQLRequest("", document_id="a1"))
    assert (found.query, found.operation_name) == (TEXT, "Regions")
    assert (await documents.resolve(GraphQLRequest("", document_id="r1"))).query == OTHER
    by_hash = apollo(tmp_path, {"id": sha256(TEXT), "name": "Regions", "type": "query", "body": TEXT})
    documents = Documents(manifest=read_manifest([by_hash]), mode="id")
    assert (await documents.resolve(hashed(TEXT))).query == TEXT


@pytest.mark.parametrize(
    ("mode", "known", "unknown"),
    [
        ("log", None, None),
        ("known", None, "DOCUMENT_NOT_TRUSTED"),
        ("id", "DOCUMENT_ID_REQUIRED", "DOCUMENT_ID_REQUIRED"),
    ],
)
async def test_what_runs_in_each_mode(
    tmp_path: Path, mode: Any, known: str | None, unknown: str | None
) -> None:
    documents = Documents(EmbeddedStore(), read_manifest([relay(tmp_path, r1=TEXT)]), mode)
    for text, expected in ((TEXT, known), (OTHER, unknown)):
        if expected is None:
            assert (await documents.resolve(GraphQLRequest(text))).query == text
        else:
            assert await code(documents, GraphQLRequest(text)) == expected
    assert documents.unknown == (1 if mode == "log" else 0)
    assert await code(documents, GraphQLRequest("", document_id="nope")) == "DOCUMENT_NOT_FOUND"


async def test_a_kept_document_is_not_trusted_for_that(tmp_path: Path) -> None:
    store = EmbeddedStore()
    await Documents(store).keep(hashed(OTHER, OTHER))
    documents = Documents(store, read_manifest([relay(tmp_path, r1=TEXT)]), "known")
    assert await code(documents, hashed(OTHER)) == "DOCUMENT_NOT_TRUSTED"
    documents.mode = "id"
    assert await code(documents, hashed(OTHER)) == "DOCUMENT_NOT_FOUND"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "must be a JSON object"),
        ('{"format": "other", "version": 1, "operations": []}', "expected"),
        ('{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}', "expected"),
        ('{"a": 1}', "needs an id and a text"),
        ('{"a": "{ regions {"}', "'a': Syntax Error"),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [1]}',
            "must be an object",
        ),
    ],
)
def test_a_bad_manifest_says_what_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ManifestInvalid, match=str(file)) as caught:
        read_manifest([file])
    assert words in str(caught.value)


def test_one_id_of_two_documents_is_refused(tmp_path: Path) -> None:
    files = relay(tmp_path, a=TEXT), apollo(tmp_path, {"id": "a", "body": OTHER})
    with pytest.raises(ManifestInvalid, match="stands for two documents"):
        read_manifest(files)
    assert len(read_manifest([relay(tmp_path, a=TEXT), apollo(tmp_path, {"id": "a", "body": TEXT})])) == 1


async def test_a_changed_manifest_is_taken_and_a_bad_one_is_not(tmp_path: Path) -> None:
    file = relay(tmp_path, a=TEXT)
    documents = Documents(manifest=read_manifest([file]), mode="id")
    watch = ManifestWatch(documents, [file], poll_s=0.01)
    watch.start()
    try:
        relay(tmp_path, a=TEXT, b=OTHER)
        await until_async(lambda: documents.manifest is not None and "b" in documents.manifest.by_id)
        file.write_text("{", encoding="utf-8")
        relay_good = tmp_path / "other.json"
        relay_good.write_text(json.dumps({"c": TEXT}), encoding="utf-8")
        assert documents.manifest is not None
        assert "b" in documents.manifest.by_id
        relay_good.replace(file)
        await until_async(lambda: documents.manifest is not None and "c" in documents.manifest.by_id)
    finally:
        await watch.stop()
