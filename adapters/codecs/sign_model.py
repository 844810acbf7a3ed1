"""What declarations say about signatures: `sign` of a source, `sign` and `verify` of a connector's codecs. Models only."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

__all__ = [
    "KEY",
    "CodecModel",
    "Constant",
    "HashName",
    "KeyEncoding",
    "Nonce",
    "Put",
    "RequestSign",
    "Sign",
    "Stamp",
    "TextForm",
    "Verify",
]

HashName = Literal["md5", "sha1", "sha256", "sha512", "sm3"]
TextForm = Literal["hex", "hexUpper", "base64", "base64url", "decimal"]
KeyEncoding = Literal["utf8", "hex", "base64"]
KEY = "The key by reference, ${env:NAME} or ${file:/path}, never the key itself 密钥引用."


class CodecModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")


class PairsModel(CodecModel):
    """What `$pairs` is: name=value pairs in one text 参数串."""

    at: str = Field(
        default=".", description="In `encode` and `verify`: the object whose top level gives the pairs."
    )
    of: tuple[Literal["query", "fields"], ...] = Field(
        default=("query", "fields"),
        description="In a source's `sign`: parameters of the address, fields of the form or JSON body.",
    )
    omit: tuple[str, ...] = Field(default=(), description="Names left out; the signature's own always is.")
    separator: str = Field(default="&", description="Between pairs.")
    equals: str = Field(default="=", description="Between name and value.")
    sort: bool = Field(default=True, description="By name; else in the order sent.")
    keep_empty: bool = Field(default=False, description="Pairs without a value stay.")
    encode: bool = Field(default=False, description="Values are percent-encoded.")


class DigestForm(CodecModel):
    algorithm: HashName = Field(default="sha256", description="Which digest.")
    form: TextForm = Field(default="hex", description="How it is written.")


class Sign(CodecModel):
    """A signature, digest or checksum over a canonical string 签名."""

    algorithm: Literal[
        "md5", "sha1", "sha256", "sha512", "sm3",
        "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512", "hmac-sm3",
        "rsa-sha1", "rsa-sha256", "sm2", "crc32",
    ] = Field(description="Which one.")  # fmt: skip
    key: str | None = Field(
        default=None,
        repr=False,
        description=KEY
        + " HMAC: in keyEncoding. RSA, SM2: the private key, PEM or base64, or hex. Digests: what $key gives.",
    )
    key_encoding: KeyEncoding = Field(default="utf8", description="How an HMAC's key is written.")
    public_key: str | None = Field(
        default=None, description="RSA and SM2: the public key, for replies (SM2: always)."
    )
    signer: str = Field(default="1234567812345678", description="SM2: identity of the signer 签名者标识.")
    signature_format: Literal["der", "raw"] = Field(
        default="der", description="SM2: sequence of r and s, or their 64 bytes."
    )
    canonical: tuple[str, ...] = Field(
        default=("$pairs",),
        min_length=1,
        description="Expressions whose values are joined: paths, texts in quotes, and $pairs, $key, $body, $bodyDigest, $timestamp, "
        "$nonce, $method, $path, $query.name, $fields.name, $headers.name, $args.name 待签名串.",
    )
    join: str = Field(default="", description="Text between them, e.g. a line feed.")
    pairs: PairsModel = Field(default=PairsModel(), description="What $pairs is.")
    body_digest: DigestForm = Field(default=DigestForm(), description="What $bodyDigest is.")
    charset: str = Field(default="utf-8", description="In which charset the string is signed.")
    form: TextForm = Field(default="hex", description="How the signature is written.")
    prefix: str = Field(default="", description='Text before it, e.g. "HMAC-SHA256 ".')


class Verify(Sign):
    """Checks a reply's signature or checksum; paths start at `at` 验签."""

    equals: str = Field(description="Expression: where the signature stands.")


class Stamp(CodecModel):
    """The time now 时间戳."""

    format: str = Field(
        default="epoch_ms", description="epoch_ms, epoch_s, iso, or a pattern of yyyy MM dd HH mm ss."
    )


class Nonce(CodecModel):
    """A text that no other request has 随机串."""

    length: int = Field(default=32, ge=8, le=128, description="Signs.")
    alphabet: Literal["hex", "digits", "alphanumeric", "uuid"] = Field(
        default="hex", description="Which signs; uuid has its own length."
    )


class Put(CodecModel):
    """Where something goes: give exactly one."""

    header: str | None = Field(default=None, description="HTTP header.")
    query: str | None = Field(default=None, description="Parameter of the address.")
    field: str | None = Field(default=None, description="Field of the form or of the JSON body's top level.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.header, self.query, self.field)) != 1:
            raise ValueError("give one of header, query, field")
        return self


class StampPut(Stamp):
    put: Put | None = Field(
        default=None, description="Where it is sent; nowhere if only the canonical string needs it."
    )


class NoncePut(Nonce):
    put: Put | None = Field(
        default=None, description="Where it is sent; nowhere if only the canonical string needs it."
    )


class Constant(Put):
    """Something that every request carries, e.g. the application's id."""

    value: str = Field(description="Its text.")


class RequestSign(Sign):
    """Signs every request of a source, after its templates and codecs 请求签名."""

    send: tuple[Constant, ...] = Field(default=(), description="Constants added before signing.")
    timestamp: StampPut | None = Field(default=None, description="Gives $timestamp.")
    nonce: NoncePut | None = Field(default=None, description="Gives $nonce.")
    put: Put = Field(description="Where the signature goes.")
