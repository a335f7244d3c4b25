"""
TensorFlow's types: number in the C API, name in protos, name over REST, numpy's.

The numbers and proto names are `tensorflow/core/framework/types.proto`; the short
names are what its `DataTypeString` prints and REST errors quote.

>>> of("DT_HALF").name, of("DT_HALF").numpy
('half', dtype('float16'))
"""

import importlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from modelserver.errors import UnsupportedType


@dataclass(frozen=True)
class DType:
    """One type of tensor. `scalar` names numpy's, or ml_dtypes', or is '' if there is none."""

    number: int
    proto: str
    name: str
    scalar: str

    @cached_property
    def numpy(self) -> np.dtype[np.generic]:
        """
        The dtype of its arrays; strings are object arrays of `bytes`.

        Raises UnsupportedType for handles that mean nothing outside TensorFlow.
        """
        if not self.scalar:
            raise UnsupportedType(f"no array can hold a tensor of type {self.name}")
        module, _, name = self.scalar.rpartition(".")
        # ml_dtypes costs a cold start 10 ms that only models with such types should pay.
        return np.dtype(getattr(importlib.import_module(module), name) if module else name)


STRING = DType(7, "DT_STRING", "string", "object")

TABLE = (
    DType(1, "DT_FLOAT", "float", "float32"),
    DType(2, "DT_DOUBLE", "double", "float64"),
    DType(3, "DT_INT32", "int32", "int32"),
    DType(4, "DT_UINT8", "uint8", "uint8"),
    DType(5, "DT_INT16", "int16", "int16"),
    DType(6, "DT_INT8", "int8", "int8"),
    STRING,
    DType(8, "DT_COMPLEX64", "complex64", "complex64"),
    DType(9, "DT_INT64", "int64", "int64"),
    DType(10, "DT_BOOL", "bool", "bool"),
    DType(11, "DT_QINT8", "qint8", "int8"),
    DType(12, "DT_QUINT8", "quint8", "uint8"),
    DType(13, "DT_QINT32", "qint32", "int32"),
    DType(14, "DT_BFLOAT16", "bfloat16", "ml_dtypes.bfloat16"),
    DType(15, "DT_QINT16", "qint16", "int16"),
    DType(16, "DT_QUINT16", "quint16", "uint16"),
    DType(17, "DT_UINT16", "uint16", "uint16"),
    DType(18, "DT_COMPLEX128", "complex128", "complex128"),
    DType(19, "DT_HALF", "half", "float16"),
    DType(20, "DT_RESOURCE", "resource", ""),
    DType(21, "DT_VARIANT", "variant", ""),
    DType(22, "DT_UINT32", "uint32", "uint32"),
    DType(23, "DT_UINT64", "uint64", "uint64"),
    DType(24, "DT_FLOAT8_E5M2", "float8_e5m2", "ml_dtypes.float8_e5m2"),
    DType(25, "DT_FLOAT8_E4M3FN", "float8_e4m3fn", "ml_dtypes.float8_e4m3fn"),
    DType(26, "DT_FLOAT8_E4M3FNUZ", "float8_e4m3fnuz", "ml_dtypes.float8_e4m3fnuz"),
    DType(27, "DT_FLOAT8_E4M3B11FNUZ", "float8_e4m3b11fnuz", "ml_dtypes.float8_e4m3b11fnuz"),
    DType(28, "DT_FLOAT8_E5M2FNUZ", "float8_e5m2fnuz", "ml_dtypes.float8_e5m2fnuz"),
    DType(29, "DT_INT4", "int4", "ml_dtypes.int4"),
    DType(30, "DT_UINT4", "uint4", "ml_dtypes.uint4"),
    DType(31, "DT_INT2", "int2", "ml_dtypes.int2"),
    DType(32, "DT_UINT2", "uint2", "ml_dtypes.uint2"),
    DType(33, "DT_FLOAT4_E2M1FN", "float4_e2m1fn", "ml_dtypes.float4_e2m1fn"),
)

_BY_PROTO = {dtype.proto: dtype for dtype in TABLE}
_BY_NUMBER = {dtype.number: dtype for dtype in TABLE}


def of(proto: str) -> DType:
    """
    The type that a signature calls `DT_FLOAT`, or `DT_FLOAT_REF` for a TF1 variable.

    Raises UnsupportedType for a name that TensorFlow 2.21 does not have.
    """
    found = _BY_PROTO.get(proto.removesuffix("_REF"))
    if found is None:
        raise UnsupportedType(f"{proto} is no type of tensor")
    return found


def numbered(number: int) -> DType:
    """The type that a TF_Tensor says it has. Raises UnsupportedType for an unknown number."""
    found = _BY_NUMBER.get(number)
    if found is None:
        raise UnsupportedType(f"{number} is no type of tensor")
    return found
