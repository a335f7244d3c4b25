"""
Numbers equal TensorFlow's own, bit for bit, at equal intra-op threads in one wheel.

The other side is `tf.saved_model.load(directory).signatures[name](**inputs)`.
"""

import sys
from collections.abc import Callable

import pytest

from tests.functional.conftest import Answers
from tests.oracle.cases import CASES, TYPES

Ask = Callable[[int], Answers]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("graph", CASES)
def test_outputs_equal_tensorflows_bit_for_bit(
    graph: str, threads: int, expected: Ask, actual: Ask
) -> None:
    assert expected(threads)[graph] == actual(threads)[graph]


def test_the_comparison_covers_every_numeric_type_json_and_arrays_have(expected: Ask) -> None:
    (answer,) = expected(1)["types"]
    assert set(TYPES) == {value["dtype"] for value in answer.values()}


def test_pytest_itself_runs_without_tensorflow(expected: Ask, actual: Ask) -> None:
    expected(1), actual(1)
    assert "tensorflow.python" not in sys.modules
