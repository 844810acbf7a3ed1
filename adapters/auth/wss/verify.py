"""Checks signed replies, and hands over only what is signed.

Signature wrapping moves a signed element to where nobody reads it and puts another in its place. So nothing is looked
up by id here: the Body and the Timestamp are taken from where SOAP says they stand, the signature must have a
reference to the id of each, and the Body that is read is parsed from the very octets whose digest was signed. Keys
come from the declaration, never from the message.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from lxml import etree

from adapters.auth.wss.canonical import canonical, digest, parse_octets
from adapters.auth.wss.files import read_certificate, rsa_of
from adapters.auth.wss.model import SoapVerify
from adapters.auth.wss.names import C14N, DIGESTS, DS, ENVELOPES, SIGNATURES, WSSE, WSU
from adapters.auth.wss.sign import HASHES

__all__ = ["NotSigned", "ReplyVerifier", "read_verifier"]

MOST_REFERENCES = 32
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ID = f"{{{WSU}}}Id"


class NotSigned(Exception):
    """The reply is not signed as it must be; the message says what is missing, never what it holds."""

    code = "SOURCE_BAD_DATA"


@dataclass(frozen=True, slots=True)
class _Reference:
    """prefixes: None for inclusive canonical XML."""

    exclusive: bool
    prefixes: tuple[str, ...]
    hash: str
    value: bytes


@dataclass(frozen=True, slots=True)
class ReplyVerifier:
    """clock: unix seconds."""

    keys: tuple[RSAPublicKey, ...]
    rules: SoapVerify
    clock: Callable[[], float] = time.time

    def body(self, envelope: etree._Element, *, at: float | None = None) -> etree._Element:
        """The Body, from the octets that were signed. Raises NotSigned.

        at: unix seconds at which it came, for replies that were kept; now if not given.
        """
        try:
            return self._body(envelope, self.clock() if at is None else at)
        except etree.LxmlError:  # a namespace that is no absolute address has no canonical form
            raise NotSigned("it has no canonical form") from None

    def _body(self, envelope: etree._Element, now: float) -> etree._Element:
        namespace = etree.QName(envelope).namespace
        if namespace not in ENVELOPES or etree.QName(envelope).localname != "Envelope":
            raise NotSigned("it is no SOAP envelope")
        body = _only(envelope, f"{{{namespace}}}Body")
        if self.rules.unsigned_faults and _is_fault(body, namespace):
            return body
        security = _only(_only(envelope, f"{{{namespace}}}Header"), f"{{{WSSE}}}Security")
        references = self._signed_references(_only(security, f"{{{DS}}}Signature"))
        _refuse_double_ids(envelope, references)
        if self.rules.timestamp:
            stamp = parse_octets(_signed_octets(_only(security, f"{{{WSU}}}Timestamp"), references))
            self._check_time(stamp, now)
        return parse_octets(_signed_octets(body, references))

    def _signed_references(self, signature: etree._Element) -> dict[str, _Reference]:
        """By id, read from the octets over which the signature holds."""
        info = _only(signature, f"{{{DS}}}SignedInfo")
        method = _only(info, f"{{{DS}}}CanonicalizationMethod")
        exclusive, prefixes = _canonical_form(method)
        octets = canonical(info, exclusive=exclusive, prefixes=prefixes)
        info = parse_octets(octets)
        hash_name = self._allowed(SIGNATURES, _only(info, f"{{{DS}}}SignatureMethod"), "signature")
        value = _base64(_only(signature, f"{{{DS}}}SignatureValue"))
        if not any(_fits(key, value, octets, hash_name) for key in self.keys):
            raise NotSigned("its signature does not hold for any of the certificates in `verify`")
        found = info.findall(f"{{{DS}}}Reference")
        if len(found) > MOST_REFERENCES:
            raise NotSigned(f"its signature has more than {MOST_REFERENCES} references")
        return dict(self._references(found))

    def _references(self, found: list[etree._Element]) -> Iterator[tuple[str, _Reference]]:
        """References to other things than an id (attachments) or with other transforms cover nothing that is read."""
        seen: set[str] = set()
        for one in found:
            uri = one.get("URI") or ""
            if not uri.startswith("#") or len(uri) < 2:
                continue
            if uri in seen:
                raise NotSigned("its signature refers to one id twice")
            seen.add(uri)
            transforms = one.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
            if len(transforms) > 1 or any(part.get("Algorithm") not in C14N for part in transforms):
                continue
            exclusive, prefixes = _canonical_form(transforms[0]) if transforms else (False, ())
            hash_name = self._allowed(DIGESTS, _only(one, f"{{{DS}}}DigestMethod"), "digest")
            value = _base64(_only(one, f"{{{DS}}}DigestValue"))
            yield uri[1:], _Reference(exclusive, prefixes, hash_name, value)

    def _allowed(self, known: dict[str, str], method: etree._Element, what: str) -> str:
        asked = method.get("Algorithm")
        name = next((name for name, algorithm in known.items() if algorithm == asked), None)
        if name is None:
            raise NotSigned(f"its {what} is of an algorithm that is not taken")
        if name == "sha1" and not self.rules.sha1:
            raise NotSigned(f"its {what} uses SHA-1, which `verify` does not allow")
        return name

    def _check_time(self, stamp: etree._Element, now: float) -> None:
        created = _time(_only(stamp, f"{{{WSU}}}Created"))
        expires = stamp.findall(f"{{{WSU}}}Expires")
        skew_s = self.rules.skew_s
        if created > now + skew_s:
            raise NotSigned("its Timestamp lies in the future: compare the clocks")
        if now - created > self.rules.max_age_s + skew_s or any(_time(one) < now - skew_s for one in expires):
            raise NotSigned("its Timestamp is too old: a reply sent again, or clocks that differ")


def read_verifier(rules: SoapVerify) -> ReplyVerifier:
    """Blocking. Raises WssFile."""
    keys = [rsa_of(read_certificate(path, "certificates"), "certificates") for path in rules.certificates]
    return ReplyVerifier(tuple(keys), rules)


def _only(holder: etree._Element, tag: str) -> etree._Element:
    """The one child of that name; two would leave open which one is meant."""
    found = [child for child in holder if child.tag == tag]
    name = etree.QName(tag).localname
    if not found:
        raise NotSigned(f"it has no {name}")
    if len(found) > 1:
        raise NotSigned(f"it has more than one {name}")
    return found[0]


def _is_fault(body: etree._Element, namespace: str) -> bool:
    children = [child for child in body if isinstance(child.tag, str)]
    return len(children) == 1 and children[0].tag == f"{{{namespace}}}Fault"


def _refuse_double_ids(envelope: etree._Element, references: dict[str, _Reference]) -> None:
    """An id that is signed may stand once, under whatever name readers of ids know."""
    seen: set[str] = set()
    for element in envelope.iter(etree.Element):
        for name, value in element.attrib.items():
            if etree.QName(name).localname.lower() != "id" or str(value) not in references:
                continue
            if str(value) in seen:
                raise NotSigned("a signed id stands there twice")
            seen.add(str(value))


def _signed_octets(element: etree._Element, references: dict[str, _Reference]) -> bytes:
    name = etree.QName(element).localname
    # some stacks write a bare Id
    reference = references.get(str(element.get(_ID) or element.get("Id") or ""))
    if reference is None:
        raise NotSigned(f"its {name} is not signed")
    octets = canonical(element, exclusive=reference.exclusive, prefixes=reference.prefixes)
    if not hmac.compare_digest(digest(reference.hash, octets), reference.value):
        raise NotSigned(f"its {name} is not what was signed")
    return octets


def _canonical_form(method: etree._Element) -> tuple[bool, tuple[str, ...]]:
    algorithm = str(method.get("Algorithm"))
    if algorithm not in C14N:
        raise NotSigned("its canonical form is of an algorithm that is not taken")
    listed = method.find(f"{{{EXCLUSIVE}}}InclusiveNamespaces")
    return C14N[algorithm], tuple(str(listed.get("PrefixList") or "").split()) if listed is not None else ()


def _fits(key: RSAPublicKey, value: bytes, octets: bytes, hash_name: str) -> bool:
    try:
        key.verify(value, octets, PKCS1v15(), HASHES[hash_name]())
    except InvalidSignature:
        return False
    return True


def _base64(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotSigned(f"its {etree.QName(element).localname} is no base64") from None


def _time(element: etree._Element) -> float:
    try:
        moment = datetime.fromisoformat((element.text or "").strip())
    except ValueError:
        raise NotSigned(f"its {etree.QName(element).localname} is no time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
