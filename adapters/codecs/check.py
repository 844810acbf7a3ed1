"""What is wrong with the codecs of a connector and the signature of a source, found by compiling them. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from adapters.codecs.decoder import compile_decoders
from adapters.codecs.encoder import compile_encoders
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.model import Decode, Encode
from adapters.codecs.places import change, parse_place
from adapters.codecs.request import compile_request_sign
from adapters.codecs.sign_model import RequestSign
from adapters.mapping.functions import CompileContext

__all__ = ["as_sent", "decode_problems", "encode_problems", "sign_problem"]


def decode_problems(entries: Sequence[Decode], context: CompileContext) -> Iterator[tuple[int, str]]:
    """(position in the list, what is wrong)."""
    for index, one in enumerate(entries):
        try:
            compile_decoders([one], context)
        except CodecDeclared as error:
            yield index, str(error)


def encode_problems(
    entries: Sequence[Encode], parts: Mapping[str, Any], context: CompileContext
) -> Iterator[tuple[int, str]]:
    """parts: the connector's templates by their key; None where there is none."""
    for index, one in enumerate(entries):
        try:
            compile_encoders([one], context)
        except CodecDeclared as error:
            yield index, str(error)
            continue
        part = str(parse_place(one.at).steps[0])
        if parts.get(part) is None:
            yield index, f"at: this connector has no {part!r}"


def sign_problem(sign: RequestSign, context: CompileContext) -> str | None:
    try:
        compile_request_sign(sign, context)
    except CodecDeclared as error:
        return str(error)
    return None


def as_sent(part: str, template: Any, entries: Sequence[Encode]) -> Any:
    """A template with empty text wherever a codec puts text or bytes: the shape that the other side sees."""
    for one in entries:
        first, *steps = parse_place(one.at).steps
        if first != part:
            continue
        if one.sign is None and one.timestamp is None and one.nonce is None:
            template = change(template, tuple(steps), lambda _value: "")
        elif steps:
            put = partial(_with_empty, name=str(steps[-1]))
            template = change(template, tuple(steps[:-1]), put)
    return template


def _with_empty(holder: Any, *, name: str) -> Any:
    return {**holder, name: ""} if isinstance(holder, Mapping) else holder
