"""Published vectors of digests, HMACs, CRC-32 and SM2."""

from __future__ import annotations

import hashlib
import hmac
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.digests import Crc32, Digest, HashName, Hmac, digest_of, hmac_of
from adapters.codecs.errors import CodecDeclared
from adapters.codecs.sm2 import Sm2
from adapters.codecs.step import Context


@pytest.mark.parametrize(
    ("name", "data", "digest"),
    [
        ("sm3", b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        ("sm3", b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
        ("md5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_digests_are_those_of_their_standards(name: HashName, data: bytes, digest: str) -> None:
    """GB/T 32905 annex A, RFC 1321, FIPS 180."""
    assert Digest(name).encode(data, Context()) == digest


@pytest.mark.parametrize(
    ("name", "key", "data", "code"),
    [
        (
            "sha256",
            b"\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            "sha512",
            b"\x0b" * 20,
            b"Hi There",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            "sha256",
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("sha1", b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("md5", b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
    ],
)
def test_hmacs_are_those_of_rfc_4231_and_rfc_2202(name: HashName, key: bytes, data: bytes, code: str) -> None:
    assert Hmac(name, key).encode(data, Context()) == code


@given(key=st.binary(max_size=100), data=st.binary())
def test_hmac_with_sm3_is_rfc_2104_over_sm3(key: bytes, data: bytes) -> None:
    block = (key if len(key) <= 64 else digest_of("sm3", key)).ljust(64, b"\0")
    inner = digest_of("sm3", bytes(one ^ 0x36 for one in block) + data)
    assert hmac_of("sm3", key, data) == digest_of("sm3", bytes(one ^ 0x5C for one in block) + inner)


@given(key=st.binary(), data=st.binary())
def test_ours_agree_with_the_standard_library(key: bytes, data: bytes) -> None:
    assert hmac_of("sha256", key, data) == hmac.digest(key, data, "sha256")
    assert digest_of("sha512", data) == hashlib.sha512(data).digest()
    assert Crc32("decimal").encode(data, Context()) == str(zlib.crc32(data))


def test_crc32_has_its_check_value_in_every_form() -> None:
    forms = [Crc32(form).encode("123456789", Context()) for form in ("hex", "hexUpper", "decimal", "base64")]
    assert forms == ["cbf43926", "CBF43926", "3421780262", "y/Q5Jg=="]


PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)


@pytest.mark.parametrize("public", [PUBLIC, "04" + PUBLIC])
def test_the_signature_of_gb_t_32918_5_is_verified(public: str) -> None:
    pytest.importorskip("gmssl_pyx")
    r = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    s = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    verifier = Sm2(public=public, format="raw")
    assert verifier.verify(b"message digest", bytes.fromhex(r + s))
    assert not verifier.verify(b"message digest.", bytes.fromhex(r + s))


@pytest.mark.parametrize("form", ["der", "raw"])
def test_sm2_verifies_what_it_signs(form: str) -> None:
    pytest.importorskip("gmssl_pyx")
    signer = Sm2(PRIVATE, PUBLIC, format="raw" if form == "raw" else "der")
    signature = signer.sign("办件".encode())
    assert signer.verify("办件".encode(), signature)
    assert not signer.verify("办件2".encode(), signature)


def test_sm2_keys_are_checked_when_compiled() -> None:
    """Without the optional library the same error says what to install."""
    with pytest.raises(CodecDeclared, match=r"gm|on the curve"):
        Sm2(public="00" * 64)
