"""A service portal as an Indian state runs it: a token of fields between pipes with a CRC-32 in it, triple DES in CBC
with zero padding, written in hex; results are XML that is encrypted likewise. Rebuilt from its description, with
made-up keys and content."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from adapters.codecs.decoder import Decoders, compile_decoders
from adapters.codecs.encoder import compile_encoders
from adapters.codecs.errors import CodecSignature
from adapters.codecs.model import Decode, Encode
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.template import compile_template
from adapters.reply import RawReply

CONTEXT = CompileContext()
REPLY = RawReply(200, "text/xml", b"")
CIPHER = {
    "tripleDes": {"key": "made-up key of 24 signs!", "padding": "zero", "iv": "made-up.", "mode": "CBC"}
}
NAMES = ["UserId", "TimeStamp", "SessionId", "CheckSum", "Token"]
RECORDS = {"records": {"names": NAMES, "separator": "|", "single": "true"}}
SUM: dict[str, Any] = {
    "algorithm": "crc32",
    "key": "shared",
    "canonical": ["UserId", "TimeStamp", "SessionId", "$key"],
    "join": "|",
    "form": "decimal",
}


def decoders(*entries: dict[str, Any]) -> Decoders:
    return compile_decoders([Decode.model_validate(one) for one in entries], CONTEXT)


READ_TOKEN = decoders(
    {"at": "token", "chain": [{"hex": {}}, CIPHER, RECORDS]},
    {"at": "token", "verify": {**SUM, "equals": "CheckSum"}},
)


def written_token() -> str:
    encode = compile_encoders(
        [
            Encode.model_validate(one)
            for one in (
                {"at": "form.token.TimeStamp", "timestamp": {"format": "yyyyMMddHHmmss"}},
                {"at": "form.token.CheckSum", "sign": SUM},
                {"at": "form.token", "chain": [RECORDS, CIPHER, {"hex": {"upper": "true"}}]},
            )
        ],
        CONTEXT,
        clock=lambda: 1_795_507_200,
    )
    template = {"token": {"UserId": "$args.user", "SessionId": "s-1", "Token": "t"}}
    fill = encode.around("form", compile_template(template, CONTEXT))
    return str(fill(Scope({"args": {"user": "U7"}}))["token"])


def test_a_token_is_written_and_read_with_its_checksum() -> None:
    token = written_token()
    assert token == token.upper()
    assert len(token) % 16 == 0
    checksum = str(zlib.crc32(b"U7|20261124160000|s-1|shared"))
    assert READ_TOKEN({"token": token}, REPLY) == {
        "token": {
            "UserId": "U7",
            "TimeStamp": "20261124160000",
            "SessionId": "s-1",
            "CheckSum": checksum,
            "Token": "t",
        }
    }


def test_a_token_of_someone_else_is_refused() -> None:
    forged = compile_encoders(
        [Encode.model_validate({"at": "form.token", "chain": [RECORDS, CIPHER, {"hex": {}}]})], CONTEXT
    ).around("form", lambda _scope: {"token": dict(zip(NAMES, ("U8", "t", "s", "1", ""), strict=True))})
    with pytest.raises(CodecSignature):
        READ_TOKEN(forged(Scope()), REPLY)


def test_an_encrypted_result_becomes_a_tree() -> None:
    write = compile_encoders(
        [
            Encode.model_validate(
                {"at": "body.result", "chain": [{"xml": {"charset": "utf-8"}}, CIPHER, {"hex": {}}]}
            )
        ],
        CONTEXT,
    ).around("body", lambda _scope: {"result": {"Application": {"Id": "9", "Status": "अनुमोदित"}}})
    read = decoders({"at": "result", "chain": [{"hex": {}}, CIPHER, {"xml": {}}]})
    assert read(write(Scope()), REPLY) == {"result": {"Id": "9", "Status": "अनुमोदित"}}
