"""Canonical strings and the signatures over them. Pure: clock and random bytes come in from outside.

A canonical string is a list of expressions (the mapping language) joined by a text. Expressions may ask for parts
that only signing has, each made only if it is asked for: `$pairs` (name=value pairs, sorted), `$bodyDigest`, `$body`,
`$key`, `$timestamp`, `$nonce`, `$method`, `$path`, `$query`, `$fields`, `$headers`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from adapters.codecs.digests import HASHES, HashName, TextForm, crc32_of, digest_of, hmac_of, written
from adapters.codecs.encodings import Base64, Hex
from adapters.codecs.errors import CodecError, CodecInput, CodecSignature, CodecValue
from adapters.codecs.sm2 import Sm2
from adapters.codecs.step import Context, as_text
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import Reader
from adapters.mapping.scope import Scope

__all__ = ["Algorithm", "Canonical", "Pair", "Pairs", "Signature", "pairs_of"]

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pairs:
    """`a=1&b=2`. omit: names left out (the signature's own). keep_empty: pairs without a value stay.

    sort: by the bytes of the name, then of the value; else in the order sent. encode: values percent-encoded
    (RFC 3986). equals, separator: what stands inside and between pairs; both empty for bare concatenation.
    """

    omit: frozenset[str] = frozenset()
    separator: str = "&"
    equals: str = "="
    sort: bool = True
    keep_empty: bool = False
    encode: bool = False

    def text(self, pairs: Iterable[Pair]) -> str:
        kept = [pair for pair in pairs if pair[0] not in self.omit and (pair[1] or self.keep_empty)]
        if self.sort:
            kept.sort(key=lambda pair: (pair[0].encode(), pair[1].encode()))
        return self.separator.join(
            f"{name}{self.equals}{quote(value, safe='') if self.encode else value}" for name, value in kept
        )


def pairs_of(tree: Any) -> list[Pair]:
    """The top level of an object: lists of scalars repeat their name, deeper values are compact JSON."""
    if not isinstance(tree, Mapping):
        return []
    return [
        (str(name), _pair_text(one))
        for name, value in tree.items()
        for one in (value if isinstance(value, list) and not _is_deep(value) else [value])
    ]


def _is_deep(values: list[Any]) -> bool:
    return any(isinstance(one, list | dict) for one in values)


def _pair_text(value: Any) -> str:
    if value is None:
        return ""
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else as_text(value, "sign")


@dataclass(frozen=True, slots=True)
class Canonical:
    """readers: of the parts, in order. body_digest: algorithm and form of `$bodyDigest`."""

    readers: tuple[Reader, ...]
    asks: frozenset[str]
    join: str = ""
    pairs: Pairs = field(default_factory=Pairs)
    body_digest: tuple[HashName, TextForm] = ("sha256", "hex")
    codec: str = "utf-8"

    def text(self, node: Any, scope: Scope) -> str:
        """Missing parts are empty text. Raises CodecValue."""
        try:
            parts = [read(node, scope) for read in self.readers]
        except ValueProblem as problem:
            raise CodecValue("sign", str(problem)) from None
        return self.join.join(
            "" if part is None else as_text(part, "sign", error=CodecValue) for part in parts
        )

    def data(self, node: Any, scope: Scope) -> bytes:
        try:
            return self.text(node, scope).encode(self.codec)
        except UnicodeEncodeError:
            raise CodecValue("sign", f"expected characters that {self.codec} has") from None

    def digest_of_body(self, body: bytes) -> str:
        name, form = self.body_digest
        return written(digest_of(name, body), form)


Algorithm = Literal[
    "md5", "sha1", "sha256", "sha512", "sm3",
    "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512", "hmac-sm3",
    "rsa-sha1", "rsa-sha256", "sm2", "crc32",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signature:
    """An algorithm with its keys over one canonical string. key: of HMACs; key_text: what `$key` gives."""

    algorithm: Algorithm
    canonical: Canonical
    form: TextForm = "hex"
    prefix: str = ""
    key: bytes = field(default=b"", repr=False)
    key_text: str = field(default="", repr=False)
    private: RSAPrivateKey | None = field(default=None, repr=False)
    public: RSAPublicKey | None = field(default=None, repr=False)
    sm2: Sm2 | None = field(default=None, repr=False)

    def over(self, node: Any, scope: Scope) -> str:
        """The signature as text. scope: with the roots that the canonical string asks for."""
        return self.prefix + written(self._sign(self.canonical.data(node, scope)), self.form)

    def check(self, node: Any, scope: Scope, given: Any) -> None:
        """Raises CodecSignature if `given` is not the signature of what the canonical string says now."""
        text = "" if given is None else as_text(given, "verify").strip()
        if not text.startswith(self.prefix):
            raise CodecSignature("verify", f"expected {self.prefix!r} before the signature")
        text = text.removeprefix(self.prefix)
        try:
            data = self.canonical.data(node, scope)
        except CodecError as error:
            raise CodecInput("verify", error.message) from None
        if not self._fits(data, text):
            raise CodecSignature("verify", f"the {self.algorithm} signature does not fit what was signed")

    def _sign(self, data: bytes) -> bytes:
        kind, _, name = self.algorithm.partition("-")
        if kind == "hmac":
            return hmac_of(name, self.key, data)  # type: ignore[arg-type]  # one of the literals
        if kind == "rsa":
            assert self.private is not None  # noqa: S101 - compiled so
            return self.private.sign(data, PKCS1v15(), HASHES[name]())
        if kind == "sm2":
            assert self.sm2 is not None  # noqa: S101 - compiled so
            return self.sm2.sign(data)
        return crc32_of(data) if kind == "crc32" else digest_of(self.algorithm, data)  # type: ignore[arg-type]

    def _fits(self, data: bytes, text: str) -> bool:
        if self.sm2 is not None:
            return self.sm2.verify(data, self._raw(text))
        if self.public is not None:
            try:
                name = self.algorithm.partition("-")[2]
                self.public.verify(self._raw(text), data, PKCS1v15(), HASHES[name]())
            except InvalidSignature:
                return False
            return True
        wanted = written(self._sign(data), self.form)
        if self.form in ("hex", "hexUpper"):
            wanted, text = wanted.lower(), text.lower()
        return hmac.compare_digest(wanted.encode(), text.encode("utf-8", "replace"))

    def _raw(self, text: str) -> bytes:
        return (Hex() if self.form in ("hex", "hexUpper") else Base64()).decode(text, Context())
