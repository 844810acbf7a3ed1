"""A map written out as source means what its closures mean, whatever stands in a record."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.mapping.compiler import WARM_AFTER, compile_map, map_closures
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.tree import Leaf
from schema.canonical import CASE

TABLES = {
    "status": {"SL": "ACCEPTED", "BJ": "CLOSED", "XX": "NOT_A_STATE"},
    "other": {"A": " x ", "B": "", "*": "="},
    "strict": {"1": "ONLINE", "*": "!"},
}
MAP: dict[str, Any] = {
    "localNo": "no",
    "title": "head.title",
    "itemCode": 'kind | table("other")',
    "taskCode": '"constant"',
    "localItemCode": "a ?? no",
    "applicant": {
        "kind": 'who | table("status")',
        "name": "name",
        "idNumber": "head.id.no",
        "mobile": "tel | trim",
    },
    "channel": 'way | table("strict")',
    "state": 'status | table("status")',
    "stateSince": 'since | date("yyyy-MM-dd HH:mm:ss")',
    "appliedAt": 'at | date("yyyyMMddHHmmss")',
    "acceptedAt": 'day | date("yyyy年MM月dd日")',
    "closedAt": 'short | date("yyMMdd")',
    "promisedAt": "iso",
    "externalRefs": {"one": "no", "two": "head.x"},
    "events": {"each": "steps", "kind": 'kind | table("status")', "occurredAt": 'at | date("yyyyMMdd")'},
}
CONTEXT = CompileContext(TABLES)

TEXTS = st.sampled_from(
    [
        "",
        " ",
        "SL",
        " SL ",
        "XX",
        "A",
        "B",
        "1",
        "20170411110756",
        " 20170411110756",
        "20170230110756",
        "2017041111075６",
        "2017-04-11 11:07:56",
        "2017-04-11T11:07:56",
        "2017年04月11日",
        "170411",
        "20170411",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.builds(lambda text: Leaf(text, {"@n": "1"}), TEXTS),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["title", "id", "no", "x", "kind", "at"]), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = [
    "no",
    "head",
    "kind",
    "a",
    "who",
    "name",
    "tel",
    "way",
    "status",
    "since",
    "at",
    "day",
    "short",
    "iso",
    "steps",
]
NODES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=len(NAMES)) | VALUES


def generated(wanted: frozenset[str] | None = None) -> Any:
    read = compile_map(MAP, CASE, CONTEXT, wanted=wanted)
    for _ in range(WARM_AFTER):
        read({}, Scope())
    return read


GENERATED, CLOSURES = generated(), map_closures(MAP, CASE, CONTEXT)


@given(NODES)
@example({"no": "1", "at": "20170411110756", "status": "SL", "head": {"id": {"no": "2"}}})
@example({"at": "20170411110756 "})
@example({"day": "2017x04x11x"})
@example({"head": {"id": [{"no": "1"}, {"no": "2"}]}})
@example(None)
@example("text")
def test_source_and_closures_read_the_same(node: Any) -> None:
    one, other = Scope(), Scope()
    found, expected = GENERATED(node, one), CLOSURES(node, other)
    assert repr(found) == repr(expected)  # NaN is equal to nothing
    assert list(found) == list(expected)
    assert (sorted(map(repr, one.troubles)), sorted(map(repr, one.gaps))) == (
        sorted(map(repr, other.troubles)),
        sorted(map(repr, other.gaps)),
    )


def test_only_wanted_fields_are_read() -> None:
    read = generated(frozenset({"localNo", "appliedAt"}))
    assert read({"no": "1", "at": "20170411110756"}, Scope()) == {
        "localNo": "1",
        "appliedAt": "2017-04-11T11:07:56+08:00",
    }


def test_no_text_of_a_declaration_becomes_code() -> None:
    name = "`a'] or __import__(\"os\").abort() or node['`"
    map_ = MAP | {"localNo": name, "externalRefs": {"'] = 1; x['": "no"}}
    read = compile_map(map_, CASE, CONTEXT, wanted={"localNo", "externalRefs"})
    node = {name.strip("`"): "1", "no": "2"}
    for _ in range(WARM_AFTER + 1):
        assert read(node, Scope()) == {"localNo": "1", "externalRefs": {"'] = 1; x['": "2"}}
