"""Weights to 0.01 that add up to 100, whoever takes from whom."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.shares import (
    Shares,
    answering,
    beside,
    from_json,
    heaviest,
    parse,
    parse_weight,
    shares,
    text,
    to_json,
)
from modelregistry.errors import InvalidInput

HUNDREDTHS = 10_000


@st.composite
def splits(draw: st.DrawFn, most: int = 12, least: int = 1) -> Shares:
    """Up to `most` versions, each with at least `least` hundredths of a percent."""
    count = draw(st.integers(1, most))
    cuts = draw(
        st.lists(
            st.integers(0, HUNDREDTHS - count * least), min_size=count - 1, max_size=count - 1
        ).map(sorted)
    )
    bounds = [0, *cuts, HUNDREDTHS - count * least]
    weights = [b - a + least for a, b in pairwise(bounds)]
    versions = draw(st.lists(st.integers(1, 40), min_size=count, max_size=count, unique=True))
    return shares((v, Decimal(w) / 100) for v, w in zip(versions, weights, strict=True))


@given(splits(), st.integers(0, HUNDREDTHS - 1))
def test_a_version_beside_others_gets_exactly_what_it_is_given(found: Shares, given_: int) -> None:
    weight = Decimal(given_) / 100
    try:
        after = beside(found, 99, weight)
    except InvalidInput as error:
        assert "less than 0.01 % is left" in str(error)  # noqa: PT017 - either way is right
        return
    by_version = {share.version: share.weight for share in after}
    assert weight == by_version.pop(99)
    assert 100 - weight == sum(by_version.values())
    for share in found:
        exact = share.weight * (100 - weight) / 100
        assert abs(by_version[share.version] - exact) < Decimal("0.01")


@given(splits(), st.integers(0, 2000), st.integers(0, 2000))
def test_more_for_one_is_never_more_for_another(found: Shares, one: int, other: int) -> None:
    smaller, larger = sorted((Decimal(one) / 100, Decimal(other) / 100))
    try:
        before, after = beside(found, 99, smaller), beside(found, 99, larger)
    except InvalidInput:
        return
    pairs = zip(before, after, strict=True)
    assert all(b.weight >= a.weight - Decimal("0.01") for b, a in pairs if b.version != 99)


@given(splits(least=0))
def test_shares_are_read_back_equal(found: Shares) -> None:
    assert parse(text(found).split()) == found
    assert from_json(to_json(found)) == found


def test_nobody_is_left_with_nothing() -> None:
    with pytest.raises(InvalidInput, match=r"99\.99 % for version 3 less than 0\.01 % is left"):
        beside(parse(["1@60", "2@40"]), 3, Decimal("99.99"))


def test_a_version_at_zero_percent_stays_there() -> None:
    assert "1@90 2@0 3@10" == text(beside(parse(["1@100", "2@0"]), 3, 10))


def test_growing_replaces_what_the_version_had() -> None:
    assert "1@50 2@50" == text(beside(parse(["1@100", "2@0"]), 2, 50))


@pytest.mark.parametrize(
    ("words", "version"), [("1@50 2@50", 1), ("1@49.99 2@50.01", 2), ("7", 7), ("1@0 2@100", 2)]
)
def test_the_heaviest_is_the_lowest_of_equals(words: str, version: int) -> None:
    assert version == heaviest(parse(words.split()))


def test_at_zero_percent_nobody_is_answered() -> None:
    assert {1, 3} == answering(parse(["1@99", "2@0", "3@1"]))


@pytest.mark.parametrize("word", ["", "ten", "101", "-1", "0.001", "NaN", "Infinity", "1e-9"])
def test_what_is_no_percentage_is_named(word: str) -> None:
    with pytest.raises(InvalidInput, match="is not a weight"):
        parse_weight(word)
