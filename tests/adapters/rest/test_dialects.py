"""REST dialects, each declared in YAML and asked of a real server."""

from __future__ import annotations

import pytest
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response

from adapters.source import Source
from adapters.traffic.errors import (
    SourceBadData,
    SourceNotFound,
    SourceRefused,
    SourceUnavailable,
)
from tests.adapters.doubles import (
    MINIMAL_MAP,
    Handler,
    ask,
    case_row,
    json_response,
    problems,
    rest_yaml,
    serving,
    source_of,
    walk,
)

CASE = f"case: {{path: '/c/{{$args.number}}', map: {MINIMAL_MAP}}}"


async def asked(
    handler: Handler, connectors: str, *, source: str = "", number: str = "N1"
) -> tuple[list[dict[str, object]], Request, bytes]:
    """Records of one case, and the request as the server saw it."""
    async with serving(handler) as (origin, log):
        one: Source = source_of(rest_yaml(connectors, base=origin, source=source))
        try:
            page = await ask(one, "case", {"number": number})
        finally:
            await one.close()
        return page.records, log.last, log.bodies[-1]


def always(body: bytes, content_type: str, status: int = 200) -> Handler:
    # starlette adds a charset to text types, so the header is set as it shall be
    return lambda _request, _body: Response(body, status, {"content-type": content_type})


RECORD = '{"no": "N1", "state": "A", "at": "2017-05-01T10:00:00", "title": "超限运输许可"}'


# --- methods and bodies ---


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_body_is_sent_by_every_method(method: str) -> None:
    connector = (
        f"case: {{method: {method}, path: /c, body: {{q: {{no: $args.number, n: 1}}}}, map: {MINIMAL_MAP}}}"
    )
    _, request, body = await asked(always(RECORD.encode(), "application/json"), connector)
    assert (request.method, body) == (method, b'{"q":{"no":"N1","n":1}}')
    assert request.headers["content-type"] == "application/json"


async def test_a_form_is_written_in_the_systems_charset() -> None:
    connector = f"case: {{method: POST, path: /c, form: {{no: $args.number, ct: 是}}, map: {MINIMAL_MAP}}}"
    handler = always(RECORD.encode("gbk"), "application/json")
    records, request, body = await asked(handler, connector, source="charset: gbk", number="渝1")
    assert body == b"no=%D3%E51&ct=%CA%C7"
    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert records[0]["localNo"] == "N1"


NAMESPACED = """
case:
  method: POST
  path: /soapless
  body:
    q:Query:
      "@xmlns:q": urn:query
      "@xmlns": urn:common
      "@version": "1.0"
      "@q:kind": case
      Number: $args.number
      q:Part: [{No: 1}, {"@xmlns": "", Plain: 2}]
  records: Found
  map: {localNo: no, state: 'state | table("status")', appliedAt: at}
"""


async def test_xml_is_written_and_read_with_namespaces() -> None:
    reply = (
        '<f:Result xmlns:f="urn:f" xmlns="urn:g"><Found><f:no>N1</f:no><state>A</state>'
        "<at>2017-05-01T10:00:00</at></Found></f:Result>"
    )
    handler = always(reply.encode(), "application/xml")
    records, _, body = await asked(handler, NAMESPACED, source="format: xml")
    assert records[0]["localNo"] == "N1"
    root = etree.fromstring(body)
    assert root.tag == "{urn:query}Query"
    assert (root.get("version"), root.get("{urn:query}kind")) == ("1.0", "case")
    assert [str(child.tag) for child in root.iter()] == [
        "{urn:query}Query",
        "{urn:common}Number",
        "{urn:query}Part",
        "{urn:common}No",
        "{urn:query}Part",
        "Plain",
    ]


@pytest.mark.parametrize("name", ["x:Number", '"@x:kind"'])
def test_a_prefix_that_nothing_declares_is_a_problem(name: str) -> None:
    text = NAMESPACED.replace("Number:", f"{name}:")
    found = problems(rest_yaml(text, source="format: xml"))
    assert [one.code for one in found] == ["XML_BODY"]
    assert "declared nowhere" in found[0].message


# --- CSV ---

LIST = f"cases: {{path: /l.csv, paging: {{style: page, size: 2}}, query: {{p: $page.number}}, map: {MINIMAL_MAP}}}"


async def csv_walk(body: bytes, *, source: str = "format: csv", content_type: str = "text/csv") -> list[str]:
    def handler(request: Request, _body: bytes) -> Response:
        given = body if request.query_params["p"] == "1" else b"no,state,at\n"
        return Response(given, headers={"content-type": content_type})

    async with serving(handler) as (origin, _):
        one = source_of(rest_yaml(LIST, base=origin, source=source))
        numbers = await walk(one)
        await one.close()
    return numbers


async def test_csv_is_a_list_of_records_by_its_header_row() -> None:
    body = '\ufeffno,state,at\r\n"渝,1",A,2017-05-02T10:00:00\r\n"a ""b""",C,2017-05-01T10:00:00\r\n'
    assert await csv_walk(body.encode()) == ["渝,1", 'a "b"']


async def test_csv_in_gbk_with_bars_and_names_of_the_declaration() -> None:
    body = "渝1|A|2017-05-02T10:00:00\n".encode("gbk")
    source = 'format: csv\ncharset: gbk\ncsv: {separator: "|", names: [no, state, at]}'
    assert await csv_walk(body, source=source) == ["渝1"]


@pytest.mark.parametrize("body", [b"", b"no,state,at\n", b"\n"])
async def test_csv_without_rows_is_an_empty_list(body: bytes) -> None:
    assert await csv_walk(body) == []


@pytest.mark.parametrize(
    "body", [b"<html><body>login</body></html>", b"no,state,at\n1,2,3,4,5\n", "no\n渝".encode("gbk")]
)
async def test_what_is_no_such_csv_is_bad_data(body: bytes) -> None:
    with pytest.raises(SourceBadData):
        await csv_walk(body)


def test_csv_rules_without_csv_are_a_problem() -> None:
    found = problems(rest_yaml(LIST, source='csv: {separator: "|", header: true}'))
    assert [one.code for one in found] == ["WRONG_PROTOCOL"]


# --- failures ---

PROBLEM = (
    b'{"type": "urn:problem:gone", "title": "Gone", "detail": "case was moved", "status": 409, "moved": true}'
)


@pytest.mark.parametrize("status", [409, 200])
async def test_a_problem_detail_can_be_told_apart_by_its_type(status: int) -> None:
    """RFC 9457; with status 200 the problem's own status holds."""
    rule = 'failure: {notFound: \'$fault.code == "urn:problem:gone" and $fault.detail.moved == "true"\'}'
    connector = CASE.replace("map:", f"{rule}, map:")
    handler = always(PROBLEM, "application/problem+json", status)
    with pytest.raises(SourceNotFound):
        await asked(handler, connector)
    with pytest.raises(SourceRefused):
        await asked(handler, CASE)


@pytest.mark.parametrize(
    "content_type", ["application/problem+json; charset=utf-8", "application/problem+xml"]
)
async def test_a_problem_detail_of_the_server_is_worth_another_try(content_type: str) -> None:
    body = b'{"title": "Down"}' if "json" in content_type else b"<problem xmlns='urn:ietf:rfc:7807'/>"
    source = "" if "json" in content_type else "format: xml"
    with pytest.raises(SourceUnavailable):
        await asked(always(body, content_type, 503), CASE, source=source)


async def test_a_failure_in_status_200_is_known_by_its_envelope() -> None:
    connector = CASE.replace(
        "map:",
        "failure: {notFound: code == 404, unavailable: code == 503, when: code != 0}, records: data, map:",
    )
    for code, error in ((404, SourceNotFound), (503, SourceUnavailable), (7, SourceRefused)):
        body = b'{"code": %d, "data": null}' % code
        with pytest.raises(error):
            await asked(always(body, "application/json"), connector)


async def test_an_html_error_page_is_never_data() -> None:
    page = b"\xef\xbb\xbf  <!DOCTYPE html><html><body>500</body></html>"
    with pytest.raises(SourceBadData, match="HTML page"):
        await asked(always(page, "text/html"), CASE)
    with pytest.raises(SourceUnavailable):
        await asked(always(page, "text/html", 502), CASE)


# --- what servers say of their bytes ---


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/plain; charset=utf-8", "application/octet-stream", ""]
)
async def test_json_is_json_whatever_its_content_type_says(content_type: str) -> None:
    records, *_ = await asked(always(b"\xef\xbb\xbf" + RECORD.encode(), content_type), CASE)
    assert records[0]["localNo"] == "N1"


@pytest.mark.parametrize(
    ("encoded", "content_type", "source"),
    [
        ("gb18030", "application/json; charset=gb2312", ""),
        ("gb18030", "text/html; charset=GBK", ""),
        ("gbk", "application/json; charset=utf-8", "charset: gb2312"),
        ("utf-8", "application/json", ""),
    ],
)
async def test_the_charset_is_the_declarations_then_the_headers(
    encoded: str, content_type: str, source: str
) -> None:
    connector = CASE.replace("localNo: no,", "localNo: no, title: title,")
    text = RECORD.replace("超限", "超限㐂" if encoded == "gb18030" else "超限")
    records, *_ = await asked(always(text.encode(encoded), content_type), connector, source=source)
    assert str(records[0]["title"]).startswith("超限")


async def test_records_of_a_json_list_and_of_one_object_are_read_alike() -> None:
    connector = CASE.replace("map:", "records: ., map:")
    for given in ([case_row("N1")], case_row("N1")):
        records, *_ = await asked(lambda _request, _body, given=given: json_response(given), connector)
        assert [one["localNo"] for one in records] == ["N1"]
