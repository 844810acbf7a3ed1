"""Compressed fields, and what tries to be larger than it looks."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.archives import Gzip, Zip
from adapters.codecs.errors import CodecInput, CodecTooLarge, CodecValue
from adapters.codecs.step import Budget, Context, Step

MIB = 1024 * 1024


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("step", [Gzip(), Gzip("zlib"), Gzip("deflate"), Zip("案卷.xml")])
@given(raw=st.binary())
def test_packed_bytes_come_back(step: Step, raw: bytes) -> None:
    assert step.decode(step.encode(raw, Context()), Context()) == raw


@given(st.binary(), st.binary())
def test_gzip_reads_all_members(first: bytes, second: bytes) -> None:
    assert Gzip().decode(gzip.compress(first, mtime=0) + gzip.compress(second), Context()) == first + second


@pytest.mark.parametrize(
    ("step", "bomb"),
    [
        (Gzip(max_bytes=MIB), gzip.compress(bytes(50 * MIB))),
        (Gzip(max_bytes=MIB), gzip.compress(bytes(MIB)) * 3),
        (Gzip("zlib", max_bytes=MIB), zlib.compress(bytes(50 * MIB))),
        (Zip(max_bytes=MIB), archive(bomb=bytes(50 * MIB))),
        (Gzip(), gzip.compress(b"", mtime=0) * 200),
    ],
    ids=["gzip", "members", "zlib", "zip", "empty members"],
)
def test_bombs_stop_at_the_cap(step: Step, bomb: bytes) -> None:
    with pytest.raises(CodecTooLarge) as caught:
        step.decode(bomb, Context())
    assert caught.value.code == "CODEC_TOO_LARGE"


def test_a_zip_entry_that_lies_about_its_size_is_capped_or_refused() -> None:
    raw = archive(a=bytes(5 * MIB))
    lying = raw.replace((5 * MIB).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != raw
    with pytest.raises((CodecTooLarge, CodecInput)):
        Zip(max_bytes=MIB).decode(lying, Context())


def test_many_small_bombs_share_one_budget() -> None:
    context = Context(Budget(2 * MIB))
    bomb = gzip.compress(bytes(MIB))
    Gzip().decode(bomb, context)
    Gzip().decode(bomb, context)
    with pytest.raises(CodecTooLarge, match="together"):
        Gzip().decode(bomb, context)


def test_an_entry_is_found_by_name_and_the_only_one_without() -> None:
    assert Zip("b").decode(archive(a=b"1", b="二".encode()), Context()) == "二".encode()
    assert Zip().decode(archive(only=b"1"), Context()) == b"1"


@pytest.mark.parametrize(
    ("step", "raw", "expected"),
    [
        (Zip(), archive(a=b"1", b=b"2"), "found 2"),
        (Zip("c"), archive(a=b"1"), "'c'"),
        (Zip(), b"no archive", "sound zip"),
        (Gzip(), b"no gzip", "gzip stream"),
        (Gzip(), gzip.compress(b"content of a case", mtime=0)[:-9], "breaks off"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(step: Step, raw: bytes, expected: str) -> None:
    with pytest.raises(CodecInput, match=expected):
        step.decode(raw, Context())


def test_entries_that_can_only_be_unfolded_in_one_piece_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as out:
        out.writestr("a", bytes(MIB))
    assert bz2.decompress(bz2.compress(b"x")) == b"x"
    with pytest.raises(CodecInput, match="stored or deflated"):
        Zip().decode(stream.getvalue(), Context())


def test_writing_an_archive_needs_a_name() -> None:
    with pytest.raises(CodecValue, match="entry"):
        Zip().encode(b"1", Context())
