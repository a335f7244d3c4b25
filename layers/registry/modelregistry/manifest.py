"""
The manifest of a version: which bytes it is, and who published it when.

Written last and never changed; without it the version does not exist. It holds
facts only: what was worked out about the version is its plan.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from .errors import Damaged, InvalidInput, ModelRefused
from .names import ModelId, model_name, version_number
from .parallel import CPUS, Shared, begin, each
from .progress import UNWATCHED, Progress
from .sealed import seal, unseal

MANIFEST = "manifest.json"
COMPILED = "compiled"
# Files above one part also carry the digest of each part, so that a ranged,
# parallel download can be checked piece by piece.
PART = 16 * 1024 * 1024
_CHUNK = PART // 4


@dataclass(frozen=True)
class FileEntry:
    """One file: `path` relative with '/', `size` in bytes, digests in lower-case hex."""

    path: str
    size: int
    sha256: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    id: ModelId
    files: tuple[FileEntry, ...]
    by: str
    at: str
    message: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def to_bytes(self) -> bytes:
        return seal(
            {
                "model": self.id.model,
                "version": self.id.version,
                "files": [asdict(file) for file in self.files],
                "by": self.by,
                "at": self.at,
                "message": self.message,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> "Manifest":
        """Read what `to_bytes` wrote. Raises Damaged, naming `where`, for anything else."""
        body = unseal(data, where)
        try:
            return cls(
                id=ModelId(model_name(body["model"]), version_number(str(body["version"]))),
                files=tuple(_entry(file) for file in body["files"]),
                by=str(body["by"]),
                at=str(body["at"]),
                message=str(body["message"]),
            )
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise Damaged(f"{where} is not a manifest: {error}") from error


def scan(directory: Path) -> Iterator[tuple[str, Path, int]]:
    """
    Every file of a SavedModel: its relative path, where it is, its size in bytes.

    What a registry wrote beside them (`manifest.json`, `compiled/`) is left out of a
    copy of a published version. Raises ModelRefused at a link, a special file or
    a name that cannot be stored: a digest must mean the same bytes everywhere.
    """
    published = _is_published(directory)
    for path in sorted(_walk(directory)):
        name = path.relative_to(directory).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise ModelRefused(
                f"{name} is a link to {path.readlink()}",
                hint="publish a copy with real files: cp -rL FROM TO",
            )
        if stat.S_ISDIR(mode) or (published and _is_ours(name)):
            continue
        if _is_ours(name):
            raise ModelRefused(f"{name} has a name that the registry keeps for itself")
        if not stat.S_ISREG(mode):
            raise ModelRefused(f"{name} is neither a file nor a directory")
        if not name.isprintable() or "\\" in name:
            raise ModelRefused(f"{name!r} has a character that a file name of a model cannot have")
        yield name, path, path.stat().st_size


def hash_files(directory: Path, *, progress: Progress | None = None) -> tuple[FileEntry, ...]:
    """The entry of every file below `directory`, by path. Reads every byte once."""
    watch = Shared(progress or UNWATCHED)
    found = list(scan(directory))
    watch.start("hashing", sum(size for _, _, size in found))

    def hashed(item: tuple[str, Path, int]) -> FileEntry:
        name, path, _ = item
        with path.open("rb", buffering=0) as file:
            return hash_stream(name, file, progress=watch)

    return tuple(each(hashed, found, (CPUS + 1) // 2))  # a large file takes two


def hash_stream(name: str, source: BinaryIO, *, progress: Progress) -> FileEntry:
    """
    Read `source` to its end, and say what it was. Holds two chunks of it in memory.

    Both digests are of the very same bytes, and are worked out beside each other.
    """
    whole, part, parts, size = hashlib.sha256(), hashlib.sha256(), [], 0
    chunk = _read_chunk(source)
    while chunk:
        size += len(chunk)
        if size < _CHUNK:  # all of it: too little for threads
            whole.update(chunk)
            following = b""
        else:
            updated, ahead = begin(partial(part.update, chunk)), begin(partial(_read_chunk, source))
            whole.update(chunk)
            updated()
            following = ahead()
        if size % PART == 0 or not following:
            parts.append(part.hexdigest())
            part = hashlib.sha256()
        progress.advance(len(chunk))
        chunk = following
    return FileEntry(name, size, whole.hexdigest(), tuple(parts) if size > PART else ())


def _read_chunk(source: BinaryIO) -> bytes:
    """A whole chunk, or what is left of the stream."""
    data = source.read(_CHUNK)
    while 0 < len(data) < _CHUNK and (more := source.read(_CHUNK - len(data))):
        data += more
    return data


def _walk(directory: Path) -> Iterator[Path]:
    # Not rglob: it passes over a directory that it may not read.
    for folder, folders, files in os.walk(directory, onerror=_raise):
        for name in folders + files:
            yield Path(folder, name)


def _raise(error: OSError) -> None:
    raise error


def _is_published(directory: Path) -> bool:
    try:
        Manifest.from_bytes((directory / MANIFEST).read_bytes(), MANIFEST)
    except (OSError, Damaged):
        return False
    return True


def _is_ours(name: str) -> bool:
    return name.split("/", 1)[0] in {MANIFEST, COMPILED}


def _entry(document: Mapping[str, Any]) -> FileEntry:
    path = str(document["path"])
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or _is_ours(path):
        raise ValueError(f"{path!r} leaves the version's directory")
    return FileEntry(
        path,
        int(document["size"]),
        str(document["sha256"]),
        tuple(map(str, document["parts"])),
    )
