"""What declarations say about WS-Security: `source.soap.security`. Models only."""

from typing import Literal, Self

from pydantic import Field, model_validator

from adapters.auth.model import BY_REFERENCE, AuthModel, FilePath

__all__ = ["SoapSecurity", "SoapSignature", "SoapVerify", "UsernameToken", "WssTimestamp"]


class UsernameToken(AuthModel):
    """WS-Security UsernameToken (profile 1.0 and 1.1)."""

    username: str = Field(description="User name 用户名.")
    password: str = Field(repr=False, description=f"Password, {BY_REFERENCE}")
    digest: bool = Field(default=False, description="Send PasswordDigest instead of PasswordText.")
    nonce: bool | None = Field(
        default=None, description="Send a nonce. Default: with a digest, which needs one 随机数."
    )
    created: bool | None = Field(default=None, description="Send the time. Default: with a digest 创建时间.")
    hash_password: bool = Field(
        default=False, description="The system keeps SHA-1 of the password, and digests that."
    )

    @model_validator(mode="after")
    def _digested(self) -> Self:
        if self.digest and (self.nonce is False or self.created is False):
            raise ValueError("a digest needs nonce and created")
        return self


class WssTimestamp(AuthModel):
    """The Timestamp element."""

    life_s: int = Field(default=300, ge=1, le=86400, description="Seconds from Created to Expires 有效期.")


class SoapSignature(AuthModel):
    """An X.509 signature over parts of each request. Files are PEM, relative to this declaration."""

    certificate: FilePath = Field(description="The gateway's certificate 签名证书.")
    key: FilePath = Field(description="Its private key (RSA) 私钥.")
    password: str | None = Field(default=None, repr=False, description=f"Password of the key, {BY_REFERENCE}")
    hash: Literal["sha1", "sha256", "sha512"] = Field(
        default="sha256", description="Of digests and signature. sha1 only for systems that know no better."
    )
    parts: tuple[Literal["body", "timestamp", "usernameToken"], ...] = Field(
        default=("body", "timestamp"), min_length=1, description="What is signed, where it is there."
    )
    key_info: Literal["binaryToken", "certificate", "issuerSerial"] = Field(
        default="binaryToken",
        description="How the certificate is told: a BinarySecurityToken, an X509Certificate, or issuer and number.",
    )


class SoapVerify(AuthModel):
    """Replies must be signed, and only what is signed is read 验签."""

    certificates: tuple[FilePath, ...] = Field(
        min_length=1,
        description="Certificates of the system, one of which must have signed. They are trusted as they stand, "
        "until they are taken out here.",
    )
    timestamp: bool = Field(
        default=True, description="A signed Timestamp must be there, neither old nor expired (replays)."
    )
    max_age_s: int = Field(default=300, ge=1, le=86400, description="Oldest Timestamp taken, in seconds.")
    skew_s: int = Field(
        default=60, ge=0, le=3600, description="By how much the clocks may differ, in seconds."
    )
    sha1: bool = Field(default=False, description="Take SHA-1 too, which can be forged with effort.")
    unsigned_faults: bool = Field(
        default=False, description="Take faults that are not signed. Anybody on the way could send one."
    )


class SoapSecurity(AuthModel):
    """WS-Security in the SOAP header."""

    username_token: UsernameToken | None = Field(default=None, description="User name and password.")
    timestamp: WssTimestamp | None = Field(
        default=None, description="When the request was made, and until when it holds."
    )
    signature: SoapSignature | None = Field(default=None, description="Signs requests.")
    verify: SoapVerify | None = Field(default=None, description="Checks replies.")
    must_understand: bool = Field(default=False, description="Mark the header soap:mustUnderstand.")
