"""Out of a bucket: in pieces, several at a time, every byte checked while it arrives."""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import Damaged, NoRegistry, NotFound, Unavailable
from ..names import ModelId
from ..parallel import each
from ..progress import Progress
from .cache import Wanted
from .pieces import Piece, pieces
from .s3_bucket import Bucket
from .s3_objects import Body
from .store import Finding

_THREADS = 8
_CHUNK = 256 * 1024  # what each thread holds in memory
# How often a body that breaks off is taken up again, per piece; the first after about 0.1 s.
_RESUMES = 6


class Reader:
    """
    Bytes `start` to before `end` of an object, or all of it, in their order.

    A connection that breaks is replaced by another one that goes on where it broke.
    """

    def __init__(
        self, bucket: Bucket, key: str, version: str = "", start: int = 0, end: int | None = None
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._version = version
        self._at = start
        self._end = end
        self._resumed = 0
        self._body: Body | None = None

    def size(self) -> int:
        """Of the whole object, in bytes. Raises NotFound."""
        return self._open().total

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; none at the end. Raises NotFound and Unavailable."""
        while True:
            body = self._open()
            left = min(self._end or 0, body.total) - self._at
            if left <= 0:
                return b""
            broken: Unavailable | None = None
            chunk = b""
            try:
                with self._bucket.reading(self._key):
                    chunk = body.stream.read(min(count, left))
            except Unavailable as error:
                broken = error
            if chunk:
                self._at += len(chunk)
                return chunk
            self._resume(broken)

    def read_all(self) -> bytes:
        data = bytearray()
        while chunk := self.read(_CHUNK):
            data += chunk
        return bytes(data)

    def close(self) -> None:
        if self._body is not None:
            self._body.stream.close()
        self._body = None

    def _open(self) -> Body:
        if self._body is None:
            self._body = self._bucket.open(self._key, self._version, self._at, self._end)
            self._end = self._body.total if self._end is None else self._end
        return self._body

    def _resume(self, broken: Unavailable | None) -> None:
        self.close()
        self._resumed += 1
        if self._resumed > _RESUMES:
            raise broken or Unavailable(f"{self._bucket.url(self._key)} breaks off again and again")
        # Many readers that broke together must not come back together.
        time.sleep(random.uniform(0.05, 0.1) * 2**self._resumed)  # noqa: S311


@dataclass(frozen=True)
class Download:
    """
    The files of one version.

    `folder` is the key they begin with, `objects` the pinned VersionIds by path.
    Many threads tell `progress` of theirs.
    """

    bucket: Bucket
    id: ModelId
    folder: str
    objects: Mapping[str, str]
    progress: Progress

    def bring(self, wanted: Sequence[Wanted], whole: Callable[[Wanted], None]) -> None:
        """
        Fill each file that is `wanted`, and call `whole` for each that is complete.

        Raises Damaged, naming the first object that is not what was published.
        """
        jobs = [(item, piece) for item in wanted for piece in pieces(item.file)]
        left = Counter(item.file.path for item, _ in jobs)
        lock = threading.Lock()

        def bring_piece(job: tuple[Wanted, Piece]) -> None:
            item, piece = job
            with item.path.open("r+b") as sink:
                sink.seek(piece.start)
                if finding := self._read(piece, sink):
                    raise Damaged(
                        f"{finding.where} is {finding.kind}: {finding.what}",
                        hint=f"see all of it: deploy verify {self.id}",
                    )
            with lock:
                left[item.file.path] -= 1
                done = not left[item.file.path]
            if done:
                whole(item)

        each(bring_piece, jobs, _THREADS)

    def check(self, files: Sequence[Piece]) -> list[Finding]:
        """Read `files` and keep nothing of them. Says what is wrong, the first thing of each."""
        found = each(lambda piece: (piece, self._read(piece, None)), files, _THREADS)
        first = {piece.file.path: finding for piece, finding in reversed(found) if finding}
        return [first[path] for path in sorted(first)]

    def _read(self, piece: Piece, sink: BinaryIO | None) -> Finding | None:
        where, key = f"{self.id} {piece.file.path}", self.folder + piece.file.path
        version = self.objects.get(piece.file.path, "")
        try:
            return self._read_version(piece, sink, where, version)
        except NoRegistry:
            raise
        except NotFound:
            pass
        if version:
            # Not there under its VersionId: a copy of the bucket has others.
            try:
                return self._read_version(piece, sink, where, "")
            except NotFound:
                pass
        return Finding("missing", where, f"{self.bucket.url(key)} is not there")

    def _read_version(
        self, piece: Piece, sink: BinaryIO | None, where: str, version: str
    ) -> Finding | None:
        reader = Reader(self.bucket, self.folder + piece.file.path, version, piece.start, piece.end)
        try:
            if (size := reader.size()) != piece.file.size:
                return Finding(
                    "damaged", where, f"{size:,} bytes, published with {piece.file.size:,}"
                )
            digest = hashlib.sha256()
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                if sink is not None:
                    sink.write(chunk)
                self.progress.advance(len(chunk))
        finally:
            reader.close()
        if digest.hexdigest() == piece.sha256:
            return None
        which = f" of bytes {piece.start:,} to {piece.end:,}" if piece.file.parts else ""
        return Finding(
            "damaged", where, f"SHA-256{which} is {digest.hexdigest()}, published {piece.sha256}"
        )
