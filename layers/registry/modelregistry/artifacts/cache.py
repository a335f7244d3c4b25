"""
Downloaded files, kept by digest and within a size:

    blobs/<sha256>                          a whole file, verified when it came
    leases/<random>/<model>/<version>/…     a version in use: hard links to blobs
    lock                                    held while room is made

A lease is a locked directory that goes with its holder, even after kill -9. What
it links to has a second name, and so any process can see that it is in use.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import RegistryError, Unavailable
from ..manifest import FileEntry, Manifest
from ..parallel import Shared
from ..progress import Progress
from .local import check
from .staging import staged, sweep


@dataclass(frozen=True)
class Wanted:
    """A file that has to be brought: to `path`, which is there already, at its full size."""

    file: FileEntry
    path: Path


# Fills each wanted file with its bytes, verified, and calls the second for each that is whole.
Bring = Callable[[Sequence[Wanted], Callable[[Wanted], None]], None]


class ArtifactCache:
    """
    Cheap to construct; `directory` is made by the first `lease`, for its owner alone.

    All of it stays within `max_bytes`: what was not used for the longest time goes
    first, and never what is in use. Safe for any number of threads and processes
    on one local file system, which need not agree on the limit.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._blobs = directory / "blobs"
        self._leases = directory / "leases"

    @contextmanager
    def lease(self, manifest: Manifest, bring: Bring, progress: Progress) -> Iterator[Path]:
        """
        A directory with exactly the manifest's files, for as long as the context lasts.

        What is here is verified again and used; `bring` is asked for the rest.
        Raises what `bring` raises, and Unavailable where there is no room.
        """
        with ExitStack() as held:
            with self._translated():
                self._make()
                stage = held.enter_context(staged(self._leases))
                place = stage / manifest.id.model / str(manifest.id.version)
                self._fill(place, manifest, bring, Shared(progress))
            yield place

    def _make(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in (self._blobs, self._leases):
            part.mkdir(mode=0o700, exist_ok=True)
        sweep(self._leases)

    def _fill(self, place: Path, manifest: Manifest, bring: Bring, progress: Progress) -> None:
        with self._exclusive():
            missing = self._claim(place, manifest)
        found = [file for file in manifest.files if file not in missing]
        damaged = {f.where for f in check(place, found, manifest.id, progress)}
        for file in found:
            if f"{manifest.id} {file.path}" in damaged:
                self._drop(place, file)
                missing.append(file)
        wanted = [Wanted(file, place / file.path) for file in missing]
        for item in wanted:
            _allocate(item.path, item.file.size)
        if wanted:
            bring(wanted, self._keep)

    def _claim(self, place: Path, manifest: Manifest) -> list[FileEntry]:
        """Link to what is here, and take up the room that the rest needs. Returns the rest."""
        if manifest.size > self._max_bytes:
            raise Unavailable(
                f"{manifest.id} has {_megabytes(manifest.size)}, the cache in {self._directory}"
                f" may hold {_megabytes(self._max_bytes)}",
                hint="let it hold more (CACHE_MB; on Lambda with as much ephemeral storage)",
            )
        missing = [file for file in manifest.files if not self._link(place, file)]
        self._make_room(sum(file.size for file in missing), manifest)
        for file in missing:
            path = place / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=False)
            os.truncate(path, file.size)  # costs no room yet, but is counted from now on
        return missing

    def _link(self, place: Path, file: FileEntry) -> bool:
        blob, path = self._blobs / file.sha256, place / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.utime(blob)  # this is when it was last used
            path.hardlink_to(blob)
        except OSError:
            return False  # it is not here, or cannot be linked to: it is brought
        return True

    def _drop(self, place: Path, file: FileEntry) -> None:
        """What was found here is not what it should be."""
        (place / file.path).unlink()
        (self._blobs / file.sha256).unlink(missing_ok=True)

    def _keep(self, wanted: Wanted) -> None:
        wanted.path.chmod(0o400)
        # What cannot be kept for the next time is whole all the same; and where
        # another brought it too, one of the two is enough.
        with suppress(OSError):
            (self._blobs / wanted.file.sha256).hardlink_to(wanted.path)

    def _make_room(self, needed: int, manifest: Manifest) -> None:
        """Called with the lock held."""
        used = sum(_sizes(self._directory).values())
        for blob in sorted(self._blobs.iterdir(), key=_last_used):
            if used + needed <= self._max_bytes:
                return
            with suppress(FileNotFoundError):
                status = blob.stat()
                if status.st_nlink == 1:
                    blob.unlink()
                    used -= status.st_size
        if used + needed > self._max_bytes:
            raise Unavailable(
                f"{manifest.id} needs {_megabytes(needed)} more in the cache in {self._directory},"
                f" which may hold {_megabytes(self._max_bytes)}: {_megabytes(used)} are in use",
                hint="try again when other loads are done, or let it hold more (CACHE_MB)",
            )

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RegistryError:
            raise
        except OSError as error:
            hint = "free some space, or let the cache hold less" if _is_full(error) else ""
            raise Unavailable(
                f"{error.filename or self._directory}: {error.strerror}", hint=hint
            ) from error


def _allocate(path: Path, size: int) -> None:
    """Take the room on the disk now: a disk that is too full says so before the download."""
    if path.exists():
        path.chmod(0o600)
    with path.open("r+b" if path.exists() else "xb") as file:
        file.truncate(size)
        if size and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if _is_full(error):
                    raise OSError(error.errno, error.strerror, str(path)) from error
                # a file system that cannot: it is written as it comes


def _sizes(directory: Path) -> dict[int, int]:
    """The bytes of every file below `directory`, each once, however many names it has."""
    sizes = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):  # others come and go
                status = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - many
                sizes[status.st_ino] = status.st_size
    return sizes


def _last_used(blob: Path) -> float:
    with suppress(FileNotFoundError):
        return blob.stat().st_mtime
    return 0.0


def _is_full(error: OSError) -> bool:
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
