"""
TFRecord, as `tensorflow/core/lib/io/record_{reader,writer}.cc` have it: for each record

    its length     8 bytes, and a masked CRC-32C of them
    the record     and a masked CRC-32C of it

all little-endian, without anything before, between or after.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO

from modelserver.errors import BadWarmup

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = _LENGTH.size + _CHECKSUM.size
_MASK = 0xA282EAD8


def read(file: BinaryIO, where: str) -> Iterator[bytes]:
    """
    The records of a file that is called `where`. Less than a header at its end is nothing,
    as upstream.

    Raises BadWarmup for what is no TFRecord. Checksums are looked at where google-crc32c is
    installed; elsewhere the file is one that the registry has digests of.
    """
    offset = 0
    while len(header := file.read(_HEADER)) == _HEADER:
        if not _sound(header):
            notice = " (Is this even a TFRecord file?)" if offset == 0 else ""
            raise _lost(where, f"corrupted record at {offset}{notice}")
        wanted = _LENGTH.unpack_from(header)[0] + _CHECKSUM.size
        data = file.read(wanted) if wanted < 1 << 62 else b""
        if len(data) < wanted:
            reason = f"truncated record at {offset} failed with Read less bytes than requested"
            raise _lost(where, reason)
        if not _sound(data):
            raise _lost(where, f"corrupted record at {offset + _HEADER}")
        yield data[: -_CHECKSUM.size]
        offset += _HEADER + wanted


def framed(record: bytes) -> bytes:
    """The bytes of one record in a file. Raises ModuleNotFoundError without google-crc32c."""
    length = _LENGTH.pack(len(record))
    return length + _masked(length) + record + _masked(record)


def _sound(data: bytes) -> bool:
    """Whether the last bytes are the checksum of those before them."""
    with suppress(ModuleNotFoundError):
        return _masked(data[: -_CHECKSUM.size]) == data[-_CHECKSUM.size :]
    return True


def _masked(data: bytes) -> bytes:
    checksum = _crc32c()(data)
    rotated = (checksum >> 15 | checksum << 17) & 0xFFFFFFFF
    return _CHECKSUM.pack((rotated + _MASK) & 0xFFFFFFFF)


def _crc32c() -> Callable[[bytes], int]:
    from google_crc32c import value  # noqa: PLC0415 - only where such files are

    found: Callable[[bytes], int] = value
    return found


def _lost(where: str, reason: str) -> BadWarmup:
    return BadWarmup(
        where, "DATA_LOSS", f"{reason}. Please verify your warmup data is in TFRecord format."
    )
