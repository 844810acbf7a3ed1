"""`encode` of a connector: what the templates filled in, as it is sent."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from adapters.codecs.encoder import Encoders, compile_encoders
from adapters.codecs.model import Encode
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.template import compile_template

SCOPE = Scope({"args": {"number": "20260001"}, "page": {}})


def encoders(*entries: dict[str, Any]) -> Encoders:
    return compile_encoders(
        [Encode.model_validate(one) for one in entries],
        CompileContext(),
        clock=lambda: 1_795_507_200.5,
        random=lambda size: bytes(range(size)),
    )


def sent(template: Any, *entries: dict[str, Any], part: str = "body", keeps_bytes: bool = False) -> Any:
    fill = compile_template(template, CompileContext())
    return encoders(*entries).around(part, fill, keeps_bytes=keeps_bytes)(SCOPE)


def test_inner_documents_are_written_before_outer_ones() -> None:
    template = {"dataXml": {"Request": {"Body": {"Query": {"No": "$args.number"}}}}}
    out = sent(
        template,
        {"at": "body.dataXml.Request.Body", "xml": {"declaration": "false"}},
        {"at": "body.dataXml", "xml": {"charset": "gb2312", "cdata": ["Body"]}},
    )
    assert out == {
        "dataXml": '<?xml version="1.0" encoding="gb2312"?>'
        "<Request><Body><![CDATA[<Query><No>20260001</No></Query>]]></Body></Request>"
    }


def test_the_whole_body_may_become_text() -> None:
    chain = [{"json": {}}, {"charset": "gbk"}, {"base64": {}}]
    out = sent({"名": "张三"}, {"at": "body", "chain": chain})
    assert json.loads(base64.b64decode(out).decode("gbk")) == {"名": "张三"}


def test_only_the_part_that_is_named_changes() -> None:
    fill = compile_template({"a": "$args.number"}, CompileContext())
    some = encoders({"at": "form.a", "base64": {}})
    assert some.around("query", fill) is fill
    assert some.around("form", fill)(SCOPE) == {"a": base64.b64encode(b"20260001").decode()}


def test_a_digest_a_time_and_a_nonce_are_put_in_order() -> None:
    out = sent(
        {"user": "gw", "password": "secret"},
        {"at": "form.password", "digest": {"algorithm": "md5"}},
        {"at": "form.time", "timestamp": {"format": "yyyyMMddHHmmss"}},
        {"at": "form.nonce", "nonce": {"length": "8", "alphabet": "digits"}},
        {
            "at": "form.sign",
            "sign": {
                "algorithm": "sha1",
                "key": "k",
                "canonical": ["time", "user", "$args.number", "$key"],
                "join": "|",
            },
        },
        part="form",
    )
    assert out["password"] == hashlib.md5(b"secret", usedforsecurity=False).hexdigest()
    assert out["time"] == "20261124160000"
    assert out["nonce"].isdigit()
    assert len(out["nonce"]) == 8
    expected = hashlib.sha1(b"20261124160000|gw|20260001|k", usedforsecurity=False).hexdigest()
    assert out["sign"] == expected


def test_pairs_of_an_object_are_signed_without_the_signature() -> None:
    sign = {"algorithm": "md5", "key": "k", "canonical": ["$pairs", '"&key="', "$key"], "form": "hexUpper"}
    out = sent({"b": "2", "a": ["1", "3"], "c": {"x": 1}, "e": ""}, {"at": "body.sign", "sign": sign})
    text = 'a=1&a=3&b=2&c={"x":1}&key=k'
    assert out["sign"] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def test_what_was_not_filled_in_stays_out() -> None:
    assert sent({"a": "$args.absent", "b": "1"}, {"at": "body.a", "base64": {}}) == {"b": "1"}


def test_bytes_are_for_protocols_that_have_them() -> None:
    entry = {"at": "body.file", "charset": "utf-8"}
    assert sent({"file": "x"}, entry, keeps_bytes=True) == {"file": b"x"}
    with pytest.raises(ValueProblem, match=r"encode at body.file: expected text at the end"):
        sent({"file": "x"}, entry)


@pytest.mark.parametrize(
    ("template", "entry"),
    [
        ({"a": {"x": "1", "y": "2"}}, {"at": "body.a", "xml": {}}),
        ({"a": "张三"}, {"at": "body.a", "charset": "ascii"}),
        ("text", {"at": "body.sign", "nonce": {}}),
    ],
)
def test_what_cannot_be_written_is_a_problem_of_the_request(template: Any, entry: dict[str, Any]) -> None:
    with pytest.raises(ValueProblem, match="expected") as caught:
        sent(template, entry)
    assert "张三" not in str(caught.value)


def test_what_the_caller_gave_is_not_changed() -> None:
    args = {"applicant": {"idNumber": "1"}}
    fill = compile_template({"who": "$args.applicant"}, CompileContext())
    out = encoders({"at": "body.who.idNumber", "base64": {}}).around("body", fill)(Scope({"args": args}))
    assert out == {"who": {"idNumber": "MQ=="}}
    assert args == {"applicant": {"idNumber": "1"}}
