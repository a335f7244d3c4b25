"""Into a bucket: in pieces, several at a time, each checked before it leaves and by S3."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Refused, RegistryError
from ..manifest import FileEntry
from ..parallel import each
from ..progress import Progress
from .pieces import Piece, digest_of_digests, pieces
from .s3_bucket import Bucket
from .s3_objects import Origin, Part, Written, base64_of, was_refused

# Each holds one piece of 16 MiB in memory.
_THREADS = 6


# Objects with the bytes that are wanted, by their SHA-256.
Have = Mapping[str, Origin]


@dataclass
class _Object:
    """One file on its way to `key`: an object at once, or a multipart `upload`."""

    file: FileEntry
    key: str
    upload: str = ""
    etags: dict[int, str] = field(default_factory=dict)
    version: str = ""
    problem: RegistryError | None = None

    @property
    def is_large(self) -> bool:
        return bool(self.file.parts)


class Upload:
    """
    What one publish writes below the key `folder`, and how it is taken back.

    Used by one thread, it uses several.
    """

    def __init__(self, bucket: Bucket, folder: str, progress: Progress) -> None:
        self._bucket = bucket
        self._folder = folder
        self._progress = progress
        self._lock = threading.Lock()
        self._written: list[tuple[str, str]] = []
        self._begun: dict[str, str] = {}
        self._is_certain = True

    def write(self, path: str, data: bytes) -> str:
        """A small object of the registry's own. Returns its version."""
        return self._write(self._folder + path, lambda key: self._bucket.put(key, data))

    def send(self, files: Sequence[FileEntry], source: Path) -> dict[str, str]:
        """
        Upload `files` from the directory `source`. Returns their versions by path.

        Raises Refused for a file that is not what its entry says.
        """

        def send_piece(target: _Object, piece: Piece) -> None:
            data = _read(source, piece)
            if target.is_large:
                target.etags[piece.number] = self._bucket.put_part(
                    Part(target.key, target.upload, piece.number), data, piece.sha256
                )
            else:
                target.version = self._write(
                    target.key, lambda key: self._bucket.put(key, data, piece.sha256)
                )
            self._progress.advance(len(data))

        sent = self._make(files, send_piece)
        for target in sent:
            if target.problem:
                raise target.problem
        return {target.file.path: target.version for target in sent}

    def copy(self, files: Sequence[FileEntry], have: Have) -> dict[str, str]:
        """
        Copy those of `files` that can be copied inside S3. Returns their versions by path.

        S3 works out the SHA-256 of what it copied; what has another one than the
        manifest says is thrown away, and so is what S3 has none for.
        """

        def copy_piece(target: _Object, piece: Piece) -> None:
            if target.problem:
                return
            origin = have[target.file.sha256]
            try:
                if target.is_large:
                    target.etags[piece.number] = self._bucket.copy_part(
                        Part(target.key, target.upload, piece.number),
                        origin,
                        piece.start,
                        piece.end,
                    )
                else:
                    target.version = self._write(
                        target.key, lambda key: self._bucket.copy(key, origin)
                    )
            except RegistryError as error:
                target.problem = error

        made = self._make(files, copy_piece)
        copied = {target.file.path: target.version for target in made if not target.problem}
        sound = each(lambda file: self._is_sound(file, copied.get(file.path)), files, _THREADS)
        for file, good in zip(files, sound, strict=True):
            if good:
                self._progress.advance(file.size)
            elif file.path in copied:
                self._take_back([(self._folder + file.path, copied.pop(file.path))])
        return copied

    def undo(self) -> bool:
        """
        Remove every object version that was written, and forget every upload.

        Returns whether that was certainly all: a request that was not answered may
        have left another.
        """
        each(lambda begun: self._bucket.abort(*begun), list(self._begun.items()), _THREADS)
        self._take_back(list(self._written))
        return self._is_certain

    def _make(
        self, files: Sequence[FileEntry], put: Callable[[_Object, Piece], None]
    ) -> list[_Object]:
        """`put` every piece of `files`, and put together those that have several."""
        objects = [_Object(file, self._folder + file.path) for file in files]
        large = [target for target in objects if target.is_large]
        each(self._begin, large, _THREADS)
        jobs = [(target, piece) for target in objects for piece in pieces(target.file)]
        each(lambda job: put(*job), jobs, _THREADS)
        each(self._complete, large, _THREADS)
        return objects

    def _begin(self, target: _Object) -> None:
        target.upload = self._bucket.begin(target.key)
        with self._lock:
            self._begun[target.key] = target.upload

    def _complete(self, target: _Object) -> None:
        if not target.problem:
            parts = [(target.etags[p.number], p.sha256) for p in pieces(target.file)]
            try:
                target.version = self._bucket.complete(target.key, target.upload, parts)
            except RegistryError as error:
                target.problem = error
                self._is_certain &= was_refused(error)
        if target.problem:
            self._bucket.abort(target.key, target.upload)
        with self._lock:
            if not target.problem:
                self._written.append((target.key, target.version))
            del self._begun[target.key]

    def _is_sound(self, file: FileEntry, version: str | None) -> bool:
        if version is None:
            return False
        with suppress(RegistryError):  # then it is uploaded
            size, checksum = self._bucket.checksum(self._folder + file.path, version)
            known = {base64_of(file.sha256), base64_of(digest_of_digests(file))}
            return size == file.size and checksum.partition("-")[0] in known
        return False

    def _write(self, key: str, request: Callable[[str], Written]) -> str:
        """Returns the version."""
        try:
            written = request(key)
        except RegistryError as error:
            self._is_certain &= was_refused(error)
            raise
        with self._lock:
            self._written.append((key, written.version))
            self._is_certain &= written.once
        return written.version

    def _take_back(self, objects: list[tuple[str, str]]) -> None:
        self._bucket.delete(objects)
        with self._lock:
            self._written = [written for written in self._written if written not in objects]


def _read(source: Path, piece: Piece) -> bytes:
    """The bytes of a piece. Raises Refused where they are not those that were hashed before."""
    data, rest = b"", b"?"
    gone = suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError)
    with gone, (source / piece.file.path).open("rb") as file:
        file.seek(piece.start)
        data = file.read(piece.end - piece.start)
        rest = file.read(1) if piece.end == piece.file.size else b""
    if rest or hashlib.sha256(data).hexdigest() != piece.sha256:
        raise Refused(
            f"{piece.file.path} changed while it was being published",
            hint="publish again when nothing writes to the directory any more",
        )
    return data
