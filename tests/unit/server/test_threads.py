"""Threads that do blocking work for requests."""

import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial

import pytest

from modelserver.api.threads import Overdue, Threads


def test_work_is_done_beside_and_its_failure_told() -> None:
    threads = Threads(2, "t")
    assert threads.submit(threading.get_ident).result(5) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(5)
    assert 3 == threads.submit(lambda: 3).result(5)


def test_a_thread_that_is_idle_is_used_again() -> None:
    threads = Threads(8, "t")
    found = set()
    for _ in range(20):
        found.add(threads.submit(threading.get_ident).result(5))
    assert 2 >= len(found)


def test_there_are_at_most_so_many_and_the_rest_waits() -> None:
    threads = Threads(2, "t")
    go, both = threading.Event(), threading.Barrier(3)
    for _ in range(2):
        threads.submit(lambda: (both.wait(5), go.wait(5)))
    both.wait(5)
    late = threads.submit(lambda: "late")
    gone = threads.submit(lambda: "never")
    assert not late.done()
    assert gone.cancel()
    go.set()
    assert "late" == late.result(5)
    with pytest.raises(CancelledError):
        gone.result(5)


def test_an_errand_is_done_beside_and_its_failure_told() -> None:
    threads = Threads(2, "t")
    assert threads.send(threading.get_ident).result(5) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        threads.send(lambda: 1 / 0).result(5)
    assert 3 == threads.send(lambda: 3).result(threading.TIMEOUT_MAX)


def test_an_errand_that_has_not_begun_in_time_never_does() -> None:
    threads, go, begun = Threads(1, "t"), threading.Event(), []
    slow = threads.send(lambda: go.wait(5))
    late = threads.send(lambda: begun.append(1))
    with pytest.raises(Overdue):
        late.result(0.01)
    with pytest.raises(Overdue):
        slow.result(0)
    go.set()
    assert "next" == threads.send(lambda: "next").result(5)
    assert [] == begun


class Body:
    """What a weak reference can be had to."""


def test_a_failure_that_is_over_keeps_nothing_of_its_errand() -> None:
    threads = Threads(1, "t")
    body = Body()
    kept = weakref.ref(body)

    def fail(_: Body) -> None:
        raise ValueError

    gc.disable()  # which would find a cycle
    try:
        with suppress(ValueError):
            threads.send(partial(fail, body)).result(5)
        del body
        threads.send(int).result(5)  # the thread is done with it
        assert kept() is None
    finally:
        gc.enable()


def test_a_failure_that_comes_too_late_keeps_nothing_of_its_errand() -> None:
    threads, go = Threads(1, "t"), threading.Event()
    body = Body()
    kept = weakref.ref(body)

    def fail(_: Body) -> None:
        go.wait(5)
        raise ValueError

    gc.disable()  # which would find a cycle
    try:
        with suppress(Overdue):
            threads.send(partial(fail, body)).result(0)
        del body
        go.set()
        threads.send(int).result(5)  # the thread is done with it
        assert kept() is None
    finally:
        gc.enable()


HUNG = """
import threading
from modelserver.api.threads import Threads
started = threading.Event()
Threads(1, "t").submit(lambda: (started.set(), threading.Event().wait()))
started.wait(5)
"""


def test_the_end_of_the_process_waits_for_none() -> None:
    subprocess.run([sys.executable, "-c", HUNG], check=True, timeout=30)
