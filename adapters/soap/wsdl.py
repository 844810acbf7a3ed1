"""WSDL and XSD to what the gateway needs: operations, their requests, the shape of their replies.

zeep reads WSDL and XSD; it is touched in this folder only. Requests are written and replies read by us, from its
types (see `writer.py`, `exchange.py`).
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import zeep
import zeep.exceptions
import zeep.xsd
from lxml import etree

from adapters.soap.binding_notes import Name, OperationNotes, read_notes
from adapters.soap.documents import Documents, WsdlError, WsdlUnreachable
from adapters.soap.shape import Shape, Types, element_shape, name_of
from adapters.soap.zeep_fixes import mend_zeep

__all__ = [
    "MessageHeader",
    "Shape",
    "SoapOperation",
    "SoapService",
    "WsdlError",
    "WsdlUnreachable",
    "load_wsdl",
]

mend_zeep()


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """An element that the WSDL says stands in the envelope's header: soap:header of the binding."""

    element: Any
    shape: Shape


@dataclass(frozen=True, slots=True)
class SoapOperation:
    """`request`, `reply`: the element inside soap:Body, None where there is none. zeep's `input` element is what the
    writer follows. headers, reply_headers: by local name. faults: elements that the WSDL says stand in a fault's
    detail. notes: what zeep does not keep."""

    name: str
    action: str
    style: str
    request: Shape | None
    reply: Shape | None
    binding_operation: Any
    input: Any = None
    types: Types = field(default_factory=Types, repr=False, compare=False)
    headers: dict[str, MessageHeader] = field(default_factory=dict, compare=False)
    reply_headers: dict[str, MessageHeader] = field(default_factory=dict, compare=False)
    faults: dict[str, Shape] = field(default_factory=dict, compare=False)
    notes: OperationNotes = field(default_factory=OperationNotes)


@dataclass(frozen=True, slots=True)
class SoapService:
    """service, address: "" where the WSDL has bindings only; port is then the binding's name. addressing: version of
    WS-Addressing that the WSDL requires, "" for none; mtom: whether it requires that. respelt: (name in an import, name
    of the file that was taken for it)."""

    version: str
    service: str
    port: str
    address: str
    operations: dict[str, SoapOperation]
    warnings: tuple[str, ...] = ()
    addressing: str = ""
    mtom: bool = False
    respelt: tuple[tuple[str, str], ...] = ()

    @property
    def encoded(self) -> bool:
        """Whether an operation of this port answers with use="encoded"."""
        return any(one.notes.encoded_reply for one in self.operations.values())


def load_wsdl(location: str, *, service: str | None = None, port: str | None = None) -> SoapService:
    """Blocking. location: http(s) address or file path. Raises WsdlError with what can be chosen instead."""
    settings = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=False, strict=True)
    told: list[warnings.WarningMessage]
    documents = Documents(location)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            document = zeep.wsdl.Document(location, documents, settings=settings)  # type: ignore[arg-type]  # its annotation says type[Transport]
    except WsdlError:
        raise
    except (zeep.exceptions.Error, etree.XMLSyntaxError) as error:
        raise WsdlError(f"{location}: {_first_line(error)}") from error
    except Exception as error:  # zeep raises AttributeError, KeyError, TypeError on schemas it cannot read
        raise WsdlError(
            f"{location}: cannot be read ({type(error).__name__}: {_first_line(error)})"
        ) from error
    chosen = _choose(document, location, service, port)
    binding = chosen.binding
    version = "1.2" if "12" in type(binding).__name__ else "1.1"
    notes = read_notes(documents.loaded.values())
    types = Types(document.types, notes)
    own: Name = name_of(etree.QName(binding.name))
    operations = {
        name: _operation(one, types, notes.operation(own, name)) for name, one in binding.all().items()
    }
    said = tuple(
        dict.fromkeys(_first_line(one.message) for one in told if isinstance(one.message, Exception))
    )
    return SoapService(
        version,
        chosen.service,
        chosen.port,
        chosen.address,
        operations,
        said,
        notes.addressing.get(own, ""),
        own in notes.mtom,
        tuple(documents.respelt.items()),
    )


async def load_wsdl_async(location: str, *, service: str | None, port: str | None) -> SoapService:
    return await asyncio.to_thread(load_wsdl, location, service=service, port=port)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


@dataclass(frozen=True, slots=True)
class _Chosen:
    service: str
    port: str
    address: str
    binding: Any


def _choose(document: Any, location: str, service: str | None, port: str | None) -> _Chosen:
    services = {name: _soap_ports(one) for name, one in document.services.items() if _soap_ports(one)}
    if not services:
        return _choose_binding(document, location, port)
    if service is None and len(services) > 1:
        raise WsdlError(
            f"{location}: several services; set `service` to one of {', '.join(sorted(services))}"
        )
    name = service or next(iter(services))
    if name not in services:
        raise WsdlError(f"{location}: no service {name!r}; there is {', '.join(sorted(services))}")
    ports = services[name]
    if port is not None and port not in ports:
        raise WsdlError(f"{location}: no SOAP port {port!r} in {name}; there is {', '.join(sorted(ports))}")
    # with SOAP 1.1 and 1.2 ports of one service, the newer is the better described
    best = port or sorted(ports, key=lambda key: ("12" not in type(ports[key].binding).__name__, key))[0]
    chosen = ports[best]
    return _Chosen(name, best, chosen.binding_options.get("address", ""), chosen.binding)


def _soap_ports(service: Any) -> dict[str, Any]:
    return {name: one for name, one in service.ports.items() if "Soap" in type(one.binding).__name__}


def _choose_binding(document: Any, location: str, port: str | None) -> _Chosen:
    """Of a standard's WSDL, which leaves service and address to who implements it."""
    bindings = {
        etree.QName(name).localname: one
        for name, one in document.bindings.items()
        if "Soap" in type(one).__name__
    }
    if not bindings:
        raise WsdlError(
            f"{location}: no service with a SOAP port, and no SOAP binding: this document is a part that others import; "
            "declare the WSDL that holds the binding"
        )
    if port is None and len(bindings) > 1:
        raise WsdlError(
            f"{location}: no service, but several bindings; set `port` to one of {', '.join(sorted(bindings))}"
        )
    name = port or next(iter(bindings))
    if name not in bindings:
        raise WsdlError(f"{location}: no SOAP binding {name!r}; there is {', '.join(sorted(bindings))}")
    return _Chosen("", name, "", bindings[name])


def _operation(operation: Any, types: Types, notes: OperationNotes) -> SoapOperation:
    given, answer = operation.input, operation.output
    return SoapOperation(
        operation.name,
        operation.soapaction or "",
        operation.style,
        element_shape(given.body, types) if given is not None and given.body is not None else None,
        element_shape(answer.body, types) if answer is not None and answer.body is not None else None,
        operation,
        given,
        types,
        _headers(given, types),
        _headers(answer, types),
        dict(_faults(operation, types)),
        notes,
    )


def _headers(message: Any, types: Types) -> dict[str, MessageHeader]:
    header = getattr(message, "header", None)
    found = getattr(getattr(header, "type", None), "_element", None)
    return {one.name: MessageHeader(one, element_shape(one, types)) for one in found or []}


def _faults(operation: Any, types: Types) -> Iterator[tuple[str, Shape]]:
    for one in operation.faults.values():
        for part in getattr(one.abstract, "parts", {}).values() if one.abstract is not None else ():
            if part.element is not None:
                yield part.element.name, element_shape(part.element, types)
