"""
The files of a version on this machine: checked, and copied, in pieces and on all CPUs.

Piece by piece a file is read once: what a manifest says of its pieces it says of the whole.
"""

import hashlib
import os
import stat
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

from ..errors import Damaged, Refused
from ..manifest import FileEntry
from ..names import ModelId
from ..parallel import CPUS, Shared, each
from ..progress import Progress
from .pieces import Piece, pieces
from .store import Finding

# What each thread holds in memory.
_CHUNK = 1024 * 1024
# What the file system says where there is no file of that name.
GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def check(
    place: Path, files: Sequence[FileEntry], id: ModelId, progress: Progress
) -> list[Finding]:
    """What is wrong with `files` of `id` below `place`: one thing of each, in their order."""
    shared = Shared(progress)
    found: dict[str, Finding] = {}
    sound: list[Piece] = []
    for file in files:
        where = f"{id} {file.path}"
        try:
            if finding := _size_of(place / file.path, file, where):
                found[file.path] = finding
            else:
                sound += pieces(file)
        except Damaged as error:
            found[file.path] = Finding("damaged", where, str(error))

    def check_piece(piece: Piece) -> None:
        where = f"{id} {piece.file.path}"
        try:
            with (place / piece.file.path).open("rb", buffering=0) as reader:
                digest = _passed(reader, piece, shared)
        except GONE:
            finding = _missing(where)
        except OSError as error:
            finding = _unreadable(where, error)
        else:
            if digest == piece.sha256:
                return
            finding = Finding(
                "damaged", where, f"{_of(piece)} is {digest}, published {piece.sha256}"
            )
        found.setdefault(piece.file.path, finding)

    each(check_piece, sound, CPUS)
    return [found[file.path] for file in files if file.path in found]


def copy(source: Path, target: Path, files: Sequence[FileEntry], progress: Progress) -> None:
    """
    Bring `files` from below `source` to below `target`, to last through a power cut.

    Raises Refused for a file that is not what its entry says.
    """
    shared, lock = Shared(progress), threading.Lock()
    jobs = [piece for file in files for piece in pieces(file)]
    left = Counter(piece.file.path for piece in jobs)
    for file in files:
        path = target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)

    def copy_piece(piece: Piece) -> None:
        with (target / piece.file.path).open("r+b", buffering=0) as sink:
            digest = ""
            with suppress(*GONE), (source / piece.file.path).open("rb", buffering=0) as reader:
                if os.fstat(reader.fileno()).st_size == piece.file.size:
                    digest = _passed(reader, piece, shared, sink)
            if digest != piece.sha256:
                raise Refused(
                    f"{piece.file.path} changed while it was being published",
                    hint="publish again when nothing writes to the directory any more",
                )
            with lock:
                left[piece.file.path] -= 1
                is_whole = not left[piece.file.path]
            if is_whole:
                os.fsync(sink.fileno())

    each(copy_piece, jobs, CPUS)


def _passed(reader: FileIO, piece: Piece, progress: Progress, sink: FileIO | None = None) -> str:
    """The SHA-256 in hex of what is read as `piece`, and written to the same place of `sink`."""
    digest, left = hashlib.sha256(), piece.end - piece.start
    buffer = memoryview(bytearray(min(_CHUNK, left)))
    reader.seek(piece.start)
    if sink is not None:
        sink.seek(piece.start)
    while left and (count := reader.readinto(buffer[:left])):
        digest.update(buffer[:count])
        if sink is not None:
            _write_all(sink, buffer[:count])
        left -= count
        progress.advance(count)
    return digest.hexdigest()


def _write_all(sink: FileIO, data: memoryview) -> None:
    """An unbuffered file may take less than it is given, as when the disk is nearly full."""
    while data:
        data = data[sink.write(data) :]


def _size_of(path: Path, file: FileEntry, where: str) -> Finding | None:
    try:
        found = path.stat()
    except GONE:
        return _missing(where)
    except OSError as error:
        return _unreadable(where, error)
    if stat.S_ISDIR(found.st_mode):
        return _missing(where)
    if found.st_size == file.size:
        return None
    return Finding("damaged", where, f"{found.st_size:,} bytes, published with {file.size:,}")


def _missing(where: str) -> Finding:
    return Finding("missing", where, "the manifest lists it, but it is not there")


def _unreadable(where: str, error: OSError) -> Finding:
    return Finding("damaged", where, f"cannot be read: {error.filename}: {error.strerror}")


def _of(piece: Piece) -> str:
    return f"SHA-256 of bytes {piece.start:,} to {piece.end:,}" if piece.file.parts else "SHA-256"
