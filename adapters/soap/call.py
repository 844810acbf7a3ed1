"""SOAP requests of one operation: envelope, header, addressing, security, attachments, in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lxml import etree

from adapters.auth.dress import Dress
from adapters.auth.model import SoapHeader
from adapters.declaration import SoapSource
from adapters.mapping.errors import ValueProblem
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.template import Fill, compile_template
from adapters.mapping.tree import parse_xml
from adapters.soap.addressing import Addressing
from adapters.soap.envelope import EnvelopeTexts
from adapters.soap.free_elements import DoesNotFit, free_header
from adapters.soap.multipart import cut_out, join_parts, optimised
from adapters.soap.shape import Types
from adapters.soap.writer import ENVELOPES, Writer
from adapters.soap.wsdl import MessageHeader, SoapOperation, SoapService
from adapters.wire.model import HeaderPairs, WireRequest

__all__ = ["HeaderBlock", "SoapCall", "soap_call"]

MEDIA_TYPES = {"1.1": "text/xml", "1.2": "application/soap+xml"}
_OF_THE_ENVELOPE = ("mustUnderstand", "actor", "role", "relay")


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """One element of the envelope's header. described: what the WSDL says of it, None if it says nothing."""

    declared: SoapHeader
    fill: Fill
    described: MessageHeader | None

    def write(self, header: etree._Element, tree: Mapping[str, Any], types: Types) -> None:
        """Raises DoesNotFit."""
        ((name, value),) = tree.items()
        marks: dict[str, Any] = {}
        if isinstance(value, Mapping):
            marks = {one: value[f"@{one}"] for one in _OF_THE_ENVELOPE if f"@{one}" in value}
            value = {key: one for key, one in value.items() if key.removeprefix("@") not in marks}
        if self.described is not None:
            Writer(types).write(header, self.described.element, value)
        else:
            namespace = self.declared.namespace or ""
            free_header(header, {name: value}, namespace, qualified=self.declared.qualified)
        envelope = etree.QName(header).namespace
        for mark, given in marks.items():
            text = {True: "1", False: "0"}.get(given, given) if isinstance(given, bool) else given
            header[-1].set(f"{{{envelope}}}{mark}", str(text))


@dataclass(frozen=True, slots=True)
class SoapCall:
    """One operation with its arguments; builds requests. Raises ValueProblem if the WSDL does not take them.

    dress: what every envelope carries in its header, None for nothing. addressing: None where there is none.
    attachments: how bytes in the arguments are sent.
    """

    address: str
    version: Literal["1.1", "1.2"]
    operation: SoapOperation
    arguments: Fill
    headers: HeaderPairs
    dress: Dress | None = None
    blocks: tuple[HeaderBlock, ...] = ()
    addressing: Addressing | None = None
    attachments: Literal["inline", "mtom", "swa"] = "inline"
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    texts: EnvelopeTexts = field(init=False, repr=False, compare=False)
    writer: Writer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        encoded = self.version if self.operation.notes.encoded else None
        object.__setattr__(self, "writer", Writer(self.operation.types, encoded))
        object.__setattr__(self, "texts", EnvelopeTexts(self._write))

    def request(self, scope: Scope) -> WireRequest:
        arguments = self.arguments(scope)
        parts: dict[str, bytes] = {}
        if self.attachments == "swa":
            arguments, parts = cut_out(arguments)
        tree = {"body": arguments}
        shown = Scope({**scope.roots, "secrets": self.secrets}) if self.blocks else scope
        for number, block in enumerate(self.blocks):
            if filled := block.fill(shown):
                tree[str(number)] = filled
        body, message_id = self._envelope(tree), ""
        if self.dress is not None or self.addressing is not None or self.attachments == "mtom":
            # a nonce, a time, an id and a signature are new in each envelope; what is around them is not
            envelope = parse_xml(body, None)
            if self.addressing is not None:
                message_id = self.addressing.add(envelope)
            if self.dress is not None:
                self.dress(envelope, scope)
            if self.attachments == "mtom":  # last: what is signed has the bytes in it
                parts = optimised(envelope, arguments)
            body = _serialized(envelope)
        content_type = f"{MEDIA_TYPES[self.version]}; charset=utf-8{self._action()}"
        if parts or self.attachments == "mtom":
            content_type, body = join_parts(
                body,
                parts,
                kind="swa" if self.attachments == "swa" else "mtom",
                media_type=MEDIA_TYPES[self.version],
                action=self._action(),
            )
        headers: HeaderPairs = (("Content-Type", content_type),)
        if self.version == "1.1":
            headers += (("SOAPAction", f'"{self.operation.action}"'),)
        return WireRequest(
            "POST", self.address, (*headers, *self.headers), body, idempotent=True, message_id=message_id
        )

    def _action(self) -> str:
        return f'; action="{self.operation.action}"' if self.version == "1.2" else ""

    def _envelope(self, tree: dict[str, Any]) -> bytes:
        try:
            return self.texts.fill(tree)
        except DoesNotFit as error:
            detail = str(error)  # names and types only
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            detail = type(error).__name__
        raise ValueProblem(f"operation {self.operation.name} does not take these arguments: {detail}")

    def _write(self, tree: dict[str, Any]) -> bytes:
        namespace = ENVELOPES[self.version]
        nsmap = {"soap-env": namespace, **self.writer.prefixes(tree)}
        envelope = etree.Element(f"{{{namespace}}}Envelope", nsmap=nsmap)
        blocks = [(block, tree[str(at)]) for at, block in enumerate(self.blocks) if str(at) in tree]
        if blocks:
            header = etree.SubElement(envelope, f"{{{namespace}}}Header")
            for block, filled in blocks:
                block.write(header, filled, self.operation.types)
        given, arguments = self.operation.input, tree["body"]
        element = given.body if given is not None else None
        if element is not None and str(element.qname) == f"{{{namespace}}}Body":
            self.writer.write(envelope, element, arguments)  # several parts, each an element of the Body
            return _serialized(envelope)
        body = etree.SubElement(envelope, f"{{{namespace}}}Body")
        if element is not None:
            self.writer.write(body, element, arguments)
            if self.writer.encoded is not None:
                style = {
                    "1.1": "http://schemas.xmlsoap.org/soap/encoding/",
                    "1.2": "http://www.w3.org/2003/05/soap-encoding",
                }
                body[0].set(f"{{{namespace}}}encodingStyle", style[self.version])
        return _serialized(envelope)


def _serialized(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def soap_call(
    source: SoapSource,
    service: SoapService,
    operation: SoapOperation,
    arguments: Fill,
    dress: Dress | None = None,
    *,
    headers: Sequence[SoapHeader] = (),
    context: CompileContext | None = None,
) -> SoapCall:
    """headers: of this operation, beside those of the source. Raises ExpressionError."""
    context = context or CompileContext()
    blocks = [
        HeaderBlock(one, compile_template(one.element, context), described_header(one, operation))
        for one in (*source.soap_header, *headers)
    ]
    address = source.address or service.address
    version = source.addressing or service.addressing
    addressing = Addressing(version, address, operation.notes.action) if version not in ("", "none") else None
    return SoapCall(
        address,
        "1.2" if service.version == "1.2" else "1.1",
        operation,
        arguments,
        tuple(source.headers.items()),
        dress,
        tuple(blocks),
        addressing,
        source.attachments or ("mtom" if service.mtom else "inline"),
        source.secrets,
    )


def described_header(header: SoapHeader, operation: SoapOperation) -> MessageHeader | None:
    """By the element's name, unless the declaration gives a namespace of its own."""
    return operation.headers.get(next(iter(header.element))) if header.namespace is None else None
