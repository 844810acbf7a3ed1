"""Steps that decrypt replies and encrypt requests: AES, triple DES, SM4 and RSA, all by the `cryptography` library.

What a system demands is not always what one would choose today (ECB, triple DES, PKCS #1 v1.5): these steps exist
to speak with it, inside TLS, not to protect anything of ours. Bytes in and out; base64 or hex are steps of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.padding import PKCS7

from adapters.codecs.errors import CodecDeclared, CodecInput, CodecValue
from adapters.codecs.step import MAX_BYTES, Context, as_bytes

__all__ = ["KEY_SIZES", "BlockCipher", "Rsa"]

CipherName = Literal["aes", "tripleDes", "sm4"]
KEY_SIZES: dict[str, tuple[int, ...]] = {"aes": (16, 24, 32), "tripleDes": (16, 24), "sm4": (16,)}
TAG_BYTES = 16
_WRONG = "expected what this key, mode, iv and padding decrypt"  # one message: telling them apart helps an attacker


@dataclass(frozen=True, slots=True)
class BlockCipher:
    """One cipher with one key. iv: fixed bytes, or None where it stands before the ciphertext (never used by ECB).

    GCM: the tag stands after the ciphertext. Padding `zero` fills with NUL bytes and takes them off again, so the
    text must not end in one. Raises CodecDeclared for keys and ivs of a wrong length.
    """

    cipher: CipherName
    key: bytes = field(repr=False)
    mode: Literal["CBC", "ECB", "GCM"] = "CBC"
    padding: Literal["pkcs7", "zero", "none"] = "pkcs7"
    iv: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        sizes = KEY_SIZES[self.cipher]
        if len(self.key) not in sizes:
            wanted = " or ".join(map(str, sizes))
            raise CodecDeclared(self.cipher, f"expected a key of {wanted} bytes, found {len(self.key)}")
        if self.mode == "GCM" and self.cipher == "tripleDes":
            raise CodecDeclared(self.cipher, "expected CBC or ECB: GCM needs blocks of 16 bytes")
        if self.iv is not None and self.mode == "CBC" and len(self.iv) != self.block:
            raise CodecDeclared(self.cipher, f"expected an iv of {self.block} bytes, found {len(self.iv)}")
        if self.iv is not None and self.mode == "GCM" and not 8 <= len(self.iv) <= 128:
            raise CodecDeclared(self.cipher, f"expected an iv of 8 to 128 bytes, found {len(self.iv)}")

    @property
    def block(self) -> int:
        return 8 if self.cipher == "tripleDes" else 16

    @property
    def iv_size(self) -> int:
        """Of an iv that stands before the ciphertext."""
        return {"CBC": self.block, "GCM": 12, "ECB": 0}[self.mode]

    def decode(self, value: Any, context: Context) -> bytes:
        raw = as_bytes(value, self.cipher)
        context.budget.spend(self.cipher, len(raw), MAX_BYTES * 2)
        iv, raw = self._split(raw)
        tag = b""
        if self.mode == "GCM":
            raw, tag = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
            if len(tag) < TAG_BYTES:
                raise CodecInput(self.cipher, "expected a tag of 16 bytes after the ciphertext")
        try:
            reader = Cipher(self._algorithm(), self._mode(iv, tag)).decryptor()
            return self._unpadded(reader.update(raw) + reader.finalize())
        except (ValueError, InvalidTag):
            raise CodecInput(self.cipher, _WRONG) from None

    def _split(self, raw: bytes) -> tuple[bytes, bytes]:
        if self.iv is not None or self.mode == "ECB":
            return self.iv or b"", raw
        if len(raw) < self.iv_size:
            raise CodecInput(self.cipher, f"expected an iv of {self.iv_size} bytes before the ciphertext")
        return raw[: self.iv_size], raw[self.iv_size :]

    def encode(self, value: Any, context: Context) -> bytes:
        raw = as_bytes(value, self.cipher, error=CodecValue)
        if self.mode == "GCM" and self.iv is not None:
            # the same iv twice gives away what was encrypted and lets anyone forge (NIST SP 800-38D section 8)
            raise CodecValue(self.cipher, "expected no fixed iv: GCM needs a new one each time, `iv: prefix`")
        iv = self.iv if self.iv is not None else context.random(self.iv_size)
        writer = Cipher(self._algorithm(), self._mode(iv, None)).encryptor()
        try:
            out = writer.update(self._padded(raw)) + writer.finalize()
        except ValueError:
            raise CodecValue(
                self.cipher, f"expected a multiple of {self.block} bytes, or a padding"
            ) from None
        prefix = iv if self.iv is None else b""
        return prefix + out + (bytes(writer.tag) if self.mode == "GCM" else b"")

    def _algorithm(self) -> CipherAlgorithm:
        if self.cipher == "aes":
            return AES(self.key)
        if self.cipher == "sm4":
            return SM4(self.key)
        # two keys: the first one again as the third (ANSI X9.52, keying option 2)
        return TripleDES(self.key if len(self.key) == 24 else self.key + self.key[:8])

    def _mode(self, iv: bytes, tag: bytes | None) -> Any:  # the stubs tell modes with a tag from the others
        if self.mode == "ECB":
            return modes.ECB()  # noqa: S305 - what the system demands  # nosec B305
        return modes.CBC(iv) if self.mode == "CBC" else modes.GCM(iv, tag)

    def _padded(self, raw: bytes) -> bytes:
        if self.mode == "GCM" or self.padding == "none":
            return raw
        if self.padding == "zero":
            if raw.endswith(b"\0"):
                raise CodecValue(self.cipher, "expected no NUL byte at the end: zero padding would lose it")
            return raw + bytes(-len(raw) % self.block)
        writer = PKCS7(self.block * 8).padder()
        return writer.update(raw) + writer.finalize()

    def _unpadded(self, raw: bytes) -> bytes:
        if self.mode == "GCM" or self.padding == "none":
            return raw
        if self.padding == "zero":
            return raw.rstrip(b"\0")
        reader = PKCS7(self.block * 8).unpadder()
        return reader.update(raw) + reader.finalize()


@dataclass(frozen=True, slots=True)
class Rsa:
    """Decrypts with the private key, encrypts with the public one, in blocks of the key's size (as Java code does)."""

    private: RSAPrivateKey | None = field(default=None, repr=False)
    public: RSAPublicKey | None = field(default=None, repr=False)
    padding: Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"] = "pkcs1v15"

    def decode(self, value: Any, context: Context) -> bytes:
        raw = as_bytes(value, "rsa")
        if self.private is None:
            raise CodecInput("rsa", "expected `privateKey` in the declaration, to decrypt")
        size = self.private.key_size // 8
        context.budget.spend("rsa", len(raw), 64 * size)  # each block costs a millisecond
        if not raw or len(raw) % size:
            raise CodecInput("rsa", f"expected blocks of {size} bytes")
        try:
            blocks = (raw[at : at + size] for at in range(0, len(raw), size))
            return b"".join(self.private.decrypt(block, self._padding()) for block in blocks)
        except ValueError:
            raise CodecInput("rsa", "expected what this key and padding decrypt") from None

    def encode(self, value: Any, context: Context) -> bytes:
        del context
        raw = as_bytes(value, "rsa", error=CodecValue)
        if self.public is None:
            raise CodecValue("rsa", "expected `publicKey` in the declaration, to encrypt")
        room = self.public.key_size // 8 - {"pkcs1v15": 11, "oaep-sha1": 42, "oaep-sha256": 66}[self.padding]
        blocks = [raw[at : at + room] for at in range(0, len(raw), room)] or [b""]
        return b"".join(self.public.encrypt(block, self._padding()) for block in blocks)

    def _padding(self) -> rsa_padding.AsymmetricPadding:
        if self.padding == "pkcs1v15":
            return rsa_padding.PKCS1v15()
        digest = hashes.SHA1() if self.padding == "oaep-sha1" else hashes.SHA256()  # noqa: S303 - theirs to choose  # nosec B303
        return rsa_padding.OAEP(rsa_padding.MGF1(digest), digest, None)
