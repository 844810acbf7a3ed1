"""Published vectors, round trips, and what does not decrypt."""

from __future__ import annotations

from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.ciphers import BlockCipher, Rsa
from adapters.codecs.errors import CodecDeclared, CodecInput, CodecValue
from adapters.codecs.step import Context

PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
AES_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
VECTORS = {
    "NIST SP 800-38A F.1.1 ECB": (
        BlockCipher("aes", AES_KEY, "ECB", "none"),
        PLAIN,
        "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
    ),
    "NIST SP 800-38A F.2.1 CBC": (
        BlockCipher("aes", AES_KEY, "CBC", "none", bytes(range(16))),
        PLAIN,
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
    ),
    "NIST SP 800-67 ECB": (
        BlockCipher(
            "tripleDes", bytes.fromhex("0123456789abcdef23456789abcdef01456789abcdef0123"), "ECB", "none"
        ),
        bytes.fromhex("5468652071756663 6b2062726f776e20 666f78206a756d70"),
        "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900",
    ),
    "GB/T 32907 example 1": (
        BlockCipher("sm4", bytes.fromhex("0123456789abcdeffedcba9876543210"), "ECB", "none"),
        bytes.fromhex("0123456789abcdeffedcba9876543210"),
        "681edf34d206965e86b3e94f536e4246",
    ),
}


@pytest.mark.parametrize(("step", "plain", "cipher"), VECTORS.values(), ids=VECTORS)
def test_published_vectors_hold_both_ways(step: BlockCipher, plain: bytes, cipher: str) -> None:
    assert step.encode(plain, Context()).hex() == cipher
    assert step.decode(bytes.fromhex(cipher), Context()) == plain


def test_the_published_vector_of_gcm_holds_both_ways() -> None:
    """Test case 3 of the GCM proposal to NIST: key, iv, ciphertext, tag."""
    iv = bytes.fromhex("cafebabefacedbaddecaf888")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
    )
    cipher = bytes.fromhex(
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
        "4d5c2af327cd64a62cf35abd2ba6fab4"
    )
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308")
    assert BlockCipher("aes", key, "GCM").encode(plain, Context(random=lambda _size: iv)) == iv + cipher
    assert BlockCipher("aes", key, "GCM", iv=iv).decode(cipher, Context()) == plain


@pytest.mark.parametrize("cipher", ["aes", "tripleDes", "sm4"])
@pytest.mark.parametrize("mode", ["CBC", "ECB", "GCM"])
@given(raw=st.binary(max_size=80), key=st.binary(min_size=16, max_size=16))
def test_what_is_encrypted_decrypts(
    cipher: Literal["aes", "tripleDes", "sm4"], mode: Literal["CBC", "ECB", "GCM"], raw: bytes, key: bytes
) -> None:
    if (cipher, mode) == ("tripleDes", "GCM"):
        return
    step = BlockCipher(cipher, key, mode)
    assert step.decode(step.encode(raw, Context()), Context()) == raw


@given(raw=st.binary(max_size=80).filter(lambda raw: not raw.endswith(b"\0")))
def test_zero_padding_comes_off(raw: bytes) -> None:
    step = BlockCipher("tripleDes", b"k" * 24, "CBC", "zero", b"i" * 8)
    assert step.decode(step.encode(raw, Context()), Context()) == raw


def test_two_keys_stand_for_three() -> None:
    two, three = (
        BlockCipher("tripleDes", key, "ECB") for key in (b"12345678ABCDEFGH", b"12345678ABCDEFGH12345678")
    )
    assert two.encode(b"case", Context()) == three.encode(b"case", Context())


@given(flip=st.integers(0, 59), bit=st.integers(0, 7))
def test_a_changed_message_is_refused_by_gcm(flip: int, bit: int) -> None:
    step = BlockCipher("sm4", b"k" * 16, "GCM")
    sealed = bytearray(step.encode(b"applicant and amount of a paid fee", Context()))
    at = flip % len(sealed)
    sealed[at] ^= 1 << bit
    with pytest.raises(CodecInput):
        step.decode(bytes(sealed), Context())


@pytest.mark.parametrize("value", [b"", b"short", b"x" * 33, b"x" * 48])
def test_what_does_not_decrypt_is_always_told_in_one_way(value: bytes) -> None:
    with pytest.raises(CodecInput, match="key, mode, iv and padding decrypt"):
        BlockCipher("aes", b"k" * 16, "CBC", iv=b"i" * 16).decode(value, Context())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("aes", b"k" * 15), "16 or 24 or 32 bytes, found 15"),
        (("sm4", b"k" * 24), "16 bytes, found 24"),
        (("tripleDes", b"k" * 8), "16 or 24 bytes"),
        (("tripleDes", b"k" * 24, "GCM"), "CBC or ECB"),
        (("aes", b"k" * 16, "CBC", "pkcs7", b"i" * 8), "iv of 16 bytes, found 8"),
    ],
)
def test_keys_and_ivs_of_a_wrong_length_are_found_when_compiled(
    arguments: tuple[object, ...], expected: str
) -> None:
    with pytest.raises(CodecDeclared, match=expected):
        BlockCipher(*arguments)  # type: ignore[arg-type]  # a table of wrong ones


def test_gcm_never_encrypts_twice_with_one_iv() -> None:
    with pytest.raises(CodecValue, match="prefix"):
        BlockCipher("aes", b"k" * 16, "GCM", iv=b"i" * 12).encode(b"1", Context())


def test_zero_padding_refuses_what_it_would_lose() -> None:
    with pytest.raises(CodecValue, match="NUL"):
        BlockCipher("aes", b"k" * 16, "ECB", "zero").encode(b"1\0", Context())


def test_keys_do_not_show() -> None:
    assert "secretsecretsecr" not in repr(BlockCipher("aes", b"secretsecretsecr"))


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("padding", ["pkcs1v15", "oaep-sha1", "oaep-sha256"])
@pytest.mark.parametrize("size", [0, 1, 245, 700])
def test_rsa_goes_block_by_block(
    rsa_key: rsa.RSAPrivateKey, padding: Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"], size: int
) -> None:
    step = Rsa(rsa_key, rsa_key.public_key(), padding)
    raw = bytes(index % 251 for index in range(size))
    assert step.decode(step.encode(raw, Context()), Context()) == raw


def test_rsa_says_which_key_it_lacks(rsa_key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(CodecInput, match="privateKey"):
        Rsa(public=rsa_key.public_key()).decode(b"1", Context())
    with pytest.raises(CodecValue, match="publicKey"):
        Rsa(rsa_key).encode(b"1", Context())
    with pytest.raises(CodecInput, match="blocks of 256"):
        Rsa(rsa_key).decode(b"1", Context())
