"""SOAP calls of one system: envelopes written from the WSDL, replies read by pruned walkers.

A reply is never turned into zeep objects: for 500 records that costs 308 ms of CPU against 13 to 34 for a walk
of the names that are wanted (measured, see docs/decisions). Paths of a map start inside the element in
soap:Body, whatever its name and namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from zeep.exceptions import Error as ZeepError

from adapters.auth.dress import Dress
from adapters.auth.wss.verify import NotSigned, ReplyVerifier
from adapters.declaration import SoapSource
from adapters.exchange import Read
from adapters.mapping.errors import ValueProblem
from adapters.mapping.scope import Scope
from adapters.mapping.template import Fill
from adapters.mapping.tree import Wanted, local_name, parse_xml, xml_tree
from adapters.reply import RawReply, looks_like_html
from adapters.soap.envelope import EnvelopeTexts
from adapters.soap.wsdl import SoapOperation, SoapService
from adapters.traffic.errors import SourceBadData
from adapters.wire.model import HeaderPairs, WireRequest
from adapters.xml_reply import read_xml_reply

__all__ = ["SoapCall", "SoapExchange", "soap_call"]

ENVELOPES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "1.1",
    "http://www.w3.org/2003/05/soap-envelope": "1.2",
}


@dataclass(frozen=True, slots=True)
class SoapCall:
    """One operation with its arguments; builds requests. Raises ValueProblem if the WSDL does not take them.

    dress: what every envelope carries in its header, None for nothing.
    """

    address: str
    version: str
    operation: SoapOperation
    arguments: Fill
    headers: HeaderPairs
    dress: Dress | None = None

    texts: EnvelopeTexts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", EnvelopeTexts(self._write))

    def request(self, scope: Scope) -> WireRequest:
        body = self._envelope(self.arguments(scope))
        if self.dress is not None:
            # a nonce, a time and a signature are new in each envelope; what is around them is not
            envelope = parse_xml(body, None)
            self.dress(envelope, scope)
            body = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
        return WireRequest(
            "POST", self.address, (*self._content_headers(), *self.headers), body, idempotent=True
        )

    def _envelope(self, arguments: Any) -> bytes:
        try:
            return self.texts.fill(arguments) if isinstance(arguments, dict) else self._write(arguments)
        except (ZeepError, TypeError, ValueError, AttributeError, LookupError) as error:
            # zeep's words may quote the value
            is_safe = isinstance(error, TypeError) or str(error).startswith("Missing element")
            detail = str(error) if is_safe else type(error).__name__
            raise ValueProblem(
                f"operation {self.operation.name} does not take these arguments: {detail}"
            ) from error

    def _write(self, arguments: Any) -> bytes:
        create = self.operation.binding_operation.create
        # an element of a simple type has one value and no names
        serialized = create(**arguments) if isinstance(arguments, dict) else create(arguments)
        return etree.tostring(serialized.content, encoding="utf-8", xml_declaration=True)

    def _content_headers(self) -> HeaderPairs:
        if self.version == "1.2":
            return (
                ("Content-Type", f'application/soap+xml; charset=utf-8; action="{self.operation.action}"'),
            )
        return (("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", f'"{self.operation.action}"'))


def soap_call(
    source: SoapSource,
    service: SoapService,
    operation: SoapOperation,
    arguments: Fill,
    dress: Dress | None = None,
) -> SoapCall:
    headers: HeaderPairs = tuple(source.headers.items())
    return SoapCall(source.address or service.address, service.version, operation, arguments, headers, dress)


@dataclass(frozen=True, slots=True)
class SoapExchange:
    """verifier: for replies that must be signed; what is read then is what was signed."""

    system: str
    charset: str | None
    verifier: ReplyVerifier | None = None

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read:
        """Tree of the element in soap:Body, or its Fault. Raises SourceBadData."""
        if looks_like_html(reply.body):
            raise SourceBadData(
                self.system,
                f"An HTML page came instead of SOAP (HTTP status {reply.status}).",
                retryable=True,
            )
        root = read_xml_reply(self.system, reply, self.charset)
        namespace = str(root.tag).partition("}")[0].lstrip("{")
        if namespace not in ENVELOPES or local_name(str(root.tag)) != "Envelope":
            raise SourceBadData(
                self.system, f"The reply is XML but no SOAP envelope: <{local_name(str(root.tag))}>."
            )
        body = root.find(f"{{{namespace}}}Body")
        if self.verifier is not None:
            try:
                body = self.verifier.body(root, at=reply.asked_at or None)
            except NotSigned as error:
                raise SourceBadData(self.system, f"The reply is not signed as declared: {error}.") from error
        content = (
            next((child for child in body if isinstance(child.tag, str)), None) if body is not None else None
        )
        if content is None:
            return Read({})
        if str(content.tag) == f"{{{namespace}}}Fault":
            return Read({}, _fault(content))
        tree = xml_tree(content, wanted)
        return Read(tree if isinstance(tree, dict) else {"#text": tree})


def _fault(fault: etree._Element) -> dict[str, Any]:
    """SOAP 1.1 section 4.4 and SOAP 1.2 part 1 section 5.4, as {code, subcode, message, detail}."""
    tree = xml_tree(fault, None)
    tree = tree if isinstance(tree, dict) else {}
    if "faultcode" in tree or "faultstring" in tree:
        code, subcode, message, detail = (
            tree.get("faultcode"),
            None,
            tree.get("faultstring"),
            tree.get("detail"),
        )
    else:
        code = _inside(tree.get("Code"), "Value")
        subcode = _inside(_inside(tree.get("Code"), "Subcode"), "Value")
        message = _inside(tree.get("Reason"), "Text")
        detail = tree.get("Detail")
    if isinstance(message, list):  # the reason in several languages
        message = message[0] if message else None
    return {
        "code": _unprefixed(code),
        "subcode": _unprefixed(subcode),
        "message": message if isinstance(message, str) else None,
        "detail": detail,
    }


def _inside(value: Any, name: str) -> Any:
    """A child of an element that may be text only, or not there."""
    return value.get(name) if isinstance(value, dict) else None


def _unprefixed(name: Any) -> str | None:
    return str(name).rpartition(":")[2] if isinstance(name, str) else None
