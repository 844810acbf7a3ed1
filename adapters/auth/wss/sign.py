"""Signs parts of an envelope (XML Signature, RSA), each by its wsu:Id, and tells the certificate."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from lxml import etree

from adapters.auth.wss.canonical import canonical, digest
from adapters.auth.wss.files import read_certificate, read_key
from adapters.auth.wss.model import SoapSignature
from adapters.auth.wss.names import DIGESTS, DS, PROFILES, SIGNATURES, WSSE, WSU

__all__ = ["HASHES", "Signer", "read_signer"]

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
}
_ID = f"{{{WSU}}}Id"


def read_signer(signature: SoapSignature) -> Signer:
    """Blocking. Raises WssFile."""
    certificate = read_certificate(signature.certificate, "certificate")
    return Signer(read_key(signature.key, signature.password, certificate), certificate, signature)


@dataclass(frozen=True, slots=True)
class Signer:
    key: RSAPrivateKey = field(repr=False)
    certificate: Certificate
    how: SoapSignature

    def sign(
        self, envelope: etree._Element, security: etree._Element, random: Callable[[int], bytes]
    ) -> None:
        """Changes the envelope: ids on what is signed, and the Signature at the end of `security`."""
        parts = list(self._parts(envelope, security))
        for part in parts:
            _with_id(part, random)
        token = self._token(security, random) if self.how.key_info == "binaryToken" else None
        signature = etree.SubElement(security, f"{{{DS}}}Signature", nsmap={"ds": DS})
        info = self._signed_info(signature, parts)
        value = self.key.sign(canonical(info), PKCS1v15(), HASHES[self.how.hash]())
        etree.SubElement(signature, f"{{{DS}}}SignatureValue").text = _base64(value)
        self._add_key_info(signature, token)

    def _parts(self, envelope: etree._Element, security: etree._Element) -> Iterator[etree._Element]:
        namespace = etree.QName(envelope).namespace
        places = {
            "body": envelope.find(f"{{{namespace}}}Body"),
            "timestamp": security.find(f"{{{WSU}}}Timestamp"),
            "usernameToken": security.find(f"{{{WSSE}}}UsernameToken"),
        }
        for name in dict.fromkeys(self.how.parts):
            part = places[name]
            if part is not None:
                yield part

    def _signed_info(self, signature: etree._Element, parts: list[etree._Element]) -> etree._Element:
        info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
        etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", {"Algorithm": EXCLUSIVE})
        etree.SubElement(info, f"{{{DS}}}SignatureMethod", {"Algorithm": SIGNATURES[self.how.hash]})
        for part in parts:
            reference = etree.SubElement(info, f"{{{DS}}}Reference", {"URI": f"#{part.get(_ID)}"})
            transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
            etree.SubElement(transforms, f"{{{DS}}}Transform", {"Algorithm": EXCLUSIVE})
            etree.SubElement(reference, f"{{{DS}}}DigestMethod", {"Algorithm": DIGESTS[self.how.hash]})
            value = digest(self.how.hash, canonical(part))
            etree.SubElement(reference, f"{{{DS}}}DigestValue").text = _base64(value)
        return info

    def _token(self, security: etree._Element, random: Callable[[int], bytes]) -> etree._Element:
        kinds = {"ValueType": PROFILES["x509"], "EncodingType": PROFILES["base64"]}
        token = etree.SubElement(security, f"{{{WSSE}}}BinarySecurityToken", kinds)
        token.text = _base64(self.certificate.public_bytes(Encoding.DER))
        _with_id(token, random)
        return token

    def _add_key_info(self, signature: etree._Element, token: etree._Element | None) -> None:
        info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
        reference = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference")
        if token is not None:
            told = {"URI": f"#{token.get(_ID)}", "ValueType": PROFILES["x509"]}
            etree.SubElement(reference, f"{{{WSSE}}}Reference", told)
            return
        data = etree.SubElement(reference, f"{{{DS}}}X509Data")
        if self.how.key_info == "certificate":
            der = self.certificate.public_bytes(Encoding.DER)
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = _base64(der)
            return
        serial = etree.SubElement(data, f"{{{DS}}}X509IssuerSerial")
        etree.SubElement(serial, f"{{{DS}}}X509IssuerName").text = self.certificate.issuer.rfc4514_string()
        etree.SubElement(serial, f"{{{DS}}}X509SerialNumber").text = str(self.certificate.serial_number)


def _with_id(element: etree._Element, random: Callable[[int], bytes]) -> None:
    if element.get(_ID) is None:
        element.set(_ID, f"id-{random(16).hex()}")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
