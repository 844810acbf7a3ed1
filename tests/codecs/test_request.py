"""`sign` of a REST source."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.request import Draft, compile_request_sign
from adapters.codecs.sign_model import RequestSign
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope

NOW = 1_795_507_200.25
SCOPE = Scope({"args": {"number": "7"}, "page": {}})


def signed(sign: dict[str, Any], draft: Draft) -> Draft:
    signer = compile_request_sign(
        RequestSign.model_validate(sign),
        CompileContext(),
        clock=lambda: NOW,
        random=lambda size: bytes(range(size)),
    )
    return signer.sign(draft, SCOPE, orjson.dumps)


def draft(**query: str) -> Draft:
    return Draft(
        "GET", "https://a.example/api/cases", tuple(query.items()), (("Accept", "application/json"),)
    )


def test_sorted_pairs_with_the_secret_at_the_end() -> None:
    sign = {
        "algorithm": "md5",
        "key": "SECRET",
        "canonical": ["$pairs", '"&key="', "$key"],
        "form": "hexUpper",
        "send": [{"query": "appId", "value": "quanyu"}],
        "timestamp": {"format": "epoch_ms", "put": {"query": "timestamp"}},
        "nonce": {"put": {"query": "nonce"}, "alphabet": "uuid"},
        "put": {"query": "sign"},
    }
    out = dict(signed(sign, draft(z="1", a="张三", empty="")).query)
    text = f"a=张三&appId=quanyu&nonce={out['nonce']}&timestamp=1795507200250&z=1&key=SECRET"
    assert out["sign"] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
    assert out["nonce"] == "00010203-0405-4607-8809-0a0b0c0d0e0f"
    assert out["empty"] == ""


def test_a_fixed_order_with_a_body_digest_in_a_header() -> None:
    sign = {
        "algorithm": "hmac-sha256",
        "key": base64.b64encode(b"key").decode(),
        "keyEncoding": "base64",
        "canonical": ["$method", "$path", "$timestamp", "$headers.Accept", "$bodyDigest", "$args.number"],
        "join": "\n",
        "bodyDigest": {"algorithm": "sm3", "form": "base64"},
        "form": "base64",
        "prefix": "HMAC-SHA256 ",
        "timestamp": {"format": "iso", "put": {"header": "X-Time"}},
        "put": {"header": "Authorization"},
    }
    asked = Draft(
        "POST",
        "https://a.example/api/x",
        (),
        (("Accept", "application/json"), ("authorization", "old")),
        {"no": 1},
    )
    out = dict(signed(sign, asked).headers)
    digest = base64.b64encode(_sm3(orjson.dumps({"no": 1}))).decode()
    text = "\n".join(["POST", "/api/x", "2026-11-24T16:00:00+08:00", "application/json", digest, "7"])
    code = base64.b64encode(hmac.digest(b"key", text.encode(), "sha256")).decode()
    assert out == {
        "Accept": "application/json",
        "X-Time": "2026-11-24T16:00:00+08:00",
        "Authorization": f"HMAC-SHA256 {code}",
    }


def _sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def test_a_signature_in_a_field_covers_the_other_fields() -> None:
    sign = {
        "algorithm": "sha256",
        "key": "k",
        "canonical": ["$key", "$pairs", "$key"],
        "put": {"field": "sign"},
    }
    asked = Draft(
        "POST", "https://a.example/x", (("v", "1"),), (), {"data": {"b": [1, 2]}, "a": True, "sign": "old"}
    )
    out = signed(sign, asked).body
    text = 'ka=true&data={"b":[1,2]}&v=1k'
    assert out == {"data": {"b": [1, 2]}, "a": True, "sign": hashlib.sha256(text.encode()).hexdigest()}


def test_an_rsa_signature_is_one_of_the_private_key() -> None:
    key = rsa.generate_private_key(65537, 2048)
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    sign = {
        "algorithm": "rsa-sha256",
        "key": base64.b64encode(der).decode(),
        "form": "base64",
        "put": {"header": "X-Sign"},
    }
    value = dict(signed(sign, draft(b="2", a="1")).headers)["X-Sign"]
    key.public_key().verify(base64.b64decode(value), b"a=1&b=2", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("put", [{"field": "sign"}])
def test_a_field_needs_a_body(put: dict[str, str]) -> None:
    with pytest.raises(ValueProblem, match="form or a JSON object"):
        signed({"algorithm": "md5", "put": put}, draft())


def test_pairs_can_be_told_in_detail() -> None:
    pairs = {
        "of": ["query"],
        "omit": ["v"],
        "separator": "",
        "equals": "",
        "sort": "false",
        "keepEmpty": "true",
        "encode": "true",
    }
    sign = {
        "algorithm": "crc32",
        "pairs": pairs,
        "canonical": ["$pairs"],
        "put": {"query": "sum"},
        "form": "hex",
    }
    out = dict(signed(sign, draft(z="张 三", v="0", a="")).query)
    expected = signed({**sign, "canonical": [f'"z{quote("张 三", safe="")}a"']}, draft())
    assert out["sum"] == dict(expected.query)["sum"]


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=5), st.randoms())
def test_the_order_of_the_query_does_not_change_the_signature(query: dict[str, str], random: Any) -> None:
    sign = {"algorithm": "hmac-sm3", "key": "k", "put": {"header": "S"}}
    items = list(query.items())
    first = signed(sign, Draft("GET", "https://a.example/", tuple(items), ()))
    random.shuffle(items)
    assert signed(sign, Draft("GET", "https://a.example/", tuple(items), ())).headers == first.headers
