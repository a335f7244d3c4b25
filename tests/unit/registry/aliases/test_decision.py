"""Which version answers whom: of the revision and the request alone."""

from dataclasses import replace

import pytest

from modelregistry.aliases.caller import NOBODY, Said, attribute
from modelregistry.aliases.decision import Decision, decide
from modelregistry.aliases.picking import pick
from modelregistry.aliases.rules import parse_condition, rule
from modelregistry.aliases.shares import parse
from modelregistry.aliases.state import Alias
from modelregistry.errors import InvalidInput, NotFound

HALVES = parse(["1@50", "2@50"])
GOLD = rule([parse_condition("x-tier=gold")], parse(["3"]))
PAYING = rule([parse_condition("x-tier in gold,silver")], parse(["1@20", "3@80"]))
ALIAS = Alias(HALVES, (GOLD, PAYING))


def decided(alias: Alias, caller: Said = NOBODY, at: float = 0.0) -> Decision:
    return decide("sample", "stable", alias, caller, lambda: at)


def refuse() -> float:
    raise AssertionError("there is nothing to decide by chance")


def test_the_first_rule_that_matches_decides() -> None:
    assert Decision(3, GOLD.routes, 1) == decided(ALIAS, Said({"x-tier": "gold"}))
    assert Decision(1, PAYING.routes, 2) == decided(ALIAS, Said({"x-tier": "silver"}))
    assert Decision(1, HALVES, 0) == decided(ALIAS, Said({"x-tier": "iron"}))


@pytest.mark.parametrize("at", [0.0, 0.3, 0.99])
def test_with_a_key_chance_has_no_part(at: float) -> None:
    caller = Said({"x-routing-key": "42"})
    expected = pick(HALVES, "sample", "stable", "42")
    assert Decision(expected, HALVES, 0, "42") == decided(ALIAS, caller, at)


def test_a_rule_s_split_is_sticky_too() -> None:
    for number in range(50):
        key = str(number)
        caller = Said({"x-tier": "silver", "x-routing-key": key})
        expected = pick(PAYING.routes, "sample", "stable", key)
        assert Decision(expected, PAYING.routes, 2, key) == decided(ALIAS, caller)


@pytest.mark.parametrize(
    ("key", "caller"),
    [
        ("x-user", Said({"x-user": "42"})),
        ("query:user", Said(query={"user": "42"})),
        ("cookie:user", Said(cookies={"user": "42"})),
        ("claim:sub", Said(claims={"sub": "42"})),
    ],
)
def test_the_alias_names_what_callers_are_known_by(key: str, caller: Said) -> None:
    alias = replace(ALIAS, key=attribute(key))
    assert "42" == decided(alias, caller).key
    assert decided(alias, Said({"x-routing-key": "42"})).key is None


def test_an_empty_key_is_none() -> None:
    caller = Said({"x-routing-key": ""})
    assert [1, 2] == [decided(ALIAS, caller, at).version for at in (0.1, 0.9)]


def test_chance_is_asked_only_where_it_decides() -> None:
    assert 7 == decide("m", "a", Alias(parse(["7"])), NOBODY, refuse).version
    gold = Said({"x-tier": "gold"})
    assert 3 == decide("m", "a", ALIAS, gold, refuse).version
    assert "42" == decide("m", "a", ALIAS, Said({"x-routing-key": "42"}), refuse).key


def test_a_wish_is_met_where_the_alias_allows_it_and_told_of_elsewhere() -> None:
    dark = Alias(parse(["1@100", "2@0"]), (GOLD,))
    allowed = replace(dark, override=True)
    for version in (1, 2, 3):  # at 0 %, and in a rule, too
        wish = Said({"x-model-version": f" {version} "})
        found = decided(allowed, wish)
        assert (version, "taken") == (found.version, found.override)
        found = decided(dark, wish)
        assert (1, "ignored") == (found.version, found.override)
    assert "" == decided(allowed).override


def test_a_wish_comes_before_rules() -> None:
    allowed = replace(ALIAS, override=True)
    assert 2 == decided(allowed, Said({"x-tier": "gold", "x-model-version": "2"})).version


def test_a_wish_for_what_the_alias_does_not_name_says_what_it_names() -> None:
    with pytest.raises(NotFound, match="asks for version 9, which alias 'stable'") as caught:
        decided(replace(ALIAS, override=True), Said({"x-model-version": "9"}))
    assert "it names 1, 2, 3: 1@50 2@50" == caught.value.hint


@pytest.mark.parametrize("wish", ["", "new", "-1", "0", "1.0", "9" * 30])
def test_a_wish_that_is_no_version_is_refused(wish: str) -> None:
    with pytest.raises(InvalidInput, match=r"^x-model-version: .* is not a version number"):
        decided(replace(ALIAS, override=True), Said({"x-model-version": wish}))
    assert "ignored" == decided(ALIAS, Said({"x-model-version": wish})).override
