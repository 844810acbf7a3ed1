"""What declarations may say, what editors are told, and what is refused before any call."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from adapters.codecs.compile import decode_steps, encode_steps
from adapters.codecs.decoder import compile_decoders
from adapters.codecs.encoder import compile_encoders
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.model import DECODE_STEPS, ENCODE_STEPS, Decode, Encode, Steps, WriteSteps
from adapters.codecs.request import compile_request_sign
from adapters.codecs.sign_model import RequestSign
from adapters.mapping.functions import CompileContext

CONTEXT = CompileContext()
SAMPLES: dict[str, Any] = {
    "xml": {},
    "json": {},
    "base64": {},
    "hex": {},
    "gzip": {},
    "zip": {},
    "charset": "gb2312",
    "form": {},
    "records": {"names": ["a", "b"], "separator": "|"},
    "fixedWidth": {"columns": [{"name": "a", "width": "3"}]},
    "urldecode": {},
    "unescapeXml": {},
    "trimPrefix": {"prefix": "x"},
    "aes": {"key": "k" * 16, "iv": "i" * 16},
    "tripleDes": {"key": "k" * 24, "mode": "ECB", "padding": "zero"},
    "sm4": {"key": "00" * 16, "keyEncoding": "hex"},
    "digest": {"algorithm": "md5"},
    "hmac": {"algorithm": "sm3", "key": "k"},
    "crc32": {"form": "decimal"},
}


def test_every_step_has_a_sample_here() -> None:
    assert set(SAMPLES) | {"rsa"} == set(ENCODE_STEPS)


@pytest.mark.parametrize("name", [name for name in DECODE_STEPS if name in SAMPLES])
def test_each_step_compiles_alone_and_in_a_chain(name: str) -> None:
    alone = Decode.model_validate({"at": "out", name: SAMPLES[name]})
    chained = Decode.model_validate({"at": "out", "chain": [{"base64": {}}, {name: SAMPLES[name]}]})
    assert [type(step) for step in decode_steps(chained)][1:] == [type(step) for step in decode_steps(alone)]


@pytest.mark.parametrize("name", ENCODE_STEPS)
def test_each_step_writes(name: str) -> None:
    if name in SAMPLES:
        assert len(encode_steps(Encode.model_validate({"at": "body.x", name: SAMPLES[name]}))) == 1


@pytest.mark.parametrize("model", [Decode, Encode, RequestSign])
def test_every_key_says_what_it_is_for(model: type[pydantic.BaseModel]) -> None:
    schema = model.model_json_schema(by_alias=True)
    steps = {name for one in (Steps, WriteSteps) for name, _ in one.model_json_schema()["properties"].items()}
    for title, one in [(model.__name__, schema), *schema["$defs"].items()]:
        for name, key in one.get("properties", {}).items():
            # a step's key has its model's docstring
            assert key.get("description") or name in {*steps, "verify"}, f"{title}.{name}"
        assert one.get("description") or title in ("Put", "DigestForm", "StampPut", "NoncePut"), title


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"at": "out"}, "found none"),
        ({"at": "out", "xml": {}, "json": {}}, "found xml and json"),
        ({"at": "out", "xml": {"encoding": "gbk"}}, "Extra inputs"),
        ({"at": "out", "digest": {"algorithm": "md5"}}, "Extra inputs"),
        ({"at": "out", "chain": []}, "at least 1"),
        ({"at": ".", "into": "tree", "xml": {}}, "needs a name"),
        ({"at": "out", "records": {}}, "`names`"),
        ({"at": "out", "records": {"names": ["a", "a"]}}, "twice"),
        ({"at": "out", "records": {"names": ["a"], "quote": ","}}, "different signs"),
        ({"at": "out", "gzip": {"maxBytes": 10**12}}, "less than or equal"),
    ],
)
def test_models_refuse_what_means_nothing(entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=expected):
        Decode.model_validate(entry)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"at": "out.", "xml": {}}, "at"),
        ({"at": "out | trim", "xml": {}}, "plain path"),
        ({"at": "$reply.out", "xml": {}}, "plain path"),
        ({"at": "out", "charset": "klingon"}, "klingon"),
        ({"at": "out", "aes": {"key": "short"}}, "found 5"),
        ({"at": "out", "aes": {"key": "zz", "keyEncoding": "hex"}}, "key in hex"),
        ({"at": "out", "rsa": {"privateKey": "no key"}}, "RSA private key"),
        ({"at": "out", "rsa": {}}, "privateKey"),
        ({"at": "out", "verify": {"algorithm": "hmac-sha256", "equals": "sign"}}, "needs `key`"),
        ({"at": "out", "verify": {"algorithm": "rsa-sha256", "equals": "sign"}}, "needs `publicKey`"),
        (
            {"at": "out", "verify": {"algorithm": "md5", "equals": "sign", "canonical": ["$nonce"]}},
            "no \\$nonce here",
        ),
        ({"at": "out", "verify": {"algorithm": "md5", "equals": "sign", "canonical": ["$key"]}}, "no `key`"),
        ({"at": "out", "verify": {"algorithm": "md5", "equals": "sign", "canonical": ["a |"]}}, "canonical"),
        ({"at": "out", "verify": {"algorithm": "md5", "equals": "sign |"}}, "verify"),
        ({"at": "out", "verify": {"algorithm": "md5", "equals": "sign", "form": "decimal"}}, "crc32 only"),
    ],
)
def test_what_cannot_work_is_found_when_compiled(entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(CodecDeclared, match=expected):
        compile_decoders([Decode.model_validate(entry)], CONTEXT)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"at": "reply.x", "base64": {}}, "one of body, form"),
        ({"at": "body", "nonce": {}}, "name of the field"),
        ({"at": "body.t", "timestamp": {"format": "dd.MM."}}, "no year"),
        ({"at": "body.s", "sign": {"algorithm": "hmac-sha1"}}, "needs `key`"),
    ],
)
def test_what_cannot_be_written_is_found_when_compiled(entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(CodecDeclared, match=expected):
        compile_encoders([Encode.model_validate(entry)], CONTEXT)


def test_a_source_signs_only_over_what_it_makes() -> None:
    sign = RequestSign.model_validate(
        {"algorithm": "md5", "canonical": ["$timestamp"], "put": {"header": "X-Sign"}}
    )
    with pytest.raises(CodecDeclared, match=r"no \$timestamp here"):
        compile_request_sign(sign, CONTEXT)


def test_keys_do_not_show_in_models() -> None:
    entries = [
        Decode.model_validate({"at": "o", "aes": {"key": "TOPSECRETTOPSECR", "iv": "TOPSECRETTOPSECR"}}),
        Decode.model_validate(
            {"at": "o", "verify": {"algorithm": "hmac-md5", "key": "TOPSECRET", "equals": "s"}}
        ),
    ]
    assert "TOPSECRET" not in repr(entries)
    assert "TOPSECRET" not in repr(compile_decoders(entries, CONTEXT))
