"""Many float32 at once are printed exactly as they are one by one."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelserver.codec.decimals import texts32
from modelserver.codec.literals import literal32

# Of all float32 from 1e-13 to 524,288, those whose ninth digit a rounded product gets wrong.
NEAR_TIES = [
    1.241188955e-13,
    9.171420845e-10,
    2.389027145e-07,
    2.928801905e-06,
    4.500175055e-05,
    9.310196765e-05,
]
BITS = st.integers(0, 2**32 - 1)


def floats(bits: object) -> NDArray[np.float32]:
    return np.array(bits, np.uint32).view(np.float32)


def same(array: NDArray[np.float32]) -> None:
    expected = "[" + ",".join(map(literal32, array.tolist())) + "]"
    assert expected == texts32(array).decode()


@given(st.lists(BITS, min_size=1, max_size=80))
def test_any_bits(bits: list[int]) -> None:
    same(floats(bits))


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40))
def test_probabilities(values: list[float]) -> None:
    same(np.array(values, np.float32))


@given(st.integers(-45, 37), st.integers(-40, 40), st.sampled_from([1, -1, 5, 9.99999]))
def test_neighbours_of_powers_of_ten(power: int, steps: int, factor: float) -> None:
    near = np.array(factor * 10.0**power, np.float64).astype(np.float32).view(np.uint32)
    same(floats([(int(near) + step) % 2**32 for step in (0, steps)] * 20))


def test_few_and_many_small_numbers_among_zeros() -> None:
    for count in (1, 16, 17, 18, 400):
        values = np.zeros(1000, np.float32)
        values[::3] = -0.0
        values[:count] = 10 ** np.random.default_rng(count).uniform(-20, 10, count)
        same(values[::-1].copy())


@given(st.lists(st.floats(0, 2**-10, width=32), min_size=30, max_size=60))
def test_small_probabilities(values: list[float]) -> None:
    same(np.array(values, np.float32))


@given(st.lists(st.decimals(-1000, 1000, places=3), min_size=1, max_size=40))
def test_numbers_of_few_digits(values: list[object]) -> None:
    same(np.array(values, np.float64).astype(np.float32))


@pytest.mark.parametrize("value", NEAR_TIES)
def test_nearly_half_a_digit(value: float) -> None:
    same(np.array([value, -value, 0.25], np.float32))
    same(np.array([value, -value, 0.25] * 20, np.float32))


def test_every_exponent() -> None:
    random = np.random.default_rng(1)
    for exponent in range(256):
        mantissas = random.integers(0, 2**23, 300, dtype=np.uint32)
        same(floats(mantissas | np.uint32(exponent << 23)))


def test_more_than_one_block() -> None:
    values = 10 ** np.random.default_rng(1).uniform(-20, 10, 20_000)
    same(values.astype(np.float32))


def test_lists_in_lists() -> None:
    array = np.array([[[0.5, 1e-7], [1e-5, np.nan]], [[3e-5, 1e20], [-0.0, 7]]], np.float32)
    assert texts32(array) == b"[[[0.5,1e-07],[1e-05,NaN]],[[3e-05,1e+20],[-0.0,7.0]]]"


def test_float32_of_every_exponent_within_the_bounds() -> None:
    """A block of each; EXHAUSTIVE=1 takes every float32 there is, and a quarter of an hour."""
    size = 2**20 if "EXHAUSTIVE" in os.environ else 2**12
    last = 2**23 if "EXHAUSTIVE" in os.environ else size
    for exponent in range(127 - 44, 127 + 20):
        for first in range(0, last, size):
            array = floats(np.arange(first, first + size, dtype=np.uint32) | (exponent << 23))
            values = array.tolist()
            # As `literal32`, but all at once.
            short = ("%g " * size % tuple(values)).split()
            long = ("%.9g " * size % tuple(values)).split()
            kept = np.array(list(map(float, short))).astype(np.float32) == array
            texts = texts32(array).decode()[1:-1].split(",")
            for text, six, nine, enough in zip(texts, short, long, kept, strict=True):
                digits = six if enough else nine
                assert text in (digits, f"{digits}.0")
