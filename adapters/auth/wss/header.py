"""The wsse:Security header of a request: Timestamp, UsernameToken, signature. Clock and random bytes come from outside.

Web Services Security: SOAP Message Security 1.1, UsernameToken Profile 1.1, X.509 Token Profile 1.1 (OASIS).
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lxml import etree

from adapters.auth.wss.model import SoapSecurity, UsernameToken
from adapters.auth.wss.names import PROFILES, WSSE, WSU
from adapters.auth.wss.sign import Signer, read_signer

__all__ = ["SecurityHeader", "password_digest", "security_header", "soap_header"]


@dataclass(frozen=True, slots=True)
class SecurityHeader:
    """signer: signs last, over what stands there then. clock: unix seconds; random: bytes."""

    token: UsernameToken | None = field(repr=False)
    life_s: int | None
    signer: Signer | None
    must_understand: bool = False
    clock: Callable[[], float] = time.time
    random: Callable[[int], bytes] = os.urandom

    def add(self, envelope: etree._Element) -> None:
        """Changes the envelope."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        security = etree.SubElement(
            soap_header(envelope), f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU}
        )
        if self.must_understand:
            namespace = etree.QName(envelope).namespace
            security.set(f"{{{namespace}}}mustUnderstand", "1")
        if self.life_s is not None:
            stamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
            etree.SubElement(stamp, f"{{{WSU}}}Created").text = _written(now)
            etree.SubElement(stamp, f"{{{WSU}}}Expires").text = _written(now + timedelta(seconds=self.life_s))
        if self.token is not None:
            self._add_token(security, self.token, _written(now))
        if self.signer is not None:
            self.signer.sign(envelope, security, self.random)

    def _add_token(self, security: etree._Element, token: UsernameToken, created: str) -> None:
        element = etree.SubElement(security, f"{{{WSSE}}}UsernameToken")
        etree.SubElement(element, f"{{{WSSE}}}Username").text = token.username
        nonce = self.random(16)
        text, kind = token.password, "text"
        if token.digest:
            text, kind = password_digest(token, nonce, created), "digest"
        password = etree.SubElement(element, f"{{{WSSE}}}Password", {"Type": PROFILES[kind]})
        password.text = text
        if token.digest or token.nonce:
            sent = etree.SubElement(element, f"{{{WSSE}}}Nonce", {"EncodingType": PROFILES["base64"]})
            sent.text = base64.b64encode(nonce).decode("ascii")
        if token.digest or token.created:
            etree.SubElement(element, f"{{{WSU}}}Created").text = created


def password_digest(token: UsernameToken, nonce: bytes, created: str) -> str:
    """Base64(SHA-1(nonce + created + password)): UsernameToken Profile 1.1 section 3.1."""
    password = token.password.encode()
    if token.hash_password:
        password = hashlib.sha1(password, usedforsecurity=False).digest()
    whole = hashlib.sha1(nonce + created.encode("ascii") + password, usedforsecurity=False).digest()
    return base64.b64encode(whole).decode("ascii")


def security_header(security: SoapSecurity | None) -> SecurityHeader | None:
    """Blocking: reads the signer's files. None if requests need no such header. Raises WssFile."""
    if security is None:
        return None
    signer = read_signer(security.signature) if security.signature is not None else None
    life_s = security.timestamp.life_s if security.timestamp is not None else None
    if security.username_token is None and life_s is None and signer is None:
        return None
    return SecurityHeader(security.username_token, life_s, signer, security.must_understand)


def soap_header(envelope: etree._Element) -> etree._Element:
    """The envelope's Header, made if it has none."""
    namespace = etree.QName(envelope).namespace
    header = envelope.find(f"{{{namespace}}}Header")
    if header is None:
        header = etree.Element(f"{{{namespace}}}Header")
        envelope.insert(0, header)
    return header


def _written(moment: datetime) -> str:
    """xsd:dateTime in UTC with milliseconds, which every reader of it takes."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
