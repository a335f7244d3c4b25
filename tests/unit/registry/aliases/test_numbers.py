"""A set of numbers that takes no more room than it has gaps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.numbers import MOST_PLAIN, Numbers, from_json, to_json

sets = st.sets(st.integers(1, 40)) | st.sets(st.integers(1, 2**63 - 1), max_size=5)
many = sets.map(lambda numbers: numbers | set(range(100, 101 + MOST_PLAIN)))


@given(sets, sets)
def test_it_holds_what_a_set_holds(one: set[int], other: set[int]) -> None:
    numbers = Numbers.of(one)
    assert list(numbers) == sorted(one)
    assert len(numbers) == len(one)
    assert {number for number in one | other if number in numbers} == one
    assert numbers | other == Numbers.of(one | other)
    assert numbers - other == Numbers.of(one - other)


@given(sets | many)
def test_it_is_read_back_equal_packed_or_in_full(numbers: set[int]) -> None:
    found = Numbers.of(numbers)
    assert from_json(json.loads(json.dumps(to_json(found)))) == found
    assert from_json(sorted(numbers)) == found


def test_a_hundred_thousand_in_a_row_take_a_few_bytes() -> None:
    numbers = Numbers.of(range(1, 100_001))
    assert to_json(numbers) == [[1, 100_000]]
    assert 100_000 in numbers
    assert 100_001 not in numbers


def test_what_saves_nothing_is_written_as_it_always_was() -> None:
    apart = [1, 2, *range(10, 10 + 3 * MOST_PLAIN, 3)]
    assert to_json(Numbers.of(apart)) == apart


def test_what_takes_little_room_is_written_as_it_always_was() -> None:
    """So that a model with a policy and some hundred versions is read by earlier programs, too."""
    numbers = list(range(1, MOST_PLAIN + 1))
    assert to_json(Numbers.of(numbers)) == numbers
    assert to_json(Numbers.of([*numbers, MOST_PLAIN + 1])) == [[1, MOST_PLAIN + 1]]


@pytest.mark.parametrize("entry", [[], [1], [3, 1], [1, 2, 3], None, "x", {}, True, 1.7])
def test_other_things_are_no_run(entry: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_json([entry])
