"""What a connector looks at in a reply: enough for every field, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from adapters.declaration import Connector
from adapters.mapping.compiler import compile_expression, compile_map
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.tree import xml_tree
from adapters.wanted import reply_paths, wanted_names
from schema.canonical import CASE

MAP: dict[str, Any] = {
    "localNo": "no",
    "state": 'st | table("t")',
    "appliedAt": "at ?? $reply.head.time",
    "applicant": {"idNumber": "who.id"},
    "externalRefs": {"a": "ref", "b": "$args.n"},
    "events": {"each": "log.step", "occurredAt": "at", "kind": "@k"},
}


def names(connector: dict[str, Any], fields: list[str] | None = None) -> Any:
    return wanted_names(Connector.model_validate(connector), MAP, CASE, fields)


def test_all_that_is_read() -> None:
    connector = {
        "records": "body.row",
        "failure": {"when": "head.code != 0", "message": "head.msg"},
        "paging": {"style": "page", "total": "head.total"},
    }
    # regression: ("records",) itself is among the paths, and a shorter path wants all below it: wherever `records` is
    # declared nothing is pruned at all, so every SOAP and XML reply is read whole
    assert names(connector) == {
        "head": {"code": None, "msg": None, "total": None, "time": None},
        "body": {
            "row": {
                "no": None,
                "st": None,
                "at": None,
                "who": {"id": None},
                "ref": None,
                "log": {"step": {"at": None, "@k": None}},
            }
        },
    }


def test_only_what_was_asked_for() -> None:
    # regression: as above
    assert names({"records": "row"}, ["localNo"]) == {"row": {"no": None}}
    assert names({"records": "row"}, ["rawStatus"]) == {"row": {"st": None}}
    assert names({}, ["localNo"]) == {"no": None}


def test_each_path_has_its_place_in_the_declaration() -> None:
    places = dict(reply_paths(Connector.model_validate({"records": "row"}), MAP, CASE))
    assert places[("map", "applicant", "idNumber")] == ("row", "who", "id")
    assert places[("map", "events", "each")] == ("row", "log", "step")
    assert places[("records",)] == ("row",)


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ("row", "<r><row><no>1</no></row></r>"),
        ("a.row ?? b.row", "<r><a><row><no>1</no></row></a></r>"),
        # regression: only the first path of `records` (and of `each`) is kept when XML is pruned: these rows are lost
        ("a.row ?? b.row", "<r><b><row><no>1</no></row></b></r>"),
        (".", "<r><no>1</no></r>"),
    ],
)
def test_records_are_found_wherever_the_expression_looks(records: str, text: str) -> None:
    connector = Connector.model_validate({"records": records})
    pruned = xml_tree(etree.fromstring(text), wanted_names(connector, MAP, CASE, ["localNo"]))
    found = compile_expression(records, CompileContext())(pruned, Scope())
    assert found is not None
    assert compile_map(MAP, CASE, CompileContext({"t": {}}), wanted=["localNo"])(found, Scope()) == {
        "localNo": "1"
    }
