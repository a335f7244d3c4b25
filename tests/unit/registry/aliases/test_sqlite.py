"""What the SQLite table promises beyond every other: about its file, and its neighbours."""

import multiprocessing
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modelregistry.aliases.sqlite import SqliteAliasTable
from modelregistry.errors import Damaged, Unavailable
from tests.contract.racing import Results, Start
from tests.contract.tables import revision


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "with space ? # %20" / "aliases.sqlite3"


@pytest.fixture
def table(path: Path) -> Iterator[SqliteAliasTable]:
    path.parent.mkdir()
    with closing(SqliteAliasTable.create(path)) as made:
        yield made


def test_the_file_says_what_it_is(table: SqliteAliasTable, path: Path) -> None:
    table.append(revision(1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (0x4C535256,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT model, revision FROM revisions").fetchall() == [("m", 1)]


def test_creating_a_table_that_is_there_keeps_it(table: SqliteAliasTable, path: Path) -> None:
    table.append(revision(1))
    with closing(SqliteAliasTable.create(path)) as again:
        assert again.newest("m") == revision(1)


def test_a_table_is_never_made_by_reading_it(tmp_path: Path) -> None:
    with closing(SqliteAliasTable(tmp_path / "nothing")) as table:
        with pytest.raises(Unavailable, match="nothing"):
            table.newest("m")
        with pytest.raises(Unavailable):
            table.append(revision(1))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_moved_away_is_missed_and_not_made_anew(
    table: SqliteAliasTable, path: Path
) -> None:
    table.append(revision(1))
    table.close()
    table.newest("m")
    path.rename(path.with_name("away"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            table.newest("m")
        with pytest.raises(Unavailable):
            table.append(revision(2))
    assert not path.exists()
    path.with_name("away").rename(path)
    assert table.newest("m") == revision(1)


def test_a_backup_that_was_put_in_place_is_read(
    table: SqliteAliasTable, path: Path, tmp_path: Path
) -> None:
    table.append(revision(1))
    table.close()
    backup = shutil.copy(path, tmp_path / "backup")
    table.append(revision(2))
    assert table.newest("m") == revision(2)
    table.close()
    table.newest("m")
    os.replace(backup, path)  # noqa: PTH105 - copy gives a string
    assert table.newest("m") == revision(1)


@pytest.mark.parametrize("data", [b"not a database" * 100, b"SQLite format 3\0" + b"?" * 4096])
def test_a_file_that_is_no_database_is_damaged(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    with closing(SqliteAliasTable(path)) as table:
        with pytest.raises(Damaged, match="is not an alias table") as caught:
            table.newest("m")
        assert "backup" in caught.value.hint
    assert path.read_bytes() == data


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with (
        closing(SqliteAliasTable(path)) as table,
        pytest.raises(Damaged, match="not an alias table"),
    ):
        table.append(revision(1))
    assert path.read_bytes() == before


def test_a_newer_file_asks_for_an_upgrade(table: SqliteAliasTable, path: Path) -> None:
    table.append(revision(1))
    table.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(Damaged, match="has version 2, this program reads 1") as caught:
        table.newest("m")
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize("body", ["", "{}", "null", "[]", '{"schema": 1}', "x"])
def test_a_damaged_revision_is_seen_and_the_others_are_read(
    table: SqliteAliasTable, path: Path, body: str
) -> None:
    for number in (1, 2):
        table.append(revision(number))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE revisions SET body = ? WHERE revision = 2", (body,))
    with pytest.raises(Damaged, match=r"aliases\.sqlite3 is not a revision"):
        table.newest("m")
    assert table.get("m", 1) == revision(1)


def test_a_writer_who_holds_the_lock_does_not_stop_readers(
    table: SqliteAliasTable, path: Path
) -> None:
    table.append(revision(1))
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert table.newest("m") == revision(1)


def test_a_failed_call_does_not_stop_the_next(table: SqliteAliasTable, path: Path) -> None:
    table.append(revision(1))
    with closing(sqlite3.connect(path)) as other:
        other.execute("ALTER TABLE revisions RENAME TO away")
        with pytest.raises(Unavailable, match="no such table"):
            table.newest("m")
        other.execute("ALTER TABLE away RENAME TO revisions")
    assert table.newest("m") == revision(1)


def read_each(paths: list[Path], start: Start, errors: Results) -> None:
    """Read every new table at the same time as the others do."""
    seen = []
    for path in paths:
        start.wait(60)
        with closing(SqliteAliasTable(path)) as table:
            try:
                table.newest("m")
            except (Damaged, Unavailable) as error:
                seen.append(str(error))
    errors.put(seen)


def test_a_new_table_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / str(n) for n in range(50)]
    for path in paths:
        path.touch()
    processes = multiprocessing.get_context("spawn")
    start, errors = processes.Barrier(3), processes.Queue()
    readers = [processes.Process(target=read_each, args=(paths, start, errors)) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert [errors.get(timeout=60) for _ in readers] == [[], [], []]
    for reader in readers:
        reader.join()
