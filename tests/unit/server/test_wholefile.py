"""Files are written whole, or stay as they were."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelserver.wholefile import write_whole


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """No file can grow beyond `size`: what a full disk looks like to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_bytes(b"before")
    with little_room(100_000), pytest.raises(OSError, match=r"models\.config") as caught:
        write_whole(file, b"x" * 1_000_000)
    assert str(file) == caught.value.filename
    assert (b"before", [file]) == (file.read_bytes(), list(tmp_path.iterdir()))


def test_who_reads_the_old_one_reads_it_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_bytes(b"before")
    with file.open("rb") as reader:
        write_whole(file, b"after")
        assert b"before" == reader.read()
    assert b"after" == file.read_bytes()


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "models.config", tmp_path / "link"
    file.write_bytes(b"before")
    file.chmod(0o640)
    link.symlink_to(file.name)
    write_whole(link, b"after")
    assert link.is_symlink()
    assert (b"after", 0o640) == (file.read_bytes(), file.stat().st_mode & 0o777)


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    write_whole(tmp_path / "new", b"")
    (tmp_path / "other").touch()
    assert (tmp_path / "other").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"after")
        assert b"after" == os.read(reader, 100)
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_what_is_no_file_is_named_too(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="link"):
        write_whole(link, b"after")


def test_a_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        write_whole(tmp_path, b"")
