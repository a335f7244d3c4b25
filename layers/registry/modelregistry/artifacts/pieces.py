"""How a file travels: in pieces of 16 MiB, each with a digest of its own."""

import hashlib
from dataclasses import dataclass

from ..errors import Damaged
from ..manifest import PART, FileEntry


@dataclass(frozen=True)
class Piece:
    """Bytes `start` to before `end` of a file; `number` counts from 1. SHA-256 in hex."""

    file: FileEntry
    number: int
    start: int
    end: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.file.path}, part {self.number}" if self.file.parts else self.file.path


def pieces(file: FileEntry) -> list[Piece]:
    """Together they are the whole file. Raises Damaged for an entry that can't be cut up."""
    if file.size <= PART:
        return [Piece(file, 1, 0, file.size, file.sha256)]
    starts = range(0, file.size, PART)
    if len(starts) != len(file.parts):
        raise Damaged(
            f"the manifest has {len(file.parts)} digests for the {len(starts)} parts of {file.path}"
        )
    return [
        Piece(file, number, start, min(start + PART, file.size), sha256)
        for number, (start, sha256) in enumerate(zip(starts, file.parts, strict=True), 1)
    ]


def digest_of_digests(file: FileEntry) -> str:
    """SHA-256 in hex over the SHA-256s of all pieces: what S3 calls composite."""
    return hashlib.sha256(b"".join(bytes.fromhex(p.sha256) for p in pieces(file))).hexdigest()
