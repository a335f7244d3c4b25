"""A set of numbers that takes no more room than it has gaps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.numbers import Numbers, from_json, to_json

sets = st.sets(st.integers(1, 40)) | st.sets(st.integers(1, 2**63 - 1), max_size=5)


@given(sets, sets)
def test_it_holds_what_a_set_holds(one: set[int], other: set[int]) -> None:
    numbers = Numbers.of(one)
    assert list(numbers) == sorted(one)
    assert len(numbers) == len(one)
    assert {number for number in one | other if number in numbers} == one
    assert numbers | other == Numbers.of(one | other)
    assert numbers - other == Numbers.of(one - other)
    assert numbers.last == max(one, default=None)


@given(sets)
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
    assert to_json(Numbers.of([1, 2, 5, 9, 10])) == [1, 2, 5, 9, 10]


@pytest.mark.parametrize("entry", [[], [1], [3, 1], [1, 2, 3], None, "x", {}])
def test_other_things_are_no_run(entry: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_json([entry])
