"""Rules are read as typed, asked in order, and refused where they can never match."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.caller import Attribute, Caller, Said, attribute
from modelregistry.aliases.rules import (
    Condition,
    Rule,
    condition,
    conditions_text,
    from_json,
    must_each_match,
    parse_condition,
    rule,
    to_json,
)
from modelregistry.aliases.shares import parse
from modelregistry.errors import InvalidInput

TWO = parse(["2"])
# Beginnings of one another, and values that none of them is.
VALUES = ["g", "go", "gold", "silver"]
NAMES = [attribute("x-tier"), attribute("query:tier"), attribute("claim:sub")]
conditions = st.builds(
    lambda named, values, prefix: condition(named, values[:1] if prefix else values, prefix=prefix),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True),
    st.booleans(),
)
# Whatever tells two of these conditions apart, one of these callers does.
SAID = [None, *VALUES, "g?", "go?", "gold?", "silver?", "?"]


def callers() -> list[Caller]:
    return [
        Said(
            {} if header is None else {"x-tier": header},
            {} if query is None else {"tier": query},
            claims={} if claim is None else {"sub": claim},
        )
        for header, query, claim in product(SAID, repeat=3)
    ]


CALLERS = callers()


def is_a_rule(when: list[Condition]) -> bool:
    return any(all(c.matches(caller) for c in when) for caller in CALLERS)


@given(st.lists(conditions, min_size=1, max_size=4))
def test_conditions_that_no_request_meets_are_refused_and_no_others(when: list[Condition]) -> None:
    if is_a_rule(when):
        assert set(rule(when, TWO).when) == set(when)
    else:
        with pytest.raises(InvalidInput, match="can never match: no request says all of it"):
            rule(when, TWO)


@given(
    st.lists(st.lists(conditions, min_size=1, max_size=2).filter(is_a_rule), min_size=1, max_size=4)
)
def test_a_rule_whose_callers_others_take_is_refused_and_no_other(
    several: list[list[Condition]],
) -> None:
    rules = [rule(when, TWO) for when in several]
    first = {next((i for i, r in enumerate(rules) if r.matches(c)), None) for c in CALLERS}
    never = [i for i in range(len(rules)) if i not in first]
    if never:
        with pytest.raises(InvalidInput, match=rf"rule {never[0] + 1}, .* can never match: rule "):
            must_each_match(rules)
    else:
        must_each_match(rules)


@given(conditions)
def test_a_condition_is_read_back_equal(one: Condition) -> None:
    assert parse_condition(str(one)) == one
    assert from_json(to_json(rule([one], TWO))) == rule([one], TWO)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("x-tier=gold", "x-tier=gold"),
        ("X-Tier=Gold", "x-tier=Gold"),
        ("x-tier = gold", None),
        ("x-tier^=go", "x-tier^=go"),
        ("x-tier in gold,silver", "x-tier in gold,silver"),
        ("x-tier in silver , gold", "x-tier in gold,silver"),
        ("x-tier in gold", "x-tier=gold"),
        ("query:a=b=c", "query:a=b=c"),
        ("query:a=x in y", "query:a=x in y"),
        ("query:Ä b=ö", "query:Ä b=ö"),
        ("cookie:uid=7", "cookie:uid=7"),
        ("claim:cognito:groups^=[adm", "claim:cognito:groups^=[adm"),
        ("claim:https://example.org/tier=gold", "claim:https://example.org/tier=gold"),
        ("x-a=1,2", "x-a=1,2"),
        ("x-a=", "x-a="),
        ("x-a^=", "x-a^="),
    ],
)
def test_a_condition_is_read_as_typed(typed: str, shown: str | None) -> None:
    if shown is None:
        with pytest.raises(InvalidInput, match="' gold' can never match"):
            parse_condition(typed)
    else:
        assert shown == str(parse_condition(typed))


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("x-tier=größe", "printable ASCII, without spaces around it"),
        ("cookie:uid=a b", 'printable ASCII, without spaces and any of ",;\\'),
        ("query:a=\n", "printable characters"),
    ],
)
def test_a_value_that_no_request_can_have_is_refused_and_told_what_can(
    typed: str, hint: str
) -> None:
    with pytest.raises(InvalidInput, match="can never match") as refused:
        parse_condition(typed)
    assert hint == refused.value.hint


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("x-tier", "'x-tier' is not a condition"),
        ("x-tier!=gold", "'x-tier!=gold': there is no 'is not'"),
        ("x-tier != gold", "there is no 'is not'"),
        ("query:tier!=gold", "there is no 'is not'"),
        ("x-tier==gold", "'x-tier==gold' compares in a way that there is not"),
        ("x-tier~=gold", "compares in a way that there is not"),
        ("x-tier$=gold", "compares in a way that there is not"),
        ("", "'' is not a condition"),
        ("=gold", "'' cannot name a header"),
        ("x tier=gold", "'x tier' cannot name a header"),
        ("x-tiér=gold", "'x-tiér' cannot name a header"),
        ("header:=gold", "'' cannot name a header"),
        ("head:x=gold", "'head' say where 'x' stands"),
        ("query:=gold", "'' cannot name a query parameter"),
        ("cookie:a b=gold", "'a b' cannot name a cookie"),
        ("claim:=gold", "'' cannot name a claim"),
        (f"x-{'a' * 127}=1", "cannot name a header"),
        ("x-tier=gold ", "'gold ' can never match"),
        ("x-tier=gøld", "'gøld' can never match"),
        ("x-tier=a\nb", "can never match"),
        ("cookie:a=b;c", "'b;c' can never match"),
        ("query:a=\x00", "can never match"),
        ("x-tier in ", "'x-tier in ' lists an empty value"),
        ("x-tier in gold,", "'x-tier in gold,' lists an empty value"),
        (f"x-a={'b' * 257}", "256 characters at most, not 257"),
        (f"x-a in {','.join(map(str, range(101)))}", "1 to 100 values, not 101"),
    ],
)
def test_what_is_no_condition_is_named(typed: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        rule([parse_condition(typed)], TWO)


def test_values_are_compared_as_they_are() -> None:
    one = rule([parse_condition("x-tier=gold")], TWO)
    assert one.matches(Said({"x-tier": "gold"}))
    for other in ("Gold", "gold2", "", "gold,silver"):
        assert not one.matches(Said({"x-tier": other}))
    assert not one.matches(Said(query={"x-tier": "gold"}))


def test_an_empty_beginning_is_whoever_says_anything() -> None:
    one = rule([parse_condition("x-tier^=")], TWO)
    assert one.matches(Said({"x-tier": ""}))
    assert not one.matches(Said())


def test_a_rule_can_be_covered_by_several_together() -> None:
    before = [rule([parse_condition(f"x-tier={tier}")], TWO) for tier in ("gold", "silver")]
    narrow = rule([parse_condition("x-tier in gold,silver"), parse_condition("x-a=1")], TWO)
    with pytest.raises(InvalidInput, match="rule 3, 'x-a=1 and x-tier in gold,silver', can never"):
        must_each_match([*before, narrow])
    must_each_match([narrow, *before])


def test_a_rule_needs_a_condition() -> None:
    with pytest.raises(InvalidInput, match="needs a condition"):
        rule([], TWO)


def test_there_are_a_hundred_rules_at_most() -> None:
    rules = [rule([parse_condition(f"x-n={n}")], TWO) for n in range(101)]
    must_each_match(rules[:100])
    with pytest.raises(InvalidInput, match="100 rules, not 101"):
        must_each_match(rules)


def test_too_many_combinations_are_refused_rather_than_counted_for_minutes() -> None:
    hundred = ",".join(map(str, range(100)))
    many = [parse_condition(f"x-{name} in {hundred}") for name in "abcdefgh"]
    with pytest.raises(InvalidInput, match="too many combinations of values, the limit is 1000"):
        must_each_match([rule(many, TWO)])


def test_what_decides_between_equal_rules_is_not_their_spelling() -> None:
    one = [parse_condition("x-a=1"), parse_condition("x-b in 2,1")]
    other = [parse_condition("X-B in 1, 2"), parse_condition("x-a=1"), parse_condition("x-a=1")]
    assert rule(one, TWO) == rule(other, TWO)
    assert "x-a=1 and x-b in 1,2 → 2" == str(rule(one, TWO))
    assert conditions_text(rule(one, TWO).when) == "x-a=1 and x-b in 1,2"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"when": [], "routes": [{"version": 2, "weight": 100}]},
        {"when": [{"header": "x-a"}], "routes": [{"version": 2, "weight": 100}]},
        {"when": [{"in": ["1"]}], "routes": [{"version": 2, "weight": 100}]},
        {"when": [{"head": "x-a", "in": ["1"]}], "routes": [{"version": 2, "weight": 100}]},
        {"when": [{"header": "x a", "in": ["1"]}], "routes": [{"version": 2, "weight": 100}]},
        {"when": [{"header": "x-a", "in": ["1"]}], "routes": []},
    ],
)
def test_another_document_is_no_rule(document: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, InvalidInput)):
        from_json(document)


def test_a_rule_that_is_stored_is_legible() -> None:
    one = Rule(
        (
            Condition(Attribute("claim", "sub"), ("a",), prefix=True),
            Condition(Attribute("header", "x-tier"), ("gold", "silver")),
        ),
        parse(["1@50", "2@50"]),
    )
    assert to_json(one) == {
        "when": [
            {"claim": "sub", "prefix": "a"},
            {"header": "x-tier", "in": ["gold", "silver"]},
        ],
        "routes": [{"version": 1, "weight": 50}, {"version": 2, "weight": 50}],
    }
