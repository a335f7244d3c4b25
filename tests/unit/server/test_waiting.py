"""Blocking work for a request ends in time, and says of what it died."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from modelserver.api.waiting import InThreads, OneByOne, Waiting
from modelserver.asked import Asked
from modelserver.errors import PredictionTimeout

WAYS = [InThreads, OneByOne]


def due(seconds: float) -> Asked:
    return Asked("m", deadline=time.monotonic() + seconds)


def run(waiting: Waiting, asked: Asked, work: Callable[[], object]) -> object:
    return asyncio.run(waiting.for_answer(asked, work))


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_comes_with_the_deadline_is_an_answer_or_too_late(
    way: Callable[[], Waiting],
) -> None:
    waiting = way()
    outcomes = set()
    for step in range(200):
        try:
            outcomes.add(run(waiting, due(step / 100_000), lambda: time.sleep(0.001)))
        except PredictionTimeout:
            outcomes.add("too late")
    assert outcomes <= {None, "too late"}


@pytest.mark.parametrize("way", WAYS)
def test_a_timeout_of_the_works_own_is_no_timeout_of_the_request(
    way: Callable[[], Waiting],
) -> None:
    def fail() -> None:
        raise TimeoutError("a socket's")

    with pytest.raises(TimeoutError, match="a socket's"):
        run(way(), due(10), fail)


def test_work_that_has_not_begun_in_time_never_does() -> None:
    waiting, go, begun = OneByOne(), threading.Event(), []
    try:
        for _ in range(40):  # all the threads there are
            with pytest.raises(PredictionTimeout):
                run(waiting, due(0.01), go.wait)
        with pytest.raises(PredictionTimeout):
            run(waiting, due(0.01), lambda: begun.append(1))
        assert 5 == asyncio.run(waiting.for_answer(due(10), lambda: 5, aside=True))
    finally:
        go.set()
    assert "on" == run(waiting, due(10), lambda: "on")
    assert [] == begun
