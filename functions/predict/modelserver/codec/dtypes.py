"""How each of TensorFlow's types is written in JSON."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

import numpy as np

from modelserver.runtime.dtypes import DType, of

Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

INT8 = (-(2**7), 2**7 - 1)
INT16 = (-(2**15), 2**15 - 1)
INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)
UINT8 = (0, 2**8 - 1)
UINT16 = (0, 2**16 - 1)
UINT32 = (0, 2**32 - 1)
UINT64 = (0, 2**64 - 1)
DOUBLE = (-(2**1024 - 2**970) + 1, 2**1024 - 2**970 - 1)
"""The integers that round to a finite double."""


class Kind(Enum):
    """What a value looks like in JSON; NONE where JSON has no form for it."""

    DECIMAL = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    STRING = auto()
    NONE = auto()


@dataclass(frozen=True)
class JsonType:
    """
    One dtype, as a request may write it and a response will.

    `accepts` is the range of integer literals that a request may hold. It is
    wider than the type where TensorFlow Serving lets values wrap (uint8 300 is
    44); a literal outside of it is of the wrong type. A strict rule of such a type
    is as narrow as the type.
    """

    dtype: DType
    kind: Kind
    accepts: tuple[int, int] = DOUBLE
    strict: bool = False


@cache
def json_type(proto: str, *, strict: bool = False) -> JsonType:
    """
    The rule for a type that a signature calls `DT_FLOAT`.

    Raises UnsupportedType for a name that isn't TensorFlow's.
    """
    dtype = of(proto)
    if strict and (accepts := _NARROW.get(dtype.proto)):
        return JsonType(dtype, Kind.INTEGER, accepts, strict=True)
    if accepts := _INTEGERS.get(dtype.proto):
        return JsonType(dtype, Kind.INTEGER, accepts)
    return JsonType(dtype, _KINDS.get(dtype.proto, Kind.NONE))


_KINDS = {
    "DT_HALF": Kind.DECIMAL,
    "DT_BFLOAT16": Kind.DECIMAL,
    "DT_FLOAT": Kind.DECIMAL,
    "DT_DOUBLE": Kind.DECIMAL,
    "DT_BOOL": Kind.BOOLEAN,
    "DT_STRING": Kind.STRING,
}

_INTEGERS = {
    "DT_INT8": INT32,
    "DT_INT16": INT32,
    "DT_INT32": INT32,
    "DT_INT64": INT64,
    "DT_UINT8": INT32,
    # TensorFlow Serving takes no uint16 at all, so there is no wrapping to copy.
    "DT_UINT16": UINT16,
    "DT_UINT32": UINT32,
    "DT_UINT64": UINT64,
}

_NARROW = {"DT_INT8": INT8, "DT_INT16": INT16, "DT_UINT8": UINT8}
