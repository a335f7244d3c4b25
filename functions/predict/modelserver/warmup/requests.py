"""
One recorded request as arrays, and as a plan stores it: a cold start reads no protobuf.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from modelregistry.plan import RecordedArray, RecordedRequest, TensorSpec
from modelserver.runtime import dtypes
from modelserver.runtime.tensors import Array

Method = Literal["predict", "classify", "regress"]


@dataclass(frozen=True)
class Request:
    """
    `source` is where it was recorded: `assets.extra/warmup.jsonl, line 3`.

    `examples` is how many of them a classify or regress request holds.
    """

    source: str
    signature: str
    inputs: Mapping[str, Array] = field(repr=False)
    method: Method = "predict"
    examples: int = 0

    @property
    def size(self) -> int:
        """How many bytes its arrays hold."""
        return sum(map(_size, self.inputs.values()))


def pack(request: Request, specs: Mapping[str, TensorSpec]) -> RecordedRequest:
    """The request for a plan; its arrays must be of the dtypes in `specs`."""
    return RecordedRequest(
        request.source,
        request.signature,
        {name: _pack(array, specs[name].dtype) for name, array in request.inputs.items()},
    )


def unpack(recorded: RecordedRequest) -> dict[str, Array]:
    """
    The inputs of a request out of a plan.

    Raises UnsupportedType or ValueError for what `pack` never wrote.
    """
    return {name: _unpack(array) for name, array in recorded.inputs.items()}


def _pack(array: Array, dtype: str) -> RecordedArray:
    if array.dtype == object:
        data: str | tuple[str, ...] = tuple(map(_text, array.reshape(-1).tolist()))
    else:
        data = _text(array.tobytes())
    return RecordedArray(dtype.removesuffix("_REF"), array.shape, data)


def _unpack(recorded: RecordedArray) -> Array:
    dtype = dtypes.of(recorded.dtype)
    if dtype is dtypes.STRING:
        array = np.empty(len(recorded.data), object)
        array[:] = [b64decode(text) for text in recorded.data]
    elif isinstance(recorded.data, str):
        array = np.frombuffer(b64decode(recorded.data), dtype.numpy)
    else:
        raise ValueError(f"numbers of type {dtype.name} are one text, not several")
    return array.reshape(recorded.shape)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _size(array: Array) -> int:
    if array.dtype == object:
        return sum(map(len, array.reshape(-1).tolist()))
    return array.nbytes
