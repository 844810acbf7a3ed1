"""First declarations from OpenAPI documents: right but for what is marked as TODO."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
import yaml

from adapters.loader import load
from adapters.rest.draft import OpenApiError, draft_from_openapi
from adapters.validate import Known, check_document
from tests.adapters.doubles import HERE, lookup

CASE = {
    "type": "object",
    "properties": {
        "caseNumber": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "string"},
        "applyTime": {"type": "string", "format": "date-time"},
        "applicant": {
            "type": "object",
            "properties": {"certNo": {"type": "string"}, "name": {"type": "string"}},
        },
    },
}


def openapi(
    case: dict[str, Any] = CASE, *, title: str = "Cases", path: str = "/cases/{id}", query: str = "pageSize"
) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Case"}}}
    many = {
        "type": "object",
        "properties": {
            "total": {"type": "integer"},
            "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Case"}},
        },
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1"},
        "servers": [{"url": "http://127.0.0.1:9/api"}],
        "paths": {
            path: {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"responses": {"200": {"description": "ok", "content": content}}},
            },
            "/cases": {
                "get": {
                    "parameters": [{"name": query, "in": "query"}, {"name": "page", "in": "query"}],
                    "responses": {"200": {"content": {"application/json": {"schema": many}}}},
                }
            },
        },
        "components": {"schemas": {"Case": case}},
    }


SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "Cases"},
    "host": "127.0.0.1:9",
    "basePath": "/v1",
    "schemes": ["http"],
    "produces": ["application/xml"],
    "paths": {
        "/case/{no}": {"get": {"responses": {"200": {"schema": {"$ref": "#/definitions/Case"}}}}},
        "/case": {
            "get": {
                "responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/Case"}}}}
            }
        },
    },
    "definitions": {"Case": {"allOf": [{"properties": {"caseNumber": {"type": "string"}}}, CASE]}},
}


def unfinished(text: str) -> list[str]:
    """Problems that are not in a line with TODO."""
    lines = text.splitlines()
    document = load(HERE, text)
    found = check_document(document, lookup(), Known(frozenset({"x"}))).document.problems
    return [
        str(one)
        for one in found
        if "TODO" not in lines[one.line - 1]
        and one.code not in ("UNKNOWN_DEPARTMENT", "MISSING_FIELD", "NO_PAGING")
    ]


@pytest.mark.parametrize("document", [openapi(), SWAGGER], ids=["openapi 3", "swagger 2"])
@pytest.mark.parametrize(
    "write", [json.dumps, lambda document: yaml.safe_dump(document, allow_unicode=True)], ids=["json", "yaml"]
)
def test_a_draft_is_right_but_for_its_todos(document: dict[str, Any], write: Any) -> None:
    text = draft_from_openapi(write(document), "T-ONE")
    assert unfinished(text) == []
    tree = load(HERE, text).tree
    assert tree["system"]["code"] == "T-ONE"
    assert set(tree["connectors"]) == {"case", "cases"}
    assert tree["connectors"]["case"]["map"]["localNo"] == "caseNumber"
    assert tree["connectors"]["case"]["map"]["applicant"]["idNumber"] == "applicant.certNo"


def test_the_draft_knows_the_address_the_paths_and_the_pages() -> None:
    tree = load(HERE, draft_from_openapi(json.dumps(openapi()), "T-ONE")).tree
    assert tree["source"]["rest"] == {"baseUrl": "http://127.0.0.1:9/api", "format": "json"}
    assert tree["connectors"]["case"]["path"] == "/cases/{$args.number}"
    assert tree["connectors"]["cases"]["query"] == {"pageSize": "$page.size", "page": "$page.number"}
    assert tree["connectors"]["cases"]["records"] == "rows"
    swagger = load(HERE, draft_from_openapi(json.dumps(SWAGGER), "T-ONE")).tree
    assert swagger["source"]["rest"] == {"baseUrl": "http://127.0.0.1:9/v1", "format": "xml"}


def test_a_list_that_is_asked_for_page_by_page_says_how_it_goes_on() -> None:
    text = draft_from_openapi(json.dumps(openapi()), "T-ONE")
    lines = text.splitlines()
    found = check_document(load(HERE, text), lookup(), Known()).document.problems
    # regression: the draft uses $page and writes no `paging`, not even as a TODO
    assert [one for one in found if one.code == "NO_PAGING" and "TODO" not in lines[one.line - 1]] == []
    assert "paging" in text


@pytest.mark.parametrize(
    "title", ["Permits: the API", "A # B", "'quoted", "yes: [", "- x", "*star", "多\n行", "null", ""]
)
def test_any_title_is_written_as_text(title: str) -> None:
    text = draft_from_openapi(json.dumps(openapi(title=title)), "T-ONE")
    # regression: the title is put into the YAML as it is: a colon, a hash or a star in it breaks the file
    assert load(HERE, text).problems == []
    assert load(HERE, text).tree["system"]["name"] in (title, re.sub(r"\s+", " ", title), "TODO")


@pytest.mark.parametrize(
    "name", ["case number", "@caseNumber", "2ndCaseNumber", "case.number", "$caseNumber", "案件编号"]
)
def test_any_name_of_a_field_can_be_read(name: str) -> None:
    case = {
        "properties": {
            name: {"type": "string"},
            "status": {"type": "string"},
            "applyTime": {"type": "string"},
        }
    }
    text = draft_from_openapi(json.dumps(openapi(case)), "T-ONE")
    # regression: names that are no plain names of the expression language are written without backticks
    assert unfinished(text) == []


@pytest.mark.parametrize("query", ["$top", "@id", "filter[status]", "a: b", "# x", "{x}", "*", "x-y"])
def test_any_name_of_a_parameter_is_a_key(query: str) -> None:
    text = draft_from_openapi(json.dumps(openapi(query=query)), "T-ONE")
    # regression: keys are written as they are: @, {, *, # break the file
    assert unfinished(text) == []
    assert query in load(HERE, text).tree["connectors"]["cases"]["query"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not: openapi",
        "[1, 2]",
        "<html>",
        "{",
        "openapi: 3.0.0\npaths: []",
        "openapi: 3.0.0\npaths: {/a: {get: {parameters: [5], responses: {'200': {content: {a/json: {schema: {}}}}}}}}",
        "swagger: '2.0'\npaths: {/a: x}",
        "openapi: 3\nservers: x\ninfo: y",
    ],
)
def test_what_is_no_openapi_document_is_told(text: str) -> None:
    # regression: AttributeError and KeyError for documents whose parts have another form
    with contextlib.suppress(OpenApiError):
        assert load(HERE, draft_from_openapi(text, "T-ONE")).problems == []


def test_schemas_that_hold_themselves_end() -> None:
    case = {"properties": {"caseNumber": {"type": "string"}, "parent": {"$ref": "#/components/schemas/Case"}}}
    assert unfinished(draft_from_openapi(json.dumps(openapi(case)), "T-ONE")) == []
    circle = {"$ref": "#/components/schemas/Case"}
    assert "connectors:" in draft_from_openapi(json.dumps(openapi(circle)), "T-ONE")


def test_what_openapi_31_writes_of_what_may_be_null_is_read() -> None:
    """Lists of types, and `anyOf` with null (JSON Schema 2020-12)."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "http://h.example/api"}],
        "webhooks": {"moved": {"post": {"responses": {"200": {"description": "ok"}}}}},
        "paths": {
            "/cases/{caseNo}": {
                "get": {
                    "responses": {
                        "200": {
                            "description": "ok",
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Case"}}
                            },
                        }
                    }
                }
            }
        },
        "components": {
            "schemas": {
                "Case": {
                    "type": ["object", "null"],
                    "properties": {
                        "caseNo": {"type": ["string", "null"]},
                        "holder": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Holder"}]},
                        "appliedAt": {"type": ["null", "string"], "format": "date-time"},
                    },
                },
                "Holder": {"type": "object", "properties": {"holderName": {"type": "string"}}},
            }
        },
    }
    text = draft_from_openapi(json.dumps(document), "T-ONE")
    assert "holder.holderName" in text
    assert "caseNo" in text
    assert "['string'" not in text
