"""Steps that unpack: gzip (and zlib, deflate) and zip, each stopped as soon as more comes out than is allowed."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Literal

from adapters.codecs.errors import CodecInput, CodecTooLarge, CodecValue
from adapters.codecs.step import MAX_BYTES, Context, as_bytes

__all__ = ["Gzip", "Zip"]

_WINDOW = {"gzip": 31, "zlib": 15, "deflate": -15}
_CHUNK = 256 * 1024
MAX_ENTRIES = 1000
MAX_MEMBERS = 100


@dataclass(frozen=True, slots=True)
class Gzip:
    """RFC 1952 (all members), RFC 1950 or RFC 1951."""

    format: Literal["gzip", "zlib", "deflate"] = "gzip"
    max_bytes: int = MAX_BYTES

    def decode(self, value: Any, context: Context) -> bytes:
        rest = as_bytes(value, "gzip")
        out = bytearray()
        for _ in range(MAX_MEMBERS):
            if not rest:
                break
            reader = zlib.decompressobj(_WINDOW[self.format])
            rest = self._member(reader, rest, out)
            if self.format != "gzip":
                break
            rest = rest.lstrip(b"\x00")  # padding after the last member is allowed
        else:
            raise CodecTooLarge("gzip", f"expected at most {MAX_MEMBERS} members")
        context.budget.spend("gzip", len(out), self.max_bytes)
        return bytes(out)

    def _member(self, reader: Any, rest: bytes, out: bytearray) -> bytes:
        """One member into `out`; gives back what follows it. `reader`: zlib's object, whose type has no name."""
        try:
            while not reader.eof:
                if not rest:
                    raise CodecInput("gzip", f"expected a whole {self.format} stream, it breaks off")
                out += reader.decompress(rest, _CHUNK)
                rest = reader.unconsumed_tail
                if len(out) > self.max_bytes:
                    raise CodecTooLarge("gzip", f"expected at most {self.max_bytes} bytes, more come out")
        except zlib.error:
            raise CodecInput("gzip", f"expected a {self.format} stream") from None
        return bytes(reader.unused_data)

    def encode(self, value: Any, context: Context) -> bytes:
        del context
        raw = as_bytes(value, "gzip", error=CodecValue)
        if self.format == "gzip":
            return gzip.compress(raw, mtime=0)
        writer = zlib.compressobj(wbits=_WINDOW[self.format])
        return writer.compress(raw) + writer.flush()


@dataclass(frozen=True, slots=True)
class Zip:
    """One entry of an archive. entry: its name, or None for the only file. codec: of names that are not UTF-8."""

    entry: str | None = None
    codec: str = "gb18030"
    max_bytes: int = MAX_BYTES

    def decode(self, value: Any, context: Context) -> bytes:
        raw = as_bytes(value, "zip")
        try:
            with zipfile.ZipFile(io.BytesIO(raw), metadata_encoding=self.codec) as archive:
                out = self._read(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, UnicodeError, RuntimeError, ValueError):
            raise CodecInput("zip", "expected a sound zip archive") from None
        context.budget.spend("zip", len(out), self.max_bytes)
        return out

    def _read(self, archive: zipfile.ZipFile) -> bytes:
        files = [one for one in archive.infolist()[: MAX_ENTRIES + 1] if not one.is_dir()]
        if len(files) > MAX_ENTRIES:
            raise CodecTooLarge("zip", f"expected at most {MAX_ENTRIES} entries")
        if self.entry is None and len(files) != 1:
            raise CodecInput("zip", f"expected one file, found {len(files)}; name it with `entry`")
        found = next((one for one in files if self.entry in (None, one.filename)), None)
        if found is None:
            raise CodecInput("zip", f"expected an entry {self.entry!r}")
        if found.flag_bits & 1:
            raise CodecInput("zip", "expected an entry without a password")
        # the other methods unfold a whole block at once, so a cap would come too late
        if found.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CodecInput("zip", "expected an entry that is stored or deflated")
        with archive.open(found) as stream:
            out = stream.read(self.max_bytes + 1)  # what the entry says of its size may be untrue
        if len(out) > self.max_bytes:
            raise CodecTooLarge("zip", f"expected at most {self.max_bytes} bytes, more come out")
        return out

    def encode(self, value: Any, context: Context) -> bytes:
        del context
        if self.entry is None:
            raise CodecValue("zip", "expected `entry`: the name of the file to write")
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            # a fixed date, so that the same value gives the same bytes
            archive.writestr(zipfile.ZipInfo(self.entry), as_bytes(value, "zip", error=CodecValue))
        return stream.getvalue()
