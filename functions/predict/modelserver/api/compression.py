"""
gzip in both directions: requests inflated within a bound, answers packed where that is worth it.
"""

import re
import zlib

# What fits into one packet arrives no sooner for being smaller.
SMALLEST = 1400
# Level 1 halves numbers in 16 ms a megabyte; level 6 takes eight times as long for 4 % less.
_LEVEL = 1
_GZIP = 16 + zlib.MAX_WBITS  # a gzip header and trailer, nothing else
_STEP = 64 * 1024

_WEIGHT = re.compile(r"\s*;\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


def inflate(body: bytes, limit: int) -> bytes:
    """
    What a gzip body holds; b"" if it is none, or would be more than `limit` bytes.

    That is upstream's answer, which calls such a document empty. Never holds more than
    `limit` bytes and one step. One gzip member, with nothing behind it.
    """
    unpacker = zlib.decompressobj(_GZIP)
    pieces, room = [], limit + 1
    try:
        for begin in range(0, len(body), _STEP):
            rest = body[begin : begin + _STEP]
            while rest and not unpacker.eof:
                piece = unpacker.decompress(rest, min(room, _STEP))
                pieces.append(piece)
                room -= len(piece)
                if room <= 0:
                    return b""
                rest = unpacker.unconsumed_tail
            if unpacker.eof:
                whole = not unpacker.unused_data and begin + _STEP >= len(body)
                return b"".join(pieces) if whole else b""
    except zlib.error:
        pass
    return b""


def packed(body: bytes) -> bytes:
    """`body` as a gzip file."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


def accepts_gzip(accepted: str) -> bool:
    """
    Whether an Accept-Encoding header would rather have gzip than nothing (RFC 9110, 12.5.3).

    >>> accepts_gzip("br, gzip;q=0.8"), accepts_gzip("gzip;q=0, *"), accepts_gzip("")
    (True, False, False)
    """
    weights = dict(map(_weighed, accepted.split(",")))
    wildcard = weights.get("*", 0.0)
    gzip = max(weights.get("gzip", wildcard), weights.get("x-gzip", 0.0))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weighed(item: str) -> tuple[str, float]:
    """A coding and its weight: 1 unless it is given, 0 if that makes no sense."""
    coding, parameter, weight = item.partition(";")
    found = _WEIGHT.fullmatch(parameter + weight) if parameter else None
    value = float(found[1]) if found else 0.0
    return coding.strip().lower(), value if parameter else 1.0
