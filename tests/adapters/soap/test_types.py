"""What XSD can say of a value, both ways, each against a real server: nil, choice, any, derived types, substitution groups,
lists, repeated groups, schemas that include each other. Each WSDL here has one trap of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.soap.wsdl import WsdlError, load_wsdl
from tests.adapters.soap.dialects import CASE_SCHEMA, Asked, asked, checked_against, schema, wsdl
from tests.adapters.soap.services import envelope, write_wsdl

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
CASE = "<no>N1</no><st>A</st><at>2017-05-01T10:00:00</at>"


def service(
    request: str, reply: str = '<xs:element name="return" type="t:Case" minOccurs="0"/>', types: str = ""
) -> str:
    """request, reply: what stands in the complex types of the two elements."""
    request = (
        request
        if request.startswith(("<xs:seq", "<xs:cho", "<xs:all"))
        else f"<xs:sequence>{request}</xs:sequence>"
    )
    reply = (
        reply
        if reply.startswith(("<xs:seq", "<xs:cho", "<xs:all"))
        else f"<xs:sequence>{reply}</xs:sequence>"
    )
    return wsdl(
        schema(
            f"""{CASE_SCHEMA}{types}
            <xs:element name="getCase"><xs:complexType>{request}</xs:complexType></xs:element>
            <xs:element name="getCaseResponse"><xs:complexType>{reply}</xs:complexType></xs:element>"""
        )
    )


def answer(inside: str) -> bytes:
    return envelope(f'<t:getCaseResponse xmlns:t="urn:t" xmlns="urn:t" {XSI}>{inside}</t:getCaseResponse>')


GOOD = answer(f"<return>{CASE}</return>")
NO = '<xs:element name="no" type="xs:string"/>'


def flat(one: Asked) -> list[str]:
    """Local names with attributes and texts of what was sent, in document order, without the outermost."""
    out = []
    for element in one.content.iterdescendants():
        attributes = "".join(
            f" {str(name).rpartition('}')[2]}={value}" for name, value in sorted(element.items())
        )
        out.append(f"{str(element.tag).rpartition('}')[2]}{attributes}={element.text or ''}".strip())
    return out


async def written(folder: Path, text: str, body: str) -> list[str]:
    one = await asked(folder, text, GOOD, body=body)
    assert one.error is None, one.error.__cause__
    return flat(one)


async def refused(folder: Path, text: str, body: str) -> str:
    one = await asked(folder, text, GOOD, body=body)
    assert one.error is not None
    assert not one.log.bodies
    return str(one.error)


# --- requests ---

CHOICE = service(
    f"""{NO}<xs:choice><xs:element name="idNumber" type="xs:string"/>
    <xs:sequence><xs:element name="name" type="xs:string"/><xs:element name="mobile" type="xs:string"/></xs:sequence></xs:choice>"""
)
GROUPS = service(
    """<xs:sequence><xs:sequence minOccurs="0" maxOccurs="unbounded"><xs:element name="key" type="xs:string"/>
    <xs:element name="value" type="xs:string"/></xs:sequence><xs:choice minOccurs="0" maxOccurs="unbounded">
    <xs:element name="a" type="xs:string"/><xs:element name="b" type="xs:string"/></xs:choice></xs:sequence>"""
)
DERIVED = """<xs:complexType name="Base" abstract="true"><xs:sequence><xs:element name="id" type="xs:string"/></xs:sequence></xs:complexType>
<xs:complexType name="ByNumber"><xs:complexContent><xs:extension base="t:Base"><xs:sequence><xs:element name="number" type="xs:string"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
<xs:complexType name="ByName"><xs:complexContent><xs:extension base="t:ByNumber"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>"""
POLYMORPH = service('<xs:element name="query" type="t:Base"/>', types=DERIVED)
HEADS = """<xs:element name="criterion" type="t:Base" abstract="true"/>
<xs:element name="byNumber" type="t:ByNumber" substitutionGroup="t:criterion"/>
<xs:element name="byName" type="t:ByName" substitutionGroup="t:byNumber"/>"""
SUBSTITUTED = service('<xs:element ref="t:criterion" maxOccurs="unbounded"/>', types=DERIVED + HEADS)
ANY = service(
    f'{NO}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>',
    types='<xs:element name="known" type="xs:int"/>',
)
SIMPLE = service(
    """<xs:element name="codes"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element>
    <xs:element name="flag" type="xs:boolean"/><xs:element name="size" type="xs:int"/><xs:element name="rate" type="xs:decimal"/>
    <xs:element name="tag" minOccurs="0" maxOccurs="2" type="xs:string"/><xs:element name="gone" type="xs:string" nillable="true"/>
    <xs:element name="amount" minOccurs="0"><xs:complexType><xs:simpleContent><xs:extension base="xs:decimal">
    <xs:attribute name="currency" type="xs:string" use="required"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
    <xs:element name="blob" type="xs:base64Binary" minOccurs="0"/>"""
)
SIMPLES = "codes: [1, 2], flag: true, size: 5, rate: 1.50"


@pytest.mark.parametrize(
    ("text", "body", "expected"),
    [
        (CHOICE, "{no: a, idNumber: b}", ["no=a", "idNumber=b"]),
        (CHOICE, "{mobile: 1x, no: a, name: n}", ["no=a", "name=n", "mobile=1x"]),
        (GROUPS, "{value: [v1, v2], key: [k1, k2]}", ["key=k1", "value=v1", "key=k2", "value=v2"]),
        (GROUPS, "{b: [x, y], a: z}", ["b=x", "b=y", "a=z"]),
        (GROUPS, "{}", []),
        (
            POLYMORPH,
            '{query: {"@type": ByNumber, number: n, id: i}}',
            ["query type=tns:ByNumber=", "id=i", "number=n"],
        ),
        (
            POLYMORPH,
            '{query: {"@type": ByName, name: m, number: n, id: i}}',
            ["query type=tns:ByName=", "id=i", "number=n", "name=m"],
        ),
        (SUBSTITUTED, "{byName: {name: m, number: n, id: i}}", ["byName=", "id=i", "number=n", "name=m"]),
        (
            SUBSTITUTED,
            "{byNumber: [{number: a, id: i}, {number: b, id: j}]}",
            ["byNumber=", "id=i", "number=a", "byNumber=", "id=j", "number=b"],
        ),
        (
            ANY,
            '{no: a, extra: {"@xmlns": "urn:e", "@v": "1", x: [1, 2], y: {"#text": t, "@z": q}}}',
            ["no=a", "extra v=1=", "x=1", "x=2", "y z=q=t"],
        ),
        (ANY, "{no: a, known: 5}", ["no=a", "known=5"]),
        (SIMPLE, f"{{{SIMPLES}}}", ["codes=1 2", "flag=true", "size=5", "rate=1.50", "gone nil=true="]),
        (
            SIMPLE,
            f"{{{SIMPLES}, tag: [a, b], gone: here}}",
            ["codes=1 2", "flag=true", "size=5", "rate=1.50", "tag=a", "tag=b", "gone=here"],
        ),
        (
            SIMPLE,
            f'{{{SIMPLES}, amount: {{"#text": 3.5, currency: CNY}}, blob: 5Lu2}}',
            [
                "codes=1 2",
                "flag=true",
                "size=5",
                "rate=1.50",
                "gone nil=true=",
                "amount currency=CNY=3.5",
                "blob=5Lu2",
            ],
        ),
        (
            SIMPLE,
            '{codes: "7 8", flag: "0", size: " 5", rate: ".5"}',
            ["codes=7 8", "flag=0", "size= 5", "rate=.5", "gone nil=true="],
        ),
    ],
)
async def test_a_request_is_written_in_the_order_and_form_of_its_schema(
    tmp_path: Path, text: str, body: str, expected: list[str]
) -> None:
    assert checked_against(tmp_path, text, body=body) == []
    found = await written(tmp_path, text, body)
    assert [one.replace("tns1:", "tns:") for one in found] == expected


@pytest.mark.parametrize(
    ("text", "body", "words"),
    [
        (CHOICE, "{no: a}", "Missing element: one of idNumber, name, mobile"),
        (CHOICE, "{no: a, name: n}", "Missing element mobile"),
        (CHOICE, "{no: a, idNumber: b, name: n, mobile: m}", "'idNumber' has no place"),
        (
            POLYMORPH,
            '{query: {"@type": ByMoon, id: i}}',
            "no type 'ByMoon' may stand here; allowed: Base, ByName, ByNumber",
        ),
        (POLYMORPH, '{query: {"@type": ByNumber, id: i, number: n, name: m}}', "'name' has no place"),
        (
            SIMPLE,
            "{codes: [1], flag: perhaps, size: 5, rate: 1}",
            "getCase.flag: no value of the type boolean",
        ),
        (SIMPLE, "{codes: [1], flag: true, size: many, rate: 1}", "getCase.size: no value of the type int"),
        (SIMPLE, "{codes: [1, x], flag: true, size: 5, rate: 1}", "getCase.codes: no value of the type int"),
        (
            SIMPLE,
            "{codes: [1], flag: true, size: 5, rate: 1e3}",
            "getCase.rate: no value of the type decimal",
        ),
        (SIMPLE, f"{{{SIMPLES}, tag: [a, b, c]}}", "'tag' has no place so often"),
        (SIMPLE, f"{{{SIMPLES}, blob: ~, amount: 3}}", "getCase.amount"),
        (SIMPLE, f"{{{SIMPLES}, blob: '???'}}", "getCase.blob: no value of the type base64Binary"),
        (SIMPLE, f"{{{SIMPLES}, gone: {{a: b}}}}", "getCase.gone"),
    ],
)
async def test_what_a_schema_does_not_take_is_refused_and_not_sent(
    tmp_path: Path, text: str, body: str, words: str
) -> None:
    assert words in await refused(tmp_path, text, body)


@pytest.mark.parametrize(
    ("text", "body", "codes"),
    [
        (CHOICE, "{no: a}", []),  # which branch is missing only the call can say
        (CHOICE, "{idNumber: a}", ["MISSING_ELEMENT"]),
        (POLYMORPH, "{query: {id: i, moon: x}}", ["UNKNOWN_ELEMENT"]),
        (SUBSTITUTED, "{byMoon: {id: i}}", ["UNKNOWN_ELEMENT"]),
        (ANY, "{no: a, whatever: {b: c}}", []),
        (SIMPLE, f"{{{SIMPLES}, amount: {{'#text': 1}}}}", ["MISSING_ELEMENT"]),
    ],
)
def test_check_finds_what_it_can(tmp_path: Path, text: str, body: str, codes: list[str]) -> None:
    assert [code for code, _ in checked_against(tmp_path, text, body=body)] == codes


# --- replies ---

REPLY_CHOICE = '<xs:choice><xs:element name="return" type="t:Case"/><xs:element name="error" type="xs:string"/></xs:choice>'
REPLY_TYPES = """<xs:complexType name="Permit"><xs:complexContent><xs:extension base="t:Case"><xs:sequence>
  <xs:element name="plate" type="xs:string"/></xs:sequence><xs:attribute name="type" type="xs:string"/></xs:extension></xs:complexContent></xs:complexType>
<xs:element name="case" type="t:Case"/><xs:element name="permit" type="t:Permit" substitutionGroup="t:case"/>"""
MAP = "{localNo: no, state: 'st | table(\"status\")', appliedAt: at, title: TITLE}"


@pytest.mark.parametrize(
    ("reply", "inside", "records", "title", "expected"),
    [
        # xsi:nil, with and without attributes beside it
        (
            '<xs:element name="return" type="t:Case" nillable="true"/>',
            f"<return>{CASE}<title xsi:nil='true'/></return>",
            "return",
            "title",
            None,
        ),
        (
            '<xs:element name="return" type="t:Case"/>',
            f"<return>{CASE}<title xsi:nil='1' note='x'/></return>",
            "return",
            "title ?? 'none'",
            "none",
        ),
        # a choice: what did not come is null, and no error
        (REPLY_CHOICE, f"<return>{CASE}</return>", "return", "$reply.error ?? title ?? 'fine'", "fine"),
        # xs:any: paths go where the WSDL is silent
        (
            '<xs:element name="return" type="t:Case"/><xs:any minOccurs="0"/>',
            f"<return>{CASE}</return><x:more xmlns:x='urn:x'><x:deep k='v'>甲</x:deep></x:more>",
            "return",
            "$reply.more.deep",
            "甲",
        ),
        # derived types: what they add is there, and which it is
        (
            '<xs:element name="return" type="t:Case"/>',
            f"<return xsi:type='t:Permit' type='own'>{CASE}<plate>渝A</plate></return>",
            "return",
            "plate",
            "渝A",
        ),
        (
            '<xs:element name="return" type="t:Case"/>',
            f"<return xsi:type='t:Permit'>{CASE}<plate>渝A</plate></return>",
            "return",
            '@type | split(":") | last',
            "Permit",
        ),
        (
            '<xs:element name="return" type="t:Case"/>',
            f"<return type='own' xsi:type='t:Permit'>{CASE}<plate>渝A</plate></return>",
            "return",
            "@type",
            "own",
        ),
        # substitution groups: by the name that came
        (
            '<xs:element ref="t:case"/>',
            f"<permit>{CASE}<plate>渝A</plate></permit>",
            "case ?? permit",
            "plate ?? title",
            "渝A",
        ),
        (
            '<xs:element ref="t:case"/>',
            f"<case>{CASE}<title>甲</title></case>",
            "case ?? permit",
            "plate ?? title",
            "甲",
        ),
        # lists, CDATA, entities, comments inside a value
        (
            '<xs:element name="return" type="t:Case"/>',
            f"<return>{CASE}<title>1 2 3</title></return>",
            "return",
            'title | split(" ") | last',
            "3",
        ),
        (
            '<xs:element name="return" type="t:Case"/>',
            f"<return>{CASE}<title><![CDATA[<a>&]]>&amp;<!-- x -->b</title></return>",
            "return",
            "title",
            "<a>&&b",
        ),
    ],
)
async def test_a_reply_is_read_as_its_schema_means_it(
    tmp_path: Path, reply: str, inside: str, records: str, title: str, expected: str | None
) -> None:
    text = service(NO, reply, REPLY_TYPES)
    map_ = MAP.replace("TITLE", '"' + title.replace('"', '\\"') + '"')
    assert checked_against(tmp_path, text, records=records, map_=map_) == []
    one = await asked(tmp_path, text, answer(inside), records=records, map_=map_)
    assert one.record["localNo"] == "N1"
    assert one.record["title"] == expected


@pytest.mark.parametrize(
    ("at", "field", "words"),
    [
        ("N/A", "acceptedAt", "not an ISO 8601 date"),
        ("2017-13-41", "acceptedAt", "not an ISO 8601 date"),
        ("昨天", "acceptedAt", "not an ISO 8601 date"),
    ],
)
async def test_a_value_that_does_not_fit_is_told_and_no_silent_null(
    tmp_path: Path, at: str, field: str, words: str
) -> None:
    text = service(NO, '<xs:element name="return" type="t:Case"/>')
    map_ = MAP.replace("title: TITLE", f"{field}: title")
    fields = ("localNo", "appliedAt", "state", field)
    one = await asked(
        tmp_path, text, answer(f"<return>{CASE}<title>{at}</title></return>"), map_=map_, fields=fields
    )
    assert one.record[field] is None
    assert len(one.troubles) == 1
    assert field in one.troubles[0]
    assert words in one.troubles[0]


# --- schemas ---

CHAMELEON = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
<xs:complexType name="Case"><xs:sequence><xs:element name="no" type="xs:string"/><xs:element name="st" type="xs:string"/>
<xs:element name="at" type="xs:string"/><xs:element name="title" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType>
<xs:complexType name="Derived"><xs:complexContent><xs:extension base="Case"><xs:sequence><xs:element name="plate" type="xs:string"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType></xs:schema>"""
CIRCLE_A = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:b="urn:b" xmlns:a="urn:a" targetNamespace="urn:a" elementFormDefault="qualified">
<xs:import namespace="urn:b" schemaLocation="b.xsd"/><xs:complexType name="Case"><xs:sequence><xs:element name="no" type="xs:string"/>
<xs:element name="st" type="xs:string"/><xs:element name="at" type="xs:string"/><xs:element name="part" type="b:Part" minOccurs="0"/></xs:sequence></xs:complexType></xs:schema>"""
CIRCLE_B = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="urn:a" xmlns:b="urn:b" targetNamespace="urn:b" elementFormDefault="qualified">
<xs:import namespace="urn:a" schemaLocation="a.xsd"/><xs:complexType name="Part"><xs:sequence><xs:element name="title" type="xs:string"/>
<xs:element name="of" type="a:Case" minOccurs="0"/><xs:element name="parts" type="b:Part" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:schema>"""


def importing(import_: str, type_: str, *, include: str = "") -> str:
    return wsdl(
        f'<xs:schema>{import_}</xs:schema><xs:schema targetNamespace="urn:t" xmlns:a="urn:a" elementFormDefault="qualified">{include}'
        f"""<xs:element name="getCase"><xs:complexType><xs:sequence>{NO}</xs:sequence></xs:complexType></xs:element>
        <xs:element name="getCaseResponse"><xs:complexType><xs:sequence><xs:element name="return" type="{type_}"/></xs:sequence></xs:complexType></xs:element></xs:schema>"""
    )


async def test_a_schema_without_a_namespace_takes_that_of_who_includes_it(tmp_path: Path) -> None:
    (tmp_path / "c.xsd").write_text(CHAMELEON, encoding="utf-8")
    text = importing("", "t:Case", include='<xs:include schemaLocation="c.xsd"/>')
    reply = answer(f"<return xsi:type='t:Derived'>{CASE}<plate>渝A</plate></return>")
    map_ = MAP.replace("TITLE", "plate")
    assert checked_against(tmp_path, text, map_=map_) == []
    assert (await asked(tmp_path, text, reply, map_=map_)).record["title"] == "渝A"


async def test_schemas_that_import_each_other_load(tmp_path: Path) -> None:
    (tmp_path / "a.xsd").write_text(CIRCLE_A, encoding="utf-8")
    (tmp_path / "b.xsd").write_text(CIRCLE_B, encoding="utf-8")
    text = importing('<xs:import namespace="urn:a" schemaLocation="a.xsd"/>', "a:Case")
    reply = answer(f"<return xmlns='urn:a'>{CASE}<part xmlns='urn:b'><title>甲</title></part></return>")
    map_ = MAP.replace("TITLE", "part.title")
    assert checked_against(tmp_path, text, map_=map_) == []
    assert (await asked(tmp_path, text, reply, map_=map_)).record["title"] == "甲"


def test_a_schema_spelt_in_another_case_is_found_and_told(tmp_path: Path) -> None:
    (tmp_path / "Case_BAG.xsd").write_text(CIRCLE_A.replace("b.xsd", "B.XSD"), encoding="utf-8")
    (tmp_path / "b.xsd").write_text(CIRCLE_B.replace("a.xsd", "Case_BAG.xsd"), encoding="utf-8")
    text = importing('<xs:import namespace="urn:a" schemaLocation="case_bag.xsd"/>', "a:Case")
    service_ = load_wsdl(str(write_wsdl(tmp_path, text)))
    assert dict(service_.respelt) == {"case_bag.xsd": "Case_BAG.xsd", "B.XSD": "b.xsd"}


def test_a_schema_whose_name_fits_two_files_is_missing(tmp_path: Path) -> None:
    for name in ("A.xsd", "a.XSD"):
        (tmp_path / name).write_text(CIRCLE_A, encoding="utf-8")
    text = importing('<xs:import namespace="urn:a" schemaLocation="a.xsd"/>', "a:Case")
    with pytest.raises(WsdlError, match=r"a\.xsd: No such file"):
        load_wsdl(str(write_wsdl(tmp_path, text)))


def without_service(text: str) -> str:
    start = text.index("<wsdl:service")
    return text[:start] + "</wsdl:definitions>"


def test_a_binding_without_a_service_needs_an_address(tmp_path: Path) -> None:
    text = without_service(service(NO))
    assert checked_against(tmp_path, text) == [("NO_ADDRESS", "the WSDL has no address for B")]
    assert checked_against(tmp_path, text, source="address: http://127.0.0.1:9/s") == []


def test_a_document_without_a_binding_says_that_it_is_a_part(tmp_path: Path) -> None:
    text = service(NO)
    part = text[: text.index("<wsdl:binding")] + "</wsdl:definitions>"
    with pytest.raises(WsdlError, match="a part that others import"):
        load_wsdl(str(write_wsdl(tmp_path, part)))


def test_xml_lang_needs_no_schema_from_elsewhere(tmp_path: Path) -> None:
    types = (
        '<xs:element name="x"><xs:complexType><xs:attribute ref="xml:lang"/></xs:complexType></xs:element>'
    )
    text = (
        service(NO, types=types)
        .replace(
            "<xs:schema ",
            '<xs:schema><xs:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="http://www.w3.org/2001/xml.xsd"/></xs:schema><xs:schema ',
            1,
        )
        .replace(
            f"{CASE_SCHEMA}", f'<xs:import namespace="http://www.w3.org/XML/1998/namespace"/>{CASE_SCHEMA}'
        )
    )
    found: Any = (
        load_wsdl(str(write_wsdl(tmp_path, text))).operations["getCase"].types.element(("urn:t", "x"))
    )
    assert found is not None
