"""WS-Addressing headers: written into requests, compared in replies (W3C WS-Addressing 1.0 Core and SOAP Binding; the
member submission of 2004/08 that older systems speak). Pure but for the random message id."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from lxml import etree

from adapters.auth.wss.header import soap_header
from adapters.soap.binding_notes import ADDRESSING

__all__ = ["Addressing", "related_ids"]

_ANONYMOUS = {
    "1.0": "http://www.w3.org/2005/08/addressing/anonymous",
    "2004/08": "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
}


@dataclass(frozen=True, slots=True)
class Addressing:
    """version: 1.0 or 2004/08. to: the address called; action: of the operation."""

    version: str
    to: str
    action: str

    def add(self, envelope: etree._Element) -> str:
        """Changes the envelope; gives the MessageID."""
        namespace = ADDRESSING[self.version]
        header, message_id = soap_header(envelope), f"urn:uuid:{uuid.uuid4()}"
        for name, text in (("To", self.to), ("Action", self.action), ("MessageID", message_id)):
            etree.SubElement(header, f"{{{namespace}}}{name}", nsmap={"wsa": namespace}).text = text
        reply_to = etree.SubElement(header, f"{{{namespace}}}ReplyTo", nsmap={"wsa": namespace})
        etree.SubElement(reply_to, f"{{{namespace}}}Address").text = _ANONYMOUS[self.version]
        return message_id


def related_ids(header: etree._Element) -> list[str]:
    """What a reply says that it answers; relationships of other types than reply are passed over."""
    found: list[str] = []
    for namespace in ADDRESSING.values():
        for one in header.findall(f"{{{namespace}}}RelatesTo"):
            kind = one.get("RelationshipType", "")
            if not kind or kind.endswith(("addressing/reply", "wsa:Reply", ":Reply")):
                found.append((one.text or "").strip())
    return found
