"""X.509 signatures: what we sign is taken, ours and others' replies are checked, and only what is signed is read."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.auth.wss.files import WssFile
from adapters.auth.wss.header import SecurityHeader, security_header
from adapters.auth.wss.model import SoapSecurity, SoapSignature, SoapVerify
from adapters.auth.wss.names import DS, WSSE, WSU
from adapters.auth.wss.sign import Signer
from adapters.auth.wss.verify import NotSigned, ReplyVerifier, read_verifier
from tests.auth.pki import Identity, identity

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NOW = 1_760_000_000.0
TEXT = (
    '<soap:Envelope xmlns:soap="{soap}" xmlns:t="urn:t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<soap:Header><t:Route>7</t:Route></soap:Header><soap:Body><t:Reply xsi:type="t:Case">'
    '<t:no a="1">A1</t:no> <t:name>张三 &amp; co</t:name></t:Reply></soap:Body></soap:Envelope>'
)
Node = etree._Element
Hash = Literal["sha1", "sha256", "sha512"]


def envelope(soap: str = SOAP) -> Node:
    return etree.fromstring(TEXT.format(soap=soap))


def signer(who: Identity, **how: Any) -> Signer:
    given = {"certificate": "x", "key": "x", **how}
    return Signer(who.key, who.certificate, SoapSignature.model_validate(given))


def signed(
    who: Identity | None = None, *, root: Node | None = None, life_s: int | None = 300, **how: Any
) -> Node:
    root = envelope() if root is None else root
    header = SecurityHeader(None, life_s, signer(who or identity("system"), **how), clock=lambda: NOW)
    header.add(root)
    return sent(root)


def sent(root: Node) -> Node:
    """As the other side reads it."""
    return etree.fromstring(etree.tostring(root, encoding="utf-8"))


def verifier(who: Identity | None = None, *, now: float = NOW, **rules: Any) -> ReplyVerifier:
    key = (who or identity("system")).key.public_key()
    return ReplyVerifier((key,), SoapVerify.model_validate({"certificates": ["x"], **rules}), lambda: now)


def number(body: Node) -> str | None:
    found = body.find(".//{urn:t}no")
    return found.text if found is not None else None


def the(root: Node, path: str) -> Node:
    found = root.find(path, {"soap": SOAP, "wsse": WSSE, "wsu": WSU, "ds": DS, "t": "urn:t"})
    assert found is not None, path
    return found


@pytest.mark.parametrize("hash_name", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("soap", [SOAP, "http://www.w3.org/2003/05/soap-envelope"])
@pytest.mark.parametrize("key_info", ["binaryToken", "certificate", "issuerSerial"])
def test_what_is_signed_is_verified_and_read(hash_name: Hash, soap: str, key_info: str) -> None:
    root = signed(root=envelope(soap), hash=hash_name, keyInfo=key_info)
    assert number(verifier(sha1=True).body(root)) == "A1"


@given(
    text=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40),
    attribute=st.text("ab &<\"'\t\n", max_size=9),
)
def test_any_content_survives_signing_and_sending(text: str, attribute: str) -> None:
    root = envelope()
    the(root, "soap:Body/t:Reply/t:no").text = text.replace("\ufffe", "").replace("\uffff", "")
    the(root, "soap:Body/t:Reply/t:no").set("a", attribute)
    body = verifier().body(signed(root=root))
    assert (number(body) or "") == text.replace("\ufffe", "").replace("\uffff", "")


# --- what is not signed as it must be ---


def changed_body(root: Node) -> None:
    the(root, "soap:Body/t:Reply/t:no").text = "B2"


def changed_timestamp(root: Node) -> None:
    the(root, "soap:Header/wsse:Security/wsu:Timestamp/wsu:Expires").text = "2099-01-01T00:00:00Z"


def without_signature(root: Node) -> None:
    one = the(root, "soap:Header/wsse:Security/ds:Signature")
    parent = one.getparent()
    assert parent is not None
    parent.remove(one)


def without_security(root: Node) -> None:
    the(root, "soap:Header").remove(the(root, "soap:Header/wsse:Security"))


def without_header(root: Node) -> None:
    root.remove(the(root, "soap:Header"))


def _forged_body(root: Node, *, with_id: str | None) -> tuple[Node, Node]:
    """(the signed body, taken out; a forged one, in its place)."""
    real = the(root, "soap:Body")
    forged = copy.deepcopy(real)
    del forged.attrib[f"{{{WSU}}}Id"]
    if with_id is not None:
        forged.set(f"{{{WSU}}}Id", with_id)
    found = forged.find(".//{urn:t}no")
    assert found is not None
    found.text = "FORGED"
    root.replace(real, forged)
    return real, forged


def wrapped_in_header(root: Node) -> None:
    """McIntosh and Austel 2005: the signed Body goes into an element of the header that nobody reads."""
    real, _ = _forged_body(root, with_id=None)
    etree.SubElement(the(root, "soap:Header"), "{urn:evil}Wrapper").append(real)


def wrapped_with_another_id(root: Node) -> None:
    real, _ = _forged_body(root, with_id="other")
    etree.SubElement(the(root, "soap:Header"), "{urn:evil}Wrapper").append(real)


def wrapped_with_the_same_id(root: Node) -> None:
    real = the(root, "soap:Body")
    real, _ = _forged_body(root, with_id=real.get(f"{{{WSU}}}Id"))
    etree.SubElement(the(root, "soap:Header"), "{urn:evil}Wrapper").append(real)


def wrapped_in_the_forged_body(root: Node) -> None:
    real, forged = _forged_body(root, with_id=None)
    forged.append(real)


def wrapped_in_the_signature(root: Node) -> None:
    """As ds:Object, which verifiers find by id."""
    real, _ = _forged_body(root, with_id=None)
    etree.SubElement(the(root, "soap:Header/wsse:Security/ds:Signature"), f"{{{DS}}}Object").append(real)


def two_bodies(root: Node) -> None:
    real, forged = _forged_body(root, with_id=None)
    root.replace(forged, real)
    root.append(forged)


def a_body_before_the_signed(root: Node) -> None:
    real, forged = _forged_body(root, with_id=None)
    forged.addnext(real)


def two_security_headers(root: Node) -> None:
    the(root, "soap:Header").insert(0, copy.deepcopy(the(root, "soap:Header/wsse:Security")))


def two_headers(root: Node) -> None:
    root.insert(0, copy.deepcopy(the(root, "soap:Header")))


def two_signatures(root: Node) -> None:
    one = the(root, "soap:Header/wsse:Security/ds:Signature")
    one.addnext(copy.deepcopy(one))


def a_fresh_timestamp_before_the_signed(root: Node) -> None:
    one = the(root, "soap:Header/wsse:Security/wsu:Timestamp")
    other = copy.deepcopy(one)
    del other.attrib[f"{{{WSU}}}Id"]
    one.addprevious(other)


def an_id_of_another_kind_twice(root: Node) -> None:
    value = str(the(root, "soap:Body").get(f"{{{WSU}}}Id"))
    etree.SubElement(the(root, "soap:Header"), "{urn:evil}X").set("ID", value)


def a_reference_taken_away(root: Node) -> None:
    info = the(root, "soap:Header/wsse:Security/ds:Signature/ds:SignedInfo")
    info.remove(the(info, "ds:Reference"))


def a_reference_by_xpath(root: Node) -> None:
    transform = the(
        root, "soap:Header/wsse:Security/ds:Signature/ds:SignedInfo/ds:Reference/ds:Transforms/ds:Transform"
    )
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")


def an_hmac_with_the_public_key(root: Node) -> None:
    method = the(root, "soap:Header/wsse:Security/ds:Signature/ds:SignedInfo/ds:SignatureMethod")
    method.set("Algorithm", f"{DS}hmac-sha1")


def no_base64(root: Node) -> None:
    the(root, "soap:Header/wsse:Security/ds:Signature/ds:SignatureValue").text = "%%%"


def a_namespace_without_canonical_form(root: Node) -> None:
    the(root, "soap:Body").append(etree.fromstring('<x xmlns="relative"/>'))


def another_envelope(root: Node) -> None:
    root.tag = "{urn:evil}Envelope"


ATTACKS: list[Callable[[Node], None]] = [
    changed_body,
    changed_timestamp,
    without_signature,
    without_security,
    without_header,
    wrapped_in_header,
    wrapped_with_another_id,
    wrapped_with_the_same_id,
    wrapped_in_the_forged_body,
    wrapped_in_the_signature,
    two_bodies,
    a_body_before_the_signed,
    two_security_headers,
    two_headers,
    two_signatures,
    a_fresh_timestamp_before_the_signed,
    an_id_of_another_kind_twice,
    a_reference_taken_away,
    a_reference_by_xpath,
    an_hmac_with_the_public_key,
    no_base64,
    a_namespace_without_canonical_form,
    another_envelope,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.__name__)
def test_a_reply_that_was_tampered_with_is_refused(attack: Callable[[Node], None]) -> None:
    root = signed()
    verifier().body(root)
    attack(root)
    with pytest.raises(NotSigned) as caught:
        verifier().body(sent(root))
    assert "FORGED" not in str(caught.value)


@pytest.mark.parametrize(
    "attack",
    [one for one in ATTACKS if one not in (changed_timestamp, a_fresh_timestamp_before_the_signed)],
    ids=lambda one: one.__name__,
)
def test_without_a_timestamp_rule_tampering_with_the_body_is_refused_too(
    attack: Callable[[Node], None],
) -> None:
    root = signed(life_s=None)
    attack(root)
    with pytest.raises(NotSigned):
        verifier(timestamp=False).body(sent(root))


@given(data=st.data())
def test_whatever_is_moved_or_copied_never_is_anything_but_the_signed_body_read(data: st.DataObject) -> None:
    """Signature wrapping in general: elements moved, copied and renamed at will."""
    root = signed()
    elements = list(root.iter(etree.Element))
    for _ in range(data.draw(st.integers(1, 3))):
        one, holder = data.draw(st.sampled_from(elements)), data.draw(st.sampled_from(elements))
        moved = copy.deepcopy(one) if data.draw(st.booleans()) else one
        if moved is root or any(holder is inner for inner in moved.iter()) or moved is holder:
            continue
        if data.draw(st.booleans()):
            for inner in moved.iter("{urn:t}no"):
                inner.text = "FORGED"
        holder.insert(data.draw(st.integers(0, len(holder))), moved)
    try:
        body = verifier().body(sent(root))
    except NotSigned:
        return
    assert number(body) == "A1"


def test_comments_in_a_value_do_not_cut_it() -> None:
    root = envelope()
    the(root, "soap:Body/t:Reply/t:no").text = "A1.evil"
    text = etree.tostring(signed(root=root)).replace(b"A1.evil", b"A1<!-- -->.evil")
    parser = etree.XMLParser(remove_comments=True, resolve_entities=False)
    assert number(verifier().body(etree.fromstring(text, parser))) == "A1.evil"


def test_another_signer_is_refused() -> None:
    with pytest.raises(NotSigned, match="does not hold for any"):
        verifier(identity("system")).body(signed(identity("stranger")))


def test_the_certificate_in_the_message_counts_for_nothing() -> None:
    root = signed(identity("stranger"), keyInfo="certificate")
    with pytest.raises(NotSigned):
        verifier(identity("system")).body(root)


def test_several_certificates_may_be_trusted_while_one_replaces_the_other() -> None:
    keys = tuple(identity(name).key.public_key() for name in ("old", "system"))
    both = ReplyVerifier(keys, SoapVerify.model_validate({"certificates": ["x"]}), lambda: NOW)
    assert number(both.body(signed())) == "A1"


@pytest.mark.parametrize(
    ("later_s", "words"), [(301 + 61, "too old"), (-61 - 1, "future"), (300 + 59, None), (-59, None)]
)
def test_the_timestamp_is_held_to_the_clock(later_s: float, words: str | None) -> None:
    root = signed()
    if words is None:
        verifier(now=NOW + later_s).body(root)
        return
    with pytest.raises(NotSigned, match=words):
        verifier(now=NOW + later_s).body(root)


def test_an_unsigned_timestamp_is_none() -> None:
    with pytest.raises(NotSigned, match="Timestamp is not signed"):
        verifier().body(signed(parts=["body"]))


def test_an_unsigned_body_is_not_read() -> None:
    with pytest.raises(NotSigned, match="Body is not signed"):
        verifier().body(signed(parts=["timestamp"]))


def test_sha1_is_taken_only_where_it_is_declared() -> None:
    with pytest.raises(NotSigned, match="SHA-1"):
        verifier().body(signed(hash="sha1"))


def test_unsigned_faults_are_taken_only_where_it_is_declared() -> None:
    fault = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><faultcode>s:Server</faultcode></s:Fault></s:Body></s:Envelope>'
    )
    with pytest.raises(NotSigned):
        verifier().body(fault)
    assert verifier(unsignedFaults=True).body(fault)[0].tag == f"{{{SOAP}}}Fault"
    beside = copy.deepcopy(fault)
    the(beside, "soap:Body").append(etree.Element("{urn:t}Reply"))
    with pytest.raises(NotSigned):
        verifier(unsignedFaults=True).body(beside)


# --- files ---


def test_keys_and_certificates_come_from_files(tmp_path: Path) -> None:
    certificate, key = identity("gateway").write(tmp_path, "gateway", password="k-secret")
    security = SoapSecurity.model_validate(
        {
            "timestamp": {},
            "signature": {"certificate": str(certificate), "key": str(key), "password": "k-secret"},
            "verify": {"certificates": [str(certificate)]},
        }
    )
    header = security_header(security)
    assert header is not None
    assert "k-secret" not in repr(security) + repr(header)
    root = envelope()
    header.add(root)
    assert security.verify is not None
    assert number(read_verifier(security.verify).body(sent(root))) == "A1"


def test_files_that_do_not_do_are_told(tmp_path: Path) -> None:
    certificate, key = identity("gateway").write(tmp_path, "gateway", password="k-secret")
    _, other = identity("other").write(tmp_path, "other")

    def told(**files: str) -> str:
        given = {"certificate": str(certificate), "key": str(key), **files}
        with pytest.raises(WssFile) as caught:
            security_header(SoapSecurity.model_validate({"signature": given}))
        assert "k-secret" not in str(caught.value)
        return str(caught.value)

    assert told() == "key: expected a private key in PEM, and the password that it has or has not"
    assert told(password="wrong").startswith("key: expected a private key")
    assert told(key=str(other)) == "key: it is not the certificate's key"
    assert told(certificate=str(other)) == "certificate: expected a certificate in PEM"
    assert told(certificate=str(tmp_path / "none")) == "certificate: No such file or directory"


# --- against a peer ---

PEER_HASHES = {
    "sha1": ("RSA_SHA1", "SHA1"),
    "sha256": ("RSA_SHA256", "SHA256"),
    "sha512": ("RSA_SHA512", "SHA512"),
}


@pytest.mark.parametrize(("hash_name", "binary"), list(itertools.product(PEER_HASHES, (True, False))))
def test_what_the_xmlsec_library_signs_is_verified(hash_name: str, binary: bool, tmp_path: Path) -> None:
    xmlsec = pytest.importorskip("xmlsec", reason="the peer is optional")
    from zeep.wsse.signature import BinarySignature, Signature

    certificate, key = identity("system").write(tmp_path, "system")
    methods = [getattr(xmlsec.Transform, name) for name in PEER_HASHES[hash_name]]
    root = envelope()
    SecurityHeader(None, 300, None, clock=lambda: NOW).add(root)
    peer = (BinarySignature if binary else Signature)(str(key), str(certificate), None, *methods)  # type: ignore[no-untyped-call]
    root, _ = peer.apply(root, {})  # type: ignore[no-untyped-call]
    assert number(verifier(sha1=True).body(sent(root))) == "A1"


@pytest.mark.parametrize("hash_name", PEER_HASHES)
def test_what_we_sign_the_xmlsec_library_verifies(hash_name: str, tmp_path: Path) -> None:
    pytest.importorskip("xmlsec", reason="the peer is optional")
    from zeep.exceptions import SignatureVerificationFailed
    from zeep.wsse.signature import verify_envelope

    certificate, _ = identity("system").write(tmp_path, "system")
    root = signed(hash=hash_name)
    verify_envelope(root, str(certificate))  # type: ignore[no-untyped-call]
    changed_body(root)
    with pytest.raises(SignatureVerificationFailed):
        verify_envelope(root, str(certificate))  # type: ignore[no-untyped-call]


def test_what_is_read_hangs_on_nothing_that_was_not_signed() -> None:
    body = verifier().body(signed())
    assert body.getparent() is None
    assert body.getroottree().getroot() is body
