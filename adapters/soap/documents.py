"""The documents of one WSDL: where they may come from, and what was read. Blocking I/O; nothing is understood here.

Two schemas that WSDLs name without anyone publishing them beside it are our own, reduced to what services use: the
SOAP encoding of 1.1 (SOAP 1.1 section 5) and the attributes of the xml namespace.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import zeep.transports
from lxml import etree

__all__ = ["SOAP_ENC", "Documents", "WsdlError", "WsdlUnreachable"]

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
LOAD_TIMEOUT_S = 10.0
SCHEMA_SUFFIXES = (".wsdl", ".xsd", ".xml")
SOAP_ENC = "http://schemas.xmlsoap.org/soap/encoding/"
XML = "http://www.w3.org/XML/1998/namespace"
_MIME = "http://schemas.xmlsoap.org/wsdl/mime/"
_BINDINGS = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")
_ENCODED_SIMPLE = [
    "string",
    "boolean",
    "decimal",
    "float",
    "double",
    "duration",
    "dateTime",
    "time",
    "date",
    "hexBinary",
    "anyURI",
    "QName",
    "integer",
    "long",
    "int",
    "short",
    "byte",
    "nonNegativeInteger",
    "positiveInteger",
    "unsignedLong",
    "unsignedInt",
    "unsignedShort",
    "unsignedByte",
    "normalizedString",
    "token",
    "base64Binary",
]


class WsdlError(Exception):
    """A WSDL (or a schema that it imports) cannot be used; the message says which document and why."""

    code = "WSDL"


class WsdlUnreachable(WsdlError):
    """The address does not answer now; the declaration may be right all the same."""

    code = "WSDL_UNREACHABLE"


class Documents(zeep.transports.Transport):
    """Loads WSDL and XSD documents: of the first document's origin, or schema files beside it; nothing else.

    loaded: what was read, by address, in order. respelt: names of imports whose files are spelt otherwise.
    """

    def __init__(self, first: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # zeep has no types
        self.first = urlsplit(first)
        self.from_file = self.first.scheme not in ("http", "https")
        self.loaded: dict[str, bytes] = {}
        self.respelt: dict[str, str] = {}

    def load(self, url: str) -> bytes:
        """What zeep gets of a document. Raises WsdlError, WsdlUnreachable."""
        known = _KNOWN.get(url)
        if known is not None:
            return known
        if url not in self.loaded:
            self.loaded[url] = self._load(url)
        content = self.loaded[url]
        return _body_beside_attachments(content) if b"multipartRelated" in content else content

    def _load(self, url: str) -> bytes:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            return self._load_http(url)
        path = Path(unquote(parts.path) if parts.scheme == "file" else url).resolve()
        # a published WSDL must not make us read our own disk; one on disk may name schemas, not any file
        if not self.from_file or path.suffix.lower() not in SCHEMA_SUFFIXES:
            raise WsdlError(
                f"{url} is imported, but is no {' or '.join(SCHEMA_SUFFIXES)} file beside the WSDL"
            )
        try:
            return self._spelt(path).read_bytes()
        except OSError as error:
            raise WsdlError(f"{path.name}: {error.strerror}") from error

    def _spelt(self, path: Path) -> Path:
        """The file as it is spelt on disk: schemas made on Windows name their parts in any case."""
        if path.exists() or not path.parent.is_dir() or not self.loaded:
            return path
        same = [one for one in path.parent.iterdir() if one.name.lower() == path.name.lower()]
        if len(same) != 1:
            return path
        self.respelt[path.name] = same[0].name
        return same[0]

    def _load_http(self, url: str) -> bytes:
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != (self.first.scheme, self.first.netloc):
            raise WsdlError(
                f"{url} is imported from another host; save it beside the WSDL and declare the file"
            )
        try:
            with httpx.Client(timeout=LOAD_TIMEOUT_S, follow_redirects=False) as client:
                response = client.get(url)
        except httpx.HTTPError as error:
            raise WsdlUnreachable(f"{url}: {type(error).__name__}: {error}") from error
        if response.status_code >= 500:
            raise WsdlUnreachable(f"{url}: HTTP status {response.status_code}")
        if response.status_code != 200:
            raise WsdlError(f"{url}: HTTP status {response.status_code}")
        if len(response.content) > MAX_DOCUMENT_BYTES:
            raise WsdlError(f"{url}: more than {MAX_DOCUMENT_BYTES} bytes")
        return response.content


def _body_beside_attachments(content: bytes) -> bytes:
    """A binding whose soap:body stands inside mime:multipartRelated, with the body where zeep looks for it (WSDL 1.1
    section 5). The attachments themselves are no part of the envelope."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return content  # zeep says what is wrong with it
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs' property lacks its type
        return content  # refused by zeep
    for related in list(root.iter(f"{{{_MIME}}}multipartRelated")):
        holder = related.getparent()
        if holder is None:
            continue
        for binding in _BINDINGS:
            for inner in related.findall(f"{{{_MIME}}}part/{{{binding}}}*"):
                if inner.get("parts") is not None and " " not in str(inner.get("parts")).strip():
                    inner.set("part", str(inner.get("parts")).strip())  # the name by which zeep looks
                holder.append(inner)
        holder.remove(related)
    return etree.tostring(root)


def _encoding_schema() -> bytes:
    simple = "".join(
        f'<xs:complexType name="{name}"><xs:simpleContent><xs:extension base="xs:{name}"><xs:attribute name="id" '
        f'type="xs:ID"/><xs:attribute name="href" type="xs:anyURI"/></xs:extension></xs:simpleContent></xs:complexType>'
        for name in _ENCODED_SIMPLE
    )
    text = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:e="{SOAP_ENC}" targetNamespace="{SOAP_ENC}">
<xs:attribute name="arrayType" type="xs:string"/><xs:attribute name="offset" type="xs:string"/>
<xs:attribute name="position" type="xs:string"/><xs:attribute name="root" type="xs:boolean"/>
<xs:simpleType name="base64"><xs:restriction base="xs:base64Binary"/></xs:simpleType>
<xs:attributeGroup name="commonAttributes"><xs:attribute name="id" type="xs:ID"/>
<xs:attribute name="href" type="xs:anyURI"/></xs:attributeGroup>
<xs:attributeGroup name="arrayAttributes"><xs:attribute ref="e:arrayType"/><xs:attribute ref="e:offset"/></xs:attributeGroup>
<xs:group name="Array"><xs:sequence><xs:any namespace="##any" minOccurs="0" maxOccurs="unbounded" processContents="lax"/>
</xs:sequence></xs:group>
<xs:complexType name="Array"><xs:group ref="e:Array" minOccurs="0"/><xs:attributeGroup ref="e:arrayAttributes"/>
<xs:attributeGroup ref="e:commonAttributes"/></xs:complexType><xs:element name="Array" type="e:Array"/>
<xs:group name="Struct"><xs:sequence><xs:any namespace="##any" minOccurs="0" maxOccurs="unbounded" processContents="lax"/>
</xs:sequence></xs:group>
<xs:complexType name="Struct"><xs:group ref="e:Struct" minOccurs="0"/><xs:attributeGroup ref="e:commonAttributes"/>
</xs:complexType><xs:element name="Struct" type="e:Struct"/>{simple}</xs:schema>"""
    return text.encode()


_XML_SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{XML}">
<xs:attribute name="lang" type="xs:string"/><xs:attribute name="space" type="xs:string"/>
<xs:attribute name="base" type="xs:anyURI"/><xs:attribute name="id" type="xs:ID"/>
<xs:attributeGroup name="specialAttrs"><xs:attribute ref="xml:base"/><xs:attribute ref="xml:lang"/>
<xs:attribute ref="xml:space"/><xs:attribute ref="xml:id"/></xs:attributeGroup></xs:schema>""".encode()
_KNOWN = {
    SOAP_ENC: _encoding_schema(),
    "http://www.w3.org/2001/xml.xsd": _XML_SCHEMA,
    "http://www.w3.org/XML/1998/namespace": _XML_SCHEMA,
    "http://www.w3.org/2001/03/xml.xsd": _XML_SCHEMA,
    "https://www.w3.org/2001/xml.xsd": _XML_SCHEMA,
}
