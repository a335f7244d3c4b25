"""What is being written is left alone, and what nobody writes any more is found."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelregistry.artifacts.staging import abandoned, staged, sweep

HOLD = """
import sys
from pathlib import Path
from modelregistry.artifacts.staging import staged

with staged(Path(sys.argv[1])) as directory:
    (directory / "file").write_bytes(b"half")
    print(directory, flush=True)
    sys.stdin.read()
"""


def holder(root: Path) -> "subprocess.Popen[str]":
    """A process that stages a directory, names it, and holds it until its stdin ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_staged_directory_is_gone_at_the_end(tmp_path: Path) -> None:
    with staged(tmp_path) as directory:
        (directory / "file").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_staged_directory_is_gone_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with staged(tmp_path) as directory:
            (directory / "file").write_bytes(b"x")
            directory.mkdir()

    with pytest.raises(FileExistsError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_staged_directory_may_have_moved_to_its_place(tmp_path: Path) -> None:
    with staged(tmp_path / "staging") as directory:
        (directory / "file").write_bytes(b"x")
        directory.rename(tmp_path / "place")
    assert (tmp_path / "place" / "file").read_bytes() == b"x"
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_directory_that_is_being_written_is_not_abandoned(tmp_path: Path) -> None:
    with staged(tmp_path) as directory:
        assert abandoned(tmp_path) == []
        sweep(tmp_path)
        assert directory.is_dir()


def test_another_processs_directory_is_its_own_until_it_is_killed(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        assert process.stdout is not None
        directory = Path(process.stdout.readline().strip())
        assert abandoned(tmp_path) == []
        sweep(tmp_path)
        assert (directory / "file").read_bytes() == b"half"
        process.kill()
        process.wait()
        assert abandoned(tmp_path) == [directory]
        sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_its_directory_is_swept_too(tmp_path: Path) -> None:
    (tmp_path / "0123.lock").touch()
    assert abandoned(tmp_path) == [tmp_path / "0123"]
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_was_staged_there_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert abandoned(tmp_path / "staging") == []
    sweep(tmp_path / "staging")
    assert list(tmp_path.iterdir()) == []


def test_many_sweepers_and_writers_do_each_other_no_harm(tmp_path: Path) -> None:
    def write(n: int) -> str:
        with staged(tmp_path) as directory:
            (directory / "file").write_text(str(n))
            sweep(tmp_path)
            return (directory / "file").read_text()

    def leave(n: int) -> None:
        (tmp_path / f"left-{n}").mkdir()
        (tmp_path / f"left-{n}.lock").touch()
        sweep(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        left = [pool.submit(leave, n) for n in range(40)]
        written = list(pool.map(write, range(200)))
        assert [future.result() for future in left] == [None] * 40
    assert written == [str(n) for n in range(200)]
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_half_removed_directory_is_found_again(tmp_path: Path) -> None:
    with staged(tmp_path) as directory:
        shutil.rmtree(directory)
        (tmp_path / "left.lock").touch()
    assert abandoned(tmp_path) == [tmp_path / "left"]
