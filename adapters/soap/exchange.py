"""Replies of SOAP systems, read by pruned walkers.

A reply is never turned into zeep objects: for 500 records that costs 308 ms of CPU against 13 to 34 for a walk
of the names that are wanted (measured, see docs/decisions). Paths of a map start inside the element in
soap:Body, whatever its name and namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from adapters.auth.wss.verify import NotSigned, ReplyVerifier
from adapters.exchange import Read
from adapters.mapping.tree import Wanted, xml_tree
from adapters.reply import RawReply, looks_like_html
from adapters.soap.addressing import related_ids
from adapters.soap.fault import fault_of
from adapters.soap.multipart import BadAttachments, put_in, split_parts
from adapters.soap.multiref import BadGraph, EncodedReader, encoded_content
from adapters.soap.writer import ENVELOPES
from adapters.traffic.errors import SourceBadData
from adapters.xml_reply import read_xml_reply

__all__ = ["SoapExchange"]


@dataclass(frozen=True, slots=True)
class SoapExchange:
    """verifier: for replies that must be signed; what is read then is what was signed. encoded: operations of this
    port answer with use="encoded"."""

    system: str
    charset: str | None
    verifier: ReplyVerifier | None = None
    encoded: bool = False

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read:
        """Tree of the element in soap:Body, or its Fault; and of what stands in the header. Raises SourceBadData."""
        if looks_like_html(reply.body):
            raise SourceBadData(
                self.system,
                f"An HTML page came instead of SOAP (HTTP status {reply.status}).",
                retryable=True,
            )
        root = self._envelope(reply)
        namespace = etree.QName(root).namespace
        header, body = root.find(f"{{{namespace}}}Header"), root.find(f"{{{namespace}}}Body")
        if header is not None and reply.answers:
            self._check_related(header, reply.answers)
        if self.verifier is not None:
            try:
                body = self.verifier.body(root, at=reply.asked_at or None)
            except NotSigned as error:
                raise SourceBadData(self.system, f"The reply is not signed as declared: {error}.") from error
            header = None  # nothing of it is known to be signed
        return self._read(header, body, wanted, f"{{{namespace}}}Fault")

    def _envelope(self, reply: RawReply) -> etree._Element:
        try:
            inner, parts = split_parts(reply)
            root = read_xml_reply(self.system, inner, self.charset)
            name = etree.QName(root)
            if name.namespace not in ENVELOPES.values() or name.localname != "Envelope":
                raise SourceBadData(
                    self.system, f"The reply is XML but no SOAP envelope: <{name.localname}>."
                )
            if inner is not reply:
                put_in(root, parts, size=len(reply.body))
        except BadAttachments as error:
            raise SourceBadData(self.system, f"The reply's attachments cannot be read: {error}.") from error
        return root

    def _check_related(self, header: etree._Element, message_id: str) -> None:
        related = related_ids(header)
        if related and message_id not in related:
            raise SourceBadData(
                self.system, "The reply says that it answers another message (wsa:RelatesTo)."
            )

    def _read(
        self, header: etree._Element | None, body: etree._Element | None, wanted: Wanted | None, fault: str
    ) -> Read:
        told = xml_tree(header, None) if header is not None and len(header) else {}
        soap_header = told if isinstance(told, dict) else {}
        if body is None:
            return Read({}, soap_header=soap_header)
        reader = EncodedReader(body) if self.encoded else None
        content = (
            encoded_content(body)
            if reader is not None
            else next((child for child in body if isinstance(child.tag, str)), None)
        )
        if content is None:
            return Read({}, soap_header=soap_header)
        is_fault = str(content.tag) == fault
        try:
            if reader is not None:
                tree: Any = reader.tree(content, None if is_fault else wanted)
            else:
                tree = xml_tree(content, None if is_fault else wanted)
        except BadGraph as error:
            raise SourceBadData(
                self.system, f"The reply's encoded values cannot be read: {error}."
            ) from error
        if is_fault:
            return Read({}, fault_of(tree), soap_header=soap_header)
        return Read(tree if isinstance(tree, dict) else {"#text": tree}, soap_header=soap_header)
