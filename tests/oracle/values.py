"""
Arrays in JSON, bit for bit: a dtype's name, a shape, the bytes in hexadecimal.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Value = dict[str, Any]


def recorded(arrays: Mapping[str, Array]) -> dict[str, Value]:
    """
    >>> recorded({"y": np.array([1], np.int8)})
    {'y': {'dtype': 'int8', 'shape': [1], 'data': '01'}}
    """
    return {name: _recorded(np.asarray(array)) for name, array in sorted(arrays.items())}


def _recorded(array: Array) -> Value:
    if array.dtype == object:
        data: Any = [value.hex() for value in array.reshape(-1).tolist()]
    else:
        data = array.tobytes().hex()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}
