"""Models of declarations to steps and signatures: keys read, charsets looked up, expressions compiled, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.codecs import model as m
from adapters.codecs import sign_model as sm
from adapters.codecs.archives import Gzip, Zip
from adapters.codecs.ciphers import BlockCipher, Rsa
from adapters.codecs.digests import Crc32, Digest, Hmac
from adapters.codecs.documents import Form, Json, Xml
from adapters.codecs.encodings import Base64, Charset, Hex, TrimPrefix, UnescapeXml, UrlDecode
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.keys import key_bytes, rsa_private_key, rsa_public_key
from adapters.codecs.records import Column, FixedWidth, Records
from adapters.codecs.signature import Canonical, Pairs, Signature
from adapters.codecs.sm2 import Sm2
from adapters.codecs.step import Decoding, Encoding
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError
from adapters.mapping.expression import Path, parse, paths_of
from adapters.mapping.functions import CompileContext
from adapters.reply import python_charset

__all__ = ["codec_of", "compile_sign", "decode_steps", "encode_steps", "own_name"]


def codec_of(charset: str, step: str) -> str:
    codec = python_charset(charset)
    if codec is None:
        raise CodecDeclared(step, f"there is no charset {charset!r}")
    return codec


def decode_steps(one: m.Decode) -> tuple[Decoding, ...]:
    """Steps of an entry of `decode`; none for `verify`. Raises CodecDeclared."""
    if one.verify is not None:
        return ()
    models = [step.given()[0] for step in one.chain] if one.chain is not None else one.given()
    return tuple(_MAKERS[name](model) for name, model in models)


def encode_steps(one: m.Encode) -> tuple[Encoding, ...]:
    """Steps of an entry of `encode`; none for `sign`, `timestamp` and `nonce`. Raises CodecDeclared."""
    if one.sign is not None or one.timestamp is not None or one.nonce is not None:
        return ()
    models = [step.given()[0] for step in one.chain] if one.chain is not None else one.given()
    return tuple((_MAKERS.get(name) or _WRITERS[name])(model) for name, model in models)


# --- steps ---


def _xml(one: m.XmlStep) -> Xml:
    codec = codec_of(one.charset, "xml") if one.charset else None
    label = (one.charset or "UTF-8") if one.declaration else None
    return Xml(codec, label, frozenset(one.cdata), one.max_bytes)


def records_of(one: m.RecordsStep) -> Records:
    return Records(
        one.names,
        one.header,
        one.separator,
        one.row,
        one.quote,
        one.escape,
        one.single,
        one.trim,
        one.ragged,
        one.max_bytes,
        one.skip,
        one.skip_last,
    )


def _fixed_width(one: m.FixedWidthStep) -> FixedWidth:
    columns = tuple(Column(c.name, c.width, c.align, c.pad) for c in one.columns)
    codec = codec_of(one.charset, "fixedWidth") if one.count == "bytes" else None
    return FixedWidth(columns, codec, one.row, one.single, one.short, one.max_bytes)


def _cipher(name: Any) -> Callable[[m.CipherStep], BlockCipher]:
    def make(one: m.CipherStep) -> BlockCipher:
        key = key_bytes(one.key, one.key_encoding, name)
        iv = None if one.iv in (None, "prefix") else key_bytes(one.iv or "", one.iv_encoding, name)
        return BlockCipher(name, key, one.mode, one.padding, iv)

    return make


def _rsa(one: m.RsaStep) -> Rsa:
    private = rsa_private_key(one.private_key, "rsa") if one.private_key else None
    public = rsa_public_key(one.public_key, "rsa") if one.public_key else None
    if private is None and public is None:
        raise CodecDeclared("rsa", "expected privateKey (to decrypt) or publicKey (to encrypt)")
    return Rsa(private, public, one.padding)


# Any: each maker takes the model of its own key
_MAKERS: dict[str, Callable[[Any], Any]] = {
    "xml": _xml,
    "json": lambda one: Json(one.max_bytes),
    "base64": lambda one: Base64(one.url, one.padding),
    "hex": lambda one: Hex(one.upper),
    "gzip": lambda one: Gzip(one.format, one.max_bytes),
    "zip": lambda one: Zip(one.entry, codec_of(one.charset, "zip"), one.max_bytes),
    "charset": lambda one: Charset(codec_of(one, "charset")),
    "form": lambda one: Form(codec_of(one.charset, "form"), one.max_bytes),
    "records": records_of,
    "fixedWidth": _fixed_width,
    "urldecode": lambda one: UrlDecode(codec_of(one.charset, "urldecode"), one.plus),
    "unescapeXml": lambda _one: UnescapeXml(),
    "trimPrefix": lambda one: TrimPrefix(one.prefix, one.suffix, one.absent),
    "aes": _cipher("aes"),
    "tripleDes": _cipher("tripleDes"),
    "sm4": _cipher("sm4"),
    "rsa": _rsa,
}
_WRITERS: dict[str, Callable[[Any], Encoding]] = {
    "digest": lambda one: Digest(one.algorithm, one.form),
    "hmac": lambda one: Hmac(one.algorithm, key_bytes(one.key, one.key_encoding, "hmac"), one.form),
    "crc32": lambda one: Crc32(one.form),
}


# --- signatures ---


def compile_sign(
    one: sm.Sign, context: CompileContext, *, roots: frozenset[str], own_names: frozenset[str] = frozenset()
) -> Signature:
    """roots: what `$name` may be asked for; own_names: of the signature itself, never part of `$pairs`.

    Raises CodecDeclared.
    """
    verifying = isinstance(one, sm.Verify)
    step = "verify" if verifying else "sign"
    kind = one.algorithm.partition("-")[0]
    if kind == "hmac" and not one.key:
        raise CodecDeclared(step, f"{one.algorithm} needs `key`")
    if one.form == "decimal" and kind != "crc32":
        raise CodecDeclared(step, "form decimal is for crc32 only")
    return Signature(
        one.algorithm,
        _canonical(one, context, step=step, roots=roots, own_names=own_names),
        one.form,
        one.prefix,
        key=key_bytes(one.key or "", one.key_encoding, step) if kind == "hmac" else b"",
        key_text=one.key or "",
        private=_private(one, step) if kind == "rsa" and not verifying else None,
        public=_public(one, step) if kind == "rsa" and verifying else None,
        sm2=_sm2(one, step, verifying=verifying) if kind == "sm2" else None,
    )


def _private(one: sm.Sign, step: str) -> Any:
    if not one.key:
        raise CodecDeclared(step, f"{one.algorithm} needs `key`, the private key")
    return rsa_private_key(one.key, step)


def _public(one: sm.Sign, step: str) -> Any:
    if not one.public_key:
        raise CodecDeclared(step, f"{one.algorithm} needs `publicKey`")
    return rsa_public_key(one.public_key, step)


def _sm2(one: sm.Sign, step: str, *, verifying: bool) -> Sm2:
    if not one.public_key or not (one.key or verifying):
        raise CodecDeclared(step, "sm2 needs `publicKey`, and to sign also `key`, the private key")
    return Sm2(None if verifying else one.key, one.public_key, one.signer, one.signature_format)


def _canonical(
    one: sm.Sign, context: CompileContext, *, step: str, roots: frozenset[str], own_names: frozenset[str]
) -> Canonical:
    asks: set[str] = set()
    readers = []
    for text in one.canonical:
        try:
            readers.append(compile_expression(text, context))
        except ExpressionError as error:
            raise CodecDeclared(step, f"canonical {text!r}: {error.message}") from None
        asks |= {path.root for path in paths_of(parse(text)) if path.root}
    if unknown := sorted(asks - roots):
        allowed = ", ".join(f"${name}" for name in sorted(roots))
        raise CodecDeclared(step, f"canonical: no ${unknown[0]} here; allowed: {allowed}")
    if one.key is None and "key" in asks:
        raise CodecDeclared(step, "canonical asks for $key, and there is no `key`")
    pairs = Pairs(
        frozenset(one.pairs.omit) | own_names,
        one.pairs.separator,
        one.pairs.equals,
        one.pairs.sort,
        one.pairs.keep_empty,
        one.pairs.encode,
    )
    digest = (one.body_digest.algorithm, one.body_digest.form)
    return Canonical(tuple(readers), frozenset(asks), one.join, pairs, digest, codec_of(one.charset, step))


def own_name(expression: str) -> frozenset[str]:
    """The field that a plain path ends in."""
    tree = parse(expression)
    last = tree.steps[-1] if isinstance(tree, Path) and tree.steps else None
    return frozenset({last}) if isinstance(last, str) else frozenset()
