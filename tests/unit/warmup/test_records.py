"""TFRecord's frames, as TensorFlow writes and reads them."""

import sys
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.errors import BadWarmup
from modelserver.warmup import records

# What TFRecordWriter makes of b"hello" and b"".
WRITTEN = bytes.fromhex(
    "0500000000000000eab2043e68656c6c6fbb1f1c19000000000000000029039807d8ea82a2"
)
SECOND = 12 + 5 + 4  # where the second record begins


def read(data: bytes) -> list[bytes]:
    return list(records.read(BytesIO(data), "file"))


def refusal(data: bytes) -> BadWarmup:
    with pytest.raises(BadWarmup) as error:
        read(data)
    return error.value


def test_frames_are_tensorflows() -> None:
    assert [b"hello", b""] == read(WRITTEN)
    assert records.framed(b"hello") + records.framed(b"") == WRITTEN


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_framed_reads_back(written: list[bytes]) -> None:
    assert written == read(b"".join(map(records.framed, written)))


@given(st.integers(0, len(WRITTEN) - 1), st.integers(1, 255))
def test_no_byte_can_change_unnoticed(position: int, change: int) -> None:
    spoilt = bytearray(WRITTEN)
    spoilt[position] ^= change
    assert "DATA_LOSS" == refusal(bytes(spoilt)).code


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no TFRecord at all", "corrupted record at 0 (Is this even a TFRecord file?)"),
        (WRITTEN[:12], "truncated record at 0 failed with Read less bytes than requested"),
        (WRITTEN[:-1], f"truncated record at {SECOND} failed with Read less bytes than requested"),
        (WRITTEN[:14] + b"?" + WRITTEN[15:], "corrupted record at 12"),
        (WRITTEN[:SECOND] + b"\1" + WRITTEN[SECOND + 1 :], f"corrupted record at {SECOND}"),
    ],
)
def test_what_is_wrong_is_said_in_tensorflows_words(data: bytes, reason: str) -> None:
    error = refusal(data)
    advice = "Please verify your warmup data is in TFRecord format."
    assert f"file: DATA_LOSS: {reason}. {advice}" == str(error)


@pytest.mark.parametrize("rest", [b"", b"short", b"less than 12"[:11]])
def test_less_than_a_header_at_the_end_is_nothing(rest: bytes) -> None:
    assert [b"hello", b""] == read(WRITTEN + rest)


def test_a_length_beyond_every_file_is_no_reason_to_allocate_it() -> None:
    length = (2**64 - 1).to_bytes(8, "little")
    assert "truncated record at 0" in str(refusal(length + records._masked(length)))


def test_without_the_checksums_library_the_registrys_digests_must_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    assert [b"hellO"] == read(WRITTEN[:16] + b"O" + WRITTEN[17:SECOND])
    assert "truncated" in str(refusal(WRITTEN[:12]))
    with pytest.raises(ModuleNotFoundError):
        records.framed(b"hello")
