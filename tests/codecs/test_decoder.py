"""`decode` of a connector, as the map sees it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import zlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.codecs.decoder import Decoders, compile_decoders, decoded_paths
from adapters.codecs.errors import CodecError, CodecInput, CodecSignature, CodecTooLarge
from adapters.codecs.model import Decode
from adapters.mapping.functions import CompileContext
from adapters.reply import RawReply

REPLY = RawReply(200, "text/xml", b"raw body")


def decoders(*entries: dict[str, Any]) -> Decoders:
    return compile_decoders([Decode.model_validate(one) for one in entries], CompileContext())


def test_xml_in_a_string_in_json_in_a_string() -> None:
    tree = {
        "out": '{"code": "0", "data": "<?xml version=\\"1.0\\" encoding=\\"gbk\\"?><d><名>张三</名></d>"}'
    }
    decode = decoders({"at": "out", "json": {}}, {"at": "out.data", "xml": {}})
    assert decode(tree, REPLY) == {"out": {"code": "0", "data": {"名": "张三"}}}
    assert tree["out"].startswith("{"), "the tree that was read stays as it was"


def test_a_chain_goes_from_base64_to_a_tree() -> None:
    packed = base64.b64encode(gzip.compress("办结|张三".encode("gbk"))).decode()
    decode = decoders(
        {
            "at": "a.b",
            "chain": [
                {"base64": {}},
                {"gzip": {}},
                {"charset": "gb2312"},
                {"records": {"names": ["state", "name"], "separator": "|", "single": "true"}},
            ],
        }
    )
    assert decode({"a": {"b": packed}}, REPLY) == {"a": {"b": {"state": "办结", "name": "张三"}}}


def test_each_element_of_lists_on_the_way_and_at_the_end_is_decoded() -> None:
    decode = decoders({"at": "row.data", "json": {}})
    tree = {"row": [{"data": "1"}, {"data": ["2", "[3]"]}, {"other": "x"}, {"data": None}, {"data": " "}]}
    assert decode(tree, REPLY) == {
        "row": [{"data": 1}, {"data": [2, [3]]}, {"other": "x"}, {"data": None}, {"data": None}]
    }


def test_a_position_takes_one_element_and_one_alone_is_the_first() -> None:
    decode = decoders({"at": "row[0].data", "json": {}})
    assert decode({"row": [{"data": "1"}, {"data": "2"}]}, REPLY) == {"row": [{"data": 1}, {"data": "2"}]}
    assert decode({"row": {"data": "1"}}, REPLY) == {"row": {"data": 1}}
    assert decode({"row": []}, REPLY) == {"row": []}


@pytest.mark.parametrize("tree", ['{"a": "1"}', {"#text": '{"a": "1"}', "#name": "string"}])
def test_the_whole_reply_may_be_text(tree: Any) -> None:
    """A JSON string, or an XML element that holds only text."""
    assert decoders({"at": ".", "json": {}})(tree, REPLY) == {"a": "1"}


def test_what_comes_out_may_stand_beside_the_value() -> None:
    assert decoders({"at": "x.raw", "into": "tree", "json": {}})({"x": {"raw": "[1]"}}, REPLY) == {
        "x": {"raw": "[1]", "tree": [1]}
    }


def test_an_error_says_place_and_step_and_not_the_value() -> None:
    decode = decoders({"at": "out", "json": {}}, {"at": "out.data", "chain": [{"base64": {}}, {"xml": {}}]})
    with pytest.raises(CodecInput) as caught:
        decode({"out": '{"data": "5byg5LiJ"}'}, REPLY)
    assert str(caught.value) == "xml at out.data: expected a well-formed XML document"


def test_a_thousand_small_bombs_in_one_reply_are_a_bomb() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(1024 * 1024))).decode()
    decode = decoders({"at": "row", "chain": [{"base64": {}}, {"gzip": {}}]})
    with pytest.raises(CodecTooLarge, match="together"):
        decode({"row": [bomb] * 1000}, REPLY)


# --- pruning: what the protocol reads, what a codec reads ---


SUZHOU = decoders({"at": "out", "xml": {}}, {"at": "out.Body.XMLData", "xml": {}})


def test_the_protocol_hands_over_a_decoded_value_whole() -> None:
    protocol, _ = SUZHOU.pruned({"code": None, "out": {"Body": {"XMLData": {"Case": {"No": None}}}}})
    assert protocol == {"code": None, "out": None}


def test_a_document_is_pruned_to_what_is_read_of_it_but_holds_the_next_level_whole() -> None:
    inner = "&lt;d&gt;&lt;Case&gt;&lt;No&gt;7&lt;/No&gt;&lt;Name&gt;x&lt;/Name&gt;&lt;/Case&gt;&lt;/d&gt;"
    outer = f"<r><Head>h</Head><Body><XMLData>{inner}</XMLData><FileData>zzz</FileData></Body></r>"
    _, decode = SUZHOU.pruned({"out": {"Body": {"XMLData": {"Case": {"No": None}}}}})
    assert decode({"out": outer}, REPLY) == {"out": {"Body": {"XMLData": {"Case": {"No": "7"}}}}}


def test_what_no_one_reads_is_not_decoded() -> None:
    protocol, decode = SUZHOU.pruned({"code": None})
    assert protocol == {"code": None}
    assert decode({"code": "0", "out": "not even XML"}, REPLY) == {"code": "0", "out": "not even XML"}


def test_decoding_the_root_asks_the_protocol_for_everything() -> None:
    protocol, decode = decoders({"at": ".", "xml": {}}).pruned({"a": None})
    assert protocol is None
    assert decode("<d><a>1</a><b>2</b></d>", REPLY) == {"a": "1"}


def test_what_stands_beside_asks_for_its_source() -> None:
    protocol, decode = decoders({"at": "x.raw", "into": "tree", "json": {}}).pruned(
        {"x": {"tree": {"a": None}}}
    )
    assert protocol == {"x": {"raw": None}}
    assert decode({"x": {"raw": '{"a": 1}'}}, REPLY) == {"x": {"raw": '{"a": 1}', "tree": {"a": 1}}}


def test_what_a_signature_covers_is_read_too() -> None:
    verify = {"algorithm": "md5", "canonical": ["a.b", "$reply.head.time"], "equals": "sign"}
    protocol, _ = decoders({"at": "out", "verify": verify}).pruned({"out": {"c": None}})
    assert protocol == {"out": {"c": None, "a": {"b": None}, "sign": None}, "head": {"time": None}}


def test_places_that_codecs_make_are_told() -> None:
    entries = [{"at": "out", "xml": {}}, {"at": "out.x", "into": "y", "json": {}}]
    assert decoded_paths([Decode.model_validate(one) for one in entries]) == [("out",), ("out", "y")]


# --- verifying ---

VERIFY = {
    "algorithm": "hmac-sha256",
    "key": "gateway",
    "canonical": ["$pairs", '"&key="', "$key"],
    "form": "hexUpper",
    "equals": "sign",
}


def signed(**fields: Any) -> dict[str, Any]:
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + "&key=gateway"
    code = hmac.digest(b"gateway", text.encode(), hashlib.sha256).hex().upper()
    return {**fields, "sign": code}


def test_a_reply_with_its_signature_passes_and_stays_as_it_is() -> None:
    tree = {"data": signed(no="7", state="办结")}
    assert decoders({"at": "data", "verify": VERIFY})(tree, REPLY) == tree


@pytest.mark.parametrize(
    "tree",
    [
        {"data": {**signed(no="7", state="办结"), "state": "在办"}},
        {"data": {"no": "7"}},
        {"data": {**signed(no="7"), "extra": "1"}},
        {"data": [signed(no="7"), {**signed(no="7"), "no": "8"}]},
    ],
    ids=["changed", "unsigned", "added to", "one of several changed"],
)
def test_a_reply_with_another_signature_is_refused(tree: Any) -> None:
    with pytest.raises(CodecSignature) as caught:
        decoders({"at": "data", "verify": VERIFY})(tree, REPLY)
    assert caught.value.code == "CODEC_SIGNATURE"


def test_a_signature_may_cover_the_body_as_it_came() -> None:
    verify = {
        "algorithm": "sha256",
        "canonical": ["$bodyDigest", "$body", "$status"],
        "join": "\n",
        "equals": "s",
    }
    digest = hashlib.sha256(b"raw body").hexdigest()
    good = hashlib.sha256(f"{digest}\nraw body\n200".encode()).hexdigest()
    decoders({"at": ".", "verify": verify})({"s": good.upper()}, REPLY)
    with pytest.raises(CodecSignature):
        decoders({"at": ".", "verify": verify})({"s": good}, RawReply(200, "", b"another body"))


def test_a_checksum_covers_fields_in_a_fixed_order() -> None:
    verify = {
        "algorithm": "crc32",
        "canonical": ["id", "time"],
        "join": "|",
        "equals": "sum",
        "form": "decimal",
    }
    decode = decoders({"at": ".", "verify": verify})
    decode({"id": "7", "time": "8", "sum": str(zlib.crc32(b"7|8"))}, REPLY)
    with pytest.raises(CodecSignature):
        decode({"id": "7", "time": "9", "sum": str(zlib.crc32(b"7|8"))}, REPLY)


def test_an_rsa_signature_is_verified_with_the_public_key() -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signature = key.sign("办结".encode("gbk"), padding.PKCS1v15(), hashes.SHA256())
    verify = {
        "algorithm": "rsa-sha256",
        "publicKey": public.decode(),
        "canonical": ["state"],
        "charset": "gbk",
        "form": "base64",
        "equals": "sign",
    }
    decode = decoders({"at": ".", "verify": verify})
    decode({"state": "办结", "sign": base64.b64encode(signature).decode()}, REPLY)
    with pytest.raises(CodecSignature):
        decode({"state": "在办", "sign": base64.b64encode(signature).decode()}, REPLY)
    with pytest.raises(CodecError):
        decode({"state": "办结", "sign": "no base64!"}, REPLY)
