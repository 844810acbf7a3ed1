"""Text and bytes, one way and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.encodings import Base64, Charset, Hex, TrimPrefix, UnescapeXml, UrlDecode
from adapters.codecs.errors import CodecInput, CodecValue
from adapters.codecs.step import Context, Step
from adapters.reply import python_charset

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("step", [Base64(), Base64(url=True, padding=False), Hex(), Hex(upper=True)])
@given(raw=st.binary())
def test_bytes_come_back(step: Step, raw: bytes) -> None:
    assert step.decode(step.encode(raw, Context()), Context()) == raw


@pytest.mark.parametrize(
    "step",
    [UrlDecode(), UrlDecode("gb18030", plus=False), UnescapeXml(), TrimPrefix("callback(", ")")],
)
@given(text=TEXT)
def test_text_comes_back(step: Step, text: str) -> None:
    kept = text.strip() if isinstance(step, TrimPrefix) else text
    assert step.decode(step.encode(kept, Context()), Context()) == kept


@given(text=TEXT.filter(lambda text: not text.startswith("\ufeff")))
def test_every_character_survives_what_calls_itself_gb2312(text: str) -> None:
    step = Charset(python_charset("gb2312") or "")
    assert step.decode(step.encode(text, Context()), Context()) == text


def test_gbk_bytes_in_a_system_that_declares_gb2312_are_read() -> None:
    """䶮 and 镕 are names' characters that GB 2312 lacks."""
    assert Charset(python_charset("GB2312") or "").decode("朱镕".encode("gbk"), Context()) == "朱镕"


def test_base64_reads_line_breaks_both_alphabets_and_missing_padding() -> None:
    raw = bytes(range(250, 256)) * 20
    wrapped = "+vv8\r\n/f7/"
    assert Base64().decode(wrapped, Context()) == bytes(range(250, 256))
    assert Base64().decode(Base64(url=True, padding=False).encode(raw, Context()), Context()) == raw


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (Base64(), "no base64 at all!"),
        (Base64(), "A"),
        (Hex(), "abc"),
        (Hex(), "zz"),
        (Charset("utf-8"), b"\xff\xfe\xfa"),
        (UrlDecode(), "%ff%fe"),
        (UnescapeXml(), "&#0;"),
        (TrimPrefix("callback(", ")"), "other(1)"),
        (Base64(), {"an": "object"}),
    ],
)
def test_what_does_not_fit_is_named_but_never_quoted(step: Step, value: object) -> None:
    with pytest.raises(CodecInput) as caught:
        step.decode(value, Context())
    assert caught.value.code == "CODEC_INPUT"
    assert "expected" in str(caught.value)
    assert str(value) not in str(caught.value)


def test_a_character_that_the_charset_lacks_is_refused() -> None:
    with pytest.raises(CodecValue, match="ascii"):
        Charset("ascii").encode("张", Context())


def test_unknown_entities_stay_and_one_level_is_taken_off() -> None:
    assert UnescapeXml().decode("&amp;lt;&nbsp;&#x5F20;&#19977;", Context()) == "&lt;&nbsp;张三"


def test_an_absent_prefix_may_be_tolerated() -> None:
    assert TrimPrefix("data:", absent="keep").decode(" plain ", Context()) == "plain"
