"""Files as `multipart/form-data` (RFC 7578), written piece by piece so that none is ever whole in memory."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

__all__ = ["FilePart", "Multipart"]


@dataclass(frozen=True, slots=True)
class FilePart:
    """size: bytes of all chunks together, where it is known."""

    name: str
    filename: str
    content_type: str
    chunks: AsyncIterable[bytes] = field(repr=False)
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Multipart:
    """Fields first, then the file. `length` is None where the file's size is not known: it is then sent chunked."""

    fields: Mapping[str, str]
    file: FilePart
    boundary: str = field(default_factory=lambda: f"quanyu-{secrets.token_hex(16)}")

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def length(self) -> int | None:
        if self.file.size is None:
            return None
        return len(self._before()) + self.file.size + len(self._after())

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._before()
        async for piece in self.file.chunks:
            yield piece
        yield self._after()

    def _before(self) -> bytes:
        parts = [
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        ]
        file = self.file
        disposition = f'form-data; name="{_escaped(file.name)}"; filename="{_escaped(file.filename)}"'
        if not file.filename.isascii():
            # what older servers read stands first, what the rest read beside it
            disposition += f"; filename*=UTF-8''{quote(file.filename, safe='')}"
        parts.append(
            f"--{self.boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {file.content_type}\r\n\r\n"
        )
        return "".join(parts).encode()

    def _after(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode("ascii")


def _escaped(text: str) -> str:
    """As browsers do: nothing that would end the quotes or the line."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
