"""
numpy arrays to TF_Tensor and back. Every conversion copies: a graph may keep a
tensor that it was fed, and a caller may write to an array that it was given.

A string is a TF_TString of 24 bytes (`tensorflow/core/platform/ctstring_internal.h`):
up to 22 characters inside it, longer ones on the heap with a pointer to them.
"""

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelserver.errors import InvalidRequest

from . import library as c
from .dtypes import STRING, DType, numbered

Array = np.ndarray[Any, np.dtype[Any]]

TSTRING_BYTES = 24
# Of no length in particular: a type for each length that occurs would be made anew each time.
_FROM_THERE_ON = ctypes.c_char * sys.maxsize
_ON_HEAP = 1  # in the two low bits of a TF_TString's first byte

# The elements of string tensors that TensorFlow still holds, by address. A graph
# may hold one for as long as its session lives: a variable that was assigned it.
_lent: dict[int, "ctypes.Array[ctypes.c_char]"] = {}


def to_tensor(library: c.Library, array: Array, dtype: DType) -> int:
    """
    A new TF_Tensor with the elements of `array`, which must be of `dtype`'s numpy type.

    The caller deletes it. Raises InvalidRequest for an element of a string tensor
    that is not `bytes`.
    """
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    if dtype is STRING:
        return _string_tensor(library, array, shape)
    size = array.nbytes
    tensor: int = library.allocate_tensor(dtype.number, shape, array.ndim, size)
    if size:
        _elements(library, tensor, array.shape, dtype)[...] = array
    return tensor


def to_array(library: c.Library, tensor: int) -> Array:
    """
    A new array with the elements of a TF_Tensor, which stays the caller's.

    Raises UnsupportedType for a tensor of handles.
    """
    dtype = numbered(library.tensor_type(tensor))
    shape = [library.dim(tensor, axis) for axis in range(library.num_dims(tensor))]
    if dtype is not STRING and 0 not in shape:
        return _elements(library, tensor, shape, dtype).copy()
    array = np.empty(shape, dtype.numpy)
    if array.size:
        strings = _strings(library, library.tensor_data(tensor), array.size)
        array.reshape(-1)[:] = strings
    return array


def made_up(dtype: DType, shape: Sequence[int]) -> Array:
    """Zeros, or empty strings: input for a signature about which only types are known."""
    array = np.zeros(shape, dtype.numpy)
    if dtype is STRING:
        array.fill(b"")
    return array


def _elements(library: c.Library, tensor: int, shape: Sequence[int], dtype: DType) -> Array:
    """
    The memory of a TF_Tensor that has elements, which must outlive what is returned.

    numpy copies from and to it 2 µs sooner than it says where an array's own memory is.
    """
    memory: Any = _FROM_THERE_ON.from_address(library.tensor_data(tensor))
    return np.ndarray(shape, dtype.numpy, memory)


def _string_tensor(library: c.Library, array: Array, shape: "ctypes.Array[ctypes.c_int64]") -> int:
    values = array.reshape(-1).tolist()
    for value in values:
        if not isinstance(value, bytes):
            raise InvalidRequest(f"a string tensor holds bytes, not {type(value).__name__}")
    # Zeros are initialised, empty TF_TStrings. At least one byte, to have an address.
    elements = ctypes.create_string_buffer(max(1, len(values) * TSTRING_BYTES))
    start = ctypes.addressof(elements)
    for index, value in enumerate(values):
        # Copied, never a view: operations copy views as views, which would outlive `value`.
        library.string_copy(start + index * TSTRING_BYTES, value, len(value))
    _lent[start] = elements
    tensor: int = library.new_tensor(
        STRING.number,
        shape,
        len(shape),
        start,
        len(values) * TSTRING_BYTES,
        _give_back,
        None,
    )
    return tensor


def _free(start: int, size: int, _argument: int | None) -> None:
    """
    Free a string tensor's elements. TensorFlow calls it with the last reference,
    from whichever thread drops that. The buffer is never shared for writing (it is
    not TensorFlow's own), so its elements are as they were made.
    """
    elements = _lent.pop(start)
    library = c.load()
    for offset in range(0, size, TSTRING_BYTES):
        if elements[offset][0] & _ON_HEAP:
            library.string_dealloc(start + offset)


_give_back = c.Deallocator(_free)


def _strings(library: c.Library, data: int, count: int) -> list[bytes]:
    ends = range(data, data + count * TSTRING_BYTES, TSTRING_BYTES)
    return [ctypes.string_at(library.string_data(at), library.string_size(at)) for at in ends]
