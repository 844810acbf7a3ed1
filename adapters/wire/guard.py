"""Which addresses may be asked, and that a request line or header is one line: no I/O.

Only origins that a declaration registers are reachable, whatever an answer (a next-page link), a template or
a client puts into an address (server-side request forgery). One parser both checks the address and yields
what is connected to, so the two cannot disagree.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from adapters.wire.errors import HeaderRefused, UrlRefused

__all__ = ["Origin", "Target", "UrlGuard", "check_address", "parse_url"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<userinfo>[^/?#@\\]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>[/?][!-\"$-~]*)?"
    r"(?:#[!-~]*)?"
)
_PATH = re.compile(r"/[!-\"$-~]*")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]")
_FRAMING = frozenset(
    {
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"upgrade",
        b"te",
    }
    | {b"trailer", b"expect", b"http2-settings"}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, normalised: lower case, IPv6 without brackets, the port always set."""

    scheme: str
    host: str
    port: int
    text: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", f"{self.scheme}://{self.authority}")

    @property
    def authority(self) -> str:
        """What belongs in a Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """A split address. path: starts with a slash, with the query, without the fragment."""

    origin: Origin
    path: str = field(repr=False)


def parse_url(url: str) -> Target:
    """Split an absolute http(s) address. Characters outside ASCII are percent-encoded as UTF-8 (RFC 3987).

    Raises UrlRefused for any other scheme, user names, blanks, control characters, backslashes in the host.
    """
    if not url.isascii():
        if _CONTROL.search(url):
            raise UrlRefused("the address holds a blank or control character; percent-encode it")
        url = quote(url, safe=_VISIBLE)
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused("not a plain absolute address; expected http(s)://host[:port]/path without blanks")
    scheme = match["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise UrlRefused("only http and https addresses may be asked")
    if match["userinfo"] is not None:
        raise UrlRefused("an address must not carry a user name or password; use the declaration's auth")
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise UrlRefused("the port must lie between 1 and 65535")
    path = match["path"] or "/"
    origin = Origin(scheme, match["host"].strip("[]").lower(), port)
    return Target(origin, path if path[0] == "/" else "/" + path)


class UrlGuard:
    """Lets through addresses of registered origins only."""

    __slots__ = ("_origins", "allow_origins")

    def __init__(self, allow_origins: Iterable[str]) -> None:
        """allow_origins: scheme://host[:port] each. Raises UrlRefused for one that is more or less than that."""
        self._origins = {origin.text: origin for origin in map(_parse_origin, allow_origins)}
        self.allow_origins = frozenset(self._origins)

    def check(self, url: str | Target) -> Target:
        """Split `url` and check its origin. Raises UrlRefused; a Target built elsewhere is checked again."""
        text = url if isinstance(url, str) else url.origin.text + url.path
        # nearly every address is a registered origin, letter by letter, and a plain path: no need to split it
        start = text.find("/", text.find("//") + 2)
        origin = self._origins.get(text[:start]) if start > 0 else None
        if origin is not None and _PATH.fullmatch(text, start):
            return Target(origin, text[start:])
        target = parse_url(text)
        if target.origin.text not in self.allow_origins:
            raise UrlRefused(
                "this origin is not registered; add it to the source in the system's declaration",
                origin=target.origin.text,
            )
        return target


def _parse_origin(text: str) -> Origin:
    target = parse_url(text)
    if target.path != "/" or "#" in text or "?" in text:
        raise UrlRefused("an origin is scheme://host[:port] without a path", origin=target.origin.text)
    return target.origin


def check_address(origin: Origin, address: str) -> None:
    """Whether a registered name may lead to this address. Raises UrlRefused.

    Whoever controls a name's DNS must not lead the gateway to its own machine, or to the addresses where clouds hand
    out credentials. An address that is itself registered is meant, whatever it is. Private networks are where nearly
    all systems of a city are: they are let through.
    """
    try:
        ipaddress.ip_address(origin.host)
    except ValueError:
        pass
    else:
        return
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    own = origin.host == "localhost" or origin.host.endswith(".localhost")
    if found.is_link_local or found.is_multicast or found.is_unspecified or (found.is_loopback and not own):
        raise UrlRefused(
            f"the name leads to {found}, which no system has; if that is meant, register the address itself",
            origin=origin.text,
        )


def check_method(method: str, origin: str) -> None:
    """Raises HeaderRefused unless `method` is an upper-case word; CONNECT would turn the stream into a tunnel."""
    if not _METHOD.fullmatch(method) or method == "CONNECT":
        raise HeaderRefused("the method must be an upper-case HTTP method other than CONNECT", origin=origin)


def check_header(name: str | bytes, value: str | bytes, *, origin: str, method: str) -> tuple[bytes, bytes]:
    """Name and value as bytes (text as ISO 8859-1).

    Raises HeaderRefused for control characters (header injection) and for headers that frame the message.
    """
    try:
        raw_name = name.encode("ascii") if isinstance(name, str) else name
    except UnicodeEncodeError:
        raise HeaderRefused("a header name is not ASCII", origin=origin, method=method) from None
    if not _TOKEN.fullmatch(raw_name):
        raise HeaderRefused(
            "a header name holds a character that is not allowed", origin=origin, method=method
        )
    shown = raw_name.decode("ascii")
    try:
        raw_value = value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:
        raise HeaderRefused(
            f"the value of header {shown} is not ISO 8859-1; percent-encode it", origin=origin, method=method
        ) from None
    if not _VALUE.fullmatch(raw_value):
        raise HeaderRefused(f"header {shown} holds a control character", origin=origin, method=method)
    if raw_name.lower() in _FRAMING:
        raise HeaderRefused(f"header {shown} is set by the wire itself", origin=origin, method=method)
    return raw_name, raw_value
