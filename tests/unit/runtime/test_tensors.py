"""
Arrays survive the way into a TF_Tensor and back, bit for bit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from modelserver.errors import InvalidRequest
from modelserver.runtime import dtypes, library, tensors
from modelserver.runtime.dtypes import STRING, DType
from modelserver.runtime.tensors import Array

NUMERIC = [dtype for dtype in dtypes.TABLE if dtype.scalar and dtype is not STRING]
PLAIN = [dtype for dtype in NUMERIC if "." not in dtype.scalar]

shapes = hn.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
texts = st.one_of(st.binary(max_size=40), st.binary(min_size=1000, max_size=2000))


@contextmanager
def tensor_of(array: Array, dtype: DType) -> Iterator[int]:
    tensor = tensors.to_tensor(library.load(), array, dtype)
    try:
        yield tensor
    finally:
        library.load().delete_tensor(tensor)


def there_and_back(array: Array, dtype: DType) -> Array:
    with tensor_of(array, dtype) as tensor:
        assert library.load().tensor_type(tensor) == dtype.number
        return tensors.to_array(library.load(), tensor)


@given(st.data())
def test_numbers_survive(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(PLAIN))
    array = data.draw(hn.arrays(dtype.numpy, shapes))
    back = there_and_back(array, dtype)
    assert (array.dtype, array.shape, array.tobytes()) == (back.dtype, back.shape, back.tobytes())


@pytest.mark.parametrize("dtype", NUMERIC, ids=lambda dtype: dtype.proto)
def test_every_type_survives(dtype: DType) -> None:
    array = np.arange(2).astype(dtype.numpy)
    back = there_and_back(array, dtype)
    assert (array.dtype, array.tobytes()) == (back.dtype, back.tobytes())


@given(hn.arrays(object, shapes, elements=texts, fill=st.nothing()))
def test_strings_survive(array: Array) -> None:
    back = there_and_back(array, STRING)
    assert (array.shape, array.tolist()) == (back.shape, back.tolist())


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.int32).reshape(2, 3, 4).T,
        np.arange(10, dtype=np.int32)[::-2],
        np.broadcast_to(np.array(7, np.int32), (3, 2)),
        np.array(5, np.int32),
        np.empty((0, 3), np.int32),
    ],
    ids=["transposed", "backwards", "broadcast", "scalar", "empty"],
)
def test_any_layout_will_do(array: Array) -> None:
    np.testing.assert_array_equal(array, there_and_back(array, dtypes.of("DT_INT32")))
    text = array.astype("S").astype(object)
    np.testing.assert_array_equal(text, there_and_back(text, STRING))


def test_an_answer_is_the_callers_own() -> None:
    array = np.ones(3, np.float32)
    with tensor_of(array, dtypes.of("DT_FLOAT")) as tensor:
        array[:] = 2
        first = tensors.to_array(library.load(), tensor)
        first[:] = 3
        second = tensors.to_array(library.load(), tensor)
    assert [1.0, 1.0, 1.0] == second.tolist()


@pytest.mark.parametrize("value", ["text", None, 1, bytearray(b"x")])
def test_only_bytes_are_strings(value: object) -> None:
    with pytest.raises(InvalidRequest, match=type(value).__name__):
        there_and_back(np.array([b"fine", value], object), STRING)


def test_the_elements_of_a_deleted_string_tensor_are_given_back() -> None:
    before = len(tensors._lent)
    with tensor_of(np.array([b"x" * 100, b""], object), STRING):
        assert len(tensors._lent) == before + 1
    assert len(tensors._lent) == before


def test_made_up_input_is_zeros_and_empty_strings() -> None:
    assert [[0.0, 0.0]] == tensors.made_up(dtypes.of("DT_BFLOAT16"), (1, 2)).tolist()
    assert [b"", b""] == tensors.made_up(STRING, (2,)).tolist()
