import math

from hypothesis import given
from hypothesis import strategies as st

from modelserver.retries import Retries


def test_the_wait_doubles_up_to_the_last_and_never_ends() -> None:
    retries = Retries(first=1, last=5)
    assert [1, 2, 4, 5, 5] == [retries.delay(failures) for failures in range(1, 6)]
    assert 5 == retries.delay(10**9)


def test_equal_bounds_are_a_fixed_interval() -> None:
    assert {60} == {Retries(first=60, last=60).delay(failures) for failures in range(1, 100)}


@given(st.integers(0, 50), st.integers(1, 100))
def test_so_many_retries_follow_the_first_attempt_and_no_more(at_most: int, failures: int) -> None:
    given_up = Retries(at_most=at_most).delay(failures) == math.inf
    assert (failures > at_most) == given_up
