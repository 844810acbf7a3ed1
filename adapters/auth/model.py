"""What declarations say about credentials: `auth` of a source, of any protocol. Models only; editors show the descriptions.

SOAP's own security, which stands in the envelope, is in `wss/model.py`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel

from adapters.auth.files import beside
from adapters.codecs.model import Decode, Encode
from adapters.codecs.sign_model import RequestSign

__all__ = [
    "ApiKey",
    "Attach",
    "Auth",
    "AuthModel",
    "BasicAuth",
    "Ended",
    "FilePath",
    "Login",
    "LoginFailure",
    "Logout",
    "OAuth2",
    "ServiceAuth",
    "Session",
    "SoapHeader",
    "Tls",
]


def _resolved(path: str, info: ValidationInfo) -> str:
    return beside(path, info.context)


FilePath = Annotated[str, AfterValidator(_resolved)]
"""Relative to the folder in the validation context; as it stands where there is none."""
BY_REFERENCE = "by reference: ${env:NAME} or ${file:/path}, never the secret itself 密钥引用."


class AuthModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")


class BasicAuth(AuthModel):
    """HTTP Basic (RFC 7617)."""

    username: str = Field(description="User name 用户名.")
    password: str = Field(repr=False, description=f"Password, {BY_REFERENCE}")
    charset: str = Field(default="utf-8", description="Charset of both, where the system is not for UTF-8.")


class ApiKey(AuthModel):
    """A key that every call carries, in a header or in the address."""

    name: str = Field(description="Header, or parameter of the address, that carries the key.")
    value: str = Field(repr=False, description=f"The key, {BY_REFERENCE}")
    place: Literal["header", "query"] = Field(
        default="header",
        alias="in",
        description="Where it stands. Addresses end up in logs: prefer the header.",
    )


class Ended(AuthModel):
    """What tells that the system no longer takes the token or session 会话失效: any of these."""

    status: tuple[int, ...] = Field(default=(401,), description="HTTP statuses.")
    fault: tuple[str, ...] = Field(
        default=(), description="Codes or subcodes of a SOAP fault, without prefix, or of a GraphQL error."
    )
    when: str | None = Field(
        default=None, description='Condition over the reply, $status and $fault, e.g. code == "1003".'
    )
    html: bool = Field(default=False, description="A page of HTML, as of a login form, in place of a reply.")


class OAuth2(AuthModel):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4)."""

    token_url: str = Field(description="Where tokens are fetched.")
    client_id: str = Field(description="Client identifier.")
    client_secret: str = Field(repr=False, description=f"Client secret, {BY_REFERENCE}")
    scope: str | None = Field(default=None, description="Scope to ask for, if the system wants one.")
    client_auth: Literal["body", "basic"] = Field(
        default="body", description="Where id and secret are sent: in the form, or as HTTP Basic."
    )
    params: dict[str, str] = Field(
        default_factory=dict, description="Further parameters of the token request, e.g. audience."
    )
    renew_before_s: float | None = Field(
        default=None,
        ge=0,
        description="Seconds before its end at which a token is renewed, while calls go on with the old one. "
        "Default: a tenth of its life, at most 30.",
    )
    ended: Ended = Field(default=Ended(), description="What tells that a token is no longer taken.")


class LoginFailure(AuthModel):
    """When a login's reply that arrived is a failure all the same."""

    when: str | None = Field(
        default=None, description='Refused: wrong password, locked account, e.g. code != "0".'
    )
    unavailable: str | None = Field(
        default=None, description="The system is down: worth another attempt later."
    )


class Logout(AuthModel):
    """The call that closes a session when the gateway stops or its declaration changes. Its reply does not matter."""

    address: str | None = Field(default=None, description="Base address, if not that of the source.")
    operation: str | None = Field(default=None, description="SOAP: operation of the port.")
    document: str | None = Field(default=None, description="GraphQL: the operation.")
    variables: dict[str, Any] = Field(default_factory=dict, description="GraphQL: its variables.")
    method: Literal["GET", "POST", "PUT", "PATCH"] = Field(default="POST", description="HTTP method.")
    path: str = Field(default="", description="Path below the address; {expressions} are filled in.")
    query: dict[str, Any] = Field(default_factory=dict, description="Query parameters.")
    headers: dict[str, str] = Field(default_factory=dict, description="Further headers.")
    body: Any = Field(default=None, description="Body, or arguments of the operation; may use $session.")
    form: dict[str, Any] | None = Field(default=None, description="Form body, instead of `body`.")
    format: Literal["json", "xml"] | None = Field(
        default=None, description="What body and reply are. Default: as the source's; json beside SOAP."
    )
    encode: tuple[Encode, ...] = Field(
        default=(), description="What the templates filled in becomes what is sent 报文编码."
    )


class Login(Logout):
    """The call that opens a session 登录. Keys are those of a connector; templates may use $secrets."""

    decode: tuple[Decode, ...] = Field(
        default=(), description="What stands inside fields of the reply becomes what `take` reads 报文解码."
    )
    failure: LoginFailure = Field(
        default=LoginFailure(), description="When a reply that arrived is a failure all the same."
    )


class SoapHeader(AuthModel):
    """An element of the SOAP header."""

    namespace: str | None = Field(default=None, description="Namespace of the element; none if absent.")
    element: dict[str, Any] = Field(
        description="One element and what is in it, as in an XML body: {SessionHeader: {sid: $session.token}}."
    )
    qualified: bool = Field(default=True, description="What is in it is of the namespace too.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.element) != 1:
            raise ValueError("a SOAP header is one outer element and what is in it")
        return self


class Attach(AuthModel):
    """What every call carries of the session. A text that begins with $ is an expression; {expressions} stand inside
    others. `$session.token` in a connector's own templates needs nothing here."""

    headers: dict[str, str] = Field(
        default_factory=dict, description='HTTP headers, e.g. Authorization: "Session {$session.token}".'
    )
    cookies: dict[str, str] = Field(
        default_factory=dict, description="Cookies, e.g. JSESSIONID: $session.token."
    )
    query: dict[str, str] = Field(default_factory=dict, description="Parameters of the address.")
    soap_header: SoapHeader | None = Field(
        default=None, description="SOAP: an element of the envelope's header."
    )


class Session(AuthModel):
    """A login session 登录会话: opened by a call, shared by all callers, renewed once when it ends."""

    login: Login = Field(description="The call that opens it.")
    secrets: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description=f"Name -> secret, {BY_REFERENCE} Templates of `login` say $secrets.NAME.",
    )
    take: dict[str, str] = Field(
        description="Name -> where it stands in the login's reply: an expression over the reply, $headers.name, "
        "$cookies.NAME. `token` is required; $session.NAME is what it gave."
    )
    attach: Attach = Field(default=Attach(), description="What every call carries of it.")
    life_s: float | None = Field(
        default=None, gt=0, description="Seconds that it lives. Absent: until the system ends it."
    )
    expires_in: str | None = Field(
        default=None, description="Expression over the login's reply: seconds that it lives."
    )
    expires_at: str | None = Field(
        default=None,
        description="Expression over the login's reply: time of its end, e.g. data.until | epoch_ms.",
    )
    renew_before_s: float | None = Field(
        default=None,
        ge=0,
        description="Seconds before its end at which it is renewed, while calls go on with the old one. "
        "Default: a tenth of its life, at most 30.",
    )
    pause_s: float = Field(
        default=30,
        ge=0,
        le=3600,
        description="Seconds without another login after one that was refused, so that the account is not locked.",
    )
    ended: Ended = Field(default=Ended(), description="What tells that it has ended.")
    logout: Logout | None = Field(default=None, description="The call that closes it.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "token" not in self.take:
            raise ValueError("take needs `token`")
        if sum(one is not None for one in (self.life_s, self.expires_in, self.expires_at)) > 1:
            raise ValueError("give one of lifeS, expiresIn, expiresAt")
        return self


class Tls(AuthModel):
    """Whom the gateway trusts, and its own certificate 双向TLS. Files are PEM, relative to this declaration."""

    ca: FilePath | None = Field(
        default=None, description="Certificates trusted instead of the machine's own store."
    )
    certificate: FilePath | None = Field(
        default=None, description="The gateway's certificate, with what leads to its root 客户端证书."
    )
    key: FilePath | None = Field(default=None, description="Its private key; absent if in the same file.")
    password: str | None = Field(default=None, repr=False, description=f"Password of the key, {BY_REFERENCE}")

    @model_validator(mode="after")
    def _with_certificate(self) -> Self:
        if self.certificate is None and (self.key is not None or self.password is not None):
            raise ValueError("a key needs its `certificate`")
        return self


class ServiceAuth(AuthModel):
    """How the gateway shows who it is 认证方式: one of basic, bearer, apiKey, oauth2; headers, hmac and tls go with any of
    them."""

    basic: BasicAuth | None = Field(default=None, description="User name and password with every call.")
    bearer: str | None = Field(default=None, repr=False, description=f"A fixed bearer token, {BY_REFERENCE}")
    api_key: ApiKey | None = Field(default=None, description="A key in a header or in the address.")
    oauth2: OAuth2 | None = Field(default=None, description="Tokens fetched with client credentials.")
    headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description=f"Secret headers of every call, {BY_REFERENCE} Others belong in the fixed headers.",
    )
    hmac: RequestSign | None = Field(
        default=None,
        description="Signs every request, last of all, over time, nonce and what is sent 请求签名.",
    )
    tls: Tls | None = Field(default=None, description="Trusted authorities and client certificate 双向TLS.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        names = [
            name
            for name in ("basic", "bearer", "api_key", "oauth2", "session")
            if getattr(self, name, None) is not None
        ]
        if len(names) > 1:
            raise ValueError("give one of basic, bearer, apiKey, oauth2, session")
        return self


class Auth(ServiceAuth):
    """How the gateway shows who it is 认证方式: one of basic, bearer, apiKey, oauth2, session; headers, hmac and tls go
    with any of them."""

    session: Session | None = Field(default=None, description="A session opened by a login call 登录会话.")
