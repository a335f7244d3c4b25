"""Routes add up to 100, and a state is read back equal from JSON."""

import json
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.caller import attribute
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.rules import condition, rule
from modelregistry.aliases.shares import Share, number
from modelregistry.aliases.state import (
    Alias,
    Canary,
    Policy,
    State,
    from_json,
    parse_shares,
    route,
    to_json,
)
from modelregistry.errors import InvalidInput
from modelregistry.names import HIGHEST, MAX_VERSION

versions = st.integers(1, MAX_VERSION)
numbers = st.lists(versions, max_size=4).map(tuple)


@st.composite
def routes(draw: st.DrawFn) -> Alias:
    """Up to five versions whose weights, in hundredths of a percent, add up to 10,000."""
    cuts = draw(st.lists(st.integers(0, 10_000), max_size=4).map(sorted))
    weights = [b - a for a, b in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    chosen = draw(st.lists(versions, min_size=len(weights), max_size=len(weights), unique=True))
    return route(
        (version, Decimal(weight) / 100) for version, weight in zip(chosen, weights, strict=True)
    )


names = st.sampled_from(["x-tier", "query:a b", "cookie:uid", "claim:cognito:groups"])
words = st.text("abc-", min_size=1, max_size=5)
rule_lists = st.lists(
    st.builds(
        lambda name, values, shares: rule([condition(attribute(name), values)], shares.routes),
        names,
        st.lists(words, min_size=1, max_size=3),
        routes(),
    ),
    max_size=3,
).map(tuple)
whole_aliases = st.builds(
    lambda shares, rules, key, override, over: replace(
        shares,
        rules=rules,
        key=attribute(key),
        override=override,
        canary=over and Canary(shares.routes[0].version, over.routes),
    ),
    routes(),
    rule_lists,
    names,
    st.booleans(),
    st.none() | routes(),
)
aliases = st.dictionaries(
    st.sampled_from(["stable", "canary", "a.b-c_d"]), routes() | whole_aliases, max_size=3
)
policies = st.one_of(
    st.builds(Policy, st.just("latest"), num_versions=st.integers(1, 9)),
    st.just(Policy("all")),
    st.builds(Policy, st.just("specific"), versions=numbers),
)
states = st.builds(
    State,
    aliases=aliases.map(MappingProxyType),
    default=st.sampled_from(["stable", "other", HIGHEST]),
    policy=st.none() | policies,
    acted_on=numbers.map(Numbers.of),
    retired=numbers.map(Numbers.of),
    pinned=st.sampled_from(["any", "routed"]),
)


@given(states)
def test_a_state_is_read_back_equal(state: State) -> None:
    assert from_json(json.loads(json.dumps(to_json(state)))) == state


@given(routes())
def test_a_route_is_read_back_equal_from_what_a_person_types(alias: Alias) -> None:
    assert parse_shares(str(alias).split()) == alias


@given(routes())
def test_weights_add_up_to_exactly_100(alias: Alias) -> None:
    assert sum(share.weight for share in alias.routes) == 100


@given(st.integers(0, 10_000))
def test_every_weight_to_a_hundredth_survives_json(hundredths: int) -> None:
    weight = Decimal(hundredths) / 100
    assert Decimal(str(json.loads(json.dumps(number(weight))))) == weight


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("7", "7"),
        ("7@100", "7"),
        ("2@10 1@90", "1@90 2@10"),
        ("1@99.5 2@0.5", "1@99.5 2@0.5"),
        ("1@33.33 2@33.33 3@33.34", "1@33.33 2@33.33 3@33.34"),
        ("1@100 2@0", "1@100 2@0"),
        ("1@50.00 2@5e1", "1@50 2@50"),
    ],
)
def test_shares_are_shown_by_version(words: str, shown: str) -> None:
    assert str(parse_shares(words.split())) == shown


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "add up to 0, not 100"),
        ("1@90", "add up to 90, not 100"),
        ("1@90 2@11", "add up to 101, not 100"),
        ("1 2", "add up to 200, not 100"),
        ("1@50 1@50", "version 1 has two weights"),
        ("1@99.999 2@0.001", "99.999 is not a weight"),
        ("1@101 2@-1", "-1 is not a weight|101 is not a weight"),
        ("1@NaN", "NaN is not a weight"),
        ("1@Infinity", "Infinity is not a weight"),
        ("1@1e-999999 2@100", "is not a weight"),
        ("1@", "'' in '1@' is not a weight"),
        ("1@half", "'half' in '1@half' is not a weight"),
        ("0@100", "'0' is not a version"),
        ("x", "'x' is not a version"),
        ("@100", "'' is not a version"),
    ],
)
def test_what_is_no_route_is_refused(words: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        parse_shares(words.split())


def test_equal_weights_are_equal_however_they_were_written() -> None:
    assert route([(1, Decimal("50.00")), (2, 50)]) == route([(2, Decimal("5E1")), (1, 50)])
    assert Share(1, Decimal(100)) == route([(1, 100)]).routes[0]


def test_a_state_knows_every_version_that_an_alias_uses() -> None:
    state = State(MappingProxyType({"a": route([(1, 90), (2, 10)]), "b": route([(3, 100)])}))
    assert state.versions() == {1, 2, 3}
    assert State().versions() == frozenset()


@pytest.mark.parametrize(
    ("policy", "document"),
    [
        (Policy("latest"), {"latest": {"num_versions": 1}}),
        (Policy("latest", num_versions=3), {"latest": {"num_versions": 3}}),
        (Policy("all"), {"all": {}}),
        (Policy("specific", versions=(2, 5)), {"specific": {"versions": [2, 5]}}),
    ],
)
def test_policies_are_written_as_tensorflow_serving_does(
    policy: Policy, document: dict[str, Any]
) -> None:
    assert to_json(State(policy=policy))["policy"] == document


@pytest.mark.parametrize(
    "change",
    [
        {"aliases": {"../x": {"routes": [{"version": 1, "weight": 100}], "rules": []}}},
        {"aliases": {"a": {"routes": [{"version": 1, "weight": 99}], "rules": []}}},
        {"aliases": {"a": {"routes": [{"version": 1, "weight": 100}], "rules": [{}]}}},
        {"default": "a/b"},
        {"policy": {"newest": {}}},
        {"policy": {}},
        {"policy": {"all": {}, "latest": {"num_versions": 1}}},
        {"retired": ["x"]},
    ],
)
def test_what_is_no_state_is_noticed(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, InvalidInput)):
        from_json({**to_json(State()), **change})
