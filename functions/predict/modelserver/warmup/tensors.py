"""
TensorProto to array and back, as `Tensor::FromProto` in `tensorflow/core/framework/tensor.cc`
reads it: all bytes in `tensor_content`, or values in the field of their type, of which the
last one stands for all that are missing.

TensorFlow's own `make_ndarray` would cost the import of TensorFlow.
"""

import math
from itertools import accumulate
from typing import Any

import numpy as np

from modelserver.errors import UnsupportedType
from modelserver.runtime.dtypes import STRING, DType, numbered
from modelserver.runtime.tensors import Array

# Whose values are in which field; those of half and bfloat16 are their bits.
_FIELDS = {
    "DT_FLOAT": "float_val",
    "DT_DOUBLE": "double_val",
    "DT_INT64": "int64_val",
    "DT_UINT32": "uint32_val",
    "DT_UINT64": "uint64_val",
    "DT_BOOL": "bool_val",
    "DT_HALF": "half_val",
    "DT_BFLOAT16": "half_val",
    "DT_COMPLEX64": "scomplex_val",
    "DT_COMPLEX128": "dcomplex_val",
}
_OTHERS = "int_val"  # all smaller integers
_REF = 100  # what a reference type's number is larger by


def array_of(proto: Any) -> Array:  # noqa: ANN401 - a message
    """The array that a TensorProto means. Raises ValueError if it means none."""
    if proto.tensor_shape.unknown_rank:
        raise ValueError("its rank is not known")
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if any(size < 0 for size in shape):
        raise ValueError(f"its shape is {shape}")
    count = math.prod(shape)
    try:
        dtype = numbered(proto.dtype % _REF)
        if proto.tensor_content:  # not a byte too few or too many
            return _content(proto.tensor_content, dtype, count).reshape(shape)
        return _filled(_values(proto, dtype), dtype, count).reshape(shape)
    except UnsupportedType as error:
        raise ValueError(str(error)) from error


def fill(proto: Any, array: Array, number: int) -> None:  # noqa: ANN401 - a message
    """Make an empty TensorProto that of `array`, whose type is `number`."""
    proto.dtype = number
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        proto.string_val.extend(array.reshape(-1).tolist())
    else:
        proto.tensor_content = array.tobytes()


def _content(data: bytes, dtype: DType, count: int) -> Array:
    if dtype is not STRING:
        return np.frombuffer(data, dtype.numpy)
    # The lengths of all strings as varints, then the strings (`core::DecodeStringList`).
    lengths: list[int] = []
    position = length = shift = 0
    while len(lengths) < count:
        byte = data[position] if position < len(data) else 0
        length, shift, position = length | (byte & 127) << shift, shift + 7, position + 1
        if byte < 128:
            lengths.append(length)
            length = shift = 0
    if position + sum(lengths) != len(data):
        raise ValueError("its strings are not as long as it says")
    ends = [position + end for end in accumulate(lengths)]
    return _strings([data[end - size : end] for end, size in zip(ends, lengths, strict=True)])


def _values(proto: Any, dtype: DType) -> Array:  # noqa: ANN401 - a message
    """What is written, as a vector."""
    if dtype is STRING:
        return _strings(list(proto.string_val))
    field = _FIELDS.get(dtype.proto, _OTHERS)
    written = getattr(proto, field)
    if field == "half_val":
        return np.array(written, np.uint16).view(dtype.numpy)
    if "complex" in field:
        part = np.float32 if field == "scomplex_val" else np.float64
        return np.array(written, part).view(dtype.numpy)
    with np.errstate(all="ignore"):
        wide = np.array(written, np.int64 if field == _OTHERS else None)
        return wide.astype(dtype.numpy)


def _strings(values: list[bytes]) -> Array:
    strings = np.empty(len(values), object)
    strings[:] = values
    return strings


def _filled(values: Array, dtype: DType, count: int) -> Array:
    if len(values) >= count:
        return values[:count]
    last = values[-1] if len(values) else b"" if dtype is STRING else 0
    filled = np.empty(count, dtype.numpy)
    filled[: len(values)] = values
    filled[len(values) :] = last
    return filled
