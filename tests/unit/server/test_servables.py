import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest

from modelregistry.names import ModelId
from modelserver.errors import ModelUnavailable
from modelserver.retries import Retries
from modelserver.servables import Servable, Servables
from tests.fakes import plan

from .doubles import Doubler, Loads, Time

ONE, TWO, THREE = (ModelId("sample", version) for version in (1, 2, 3))


def test_a_version_is_loaded_once_however_often_it_is_asked_for() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    assert servables.get(ONE) is servables.get(ONE)
    assert {ONE: 1} == loads.count


def test_concurrent_callers_wait_for_a_single_load() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    with ThreadPoolExecutor(8) as pool:
        with loads.held():
            waiting = [pool.submit(servables.get, ONE) for _ in range(8)]
        assert 1 == len({id(future.result(5)) for future in waiting})
    assert {ONE: 1} == loads.count


def test_concurrent_callers_all_see_the_failure_of_that_load() -> None:
    loads = Loads()
    loads.broken = {1}
    servables = Servables(loads, budget=100)
    with loads.held():
        waiting = [servables.start(ONE) for _ in range(4)]
    assert {"sample:1 is broken"} == {str(future.exception(5)) for future in waiting}


def test_a_failed_load_leaves_nothing_and_is_tried_again_after_the_back_off() -> None:
    loads, time = Loads(), Time()
    loads.broken = {1}
    servables = Servables(loads, budget=100, clock=time)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="sample:1 is broken"):
            servables.get(ONE)
    assert ({ONE: 1}, []) == (loads.count, servables.loaded())

    loads.broken.clear()
    time.seconds += Retries().first
    assert ONE == servables.get(ONE).id
    assert servables.failure(ONE) is None


def test_the_back_off_doubles_with_every_failure() -> None:
    loads, time = Loads(), Time()
    loads.broken = {1}
    servables = Servables(loads, budget=100, clock=time)
    tried = []
    for _ in range(8):
        with pytest.raises(ModelUnavailable):
            servables.get(ONE)
        tried.append(loads.count[ONE])
        time.seconds += Retries().first
    assert [1, 2, 2, 3, 3, 3, 3, 4] == tried


def test_after_so_many_retries_a_version_is_given_up_until_its_model_changes() -> None:
    loads, time = Loads(), Time()
    loads.broken = {1, 2}
    servables = Servables(loads, budget=100, retries=Retries(0, 0, at_most=2), clock=time)
    for _ in range(5):
        with pytest.raises(ModelUnavailable, match="sample:1 is broken"):
            servables.get(ONE)
        time.seconds += 1_000_000
    assert {ONE: 3} == loads.count

    servables.reconsider("another")
    with pytest.raises(ModelUnavailable):
        servables.get(ONE)
    servables.reconsider("sample")
    assert servables.failure(ONE) is None
    loads.broken.clear()
    assert (ONE, 4) == (servables.get(ONE).id, loads.count[ONE])


def test_a_change_of_the_model_cuts_no_back_off_short() -> None:
    loads = Loads()
    loads.broken = {1}
    servables = Servables(loads, budget=100, clock=Time())
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            servables.get(ONE)
        servables.reconsider("sample")
    assert {ONE: 1} == loads.count


def test_a_defect_in_the_loader_reaches_those_who_wait() -> None:
    def explode(id: ModelId) -> Servable:
        raise ZeroDivisionError

    servables = Servables(explode, budget=100)
    with pytest.raises(ModelUnavailable, match=r"sample:1 failed to load: ZeroDivisionError\(\)"):
        servables.get(ONE)


def test_who_waits_too_long_is_told_and_the_load_goes_on() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    with loads.held(), pytest.raises(ModelUnavailable, match="sample:1 is still loading"):
        servables.get(ONE, timeout=0.01)
    assert ONE == servables.get(ONE, timeout=5).id
    assert {ONE: 1} == loads.count


def test_the_least_recently_used_version_leaves_first() -> None:
    servables = Servables(Loads(size=10), budget=20)
    for id in (ONE, TWO, ONE, THREE):
        servables.get(id)
    assert [ONE, THREE] == servables.loaded()


def test_what_is_pinned_stays_over_budget() -> None:
    servables = Servables(Loads(size=10), budget=10)
    servables.pin("sample", frozenset({ONE, TWO}))
    for id in (ONE, TWO, THREE):
        servables.get(id)
    assert [ONE, TWO, THREE] == servables.loaded()
    servables.pin("sample", frozenset({THREE}))
    assert [THREE] == servables.loaded()


def test_a_version_larger_than_the_budget_is_served_all_the_same() -> None:
    servables = Servables(Loads(size=1000), budget=10)
    assert ONE == servables.get(ONE).id
    assert [ONE] == servables.loaded()


def test_loading_never_blocks_who_only_starts_it() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    with loads.held():
        assert [False] * 3 == [servables.start(id).done() for id in (ONE, TWO, THREE)]
        assert not servables.is_loaded(ONE)
    assert {ONE, TWO, THREE} == {servables.get(id).id for id in (ONE, TWO, THREE)}
    assert threading.current_thread() is threading.main_thread()


def test_a_failed_load_keeps_nothing_alive() -> None:
    class Weights:
        pass

    kept: list[weakref.ref[Weights]] = []

    def load(id: ModelId) -> Servable:
        weights = Weights()
        kept.append(weakref.ref(weights))
        raise ModelUnavailable(f"{id} does not warm up")

    servables = Servables(load, budget=100)
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            servables.get(ONE)
    gc.collect()
    assert [None] == [reference() for reference in kept]


def test_each_refusal_is_an_error_of_its_own() -> None:
    loads = Loads()
    loads.broken = {1}
    servables = Servables(loads, budget=100)
    errors = [servables.start(ONE).exception(5) for _ in range(3)]
    assert 3 == len({id(error) for error in errors})


def test_no_version_is_freed_while_others_wait_for_the_lock() -> None:
    blocked = []

    class Slow(Doubler):
        def __del__(self) -> None:
            blocked.append(servables._lock.locked())

    servables = Servables(lambda id: Servable(id, Slow(id.version), plan(), 10), budget=10)
    servables.get(ONE)
    servables.get(TWO)
    servables.pin("sample", frozenset({TWO}))
    gc.collect()
    assert [False] == blocked


def other(version: int = 1) -> ModelId:
    return ModelId("other", version)


def test_of_what_is_pinned_the_least_recently_used_model_makes_room_for_another() -> None:
    servables = Servables(Loads(size=10), budget=20)
    for model in "abc":
        servables.pin(model, frozenset({ModelId(model, 1)}))
        servables.get(ModelId(model, 1))
    assert [ModelId("b", 1), ModelId("c", 1)] == servables.loaded()
    servables.get(ModelId("b", 1))
    servables.get(ModelId("a", 1))
    assert [ModelId("b", 1), ModelId("a", 1)] == servables.loaded()


def test_nothing_is_loaded_ahead_of_requests_at_the_cost_of_another_model() -> None:
    loads = Loads(size=10)
    servables = Servables(loads, budget=20)
    with loads.held():
        assert servables.start_if_it_fits(other(), 15)
        assert not servables.start_if_it_fits(ONE, 10)
    assert servables.start_if_it_fits(other(2), 100)  # its own aliases are all it has to hold up
    servables.get(other())
    servables.get(other(2))
    assert servables.start_if_it_fits(other(), 10)  # is there
    assert {other(), other(2)} == set(servables.loaded())


def test_loading_ahead_counts_as_no_use() -> None:
    servables = Servables(Loads(size=10), budget=20)
    for id in (ONE, TWO):
        servables.get(id)
    servables.start_if_it_fits(ONE, 10)
    servables.get(THREE)
    assert [TWO, THREE] == servables.loaded()


def test_a_load_that_failed_takes_no_room() -> None:
    loads = Loads(size=10)
    loads.broken = {2}
    servables = Servables(loads, budget=20)
    servables.get(ONE)
    for _ in range(3):
        assert servables.start_if_it_fits(other(2), 10)
        with pytest.raises(ModelUnavailable):
            servables.get(other(2))
    assert servables.start_if_it_fits(other(), 10)


def test_what_is_forgotten_is_unloaded_at_once_or_when_it_stops_answering() -> None:
    servables = Servables(Loads(), budget=100)
    servables.pin("sample", frozenset({ONE}))
    for id in (ONE, TWO):
        servables.get(id)
        servables.forget(id)
    assert [ONE] == servables.loaded()
    servables.pin("sample", frozenset())
    assert [] == servables.loaded()


def test_what_is_forgotten_while_it_loads_is_not_kept() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    with loads.held():
        load = servables.start(ONE)
        servables.forget(ONE)
    assert ONE == load.result(5).id
    assert [] == servables.loaded()


def test_what_failed_and_is_forgotten_is_tried_again_at_once() -> None:
    loads = Loads()
    loads.broken = {1}
    servables = Servables(loads, budget=100)
    with pytest.raises(ModelUnavailable):
        servables.get(ONE)
    servables.forget(ONE)
    assert servables.failure(ONE) is None
    loads.broken.clear()
    assert ONE == servables.get(ONE).id


def test_what_is_renewed_is_loaded_beside_the_one_that_answers() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    before = servables.get(ONE)
    with loads.held():
        servables.renew(ONE)
        assert before is servables.get(ONE)
    eventually(lambda: servables.get(ONE) is not before)
    assert {ONE: 2} == loads.count


def test_what_cannot_be_renewed_answers_as_before() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    before = servables.get(ONE)
    loads.broken = {1}
    servables.renew(ONE)
    eventually(lambda: not servables._loading)
    assert before is servables.get(ONE)
    assert servables.failure(ONE) is None


def test_what_is_renewed_while_it_loads_is_loaded_once_more() -> None:
    loads = Loads()
    servables = Servables(loads, budget=100)
    with loads.held():
        servables.start(ONE)
        servables.renew(ONE)
    eventually(lambda: loads.count[ONE] == 2 and not servables._loading)


def test_what_comes_back_after_it_was_forgotten_stays() -> None:
    servables = Servables(Loads(), budget=100)
    servables.pin("sample", frozenset({ONE}))
    servables.get(ONE)
    servables.forget(ONE)
    servables.renew(ONE)
    eventually(lambda: not servables._loading)
    servables.pin("sample", frozenset())
    assert [ONE] == servables.loaded()


def eventually(true: Callable[[], bool]) -> None:
    """Loads finish in threads of their own."""
    deadline = monotonic() + 10
    while not true():
        assert monotonic() < deadline
        sleep(0.001)
