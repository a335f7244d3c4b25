"""
Directories that are being written, on the same file system as their destination.

Each has a lock that its writer holds for as long as it lives, by flock: the
kernel lets go of it even after kill -9, and so anybody can tell a directory that
is being written from one that was left behind.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def staged(root: Path) -> Iterator[Path]:
    """An empty directory below `root`, locked; whatever is left of it goes at the end."""
    root.mkdir(parents=True, exist_ok=True)
    directory = root / uuid.uuid4().hex
    lock = _take(_lock_of(directory))
    try:
        directory.mkdir()
        yield directory
    finally:
        _discard(directory, lock)


def abandoned(root: Path) -> list[Path]:
    """Directories and locks below `root` whose writer is gone."""
    # A writer takes its lock before it makes its directory, and lets go of it after.
    found = [path for path in sorted(root.glob("*")) if path.is_dir() and not _locked(path)]
    for lock_path in sorted(root.glob("*.lock")):
        with suppress(OSError):
            lock = os.open(lock_path, os.O_RDWR)
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append(lock_path.with_suffix(""))
            os.close(lock)
    return found


def sweep(root: Path) -> None:
    """Remove what `abandoned` names. Two sweepers at once do each other no harm."""
    for directory in abandoned(root):
        with suppress(BlockingIOError):  # somebody else sweeps it, or writes there again
            _discard(directory, _take(_lock_of(directory), fcntl.LOCK_NB))


def _locked(directory: Path) -> bool:
    return _lock_of(directory).exists()


def _lock_of(directory: Path) -> Path:
    return directory.with_suffix(".lock")


def _take(path: Path, how: int = 0) -> int:
    """
    Hold the lock file `path`, made if need be. With LOCK_NB, raises BlockingIOError
    instead of waiting.

    A sweeper may take and unlink it between our open and our flock; then what we
    hold is no longer what the name means, and we begin again.
    """
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | how)
        except BlockingIOError:
            os.close(lock)
            raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                return lock
        os.close(lock)


def _discard(directory: Path, lock: int) -> None:
    # The lock goes last: while it is there, an interrupted removal is found again.
    for folder, _, _ in os.walk(directory):
        with suppress(OSError):  # the model may have come with folders that nobody may write to
            Path(folder).chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)
    if not directory.exists():
        _lock_of(directory).unlink(missing_ok=True)
    os.close(lock)
