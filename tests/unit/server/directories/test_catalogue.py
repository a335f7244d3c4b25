"""Which versions there are, which are complete, and which of them the default means."""

import itertools
import json
import logging
import os
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelregistry.aliases import changes
from modelregistry.aliases.state import Policy
from modelregistry.configuration import LATEST, ModelConfig
from modelregistry.errors import InvalidInput, ModelRefused, NotFound, Unavailable
from modelregistry.names import ModelId
from modelregistry.plan import Plan
from modelserver.directories.catalogue import AT_ONCE, Catalogue
from tests.fakes import plan
from tests.unit.server.checkpoints import index
from tests.unit.server.doubles import Time

SETTLE = 1.0
ALL = Policy("all")


class Judge:
    """Compiles what has a saved_model.pb that says `good`; others as they say."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def compile(self, directory: Path) -> Plan:
        self.count[directory.name] += 1
        file = directory / "saved_model.pb"
        text = file.read_text() if file.exists() else "no saved_model.pb"
        if text == "crash":
            raise Unavailable("the compiler failed")
        if not text.startswith("good"):
            raise ModelRefused(text, hint="export it again")
        return plan()


class Shelf:
    """A base path, and a catalogue over it that looks when it is told to."""

    def __init__(self, base: Path, policy: Policy = LATEST, **labels: int) -> None:
        self.base = base
        self.time = Time()
        self.judge = Judge()
        self.catalogue = Catalogue(self.judge, settle=SETTLE, clock=self.time)
        self._numbers = itertools.count()
        self.configure(policy, **labels)

    def configure(self, policy: Policy = LATEST, **labels: int) -> None:
        self.catalogue.configure([ModelConfig("m", str(self.base), policy, labels)])

    def put(self, name: object, text: str = "good") -> Path:
        """A whole version, every time one of other bytes."""
        place = self.base / str(name)
        place.mkdir(parents=True, exist_ok=True)
        (place / "saved_model.pb").write_text(text)
        (place / f"asset-{next(self._numbers)}").write_text("")
        return place

    def drop(self, name: object) -> None:
        shutil.rmtree(self.base / str(name))

    def look(self) -> bool:
        """One look, a poll after the last. Whether it differs for requests."""
        self.time.seconds += SETTLE
        return self.catalogue.look("m")[1]

    def compile(self) -> None:
        while ids := self.catalogue.undecided("m"):
            for id in ids:
                self.catalogue.compile(id)

    def settle(self) -> None:
        """Look until nothing is left to find out."""
        for _ in range(3):
            self.look()
            self.compile()

    @property
    def highest(self) -> int | None:
        return self.catalogue.highest("m")

    @property
    def versions(self) -> list[int]:
        return self.catalogue.versions("m")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    base = tmp_path / "m"
    base.mkdir()
    return Shelf(base)


def test_a_version_is_served_when_it_settled_and_compiled(shelf: Shelf) -> None:
    shelf.put(1)
    assert [shelf.look(), shelf.versions, shelf.highest] == [False, [], None]
    assert [shelf.look(), shelf.versions, shelf.highest] == [True, [1], None]
    shelf.compile()
    assert 1 == shelf.highest
    assert [True, False] == [shelf.look(), shelf.look()]


def test_a_version_that_still_changes_is_not_even_compiled(shelf: Shelf) -> None:
    for _ in range(5):
        shelf.put(1)
        shelf.look()
        shelf.compile()
    assert (0, []) == (shelf.judge.count["1"], shelf.versions)
    shelf.settle()
    assert (1, 1) == (shelf.judge.count["1"], shelf.highest)


def test_two_looks_in_quick_succession_settle_nothing(shelf: Shelf) -> None:
    shelf.put(1)
    for _ in range(10):
        shelf.time.seconds += SETTLE / 20
        shelf.catalogue.look("m")
    assert [] == shelf.versions
    shelf.look()
    assert [1] == shelf.versions


def test_a_version_with_a_short_shard_waits_for_the_rest_of_it(shelf: Shelf) -> None:
    place = shelf.put(1)
    (place / "variables").mkdir()
    (place / "variables" / "variables.index").write_bytes(index(1, {"a": (0, 0, 100)}))
    shard = place / "variables" / "variables.data-00000-of-00001"
    for size in (0, 50, 99):
        shard.write_bytes(bytes(size))
        shelf.settle()
        assert ([], None, 0) == (shelf.versions, shelf.highest, shelf.judge.count["1"])
        expected = f"variables/{shard.name} has {size} of 100 bytes"
        assert {1: expected} == shelf.catalogue.refused("m")
    shard.write_bytes(bytes(100))
    shelf.settle()
    assert (1, {}) == (shelf.highest, shelf.catalogue.refused("m"))


def test_what_does_not_compile_is_reported_once_and_tried_again_when_it_changes(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.put(1, "it has no graph")
    for _ in range(3):
        shelf.settle()
    expected = "it has no graph: export it again"
    assert {1: expected} == shelf.catalogue.refused("m")
    assert (1, [], None) == (shelf.judge.count["1"], shelf.versions, shelf.highest)
    said = f"m:1 is not served: {expected}; it is tried again when it changes"
    assert [said] == [r.message for r in caplog.records if r.levelno == logging.ERROR]
    with pytest.raises(ModelRefused, match=expected):
        shelf.catalogue.complete(ModelId("m", 1))

    shelf.put(1)
    shelf.settle()
    assert (1, {}) == (shelf.highest, shelf.catalogue.refused("m"))


def test_what_failed_through_no_fault_of_its_own_is_tried_again_after_a_while(
    shelf: Shelf,
) -> None:
    place = shelf.put(1, "crash")
    shelf.settle()
    shelf.settle()
    assert 1 == shelf.judge.count["1"]
    there = place / "saved_model.pb"
    before = there.stat()
    there.write_text("good!")  # as long as before: the directory looks the same
    os.utime(there, ns=(before.st_atime_ns, before.st_mtime_ns))
    shelf.time.seconds += 60
    shelf.settle()
    assert 1 == shelf.highest


def test_a_broken_newest_version_leaves_the_one_before(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle()
    shelf.put(2, "broken")
    shelf.settle()
    assert ([1], 1) == (shelf.versions, shelf.highest)


def test_at_the_start_a_broken_newest_version_makes_way_for_the_one_before(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, "broken")
    shelf.settle()
    assert ([1], 1) == (shelf.versions, shelf.highest)


def test_the_version_in_place_stays_until_the_next_has_compiled(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle()
    shelf.put(2)
    shelf.look()
    assert 1 == shelf.highest
    shelf.look()
    assert 1 == shelf.highest
    shelf.compile()
    assert 2 == shelf.highest


def test_removing_a_version_moves_back_and_leaves_nothing_of_it(shelf: Shelf) -> None:
    shelf.configure(ALL)
    for number in (1, 2):
        shelf.put(number)
    shelf.settle()
    assert 2 == shelf.highest
    shelf.drop(2)
    assert ([ModelId("m", 2)], True) == shelf.catalogue.look("m")
    assert ([1], 1) == (shelf.versions, shelf.highest)
    with pytest.raises(NotFound):
        shelf.catalogue.complete(ModelId("m", 2))


def test_a_version_that_is_renamed_stays_until_it_is_complete_under_its_new_name(
    shelf: Shelf,
) -> None:
    shelf.put(1)
    shelf.settle()
    (shelf.base / "1").rename(shelf.base / "2")
    shelf.look()
    assert ([1], 1) == (shelf.versions, shelf.highest)
    shelf.settle()
    assert ([2], 2) == (shelf.versions, shelf.highest)


def test_a_name_that_is_no_number_any_more_is_no_version(shelf: Shelf) -> None:
    shelf.configure(ALL)
    for number in (1, 2):
        shelf.put(number)
    shelf.settle()
    (shelf.base / "2").rename(shelf.base / "2.denied")
    shelf.look()
    assert ([1], 1) == (shelf.versions, shelf.highest)


def test_an_empty_base_path_leaves_nothing_with_a_warning(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.put(1)
    shelf.settle()
    shelf.drop(1)
    for _ in range(3):
        shelf.look()
    assert ([], None) == (shelf.versions, shelf.highest)
    assert [f"m: there is no version in {shelf.base}"] == [r.message for r in caplog.records]


def test_a_missing_base_path_leaves_everything_as_it_was_with_a_warning(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.put(1)
    shelf.settle()
    shelf.base.rename(shelf.base.with_name("away"))
    for _ in range(3):
        assert not shelf.look()
    assert ([1], 1) == (shelf.versions, shelf.highest)
    expected = f"m: No such file or directory: {shelf.base}"
    assert [expected] == [r.message for r in caplog.records]


def test_other_bytes_under_the_same_number_count_when_they_are_complete(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle()
    before = shelf.catalogue.complete(ModelId("m", 1))
    shelf.put(1)
    with pytest.raises(Unavailable, match="are changing"):
        shelf.catalogue.complete(ModelId("m", 1))  # known at once, not only after a look
    shelf.look()
    assert ([1], 1) == (shelf.versions, shelf.highest)
    shelf.look()
    assert "complete" == shelf.catalogue.compile(ModelId("m", 1))
    assert before.print != shelf.catalogue.complete(ModelId("m", 1)).print


def test_other_bytes_that_are_broken_leave_the_version_in_place(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle()
    shelf.put(1, "broken")
    shelf.settle()
    assert ([1], 1, {}) == (shelf.versions, shelf.highest, shelf.catalogue.refused("m"))
    with pytest.raises(ModelRefused, match="broken"):
        shelf.catalogue.complete(ModelId("m", 1))


def test_what_changes_while_it_compiles_has_not_compiled(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.look()
    shelf.look()
    compile_now = shelf.judge.compile
    shelf.judge.compile = lambda directory: (compile_now(directory), shelf.put(1))[0]  # type: ignore[method-assign]
    assert "changed" == shelf.catalogue.compile(ModelId("m", 1))
    assert shelf.highest is None
    shelf.judge.compile = compile_now  # type: ignore[method-assign]
    shelf.settle()
    assert 1 == shelf.highest


def test_a_version_that_nobody_wants_is_compiled_when_it_is_asked_for(shelf: Shelf) -> None:
    for number in (1, 2):
        shelf.put(number)
    shelf.settle()
    assert ([1, 2], 2) == (shelf.versions, shelf.highest)
    assert {"2": 1} == shelf.judge.count
    assert shelf.base / "1" == shelf.catalogue.complete(ModelId("m", 1)).directory
    assert {"2": 1, "1": 1} == shelf.judge.count
    assert "known" == shelf.catalogue.compile(ModelId("m", 1))


def test_who_asks_by_number_does_not_wait_for_what_is_compiled_ahead(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, ALL)
    ahead = range(2, 2 + AT_ONCE)
    for number in (1, *ahead):
        shelf.put(number)
    shelf.look()
    shelf.look()
    begun, more, compile_now = threading.Semaphore(0), threading.Event(), shelf.judge.compile

    def slowly(directory: Path) -> Plan:
        if directory.name != "1":
            begun.release()
            assert more.wait(10)
        return compile_now(directory)

    shelf.judge.compile = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor() as threads:
        compiles = [threads.submit(shelf.catalogue.compile, ModelId("m", v)) for v in ahead]
        for _ in ahead:
            assert begun.acquire(timeout=10)
        asked = threads.submit(shelf.catalogue.complete, ModelId("m", 1))
        try:
            assert shelf.base / "1" == asked.result(5).directory
        finally:
            more.set()
        assert ["complete"] * AT_ONCE == [each.result(10) for each in compiles]


def test_a_broken_version_that_nobody_wants_is_refused_when_it_is_asked_for(shelf: Shelf) -> None:
    shelf.put(1, "broken")
    shelf.put(2)
    shelf.settle()
    with pytest.raises(ModelRefused, match="broken"):
        shelf.catalogue.complete(ModelId("m", 1))
    assert ([2], {1: "broken: export it again"}) == (shelf.versions, shelf.catalogue.refused("m"))


def test_the_version_of_a_label_is_compiled_ahead_of_requests(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, LATEST, stable=1)
    for number in (1, 2, 3):
        shelf.put(number)
    shelf.settle()
    assert {"1": 1, "3": 1} == shelf.judge.count


def test_it_is_decided_what_requests_mean_when_the_best_and_the_labels_have_compiled(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path, ALL, stable=2)
    for number in (1, 2, 3):
        shelf.put(number)
    shelf.put(4, "broken")
    shelf.look()
    shelf.look()
    found = []
    for id in shelf.catalogue.undecided("m"):
        found.append((id.version, shelf.catalogue.is_decided()))
        shelf.catalogue.compile(id)
    assert [(4, False), (3, False), (2, False), (1, True)] == found
    assert shelf.catalogue.is_decided()


def test_lowering_the_policy_moves_back_when_the_lower_version_has_compiled(shelf: Shelf) -> None:
    for number in (1, 2):
        shelf.put(number)
    shelf.settle()
    assert 2 == shelf.highest
    shelf.configure(Policy("specific", versions=(1,)))
    assert 2 == shelf.highest
    shelf.compile()
    assert 1 == shelf.highest
    shelf.configure(Policy("specific", versions=(1, 2)))
    assert 2 == shelf.highest
    shelf.configure(Policy("specific"))
    assert [None, [1, 2]] == [shelf.highest, shelf.versions]  # by number, whatever the policy


def test_a_policy_whose_only_version_is_broken_leaves_the_one_in_place(shelf: Shelf) -> None:
    shelf.put(1, "broken")
    shelf.put(2)
    shelf.settle()
    shelf.configure(Policy("specific", versions=(1,)))
    shelf.settle()
    assert 2 == shelf.highest


def test_another_base_path_is_moved_to_when_its_version_is_complete(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.put(1)
    shelf.settle()
    shelf.base = tmp_path / "other"
    shelf.put(7)
    shelf.configure()
    shelf.look()
    assert 1 == shelf.highest
    shelf.settle()
    assert ([7], 7) == (shelf.versions, shelf.highest)


def test_a_model_left_out_is_gone_with_its_versions(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(1)
    shelf.settle()
    gone = shelf.catalogue.configure([ModelConfig("other", str(tmp_path / "other"))])
    assert [ModelId("m", 1)] == gone
    assert (["other"], [], None) == (shelf.catalogue.models(), shelf.versions, shelf.highest)


def test_a_base_path_elsewhere_changes_nothing(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle()
    with pytest.raises(InvalidInput):
        shelf.catalogue.configure([ModelConfig("n", "/n"), ModelConfig("m", "s3://bucket/m")])
    assert (["m"], 1) == (shelf.catalogue.models(), shelf.highest)


def test_a_version_that_cannot_be_read_says_so(shelf: Shelf) -> None:
    (shelf.put(1) / "variables" / "variables.index").mkdir(parents=True)
    shelf.settle()
    (reason,) = shelf.catalogue.refused("m").values()
    assert reason.startswith("its files cannot be read: ")


def test_a_model_that_has_not_been_compiled_can_be_asked_for_its_best_version(
    shelf: Shelf,
) -> None:
    shelf.put(1)
    shelf.put(2, "broken")
    shelf.look()
    shelf.look()
    assert shelf.highest is None
    shelf.catalogue.answer_undecided()
    assert [2, [1, 2]] == [shelf.highest, shelf.versions]
    with pytest.raises(ModelRefused):
        shelf.catalogue.complete(ModelId("m", 2))
    assert [1, [1]] == [shelf.highest, shelf.versions]
    assert shelf.base / "1" == shelf.catalogue.complete(ModelId("m", 1)).directory


policies = st.one_of(
    st.just(ALL),
    st.builds(Policy, st.just("latest"), st.integers(1, 4)),
    st.builds(
        Policy, st.just("specific"), st.just(1), st.sets(st.integers(1, 5)).map(sorted).map(tuple)
    ),
)
steps = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 5)),
    st.tuples(st.just("break"), st.integers(1, 5)),
    st.tuples(st.just("drop"), st.integers(1, 5)),
    st.tuples(st.just("policy"), policies),
)


def happen(shelf: Shelf, what: str, which: object) -> None:
    if isinstance(which, Policy):
        shelf.configure(which)
    elif what == "drop":
        shutil.rmtree(shelf.base / str(which), ignore_errors=True)
    else:
        shelf.put(which, "good" if what == "put" else "broken")


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(steps, max_size=12))
def test_whatever_happens_the_default_ends_where_the_policy_puts_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    """Held against the last word on each number, and against what answered before."""
    shelf = Shelf(tmp_path_factory.mktemp("base"))
    policy: Policy = LATEST
    good: set[int] = set()
    broken_now: set[int] = set()
    for what, which in steps:
        if isinstance(which, Policy):
            policy = which
        happen(shelf, what, which)
        number = {which} if isinstance(which, int) else set()
        # What was good and is broken now stays what it was, in memory.
        good = (good | number) if what == "put" else good - (number if what == "drop" else set())
        broken_now = (broken_now | number) if what == "break" else broken_now - number
        before = shelf.highest
        shelf.settle()
        for version in good - broken_now:
            shelf.catalogue.complete(ModelId("m", version))  # somebody asks for each
        ready = changes.kept(policy, good)
        if ready:
            assert ready[-1] == shelf.highest
        elif not changes.kept(policy, good | broken_now):
            assert shelf.highest is None
        else:
            assert before == shelf.highest
        assert json.dumps(shelf.versions)  # plain numbers, whatever was done
