"""Case files: what is written is read again, byte for byte; what is wrong is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.recording.case import (
    Ask,
    CannedReply,
    Case,
    CaseError,
    Exchange,
    Expected,
    SentRequest,
    case_files,
    read_case,
)
from adapters.recording.text import as_text

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def case(body: str = "", **how: object) -> Case:
    reply = CannedReply(status=200, headers={"content-type": "text/xml"}, body=body)
    exchange = Exchange(request=SentRequest(method="GET", path="/"), reply=reply)
    parts = {"ask": Ask(verb="case", args={"number": "1"}), "expect": Expected(records=[])} | how
    return Case(
        case="c", system="AA", recorded_at=datetime(2026, 1, 2, tzinfo=UTC), exchanges=[exchange], **parts
    )  # type: ignore[arg-type]


@example("a\r\nb", "\x85")
@example("\u2028\n", "\ufeff")
@given(texts, texts)
def test_a_case_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, body: str, value: str
) -> None:
    path = tmp_path_factory.mktemp("cases") / "c.yaml"
    written = case(body, expect=Expected(records=[{"title": value, "n": 1, "none": None}]))
    path.write_text(written.text(), encoding="utf-8", newline="")
    assert read_case(path) == written


@given(texts, st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_text_in_its_charset_is_the_bytes_that_came(text: str, charset: str) -> None:
    body = text.encode(charset)
    found = as_text(body, f"text/plain; charset={charset}", None)
    if found is not None:
        assert found[0].encode(found[1]) == body


@given(st.binary(max_size=60))
def test_bytes_come_back_or_are_no_text(body: bytes) -> None:
    found = as_text(body, "", None)
    if found is not None:
        assert found[0].encode(found[1]) == body


def test_a_reply_that_says_one_charset_and_is_another_is_read_as_declared() -> None:
    body = '<?xml version="1.0" encoding="GB2312"?><a>㐂</a>'.encode("gb18030")
    assert as_text(body, "text/xml; charset=GB2312", "gb2312") == (body.decode("gb18030"), "gb18030")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("status: 200", "status: 99", "exchanges.0.reply.status"),
        ("case: c", "caze: c", "Field required"),
        ("body: x", "body: x\n    base64: eA==", "body or base64"),
        ("body: x", "body: 中\n    charset: ascii", "cannot be written in ascii"),
        ("body: x", "base64: '*'", "base64"),
        ("system: AA", "system: [", "not YAML"),
    ],
)
def test_a_file_that_is_no_case_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "c.yaml"
    text = case("x").text()
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CaseError, match=words) as told:
        read_case(path)
    assert str(path) in str(told.value)


def test_only_cases_are_found_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "spec").mkdir()
    (tmp_path / "b.yaml").write_text(case().text())
    (tmp_path / "spec" / "openapi.yaml").write_text("openapi: 3.0.0")
    assert case_files(tmp_path) == [tmp_path / "b.yaml"]
