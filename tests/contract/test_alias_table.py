"""What every alias table promises: `modelregistry.aliases.table.AliasTable`."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from modelregistry.aliases import changes
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.state import Policy, State, route
from modelregistry.aliases.table import AliasTable
from modelregistry.errors import Conflict, Refused

from .racing import Outcome, race, race_in_process
from .tables import IN_ONE_PROCESS, TABLES, Table, revision


@pytest.fixture(params=TABLES)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    with TABLES[request.param](tmp_path) as found:
        yield found


@pytest.fixture
def table(shared: Table) -> AliasTable:
    return shared.open()


def test_an_empty_table_has_no_models_and_no_revisions(table: AliasTable) -> None:
    assert table.models() == []
    assert table.newest("m") is None
    assert table.get("m", 1) is None
    assert list(table.log("m")) == []


def test_what_was_appended_is_read_back_equal(table: AliasTable) -> None:
    state = changes.set_policy(State(), Policy("specific", versions=(1, 3)), [1, 2])
    state = changes.set_alias(state, "canary", route([(1, 90), (2, 10)]))
    written = revision(1, by="Zoë@büro", state=state)
    table.append(written)
    assert table.newest("m") == written
    assert table.get("m", 1) == written
    assert list(table.log("m")) == [written]


def test_the_log_begins_with_the_newest_revision(table: AliasTable) -> None:
    for number in range(1, 201):
        table.append(revision(number))
    assert [r.number for r in table.log("m")] == list(range(200, 0, -1))


def test_the_log_is_read_as_it_is_consumed(table: AliasTable) -> None:
    for number in range(1, 4):
        table.append(revision(number))
    log = table.log("m")
    assert next(log).number == 3
    table.append(revision(4))
    assert [r.number for r in log] == [2, 1]


@pytest.mark.parametrize("number", [0, -1, 3, 2**40])
def test_a_revision_that_is_not_there_is_none(table: AliasTable, number: int) -> None:
    table.append(revision(1))
    table.append(revision(2))
    assert table.get("m", number) is None


def test_models_keep_logs_of_their_own(table: AliasTable) -> None:
    table.append(revision(1, model="b"))
    table.append(revision(1, model="a"))
    table.append(revision(2, model="a"))
    assert table.models() == ["a", "b"]
    assert [r.number for r in table.log("a")] == [2, 1]
    assert table.newest("b") == revision(1, model="b")


@pytest.mark.parametrize("other", ["A", "a.", "a_", "a-b", "aa", "a%"])
def test_names_that_look_alike_are_different_models(table: AliasTable, other: str) -> None:
    table.append(revision(1, model="a"))
    assert table.newest(other) is None
    table.append(revision(1, model=other))
    assert table.models() == sorted(["a", other])


@pytest.mark.parametrize("number", [1, 2])
def test_a_revision_is_never_overwritten(table: AliasTable, number: int) -> None:
    table.append(revision(1, by="ann"))
    table.append(revision(2, by="ann"))
    with pytest.raises(Conflict) as caught:
        table.append(revision(number, by="bob"))
    assert caught.value.winner == 2
    assert [r.change.by for r in table.log("m")] == ["ann", "ann"]


@pytest.mark.parametrize("number", [0, -1, 3, 4, 1000])
def test_numbers_have_no_gaps(table: AliasTable, number: int) -> None:
    table.append(revision(1))
    with pytest.raises(Conflict) as caught:
        table.append(revision(number))
    assert caught.value.winner == 1
    assert [r.number for r in table.log("m")] == [1]


def test_the_first_revision_is_number_one(table: AliasTable) -> None:
    with pytest.raises(Conflict) as caught:
        table.append(revision(2))
    assert caught.value.winner == 0
    assert table.models() == []


def test_a_state_too_large_for_an_item_is_refused_and_not_written(table: AliasTable) -> None:
    table.append(revision(1))
    with pytest.raises(Refused, match="more than the"):
        table.append(revision(2, state=State(retired=Numbers.of(range(1, 200_000, 2)))))
    assert table.newest("m") == revision(1)
    table.append(revision(2))


def test_another_handle_sees_what_was_appended(shared: Table) -> None:
    one, other = shared.open(), shared.open()
    one.append(revision(1))
    assert other.newest("m") == revision(1)
    other.append(revision(2))
    assert one.newest("m") == revision(2)


def test_a_closed_table_opens_again_when_it_is_used(table: AliasTable) -> None:
    table.append(revision(1))
    table.close()
    table.close()
    assert table.newest("m") == revision(1)
    table.close()
    table.append(revision(2))
    assert [r.number for r in table.log("m")] == [2, 1]


@pytest.mark.parametrize("handles", ["one handle", "a handle each"])
def test_racing_threads_win_each_revision_once(shared: Table, handles: str) -> None:
    table = shared.open()
    start = Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        racers = [
            pool.submit(
                race,
                table if handles == "one handle" else shared.open(),
                f"thread {n}",
                30,
                start,
            )
            for n in range(8)
        ]
        outcomes = [racer.result() for racer in racers]
    assert_each_was_won_once(table, outcomes, 30)


@pytest.mark.parametrize("name", sorted(TABLES.keys() - IN_ONE_PROCESS))
def test_racing_processes_win_each_revision_once(name: str, tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    start, results = processes.Barrier(4), processes.Queue()
    with TABLES[name](tmp_path) as shared:
        racers = [
            processes.Process(
                target=race_in_process, args=(shared.elsewhere, f"process {n}", 50, start, results)
            )
            for n in range(4)
        ]
        for racer in racers:
            racer.start()
        outcomes = [results.get(timeout=60) for _ in racers]
        for racer in racers:
            racer.join()
        assert [racer.exitcode for racer in racers] == [0, 0, 0, 0]
        assert_each_was_won_once(shared.open(), outcomes, 50)


def assert_each_was_won_once(table: AliasTable, outcomes: list[Outcome], last: int) -> None:
    log = {r.number: r.change.by for r in table.log("m")}
    won = {number: outcome.by for outcome in outcomes for number in outcome.won}
    assert won == log
    assert sorted(number for o in outcomes for number in o.won) == list(range(1, last + 1))
    assert all(winner >= number for o in outcomes for number, winner in o.lost)
