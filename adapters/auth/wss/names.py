"""Names of WS-Security, XML Signature and SOAP. Constants."""

from __future__ import annotations

__all__ = ["C14N", "DIGESTS", "DS", "ENVELOPES", "PROFILES", "SIGNATURES", "WSSE", "WSU"]

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{_OASIS}wssecurity-secext-1.0.xsd"
WSU = f"{_OASIS}wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")

PROFILES = {
    "text": f"{_OASIS}username-token-profile-1.0#PasswordText",
    "digest": f"{_OASIS}username-token-profile-1.0#PasswordDigest",
    "base64": f"{_OASIS}soap-message-security-1.0#Base64Binary",
    "x509": f"{_OASIS}x509-token-profile-1.0#X509v3",
}
C14N = {
    # algorithm -> exclusive
    "http://www.w3.org/2001/10/xml-exc-c14n#": True,
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": False,
}
DIGESTS = {
    "sha1": f"{DS}sha1",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
SIGNATURES = {
    "sha1": f"{DS}rsa-sha1",
    "sha256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "sha512": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
}
