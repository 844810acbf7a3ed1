"""SOAP faults of both versions: every part of them is there for the rules of a declaration, and `check` knows typed details."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from adapters.traffic.errors import SourceError, SourceNotFound, SourceRefused, SourceUnavailable
from tests.adapters.soap.dialects import CASE_SCHEMA, asked, checked_against, schema, wsdl
from tests.adapters.soap.services import SOAP_12, envelope

TYPES = f"""{CASE_SCHEMA}
<xs:element name="getCase"><xs:complexType><xs:sequence><xs:element name="no" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
<xs:element name="getCaseResponse"><xs:complexType><xs:sequence><xs:element name="return" type="t:Case"/></xs:sequence></xs:complexType></xs:element>
<xs:element name="CaseFault"><xs:complexType><xs:sequence><xs:element name="code" type="xs:int"/>
  <xs:element name="field" type="xs:string" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>"""


def service(soap: str = "soap") -> str:
    return wsdl(
        schema(TYPES),
        soap=soap,
        messages='<wsdl:message name="Wrong"><wsdl:part name="f" element="t:CaseFault"/></wsdl:message>',
        port_type_faults='<wsdl:fault name="wrong" message="t:Wrong"/>',
        binding_faults='<wsdl:fault name="wrong"><soap:fault name="wrong" use="literal"/></wsdl:fault>',
    )


DETAIL = (
    '<t:CaseFault xmlns:t="urn:t"><t:code>404</t:code><t:field>a</t:field><t:field>b</t:field></t:CaseFault>'
)


def fault_11(code: str = "soap:Client", detail: str = "", actor: str = "") -> bytes:
    return envelope(
        f"<soap:Fault><faultcode>{code}</faultcode><faultstring xml:lang='zh'>没有</faultstring>{actor}<detail>{detail}</detail></soap:Fault>"
    )


def fault_12(subcodes: str = "", reasons: str = "", detail: str = "", role: str = "") -> bytes:
    return envelope(
        f"""<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value>{subcodes}</soap:Code>
        <soap:Reason>{reasons or '<soap:Text xml:lang="en">none</soap:Text>'}</soap:Reason>{role}<soap:Detail>{detail}</soap:Detail></soap:Fault>""",
        version=SOAP_12,
    )


def sub(name: str, inside: str = "") -> str:
    return f"<soap:Subcode><soap:Value>x:{name}</soap:Value>{inside}</soap:Subcode>"


TWO = '<soap:Text xml:lang="en">no such case</soap:Text><soap:Text xml:lang="zh-CN">没有</soap:Text>'


@pytest.mark.parametrize(
    ("soap", "body", "rule", "expected"),
    [
        ("soap", fault_11(detail=DETAIL), "notFound: '$fault.detail.CaseFault.code == \"404\"'", SourceNotFound),
        ("soap", fault_11(detail=DETAIL), "notFound: '$fault.detail.CaseFault.field[1] == \"b\"'", SourceNotFound),
        ("soap", fault_11(detail=DETAIL), "notFound: '\"a\" in $fault.detail.CaseFault.field'", SourceNotFound),
        ("soap", fault_11(detail=DETAIL.replace("404", "1")), "notFound: '$fault.detail.CaseFault.code == \"404\"'", SourceRefused),
        ("soap", fault_11(actor="<faultactor>urn:db</faultactor>"), "unavailable: '$fault.actor == \"urn:db\"'", SourceUnavailable),
        ("soap", fault_11("soap:Client.NoCase"), "notFound: '$fault.code == \"Client.NoCase\"'", SourceNotFound),
        ("soap", fault_11(), "notFound: '$fault.language == \"zh\"'", SourceNotFound),
        ("soap12", fault_12(sub("NoCase")), "notFound: '$fault.subcode == \"NoCase\"'", SourceNotFound),
        ("soap12", fault_12(sub("InvalidArgVal", sub("NoCase"))), "notFound: '\"NoCase\" in $fault.subcodes'", SourceNotFound),
        ("soap12", fault_12(sub("InvalidArgVal", sub("NoCase"))), "notFound: '$fault.subcodes[1] == \"NoCase\"'", SourceNotFound),
        ("soap12", fault_12(reasons=TWO), "notFound: '$fault.message == \"没有\" and $fault.language == \"zh-CN\"'", SourceNotFound),
        ("soap12", fault_12(role="<soap:Role>urn:db</soap:Role>"), "unavailable: '$fault.actor == \"urn:db\"'", SourceUnavailable),
        ("soap12", fault_12(detail=DETAIL), "notFound: '$fault.detail.CaseFault.code == \"404\"'", SourceNotFound),
        ("soap12", fault_12(), "notFound: '$fault.subcode == \"NoCase\"'", SourceRefused),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_every_part_of_a_fault_is_there_for_rules(
    tmp_path: Path, soap: str, body: bytes, rule: str, expected: type[SourceError], status: int
) -> None:
    failure = f"{{{rule}}}"
    assert checked_against(tmp_path, service(soap), failure=failure) == []
    one = await asked(tmp_path, service(soap), Response(body, status, media_type="text/xml"), failure=failure)
    assert type(one.error) is expected


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("$fault.detail.CaseFault.kode == '1'", "the fault's CaseFault has no 'kode'"),
        ("$fault.detail.CaseFault.code.x == '1'", "is a simple value (int); nothing is below it"),
        ("$fault.reason == '1'", "no $fault.reason here"),
    ],
)
def test_check_compares_paths_into_a_typed_detail(tmp_path: Path, rule: str, words: str) -> None:
    found = checked_against(tmp_path, service(), failure=f'{{when: "{rule}"}}')
    assert len(found) == 1
    assert words in found[0][1]


def test_a_detail_that_the_wsdl_does_not_declare_may_be_asked_for(tmp_path: Path) -> None:
    rule = '{when: \'$fault.detail.exceptionName == "X" or $fault.detail.AxisFault.a.b == "1"\'}'
    assert checked_against(tmp_path, service(), failure=rule) == []
