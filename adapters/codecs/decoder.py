"""`decode` of a connector at run time: after the protocol has read a reply, before failure rules and the map.

Decoding is as lazy as the rest: what no selected field lies in is not decoded, and a document inside a field is
pruned to the names that are read of it. The protocol, in turn, must hand over a decoded value whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.codecs import model as m
from adapters.codecs import sign_model as sm
from adapters.codecs.compile import compile_sign, decode_steps, own_name
from adapters.codecs.errors import CodecDeclared, CodecError, CodecInput
from adapters.codecs.places import (
    Absent,
    Place,
    change,
    copied,
    names_below,
    parse_place,
    with_whole,
    without,
)
from adapters.codecs.signature import Signature, pairs_of
from adapters.codecs.step import Budget, Context, Decoding, decode_chain
from adapters.mapping.compiler import compile_expression
from adapters.mapping.errors import ExpressionError, ValueProblem
from adapters.mapping.expression import parse, paths_of
from adapters.mapping.functions import CompileContext, Reader
from adapters.mapping.scope import Scope
from adapters.mapping.tree import Wanted, add_path
from adapters.reply import RawReply

__all__ = ["DecodeReply", "Decoders", "compile_decoders", "decoded_paths"]

DecodeReply = Callable[[Any, RawReply], Any]
"""(tree, reply it was read from) -> tree. Raises CodecError with the place."""

VERIFY_ROOTS = frozenset({"reply", "status", "body", "bodyDigest", "pairs", "key"})


@dataclass(frozen=True, slots=True)
class _Verify:
    """paths: what it reads, from its place; absolute: from the root."""

    signature: Signature
    given: Reader
    pairs_at: Reader
    paths: tuple[tuple[str | int, ...], ...]
    absolute: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    place: Place
    into: str | None
    steps: tuple[Decoding, ...]
    verify: _Verify | None


@dataclass(frozen=True, slots=True)
class Decoders:
    """All of one connector's `decode`. Called as it is, it decodes everything."""

    entries: tuple[_Entry, ...]

    def __call__(self, tree: Any, reply: RawReply) -> Any:
        return _run([(entry, None) for entry in self.entries], tree, reply)

    def pruned(self, wanted: Wanted) -> tuple[Wanted | None, DecodeReply]:
        """For readers that look at `wanted` of the decoded tree: what the protocol must read (None is all), and the
        decoding that remains to be done."""
        plan: list[tuple[_Entry, Wanted | None]] = []
        left: Wanted | None = copied(wanted)
        # from the last to the first: each says what the tree before it must hold
        for entry in reversed(self.entries):
            if entry.verify is not None:
                left = _with_verified(left, entry)
                plan.append((entry, None))
                continue
            inner = names_below(left, entry.place.target_names)
            if inner is Absent.ABSENT:
                continue
            plan.append((entry, inner))
            if entry.into is not None:
                left = without(left, entry.place.target_names)
            left = with_whole(left, entry.place.names)
        plan.reverse()
        return left, lambda tree, reply: _run(plan, tree, reply)


def compile_decoders(decodes: Sequence[m.Decode], context: CompileContext) -> Decoders:
    """Raises CodecDeclared."""
    return Decoders(tuple(_entry(one, context) for one in decodes))


def _entry(one: m.Decode, context: CompileContext) -> _Entry:
    place = parse_place(one.at, one.into)
    verify = _verify(one.verify, context) if one.verify is not None else None
    return _Entry(place, one.into, decode_steps(one), verify)


def _verify(one: sm.Verify, context: CompileContext) -> _Verify:
    try:
        given = compile_expression(one.equals, context)
        pairs_at = compile_expression(one.pairs.at, context)
        signature = compile_sign(one, context, roots=VERIFY_ROOTS, own_names=own_name(one.equals))
        texts = [*one.canonical, one.equals]
        if "pairs" in signature.canonical.asks:
            texts.append(one.pairs.at)
        paths = [path for text in texts for path in paths_of(parse(text))]
    except ExpressionError as error:
        raise CodecDeclared("verify", error.message) from None
    return _Verify(
        signature,
        given,
        pairs_at,
        tuple(path.steps for path in paths if not path.root),
        tuple(path.steps for path in paths if path.root == "reply"),
    )


def _with_verified(left: Wanted | None, entry: _Entry) -> Wanted | None:
    assert entry.verify is not None  # noqa: S101 - the caller looked
    paths = [(*entry.place.steps, *steps) for steps in entry.verify.paths]
    for steps in (*paths, *entry.verify.absolute):
        if left is None:
            return None
        if not any(isinstance(step, str) for step in steps):
            return None
        add_path(left, steps)
    return left


def _run(plan: Sequence[tuple[_Entry, Wanted | None]], tree: Any, reply: RawReply) -> Any:
    budget = Budget()
    for entry, wanted in plan:
        try:
            tree = _run_entry(entry, Context(budget, wanted), tree, reply)
        except CodecError as error:
            raise type(error)(error.step, error.message, place=entry.place.text) from error
    return tree


def _run_entry(entry: _Entry, context: Context, tree: Any, reply: RawReply) -> Any:
    if not entry.place.steps:
        tree = _text_of_root(tree)
    if entry.verify is not None:
        verify = entry.verify
        change(tree, entry.place.steps, lambda node: _check(verify, node, tree, reply))
        return tree
    return change(
        tree, entry.place.steps, lambda value: _decoded(entry.steps, value, context), into=entry.into
    )


def _decoded(steps: tuple[Decoding, ...], value: Any, context: Context) -> Any:
    """Several elements of one name are decoded each; nothing stays nothing."""
    if isinstance(value, list):
        return [_decoded(steps, one, context) for one in value]
    if value is None or (isinstance(value, str | bytes) and not value.strip()):
        return None
    return decode_chain(steps, value, context)


def _text_of_root(tree: Any) -> Any:
    """XML readers give an outer element that holds only text as {"#text": ...}."""
    return tree["#text"] if isinstance(tree, dict) and "#text" in tree else tree


def _check(verify: _Verify, node: Any, tree: Any, reply: RawReply) -> Any:
    if isinstance(node, list):
        return [_check(verify, one, tree, reply) for one in node]
    signature = verify.signature
    canonical = signature.canonical
    roots: dict[str, Any] = {"reply": tree, "status": reply.status, "key": signature.key_text}
    scope = Scope(roots)
    try:
        if "pairs" in canonical.asks:
            roots["pairs"] = canonical.pairs.text(pairs_of(verify.pairs_at(node, scope)))
        if "bodyDigest" in canonical.asks:
            roots["bodyDigest"] = canonical.digest_of_body(reply.body)
        if "body" in canonical.asks:
            roots["body"] = reply.body.decode(canonical.codec)
        given = verify.given(node, scope)
    except ValueProblem as problem:
        raise CodecInput("verify", str(problem)) from None
    except UnicodeDecodeError:
        raise CodecInput("verify", f"expected a body in {canonical.codec}") from None
    signature.check(node, scope, given)
    return node


def decoded_paths(decodes: Sequence[m.Decode]) -> list[tuple[str, ...]]:
    """Names to each place that a codec makes: what the protocol's own description cannot know lies below them."""
    places = [parse_place(one.at, one.into) for one in decodes if one.verify is None]
    return [place.target_names for place in places]
