"""What `@policy` lets pass: rules of a file, a function of the operator's, and nothing where neither says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.fetch import Caller
from gateway.security.policies import PolicyError, PolicyRules, load_policies
from schema.roles import with_roles

CLERK = Caller("counter-3", with_roles(["role:clerk", "public"]), department="D1", region="500107")


def only_counter_three(policy: str, caller: Caller) -> bool:
    return policy == "asked" and caller.name == "counter-3"


def failing(policy: str, caller: Caller) -> bool:
    raise RuntimeError(policy)


def truthy(policy: str, caller: Caller) -> bool:
    return "no"  # type: ignore[return-value]


HERE = "tests.security.test_policies"


def rules(tmp_path: Path, text: str, hook: str = "") -> PolicyRules:
    file = tmp_path / "policies.yaml"
    file.write_text(text, "utf-8")
    return load_policies(file, hook)


@pytest.mark.parametrize(
    ("way", "passes"),
    [
        ('{scopes: ["role:clerk"]}', True),
        ('{scopes: ["cases:department"], department: D1, region: "500107", name: counter-3}', True),
        ('{scopes: ["role:clerk"], department: D2}', False),
        ("{name: counter-4}", False),
        ('{region: "500108"}', False),
        ('{scopes: ["role:auditor"]}', False),
    ],
)
def test_a_way_holds_where_all_of_it_does(tmp_path: Path, way: str, passes: bool) -> None:
    found = rules(tmp_path, f"policies: {{inspect: [{way}]}}").granted(CLERK, ["inspect", "other"])
    assert found == (frozenset({"policy:inspect"}) if passes else frozenset())


def test_one_of_several_ways_is_enough(tmp_path: Path) -> None:
    found = rules(tmp_path, "policies: {inspect: [{name: nobody}, {department: D1}]}")
    assert found.granted(CLERK, ["inspect"])


def test_nobody_passes_any_policy(tmp_path: Path) -> None:
    found = rules(tmp_path, 'policies: {inspect: [{scopes: ["public"]}]}')
    assert found.granted(CLERK, ["inspect"])
    assert not found.granted(Caller(scopes=frozenset({"public"})), ["inspect"])


def test_the_hook_is_asked_for_what_the_file_does_not_grant() -> None:
    found = load_policies(None, f"{HERE}:only_counter_three")
    assert found.granted(CLERK, ["asked", "other"]) == {"policy:asked"}


@pytest.mark.parametrize("name", ["failing", "truthy"])
def test_a_hook_that_fails_or_answers_anything_but_true_grants_nothing(name: str) -> None:
    assert load_policies(None, f"{HERE}:{name}").granted(CLERK, ["asked"]) == frozenset()


@pytest.mark.parametrize(
    "text",
    ["", "policies: {}", "policies: {a: [{}]}", "policies: {a: [{scope: [b]}]}", "policies: [", "rules: {}"],
)
def test_a_file_that_says_nothing_or_the_wrong_thing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        rules(tmp_path, text)
    assert "policies.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["nowhere", "no.such.module:f", f"{HERE}:HERE", f"{HERE}:absent"])
def test_a_hook_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match="policy_hook"):
        load_policies(None, text)
