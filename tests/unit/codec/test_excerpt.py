"""What error messages show of a body."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.codec.excerpt import LIMIT, excerpt


def test_objects_are_indented_and_lists_are_on_one_line() -> None:
    shown = '{\n    "a": [1, [true, null]],\n    "b": {}\n}'
    assert shown == excerpt({"a": [1, [True, None]], "b": {}})


@pytest.mark.parametrize(
    ("number", "alone", "inside"),
    [
        (1.0, "1.0", "1.0"),
        (-0.0, "-0.0", "-0.0"),
        (0.1, "0.1", "0.1"),
        (123456789.125, "123456789.125", "123456789.125"),
        (1e20, "1e+20", "100000000000000000000.0"),
        (-1e22, "-1e+22", "-1e22"),
        (1.5e300, "1.5e+300", "1.5e300"),
        (0.00001, "1e-05", "0.00001"),
        (0.0000001, "1e-07", "1e-7"),
        (2**64, "1.8446744073709552e+19", "18446744073709552000.0"),
        (2**64 - 1, "18446744073709551615", "18446744073709551615"),
        (math.inf, "Infinity", "Infinity"),
    ],
)
def test_a_number_is_written_as_the_two_writers_upstream_has_write_it(
    number: float, alone: str, inside: str
) -> None:
    assert (alone, f"[{inside}]") == (excerpt(number), excerpt([number]))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_inside_reads_back_to_itself(number: float) -> None:
    back = float(excerpt([number])[1:-1])
    assert (number, math.copysign(1, number)) == (back, math.copysign(1, back))


def test_it_is_cut_however_large_the_value_is() -> None:
    assert LIMIT + 1 == len(excerpt(["x"] * 10_000))
    assert excerpt("y" * 10_000).endswith("y…")
