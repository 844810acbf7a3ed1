"""What can be wrong in the source of one declaration: addresses and charsets that could never work."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.declaration import Declaration, RestAuth
from adapters.loader import Document
from adapters.problems import Problem
from adapters.reply import python_charset
from adapters.wire.errors import UrlRefused
from adapters.wire.guard import parse_url

__all__ = ["source_problems"]

Place = tuple[str | int, ...]


def source_problems(document: Document, declaration: Declaration) -> Iterator[Problem]:
    source = declaration.source
    place: Place = ("source",)
    if source.soap is not None:
        if source.soap.wsdl.startswith(("http:", "https:")):
            yield from _address_problems(document, (*place, "soap", "wsdl"), source.soap.wsdl)
        if source.soap.address is not None:
            yield from _address_problems(document, (*place, "soap", "address"), source.soap.address)
        yield from _charset_problems(document, (*place, "soap", "charset"), source.soap.charset)
    if source.rest is not None:
        yield from _address_problems(document, (*place, "rest", "baseUrl"), source.rest.base_url)
        yield from _charset_problems(document, (*place, "rest", "charset"), source.rest.charset)
        yield from _auth_problems(document, (*place, "rest", "auth"), source.rest.auth)
    if source.graphql is not None:
        yield from _address_problems(document, (*place, "graphql", "url"), source.graphql.url)
        yield from _auth_problems(document, (*place, "graphql", "auth"), source.graphql.auth)


def _auth_problems(document: Document, place: Place, auth: RestAuth | None) -> Iterator[Problem]:
    if auth is not None and auth.oauth2 is not None:
        yield from _address_problems(document, (*place, "oauth2", "tokenUrl"), auth.oauth2.token_url)


def _address_problems(document: Document, place: Place, url: str) -> Iterator[Problem]:
    try:
        parse_url(url)
    except UrlRefused as error:
        yield document.problem(place, "BAD_ADDRESS", error.reason)


def _charset_problems(document: Document, place: Place, charset: str | None) -> Iterator[Problem]:
    if charset is not None and python_charset(charset) is None:
        yield document.problem(
            place, "BAD_CHARSET", f"no charset {charset!r}", allowed="such as utf-8, gb18030, gbk, gb2312"
        )
