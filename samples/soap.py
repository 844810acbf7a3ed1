"""The server's side of SOAP 1.1 and 1.2: reads a call, writes an envelope or a fault. Knows no operation.

Envelopes are written as text from ready fragments, because the cases are rendered once at start-up.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from lxml import etree

__all__ = [
    "SOAP_11",
    "SOAP_12",
    "SoapCall",
    "SoapFaultError",
    "envelope",
    "fault",
    "read_call",
    "tag",
    "wss_user",
]

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_DIGEST = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)


@dataclass(frozen=True, slots=True)
class SoapCall:
    """arguments: local name of every leaf element of the request -> its text, the last one's where it is repeated;
    repeated: all texts of each; wsse: the Security header."""

    operation: str
    arguments: dict[str, str]
    wsse: etree._Element | None
    repeated: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.arguments.get(name, "").strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of an element that may be repeated."""
        return tuple(text for one in self.repeated.get(name, ()) if (text := one.strip()))

    def number(self, name: str, default: int) -> int:
        """An argument as a whole number; raises SoapFaultError for anything else."""
        value = self.text(name)
        if not value:
            return default
        if not value.isdigit():
            raise SoapFaultError("E400", f"参数{name}不是整数：{value}")
        return int(value)


class SoapFaultError(Exception):
    """The system refuses a call: its own code and words. `code` is the system's, not SOAP's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_call(body: bytes, *, version: str) -> SoapCall:
    """Raises SoapFaultError for what is not an envelope of this SOAP version with one element in its Body."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as problem:
        raise SoapFaultError("E400", "请求不是合法的XML") from problem
    found = root.find(f"{{{version}}}Body")
    payload = (
        next((child for child in found if isinstance(child.tag, str)), None) if found is not None else None
    )
    if payload is None:
        raise SoapFaultError("E400", "请求中没有SOAP Body")
    leaves = [node for node in payload.iter() if isinstance(node.tag, str) and len(node) == 0]
    repeated: dict[str, tuple[str, ...]] = {}
    for leaf in leaves:
        name = etree.QName(leaf).localname
        repeated[name] = (*repeated.get(name, ()), leaf.text or "")
    return SoapCall(
        operation=etree.QName(payload).localname,
        arguments={etree.QName(leaf).localname: leaf.text or "" for leaf in leaves},
        wsse=root.find(f"{{{version}}}Header/{{{WSSE}}}Security"),
        repeated=repeated,
    )


def envelope(body: str, *, version: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soap:Envelope xmlns:soap="{version}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    ).encode()


def fault(problem: SoapFaultError, *, version: str, namespace: str) -> bytes:
    """A fault of the caller, with the system's own code in the detail."""
    detail = (
        f'<f:ServiceFault xmlns:f="{namespace}">{tag("f:Code", problem.code)}{tag("f:Message", problem.message)}'
        "</f:ServiceFault>"
    )
    if version == SOAP_11:
        body = (
            f"<soap:Fault><faultcode>soap:Client</faultcode>{tag('faultstring', problem.message)}"
            f"<detail>{detail}</detail></soap:Fault>"
        )
    else:
        body = (
            "<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="zh">{escape(problem.message)}</soap:Text></soap:Reason>'
            f"<soap:Detail>{detail}</soap:Detail></soap:Fault>"
        )
    return envelope(body, version=version)


def tag(name: str, value: object) -> str:
    """`<name>value</name>`, or nothing for None and the empty string."""
    return "" if value is None or value == "" else f"<{name}>{escape(str(value))}</{name}>"


def wss_user(security: etree._Element | None, passwords: dict[str, str]) -> str:
    """User of a UsernameToken (WSS UsernameToken Profile 1.0), password as text or digest.

    Raises SoapFaultError without a token, for an unknown user and for a wrong password. The age of `Created` is
    not checked and nonces are not remembered: a sample.
    """
    token = security.find(f"{{{WSSE}}}UsernameToken") if security is not None else None
    if token is None:
        raise SoapFaultError("E401", "缺少WS-Security用户名令牌")
    user = token.findtext(f"{{{WSSE}}}Username", "").strip()
    element = token.find(f"{{{WSSE}}}Password")
    given = (element.text or "").strip() if element is not None else ""
    expected = passwords.get(user, "")
    if element is not None and element.get("Type") == PASSWORD_DIGEST:
        nonce = base64.b64decode(token.findtext(f"{{{WSSE}}}Nonce", ""))
        created = token.findtext(f"{{{WSU}}}Created", "")
        # The profile prescribes SHA-1; it guards nothing here.
        digest = hashlib.sha1(nonce + created.encode() + expected.encode(), usedforsecurity=False).digest()
        expected = base64.b64encode(digest).decode() if expected else ""
    if not expected or given != expected:
        raise SoapFaultError("E401", "用户名或密码错误")
    return user
