"""WSDL and XSD to what the gateway needs: operations, their requests, the shape of their replies.

zeep reads WSDL and XSD and writes requests; it is touched in this folder only, and never reads replies (see
`exchange.py`). Documents are loaded through `Loader`, which refuses other hosts and files outside the WSDL's
own folder.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import zeep
import zeep.exceptions
import zeep.transports
import zeep.xsd
from lxml import etree

from adapters.soap.zeep_fixes import mend_zeep

__all__ = ["Shape", "SoapOperation", "SoapService", "WsdlError", "WsdlUnreachable", "load_wsdl"]

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
LOAD_TIMEOUT_S = 10.0
SCHEMA_SUFFIXES = (".wsdl", ".xsd", ".xml")

mend_zeep()


class WsdlError(Exception):
    """A WSDL (or a schema that it imports) cannot be used; the message says which document and why."""

    code = "WSDL"


class WsdlUnreachable(WsdlError):
    """The address does not answer now; the declaration may be right all the same."""

    code = "WSDL_UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Shape:
    """An element or attribute of a message, seen through zeep's types; children are looked up lazily, so
    that recursive schemas cost nothing."""

    name: str
    type_name: str
    repeated: bool
    optional: bool
    xsd_type: Any

    def children(self) -> dict[str, Shape]:
        """By local name; attributes as `@name`. Empty for simple types and for xs:any."""
        return dict(_children(self.xsd_type))

    @property
    def open(self) -> bool:
        """Whether anything may stand in it (xs:any, xs:anyType)."""
        return self.type_name in ("anyType", "any") or any(
            isinstance(element, zeep.xsd.Any) for _, element in getattr(self.xsd_type, "elements", [])
        )


@dataclass(frozen=True, slots=True)
class SoapOperation:
    """`reply`: shape of the element inside soap:Body of an answer, None for one-way operations."""

    name: str
    action: str
    style: str
    request: Shape | None
    reply: Shape | None
    binding_operation: Any


@dataclass(frozen=True, slots=True)
class SoapService:
    version: str
    service: str
    port: str
    address: str
    operations: dict[str, SoapOperation]
    warnings: tuple[str, ...] = ()


class _Loader(zeep.transports.Transport):
    """Loads WSDL and XSD documents: of the first document's origin, or schema files beside it; nothing else."""

    def __init__(self, first: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # zeep has no types
        self.first = urlsplit(first)
        self.from_file = self.first.scheme not in ("http", "https")

    def load(self, url: str) -> bytes:
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
            return path.read_bytes()
        except OSError as error:
            raise WsdlError(f"{path.name}: {error.strerror}") from error

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


def load_wsdl(location: str, *, service: str | None = None, port: str | None = None) -> SoapService:
    """Blocking. location: http(s) address or file path. Raises WsdlError with what can be chosen instead."""
    settings = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=False, strict=True)
    told: list[warnings.WarningMessage]
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            document = zeep.wsdl.Document(location, _Loader(location), settings=settings)  # type: ignore[arg-type]  # its annotation says type[Transport]
    except WsdlError:
        raise
    except (zeep.exceptions.Error, etree.XMLSyntaxError) as error:
        raise WsdlError(f"{location}: {_first_line(error)}") from error
    except Exception as error:  # zeep raises AttributeError, KeyError, TypeError on schemas it cannot read
        raise WsdlError(
            f"{location}: cannot be read ({type(error).__name__}: {_first_line(error)})"
        ) from error
    chosen_service, chosen_port = _choose(document, location, service, port)
    binding = chosen_port.binding
    version = "1.2" if "12" in type(binding).__name__ else "1.1"
    operations = {name: _operation(one) for name, one in binding.all().items()}
    address = chosen_port.binding_options.get("address", "")
    said = tuple(
        dict.fromkeys(_first_line(one.message) for one in told if isinstance(one.message, Exception))
    )
    return SoapService(version, chosen_service.name, chosen_port.name, address, operations, said)


async def load_wsdl_async(location: str, *, service: str | None, port: str | None) -> SoapService:
    return await asyncio.to_thread(load_wsdl, location, service=service, port=port)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _choose(document: Any, location: str, service: str | None, port: str | None) -> tuple[Any, Any]:
    def soap_ports(one: Any) -> dict[str, Any]:
        return {name: p for name, p in one.ports.items() if "Soap" in type(p.binding).__name__}

    services = {name: one for name, one in document.services.items() if soap_ports(one)}
    if not services:
        raise WsdlError(f"{location}: no service with a SOAP port")
    if service is None and len(services) > 1:
        raise WsdlError(
            f"{location}: several services; set `service` to one of {', '.join(sorted(services))}"
        )
    name = service or next(iter(services))
    if name not in services:
        raise WsdlError(f"{location}: no service {name!r}; there is {', '.join(sorted(services))}")
    ports = soap_ports(services[name])
    if port is not None and port not in ports:
        raise WsdlError(f"{location}: no SOAP port {port!r} in {name}; there is {', '.join(sorted(ports))}")
    # with SOAP 1.1 and 1.2 ports of one service, the newer is the better described
    best = port or sorted(ports, key=lambda key: ("12" not in type(ports[key].binding).__name__, key))[0]
    return services[name], ports[best]


def _operation(operation: Any) -> SoapOperation:
    return SoapOperation(
        operation.name,
        operation.soapaction or "",
        operation.style,
        _shape(operation.input.body)
        if operation.input is not None and operation.input.body is not None
        else None,
        _shape(operation.output.body)
        if operation.output is not None and operation.output.body is not None
        else None,
        operation,
    )


def _shape(element: Any) -> Shape:
    xsd_type = element.type
    type_name = getattr(xsd_type, "name", None) or type(xsd_type).__name__
    return Shape(
        element.name,
        str(type_name),
        bool(getattr(element, "accepts_multiple", False)),
        bool(getattr(element, "is_optional", False)),
        xsd_type,
    )


def _children(xsd_type: Any) -> Iterator[tuple[str, Shape]]:
    for name, element in getattr(xsd_type, "elements", []):
        if isinstance(element, zeep.xsd.Element):
            local = etree.QName(element.qname).localname if element.qname is not None else name
            yield local, _shape(element)
    for name, attribute in getattr(xsd_type, "attributes", []):
        if isinstance(attribute, zeep.xsd.Attribute) and name:
            yield f"@{name}", _shape(attribute)
