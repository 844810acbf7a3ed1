"""`encode` of a connector at run time: after the templates are filled in, before the protocol writes them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.codecs import model as m
from adapters.codecs.compile import compile_sign, encode_steps
from adapters.codecs.errors import CodecDeclared, CodecError, CodecValue
from adapters.codecs.places import Place, change, parse_place
from adapters.codecs.signature import Signature, pairs_of
from adapters.codecs.stamps import nonce_writer, stamp_writer
from adapters.codecs.step import Context, Encoding, encode_chain
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.functions import CompileContext, Reader
from adapters.mapping.scope import Scope
from adapters.mapping.template import Fill

__all__ = ["ENCODE_PARTS", "Encoders", "compile_encoders"]

ENCODE_PARTS = ("body", "form", "query", "headers", "variables")
SIGN_ROOTS = frozenset({"args", "page", "request", "pairs", "key"})

Make = Callable[[Any, Scope], Any]
"""(object that holds the place, scope with `request`) -> what is put there."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Either steps that change the value at `place`, or `make`, which puts something there."""

    place: Place
    steps: tuple[Encoding, ...]
    make: Make | None


@dataclass(frozen=True, slots=True)
class Encoders:
    """All of one connector's `encode`, by the part of the request that they change."""

    entries: Mapping[str, tuple[_Entry, ...]]
    random: Callable[[int], bytes]

    def replaces(self, part: str) -> bool:
        """Whether the part as a whole becomes text or bytes, to be sent as they are."""
        return any(not entry.place.steps and entry.make is None for entry in self.entries.get(part, ()))

    def around(self, part: str, fill: Fill, *, keeps_bytes: bool = False) -> Fill:
        """The fill with its result encoded; the fill itself where nothing of `part` is.

        keeps_bytes: whether the protocol can write bytes inside a tree (SOAP can). Raises ValueProblem when called.
        """
        entries = self.entries.get(part)
        if not entries:
            return fill

        def encoded(scope: Scope) -> Any:
            tree = fill(scope)
            for entry in entries:
                tree = self._run(entry, tree, scope, keeps_bytes=keeps_bytes)
            return tree

        return encoded

    def _run(self, entry: _Entry, tree: Any, scope: Scope, *, keeps_bytes: bool) -> Any:
        context = Context(random=self.random)
        steps = entry.place.steps

        def encode(value: Any) -> Any:
            if value is None:
                return None
            out = encode_chain(entry.steps, value, context)
            if isinstance(out, bytes) and steps and not keeps_bytes:
                raise CodecValue("encode", "expected text at the end; add base64 or hex")
            return out

        def put(holder: Any) -> Any:
            if not isinstance(holder, Mapping) or entry.make is None:
                raise CodecValue("encode", "expected an object that holds this place")
            roots = {**scope.roots, "request": tree}
            return {**holder, str(steps[-1]): entry.make(holder, Scope(roots))}

        try:
            if entry.make is not None:
                return change(tree, steps[:-1], put)
            return change(tree, steps, encode)
        except CodecError as error:
            raise ValueProblem(str(type(error)(error.step, error.message, place=entry.place.text))) from error


def compile_encoders(
    encodes: Sequence[m.Encode],
    context: CompileContext,
    *,
    clock: Callable[[], float] = time.time,
    random: Callable[[int], bytes] = os.urandom,
) -> Encoders:
    """clock: unix seconds, for timestamps; random: bytes, for nonces and IVs. Raises CodecDeclared."""
    by_part: dict[str, list[_Entry]] = {}
    for one in encodes:
        whole = parse_place(one.at)
        part = whole.steps[0] if whole.steps else ""
        if part not in ENCODE_PARTS:
            raise CodecDeclared("at", f"expected a path that starts with one of {', '.join(ENCODE_PARTS)}")
        place = Place(whole.steps[1:], whole.steps[1:], whole.text)
        make = _maker(one, place, context, clock=clock, random=random)
        by_part.setdefault(str(part), []).append(_Entry(place, encode_steps(one), make))
    return Encoders({part: tuple(entries) for part, entries in by_part.items()}, random)


def _maker(
    one: m.Encode,
    place: Place,
    context: CompileContext,
    *,
    clock: Callable[[], float],
    random: Callable[[int], bytes],
) -> Make | None:
    if one.sign is None and one.timestamp is None and one.nonce is None:
        return None
    if not place.steps or not isinstance(place.steps[-1], str):
        raise CodecDeclared("at", "expected a path that ends in the name of the field to put")
    if one.timestamp is not None:
        write = stamp_writer(one.timestamp.format, context.offset)
        return lambda _holder, _scope: write(clock())
    if one.nonce is not None:
        draw = nonce_writer(one.nonce.alphabet, one.nonce.length)
        return lambda _holder, _scope: draw(random)
    assert one.sign is not None  # noqa: S101 - one of the three
    signature = compile_sign(one.sign, context, roots=SIGN_ROOTS, own_names=frozenset({place.steps[-1]}))
    try:
        return _signer(signature, compile_expression(one.sign.pairs.at, context))
    except ExpressionError as error:
        raise CodecDeclared("sign", f"pairs.at: {error.message}") from None


def _signer(signature: Signature, pairs_at: Reader) -> Make:
    canonical = signature.canonical

    def sign(holder: Any, scope: Scope) -> str:
        roots = {**scope.roots, "key": signature.key_text}
        if "pairs" in canonical.asks:
            roots["pairs"] = canonical.pairs.text(pairs_of(pairs_at(holder, scope)))
        return signature.over(holder, Scope(roots))

    return sign
