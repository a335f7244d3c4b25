"""Many strings at once are printed exactly as they are one by one."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.codec.dtypes import Array, json_type
from modelserver.codec.literals import literals
from modelserver.codec.printing import rows, whole

RULE = json_type("DT_STRING")


def strings(values: list[bytes], shape: tuple[int, ...]) -> Array:
    array = np.empty(len(values), np.object_)
    array[:] = values
    return array.reshape(shape)


def same(array: Array) -> None:
    texts = literals(array, RULE)
    for axis in range(array.ndim - 1, -1, -1):
        size = array.shape[axis]
        texts = [
            f"[{','.join(texts[row * size : (row + 1) * size])}]"
            for row in range(prod(array.shape[:axis]))
        ]
    assert texts[0] == whole(array, RULE).decode()
    if array.ndim:
        assert texts[0] == f"[{','.join(rows(array, RULE))}]"


controls = [bytes((code,)) for code in range(32)]
pieces = st.one_of(
    st.sampled_from(controls),
    st.sampled_from([b"\\", b"u000", b"u0000", b"\\u0001", b'"', b'","', b"]", b"[", b"a", b""]),
    st.sampled_from(["é".encode(), "\u2028".encode(), "😀".encode(), b"\x7f", b"\xff", b"\xc3"]),
)
plain = st.sampled_from([b"\\", b"u0000", b"u0001", b'"', b",", b"a", b"", "é".encode(), b"\n"])


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.sampled_from([pieces, plain, plain]),
    st.data(),
)
def test_any_bytes_in_any_shape(
    shape: list[int], piece: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    texts = st.lists(piece, max_size=4).map(b"".join)
    values = data.draw(st.lists(texts, min_size=prod(shape), max_size=prod(shape)))
    same(strings(values, tuple(shape)))


@pytest.mark.parametrize(
    "shape", [(), (1,), (2, 1), (1, 1, 2), (2, 3), (2, 1, 3, 2), (1,) * 7 + (2,), (2,) * 8]
)
def test_every_rank(shape: tuple[int, ...]) -> None:
    same(strings([f"é{n}".encode() for n in range(prod(shape))], shape))


@pytest.mark.parametrize("shape", [(1,) * 9, (2,) + (1,) * 12, (0,), (2, 0), (0, 2), (1, 0, 2)])
def test_more_ranks_than_separators_and_no_strings(shape: tuple[int, ...]) -> None:
    same(strings([b"a"] * prod(shape), shape))


@pytest.mark.parametrize("text", [b"\x00", b"\x01", b"\\u0000", b"\\u0001", b"\\", b"\xc3"])
def test_what_looks_like_a_separator(text: bytes) -> None:
    same(strings([text, b"u0000", b"\xa9", text], (2, 2)))
