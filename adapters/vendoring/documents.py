"""Where descriptions are read from: one address or file first, then only what lies on the same origin, on hosts named
by hand, or in files given by hand. The rules against server-side request forgery stand here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from adapters.wire.errors import UrlRefused, WireError
from adapters.wire.guard import UrlGuard, parse_url
from adapters.wire.model import WireLimits, WireRequest, WireResponse
from adapters.wire.wire import Wire

__all__ = ["Documents", "Limits", "Unreadable", "is_url", "joined"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one import: real ones have up to a hundred files and six megabytes."""

    max_document_bytes: int = 16 * 1024 * 1024
    max_total_bytes: int = 64 * 1024 * 1024
    max_documents: int = 500
    timeout_s: float = 15.0


class Unreadable(Exception):
    """A document cannot be had; `str` says why, `remedy` what to do."""

    def __init__(self, reason: str, remedy: str = "", *, passing: bool = False) -> None:
        """passing: it may be there at another time."""
        super().__init__(reason)
        self.remedy = remedy
        self.passing = passing


def is_url(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def joined(base: str, location: str) -> str:
    """The absolute form of a location that stands in the document `base`, without fragment."""
    location = location.strip().partition("#")[0]
    if is_url(location):
        return location
    if is_url(base):
        return urljoin(base, location)
    if location.lower().startswith("file:"):
        location = unquote(urlsplit(location).path)
    else:
        location = unquote(location.replace("\\", "/"))
    return str((Path(base).parent / location).resolve())


@dataclass(slots=True)
class Documents:
    """Reads documents of one import. `suffixes`: what a file may be called; `given`: location or namespace -> file."""

    root: str
    suffixes: tuple[str, ...]
    hosts: Iterable[str] = ()
    given: Mapping[str, Path] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    total_bytes: int = 0
    count: int = 0
    _wire: Wire | None = None
    _origins: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises Unreadable for an address or a host that is none."""
        try:
            origins = {parse_url(self.root).origin.text} if is_url(self.root) else set()
            for host in self.hosts:
                plain = host.partition("://")[2] or host
                for scheme in ("http", "https"):
                    origins.add(parse_url(f"{scheme}://{plain.rstrip('/')}").origin.text)
        except UrlRefused as error:
            raise Unreadable(f"not an address: {error.reason}") from error
        self._origins = frozenset(origins)

    async def read(self, location: str, *, by: str | None = None) -> bytes:
        """by: location of the document that names this one. Raises Unreadable."""
        if self.count >= self.limits.max_documents:
            raise Unreadable(f"more than {self.limits.max_documents} documents")
        content = await self._http(location) if is_url(location) else self._file(location, by)
        self.count += 1
        self.total_bytes += len(content)
        if len(content) > self.limits.max_document_bytes:
            raise Unreadable(f"more than {self.limits.max_document_bytes} bytes")
        if self.total_bytes > self.limits.max_total_bytes:
            raise Unreadable(f"more than {self.limits.max_total_bytes} bytes in all")
        return content

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()

    def _file(self, location: str, by: str | None) -> bytes:
        path = Path(location)
        if by is not None and is_url(by):
            raise Unreadable("a document from the network names a file of this machine")
        if by is not None and path.suffix.lower() not in self.suffixes:
            raise Unreadable(f"not a file that may be imported ({', '.join(self.suffixes)})")
        try:
            if path.stat().st_size > self.limits.max_document_bytes:
                raise Unreadable(f"more than {self.limits.max_document_bytes} bytes")
            return path.read_bytes()
        except FileNotFoundError as error:
            raise Unreadable("there is no such file", _otherwise_written(path)) from error
        except OSError as error:
            raise Unreadable(str(error.strerror)) from error

    async def _http(self, location: str) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            location = self._allowed(location)
            response = await self._get(location)
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target:
                break
            location = urljoin(location, target)
        if response.status in _REDIRECTS:
            raise Unreadable(f"more than {MOST_REDIRECTS} redirects")
        if response.status != 200:
            raise Unreadable(f"HTTP status {response.status}", passing=response.status >= 500)
        return response.body

    async def _get(self, location: str) -> WireResponse:
        if self._wire is None:
            limits = WireLimits(max_body_bytes=self.limits.max_document_bytes, connect_timeout_s=5.0)
            self._wire = Wire(guard=UrlGuard(self._origins), limits=limits)
        request = WireRequest("GET", location, (("Accept", "*/*"),))
        try:
            return await self._wire.send(request, timeout_s=self.limits.timeout_s)
        except WireError as error:
            raise Unreadable(f"{type(error).__name__}: {error}", passing=True) from error

    def _allowed(self, location: str) -> str:
        try:
            target = parse_url(location.partition("#")[0])
        except UrlRefused as error:
            raise Unreadable(error.reason) from error
        if target.origin.text not in self._origins:
            raise Unreadable(
                f"on another host, {target.origin.authority}", f"allow it: --host {target.origin.authority}"
            )
        return target.origin.text + target.path


def _otherwise_written(path: Path) -> str:
    """Schemas made on Windows name files without regard to case."""
    try:
        names = [one.name for one in path.parent.iterdir() if one.name.lower() == path.name.lower()]
    except OSError:
        return ""
    return f"but there is {names[0]}" if names else ""
