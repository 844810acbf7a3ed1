"""rpc/encoded: requests that carry their types, replies whose values refer to each other, over real HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.mapping.tree import Wanted
from adapters.reply import RawReply
from adapters.soap.exchange import SoapExchange
from adapters.traffic.errors import SourceBadData, SourceNotFound
from tests.adapters.soap.dialects import asked, checked_against, loaded, schema, wsdl
from tests.adapters.soap.services import SOAP_11, SOAP_12, envelope

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ENC = "http://schemas.xmlsoap.org/soap/encoding/"
ENC_12 = "http://www.w3.org/2003/05/soap-encoding"

TYPES = """<xs:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>
<xs:simpleType name="Level"><xs:restriction base="xs:int"><xs:maxInclusive value="9"/></xs:restriction></xs:simpleType>
<xs:complexType name="Case"><xs:all><xs:element name="no" type="xs:string"/><xs:element name="st" type="xs:string"/>
  <xs:element name="at" type="xs:string"/><xs:element name="title" type="xs:string" nillable="true"/>
  <xs:element name="steps" type="t:Steps"/></xs:all></xs:complexType>
<xs:complexType name="Step"><xs:sequence><xs:element name="name" type="xs:string"/><xs:element name="at" type="xs:string"/>
  </xs:sequence></xs:complexType>
<xs:complexType name="Steps"><xs:complexContent><xs:restriction base="soapenc:Array">
  <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="t:Step[]"/></xs:restriction></xs:complexContent></xs:complexType>
<xs:complexType name="Cases"><xs:complexContent><xs:restriction base="soapenc:Array">
  <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="t:Case[]"/></xs:restriction></xs:complexContent></xs:complexType>
<xs:complexType name="Names"><xs:complexContent><xs:restriction base="soapenc:Array">
  <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="xs:string[]"/></xs:restriction></xs:complexContent></xs:complexType>
<xs:complexType name="Grid"><xs:complexContent><xs:restriction base="soapenc:Array">
  <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="xs:int[][]"/></xs:restriction></xs:complexContent></xs:complexType>
<xs:complexType name="Query"><xs:sequence><xs:element name="text" type="xs:string"/><xs:element name="level" type="t:Level"/>
  <xs:element name="exact" type="xs:boolean" minOccurs="0"/></xs:sequence></xs:complexType>"""
TAKES = """<wsdl:part name="no" type="xs:string"/><wsdl:part name="query" type="t:Query"/>
<wsdl:part name="names" type="t:Names"/><wsdl:part name="grid" type="t:Grid"/><wsdl:part name="size" type="xs:int"/>"""


def service(soap: str = "soap", gives: str = '<wsdl:part name="return" type="t:Case"/>') -> str:
    return wsdl(
        schema(TYPES, form="unqualified"), soap=soap, style="rpc", use="encoded", takes=TAKES, gives=gives
    )


BODY = "{no: $args.number, query: {text: 甲&乙, level: 3, exact: true}, names: [a, b], grid: [[1, 2], []], size: 5}"


def multi(inside: str, *, refs: str = "") -> bytes:
    response = f'<t:getCaseResponse xmlns:t="urn:t" xmlns:e="{ENC}" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="http://www.w3.org/2001/XMLSchema">{inside}</t:getCaseResponse>'
    root = f'xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:e="{ENC}" xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t"'
    return envelope(response + refs.replace("<multiRef", f"<multiRef {root} e:root='0'"))


PLAIN = multi(
    '<return x:type="t:Case"><no x:type="s:string">N1</no><st x:type="s:string">A</st><at x:type="s:string">2017-05-01T10:00:00</at><title x:nil="1"/></return>'
)


async def test_every_element_of_a_request_carries_its_type(tmp_path: Path) -> None:
    one = await asked(tmp_path, service(), PLAIN, body=BODY)
    assert one.record["localNo"] == "N1"
    content = one.content
    assert content.tag == "{urn:t}getCase"
    assert content.get(f"{{{SOAP_11}}}encodingStyle") == ENC

    def of(path: str) -> tuple[str | None, str | None, str]:
        found = content.find(path)
        assert found is not None, path
        name = found.get(f"{XSI}type")
        prefix, _, local = (name or ":").rpartition(":")
        return found.nsmap.get(prefix), local, found.text or ""

    xsd = "http://www.w3.org/2001/XMLSchema"
    assert of("no") == (xsd, "string", "N1")
    assert of("size") == (xsd, "int", "5")
    assert of("query") == ("urn:t", "Query", "")
    assert of("query/text") == (xsd, "string", "甲&乙")
    assert of("query/level") == ("urn:t", "Level", "3")
    assert of("query/exact") == (xsd, "boolean", "true")
    assert of("names") == (ENC, "Array", "")
    assert [of(f"names/item[{at}]") for at in (1, 2)] == [(xsd, "string", "a"), (xsd, "string", "b")]
    arrays = {
        path: content.find(path).get(f"{{{ENC}}}arrayType") for path in ("names", "grid", "grid/item[2]")
    }  # type: ignore[union-attr]
    assert arrays == {"names": "xsd:string[2]", "grid": "xsd:int[][2]", "grid/item[2]": "xsd:int[0]"}


async def test_soap_12_has_an_encoding_of_its_own(tmp_path: Path) -> None:
    answer = envelope(
        f"""<t:getCaseResponse xmlns:t="urn:t" xmlns:e="{ENC_12}"><return e:ref="c"/><no e:id="n">N1</no>
        <case e:id="c"><no e:ref="n"/><st>A</st><at>2017-05-01T10:00:00</at></case></t:getCaseResponse>""",
        version=SOAP_12,
    )
    one = await asked(tmp_path, service("soap12"), answer, body=BODY)
    assert (one.record["localNo"], one.record["state"]) == ("N1", "ACCEPTED")
    assert one.content.get(f"{{{SOAP_12}}}encodingStyle") == ENC_12
    names = one.content.find("names")
    assert names is not None
    assert (names.get(f"{{{ENC_12}}}itemType"), names.get(f"{{{ENC_12}}}arraySize")) == ("xsd:string", "2")
    assert names.get(f"{XSI}type", "").endswith(":Names")


async def test_what_is_not_asked_for_is_sent_as_nil(tmp_path: Path) -> None:
    one = await asked(tmp_path, service(), PLAIN, body="{no: $args.number, size: 5}")
    assert {child.tag: child.get(f"{XSI}nil") for child in one.content} == {
        "no": None,
        "query": "true",
        "names": "true",
        "grid": "true",
        "size": None,
    }
    assert checked_against(tmp_path, service(), body="{no: $args.number, size: 5}", records="return") == []


STEPS = '<steps x:type="e:Array" e:arrayType="t:Step[2]"><{0} href="#s1"/><{0} href="#s2"/></steps>'
REFS = """<multiRef id="c" x:type="t:Case"><no href="#n"/><st x:type="s:string">A</st><at href="#d"/><title href="#n"/>%s</multiRef>
<multiRef id="n" x:type="s:string">N1</multiRef><multiRef id="d" x:type="s:string">2017-05-01T10:00:00</multiRef>
<multiRef id="s1" x:type="t:Step"><name>受理</name><at href="#d"/></multiRef>
<multiRef id="s2" x:type="t:Step"><name>办结</name><at href="#d"/></multiRef>"""
MAP = """
      localNo: no
      state: 'st | table("status")'
      appliedAt: at
      title: title
      events: {each: steps.item, step: name, occurredAt: at}"""


@pytest.mark.parametrize("item", ["item", "t:Step", "multiRef", "x1"])
async def test_values_that_refer_to_each_other_are_read_where_they_are_named(
    tmp_path: Path, item: str
) -> None:
    answer = multi('<return href="#c"/>', refs=REFS % STEPS.replace("{0}", item))
    fields = ("localNo", "title", "state", "appliedAt", "events")
    one = await asked(tmp_path, service(), answer, body=BODY, map_=MAP, fields=fields)
    assert (one.record["localNo"], one.record["title"]) == ("N1", "N1")
    assert [step["step"] for step in one.record["events"]] == ["受理", "办结"]
    assert {step["occurredAt"] for step in one.record["events"]} == {"2017-05-01T10:00:00+08:00"}


async def test_the_answer_may_stand_behind_the_values_it_refers_to(tmp_path: Path) -> None:
    whole = multi('<return href="#c"/>', refs=REFS % "").decode()
    start, end = (
        whole.index("<t:getCaseResponse"),
        whole.index("</t:getCaseResponse>") + len("</t:getCaseResponse>"),
    )
    moved = whole[:start] + whole[end:].replace("</soap:Body>", whole[start:end] + "</soap:Body>")
    one = await asked(tmp_path, service(), moved, body=BODY)
    assert one.record["localNo"] == "N1"


@pytest.mark.parametrize(
    ("inside", "count"),
    [
        ('<return x:type="e:Array" e:arrayType="t:Case[0]"/>', 0),
        ('<return x:nil="true"/>', 0),
        (
            f'<return e:arrayType="t:Case[1]"><item>{"<no>N1</no><st>A</st><at>2017-05-01</at>"}</item></return>',
            1,
        ),
        (
            '<return x:type="e:Array" e:arrayType="t:Case[2]"><Case><no>N1</no><st>A</st><at>2017-05-01</at></Case>'
            "<Case><no>N2</no><st>A</st><at>2017-05-01</at></Case></return>",
            2,
        ),
    ],
)
async def test_arrays_of_any_size_are_lists_of_items(tmp_path: Path, inside: str, count: int) -> None:
    text = service(gives='<wsdl:part name="return" type="t:Cases"/>')
    one = await asked(tmp_path, text, multi(inside), body=BODY, records="return.item")
    if count == 0:
        assert type(one.error) is SourceNotFound
    else:
        assert [record["localNo"] for record in one.given or []] == ["N1", "N2"][:count]


def tree_of(reply: bytes, wanted: Wanted | None) -> Any:
    return SoapExchange("S", None, encoded=True).read(RawReply(200, "text/xml", reply), wanted).tree


def test_arrays_in_arrays_are_lists_in_lists() -> None:
    grid = '<g e:arrayType="s:int[][2]"><a e:arrayType="s:int[2]"><i>1</i><i>2</i></a><a e:arrayType="s:int[1]"><i>3</i></a></g>'
    assert tree_of(multi(grid), {"g": {"item": {"item": None}}}) == {
        "g": {"item": [{"item": ["1", "2"]}, {"item": "3"}]}
    }


@pytest.mark.parametrize(
    ("inside", "refs", "words"),
    [
        ('<return href="#no-such"/>', "", "not there"),
        ('<return href="#a"/>', '<multiRef id="a" href="#b"/><multiRef id="b" href="#a"/>', "circle"),
        ('<return href="#a"/>', '<multiRef id="a"><no>N1</no><self href="#a"/></multiRef>', "circle"),
        ('<return href="#a"/>', '<multiRef id="a">x</multiRef><multiRef id="a">y</multiRef>', "one id"),
    ],
)
def test_references_that_lead_nowhere_are_errors(inside: str, refs: str, words: str) -> None:
    with pytest.raises(SourceBadData, match=words):
        tree_of(multi(inside, refs=refs), None)


def test_a_circle_that_nobody_reads_is_none() -> None:
    """Two objects that know each other are ordinary in encoded replies."""
    refs = '<multiRef id="a"><no>N1</no><list href="#b"/></multiRef><multiRef id="b"><first href="#a"/></multiRef>'
    assert tree_of(multi('<return href="#a"/>', refs=refs), {"return": {"no": None}}) == {
        "return": {"no": "N1"}
    }


def test_references_that_multiply_are_an_error_and_no_bomb() -> None:
    levels = "".join(
        f'<multiRef id="l{at}">' + f'<i href="#l{at + 1}"/>' * 10 + "</multiRef>" for at in range(9)
    )
    reply = multi('<return href="#l0"/>', refs=levels + '<multiRef id="l9">x</multiRef>')
    with pytest.raises(SourceBadData, match="more than"):
        tree_of(reply, None)


def test_the_encodings_own_attributes_are_not_read() -> None:
    reply = multi('<return href="#a"/>', refs='<multiRef id="a" kind="k"><no>N1</no></multiRef>')
    assert tree_of(reply, None) == {"return": {"@kind": "k", "no": "N1"}}


def test_check_knows_what_stands_in_arrays(tmp_path: Path) -> None:
    text = service(gives='<wsdl:part name="return" type="t:Cases"/>')
    assert checked_against(tmp_path, text, body=BODY, records="return.item", map_=MAP) == []
    wrong = checked_against(tmp_path, text, body=BODY.replace("text:", "txt:"), records="return.Case")
    assert [code for code, _ in wrong][:2] == ["UNKNOWN_ELEMENT", "UNKNOWN_ELEMENT"]
    assert "Query takes no element 'txt'" in wrong[0][1] or "query takes no element 'txt'" in wrong[0][1]


def test_an_encoded_port_is_known_as_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, service()).encoded
    operation = loaded(tmp_path, service()).operations["getCase"]
    assert operation.request is not None
    assert operation.request.children()["names"].children()["item"].repeated
    assert etree.QName(operation.input.body.qname).namespace == "urn:t"


NAMES = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    st.tuples(NAMES, st.text("xyz甲", min_size=1, max_size=3)),
    lambda inner: st.tuples(NAMES, st.lists(inner, min_size=1, max_size=4)),
    max_leaves=12,
)


def literal(node: tuple[str, Any]) -> etree._Element:
    element = etree.Element(node[0])
    if isinstance(node[1], str):
        element.text = node[1]
    else:
        element.extend([literal(child) for child in node[1]])
    return element


@settings(max_examples=100, deadline=None)
@given(TREES, st.lists(st.booleans(), min_size=40, max_size=40))
def test_references_make_no_difference_to_what_is_read(tree: tuple[str, Any], hoisted: list[bool]) -> None:
    root = etree.fromstring(envelope("<t:r xmlns:t='urn:t'/>"))
    body = root[1]
    body[0].append(literal(tree))
    plain = etree.tostring(root)
    for number, element in enumerate(list(body[0].iterdescendants())):
        if not hoisted[number % len(hoisted)]:
            continue
        ref = etree.SubElement(body, "multiRef", {"id": f"i{number}"})
        ref.text = element.text
        ref.extend(list(element))
        element.text = None
        element.set("href", f"#i{number}")
    assert unmarked(tree_of(etree.tostring(root), None)) == tree_of(plain, None)


def unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: unmarked(one) for name, one in value.items()}
    return [unmarked(one) for one in value] if isinstance(value, list) else str(value)
