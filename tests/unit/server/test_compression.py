"""gzip both ways: what is inflated, what is refused, and what a client said it accepts."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.api.compression import accepts_gzip, inflate, packed

MIB = 1024 * 1024


@given(st.binary(max_size=300_000), st.integers(0, 9))
def test_what_was_packed_is_inflated_again(data: bytes, level: int) -> None:
    assert data == inflate(gzip.compress(data, level), len(data))
    assert data == inflate(packed(data), len(data))
    assert data == gzip.decompress(packed(data))


@pytest.mark.parametrize("size", [1, 1000, 64 * 1024, 64 * 1024 + 1, 3 * MIB])
def test_exactly_the_limit_passes_and_one_byte_more_is_nothing(size: int) -> None:
    body = gzip.compress(b"x" * size)
    assert size == len(inflate(body, size))
    assert b"" == inflate(body, size - 1)


class Counting:
    """Stands before zlib's decompressor and remembers how much it has given out."""

    def __init__(self, inner: "zlib._Decompress") -> None:
        self.inner = inner
        self.given = 0

    def decompress(self, data: bytes, limit: int) -> bytes:
        piece = self.inner.decompress(data, limit)
        self.given += len(piece)
        return piece

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def test_a_bomb_is_never_inflated_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(200 * MIB), 9)
    assert len(bomb) < MIB
    counters = []
    make = zlib.decompressobj

    def counting(wbits: int) -> Counting:
        counters.append(Counting(make(wbits)))
        return counters[-1]

    monkeypatch.setattr(zlib, "decompressobj", counting)
    assert b"" == inflate(bomb, MIB)
    (counter,) = counters
    assert MIB < counter.given <= MIB + 1


WHOLE = gzip.compress(b'{"instances": [1.0]}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        WHOLE[:-1],
        WHOLE[:10],
        WHOLE + b"x",
        WHOLE + WHOLE,
        WHOLE[:-8] + bytes(8),
        WHOLE[:12] + b"\xff\xff" + WHOLE[14:],
        zlib.compress(b"{}"),
    ],
    ids=["empty", "plain", "cut", "header", "behind", "two", "checksum", "damaged", "zlib"],
)
def test_what_is_no_whole_gzip_body_is_nothing(body: bytes) -> None:
    assert b"" == inflate(body, MIB)


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd_to_be_refused(body: bytes) -> None:
    assert len(inflate(b"\x1f\x8b\x08" + body, 1000)) <= 1000


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip, br", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip ; q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0, gzip", True),
        ("identity", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0", False),
        ("br", False),
        ("gzipped", False),
        ("gzip;q=2", False),
        ("gzip;q=often", False),
        ("gzip;level=1", False),
    ],
)
def test_gzip_is_accepted_by_the_rules_of_http(accepted: str, expected: bool) -> None:
    assert expected is accepts_gzip(accepted)


@given(st.text(max_size=60))
def test_no_header_is_too_odd_to_be_read(accepted: str) -> None:
    assert accepts_gzip(accepted) in (True, False)
