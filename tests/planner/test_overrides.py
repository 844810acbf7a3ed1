"""Progressive @override: which label holds decides who is asked; percentages are sticky."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.planner import QueryGraph
from gateway.planner.overrides import override_labels, percent_of, share_of
from schema.compose import SubgraphSchema, compose
from tests.planner.graphs import asked, plan_under

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@override"])\n'
OLD = 'type Query { case: Case } type Case @key(fields: "id") { id: ID! state: String note: String }'
NEW = 'type Case @key(fields: "id") { id: ID! state: String @override(from: "old", label: "%s") }'


def graph_with(label: str) -> QueryGraph:
    sdls = {"old": OLD, "new": NEW % label}
    composition = compose([SubgraphSchema(name, None, LINK + sdl) for name, sdl in sdls.items()])
    assert composition.supergraph is not None, composition.errors
    return QueryGraph(composition.supergraph)


def test_the_former_owner_is_asked_while_the_label_does_not_hold() -> None:
    graph = graph_with("percent(10)")
    assert asked(plan_under(graph, "{ case { state note } }")) == ["old"]


def test_the_new_owner_is_asked_while_it_holds() -> None:
    graph = graph_with("percent(10)")
    plan = plan_under(graph, "{ case { state note } }", ["percent(10)"])
    assert asked(plan) == ["old", "new"]
    assert "state" not in plan.fetches()[0].operation


def test_only_labels_of_the_supergraph_count_as_active() -> None:
    """Plans are kept by the labels that hold, so labels that no field has must not tell them apart."""
    graph = graph_with("tried-out")
    assert graph.active_labels(lambda _label: True) == {"tried-out"}
    assert graph.active_labels(lambda _label: False) == frozenset()
    assert graph.under(frozenset({"tried-out"})) is graph.under(frozenset({"tried-out"}))


@pytest.mark.parametrize(
    ("label", "percent"),
    [
        ("percent(0)", 0.0),
        ("percent(12.5)", 12.5),
        ("percent(100)", 100.0),
        ("percent()", None),
        ("percent(-1)", None),
        ("half", None),
    ],
)
def test_a_label_is_a_percentage_or_a_name(label: str, percent: float | None) -> None:
    assert percent_of(label) == percent


@given(sticky=st.text(), low=st.floats(0, 100), high=st.floats(0, 100))
def test_who_is_over_at_a_low_percentage_is_over_at_a_higher_one(
    sticky: str, low: float, high: float
) -> None:
    low, high = sorted((round(low, 3), round(high, 3)))
    holds = override_labels(sticky)
    assert not holds(f"percent({low:.3f})") or holds(f"percent({high:.3f})")
    assert not holds("percent(0)")
    assert holds("percent(100)")


def test_a_share_is_the_same_on_every_machine_and_spread_evenly() -> None:
    assert share_of("caller-1") == pytest.approx(63.604, abs=0.001)
    over = sum(share_of(f"caller-{number}") < 20 for number in range(5000))
    assert 900 < over < 1100


def test_other_labels_are_asked_of_the_hook() -> None:
    asked_for: list[str] = []

    def hook(label: str) -> bool:
        asked_for.append(label)
        return label == "night"

    holds = override_labels("anyone", hook)
    assert holds("night")
    assert not holds("day")
    holds("percent(50)")
    assert asked_for == ["night", "day"]
    assert not override_labels("anyone")("night")
