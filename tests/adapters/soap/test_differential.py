"""Our readers against zeep's own, on generated documents and WSDLs: the same leaves, whatever stands in a reply; and pruned
against whole: what a path finds does not depend on what else was read."""

from __future__ import annotations

import base64
import functools
import re
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import zeep
import zeep.helpers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.mapping.compiler import compile_expression
from adapters.mapping.expression import parse, paths_of
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.tree import Wanted, add_path
from adapters.reply import RawReply
from adapters.soap.exchange import SoapExchange
from adapters.soap.shape import attributes_of, name_of, particles, text_type
from adapters.soap.writer import Writer
from adapters.soap.wsdl import SoapOperation, SoapService, load_wsdl
from samples.servers import __file__ as servers_file
from tests.adapters.soap.dialects import schema, wsdl
from tests.adapters.soap.services import SOAP_11, SOAP_12, write_wsdl

XSI = "http://www.w3.org/2001/XMLSchema-instance"
KINDS = """<xs:complexType name="Part"><xs:sequence><xs:element name="name" type="xs:string"/><xs:element name="size" type="xs:int" minOccurs="0"/>
<xs:element name="part" type="t:Part" minOccurs="0" maxOccurs="2"/></xs:sequence><xs:attribute name="kind" type="xs:string"/></xs:complexType>
<xs:complexType name="Derived"><xs:complexContent><xs:extension base="t:Part"><xs:sequence><xs:element name="more" type="xs:boolean"/></xs:sequence>
<xs:attribute name="extra" type="xs:int"/></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="Money"><xs:simpleContent><xs:extension base="xs:decimal"><xs:attribute name="currency" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>
<xs:group name="both"><xs:sequence><xs:element name="left" type="xs:string"/><xs:element name="right" type="xs:int"/></xs:sequence></xs:group>
<xs:element name="getCase"><xs:complexType><xs:sequence><xs:element name="no" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
<xs:element name="getCaseResponse"><xs:complexType><xs:sequence>
<xs:element name="flag" type="xs:boolean"/><xs:element name="empty" type="xs:string" nillable="true"/>
<xs:element name="many" type="t:Part" minOccurs="0" maxOccurs="unbounded"/><xs:element name="money" type="t:Money" nillable="true" minOccurs="0"/>
<xs:choice><xs:element name="either" type="xs:string"/><xs:element name="or" type="t:Part"/></xs:choice>
<xs:choice minOccurs="0" maxOccurs="unbounded"><xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:string"/></xs:choice>
<xs:group ref="t:both"/>
<xs:element name="codes" minOccurs="0"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element>
<xs:element name="blob" type="xs:base64Binary" minOccurs="0"/>
</xs:sequence><xs:attribute name="version" type="xs:int"/></xs:complexType></xs:element>"""


@functools.cache
def services() -> dict[str, SoapService]:
    """The WSDL above, and those of the sample city."""
    folder = Path(tempfile.mkdtemp())
    found = {"kinds": load_wsdl(str(write_wsdl(folder, wsdl(schema(KINDS)))))}
    samples = Path(servers_file).parent
    for name in ("farm", "permit", "invest"):
        for suffix in ("wsdl", "xsd"):
            for file in samples.glob(f"*.{suffix}"):
                text = re.sub(r'"\{address\}\?[^"]*"', f'"{name}.xsd"', file.read_text(encoding="utf-8"))
                text = text.replace("{address}", "http://127.0.0.1:9/s")
                (folder / file.name).write_text(text, encoding="utf-8")
        found[name] = load_wsdl(str(folder / f"{name}.wsdl"))
    return found


OPERATIONS = [
    (name, operation) for name, service in services().items() for operation in sorted(service.operations)
]
TEXTS = st.text(
    st.one_of(st.sampled_from("<>&\"' ;:甲乙\u3000-"), st.characters(min_codepoint=0x21, max_codepoint=0x2FFF, categories=("L", "N", "P"))),
    min_size=1,
    max_size=6,
).map(str.strip).filter(lambda text: text != "" and text == " ".join(text.split()))  # fmt: skip


def simple_texts(xsd_type: Any) -> st.SearchStrategy[str]:
    kinds = {one.__name__ for one in type(xsd_type).__mro__}
    if "ListType" in kinds:
        return st.lists(simple_texts(xsd_type.item_type), max_size=3).map(" ".join)
    if "Boolean" in kinds:
        return st.sampled_from(["true", "false", "1", "0"])
    if "Integer" in kinds:
        return st.integers(0, 120).map(str)
    if kinds & {"Decimal", "Float", "Double"}:
        return st.decimals(-1000, 1000, places=2).map(str)
    if "DateTime" in kinds:
        return st.datetimes().map(lambda one: one.replace(microsecond=0, year=2017).isoformat())
    if "Date" in kinds:
        return st.dates().map(lambda one: one.replace(year=2017, day=1).isoformat())
    if "Base64Binary" in kinds:
        return st.binary(min_size=1, max_size=5).map(lambda one: base64.b64encode(one).decode())
    return TEXTS


@st.composite
def filled(draw: st.DrawFn, element: Any, operation: SoapOperation, depth: int = 0) -> etree._Element:
    """A document of an element's type that a system could send."""
    node = etree.Element(element.qname, nsmap={"xsi": XSI})
    if element.nillable and draw(st.booleans()):
        node.set(f"{{{XSI}}}nil", draw(st.sampled_from(["true", "1"])))
        return node
    xsd_type = element.type
    derived = operation.types.descendants(xsd_type)
    if derived and draw(st.booleans()):
        xsd_type = draw(st.sampled_from(derived))
        namespace, local = name_of(xsd_type.qname)
        assert namespace == "urn:t"
        node.set(f"{{{XSI}}}type", f"q:{local}")  # declared on the envelope: lxml drops what no element uses
    for attribute in attributes_of(xsd_type)[0]:
        if attribute.required or draw(st.booleans()):
            node.set(attribute.qname, draw(simple_texts(attribute.type)))
    simple = text_type(xsd_type)
    if simple is not None:
        node.text = draw(simple_texts(simple))
        return node
    held = getattr(xsd_type, "_element", None)
    if held:
        draw(content(node, held, operation, depth))
    return node


@st.composite
def content(draw: st.DrawFn, node: etree._Element, part: Any, operation: SoapOperation, depth: int) -> None:
    least = part.min_occurs
    most = min(3 if part.max_occurs == "unbounded" else part.max_occurs, least + 2)
    if depth > 4:
        most = least
    for _ in range(draw(st.integers(least, max(least, most)))):
        if isinstance(part, zeep.xsd.Element):
            node.append(draw(filled(part, operation, depth + 1)))
        elif isinstance(part, zeep.xsd.Choice):
            one = draw(st.sampled_from(list(part)))
            if isinstance(one, zeep.xsd.Element):
                node.append(draw(filled(one, operation, depth + 1)))
            else:
                draw(content(node, one, operation, depth))
        elif not isinstance(part, zeep.xsd.Any):
            for one in part:
                draw(content(node, one, operation, depth))


def reply_of(service: SoapService, element: etree._Element) -> bytes:
    namespace = SOAP_12 if service.version == "1.2" else SOAP_11
    root = etree.Element(f"{{{namespace}}}Envelope", nsmap={"s": namespace, "q": "urn:t"})
    etree.SubElement(root, f"{{{namespace}}}Body").append(element)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, text) of every value, without order between names: zeep gives repeated groups as lists of records."""
    if isinstance(value, dict):
        for name, one in value.items():
            inner = path if name.startswith("_value_") else (*path, name.removeprefix("@"))
            yield from leaves(one, inner)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    elif value is not None and value != "" and path[-1:] != ("nil",):
        yield path, normal(value)
    attributes = getattr(value, "attributes", None)
    if attributes:
        yield from leaves(attributes, path)


def normal(value: Any) -> str:
    """One form for what zeep converts and we leave as it came."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def same_form(operation: SoapOperation, tree: Any) -> Any:
    """Our texts in the form in which zeep gives the values of their types."""
    return _typed(operation.reply.xsd_type if operation.reply else None, operation, tree)


def _typed(xsd_type: Any, operation: SoapOperation, value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(xsd_type, operation, one) for one in value]
    simple = text_type(xsd_type)
    if isinstance(value, str):
        out: dict[str, Any] = {"_value_1": _converted(simple, value)} if simple is not None and value else {}
        for name, one in getattr(value, "attributes", {}).items():
            if name in ("@type", "@nil"):
                continue
            out[name] = _attribute(xsd_type, operation, name, one)
        return out
    if not isinstance(value, dict):
        return value
    types = [xsd_type, *operation.types.descendants(xsd_type)]
    children = {one.element.name: one.element.type for each in types for one in particles(each)}
    out = {}
    for name, one in value.items():
        if name.startswith("@"):
            if name not in ("@type", "@nil"):
                out[name] = _attribute(xsd_type, operation, name, one)
        else:
            out[name] = _typed(children[name], operation, one)
    return out


def _attribute(xsd_type: Any, operation: SoapOperation, name: str, text: str) -> Any:
    for each in [xsd_type, *operation.types.descendants(xsd_type)]:
        for attribute in attributes_of(each)[0]:
            if attribute.name == name[1:]:
                return _converted(attribute.type, text)
    return text


def _converted(simple: Any, text: str) -> Any:
    found = simple.pythonvalue(str(text))
    return Decimal(str(text)) if isinstance(found, Decimal) else found


def zeep_leaves(operation: SoapOperation, reply: bytes) -> list[tuple[tuple[str, ...], str]]:
    """By zeep's own element parser: what it gives as a result drops outer elements that hold one other."""
    root = etree.fromstring(reply)
    element = operation.binding_operation.output.body
    value = element.parse(root[0][0], operation.types.schema)
    found = zeep.helpers.serialize_object(value, dict)
    return sorted(leaves(found if isinstance(found, dict) else {"": found}))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_our_reader_finds_what_zeeps_finds(data: st.DataObject) -> None:
    name, operation_name = data.draw(st.sampled_from(OPERATIONS))
    service = services()[name]
    operation = service.operations[operation_name]
    element = data.draw(filled(operation.binding_operation.output.body, operation))
    reply = reply_of(service, element)
    ours = SoapExchange("S", None).read(RawReply(200, "text/xml", reply), None).tree
    ours = {} if ours == {"#text": ""} else ours
    assert sorted(leaves(same_form(operation, ours))) == zeep_leaves(operation, reply)


def paths_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield (*path, name)
            yield from paths_in(one, (*path, name))
    elif isinstance(value, list) and value:
        yield from paths_in(value[0], path)


def found_at(tree: Any, steps: tuple[str, ...]) -> Any:
    text = ".".join(f"@`{one[1:]}`" if one.startswith("@") else f"`{one}`" for one in steps)
    [path] = paths_of(parse(text))
    assert path.steps == steps
    try:
        return compile_expression(text, CompileContext())(tree, Scope({}))
    except Exception as error:
        return type(error), str(error)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_a_path_finds_does_not_depend_on_what_else_is_read(data: st.DataObject) -> None:
    name, operation_name = data.draw(st.sampled_from(OPERATIONS))
    service = services()[name]
    operation = service.operations[operation_name]
    element = data.draw(filled(operation.binding_operation.output.body, operation))
    reply = RawReply(200, "text/xml", reply_of(service, element))
    whole = SoapExchange("S", None).read(reply, None).tree
    known = sorted(set(paths_in(whole)) - {("#text",)})
    if not known:
        return
    chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
    wanted: Wanted = {}
    for steps in chosen:
        add_path(wanted, steps)
    pruned = SoapExchange("S", None).read(reply, wanted).tree
    for steps in chosen:
        assert found_at(pruned, steps) == found_at(whole, steps)


def as_arguments(value: Any) -> Any:
    """What was read as what templates give: the text of an element with attributes stands under `#text`."""
    if isinstance(value, dict):
        return {name: as_arguments(one) for name, one in value.items() if name != "@nil"}
    if isinstance(value, list):
        return [as_arguments(one) for one in value]
    attributes = {name: one for name, one in getattr(value, "attributes", {}).items() if name != "@nil"}
    return {**({"#text": str(value)} if value else {}), **attributes} if attributes else value


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_was_read_is_written_again_as_it_came(data: st.DataObject) -> None:
    name, operation_name = data.draw(st.sampled_from(OPERATIONS))
    service = services()[name]
    operation = service.operations[operation_name]
    reply = reply_of(service, data.draw(filled(operation.binding_operation.output.body, operation)))
    read = SoapExchange("S", None).read(RawReply(200, "text/xml", reply), None).tree
    read = {} if read == {"#text": ""} else read
    namespace = SOAP_12 if service.version == "1.2" else SOAP_11
    root = etree.Element(f"{{{namespace}}}Envelope", nsmap={"tns": "urn:t"})
    body = etree.SubElement(root, f"{{{namespace}}}Body")
    Writer(operation.types).write(body, operation.binding_operation.output.body, as_arguments(read))
    assert zeep_leaves(operation, etree.tostring(root)) == zeep_leaves(operation, reply)
