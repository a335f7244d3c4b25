"""TensorProtos as TensorFlow reads them; held against TensorFlow's own in tests/functional."""

from typing import Any

import numpy as np
import pytest

from modelserver.warmup import protos, tensors
from tests.oracle.cases import TEXTS


def proto(dtype: int, *shape: int, **values: Any) -> Any:  # noqa: ANN401 - a message
    made = protos.types()["PredictRequest"]().inputs["x"]
    made.dtype = dtype
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    for field, value in values.items():
        if isinstance(value, list):
            getattr(made, field).extend(value)
        else:
            setattr(made, field, value)
    return made


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (proto(1, 2, float_val=[1.5, 2]), [1.5, 2]),
        (proto(1, 2, 2, float_val=[1.5, 2]), [[1.5, 2], [2, 2]]),  # the last for what is missing
        (proto(1, 3), [0, 0, 0]),
        (proto(1, 1, float_val=[1, 2, 3]), [1]),
        (proto(1, 0), []),
        (proto(1, float_val=[7]), 7),
        (proto(101, 1, float_val=[7]), [7]),  # of a reference
        (proto(3, 2, int_val=[-1, 5]), [-1, 5]),
        (proto(4, 1, int_val=[255]), [255]),
        (proto(6, 1, int_val=[-128]), [-128]),
        (proto(9, 1, int64_val=[2**63 - 1]), [2**63 - 1]),
        (proto(23, 1, uint64_val=[2**64 - 1]), [2**64 - 1]),
        (proto(10, 2, bool_val=[True]), [True, True]),
        (proto(19, 1, half_val=[0x3E00]), [1.5]),
        (proto(14, 1, half_val=[0x3FC0]), [1.5]),
        (proto(8, 2, scomplex_val=[1, 2, 3, 4]), [1 + 2j, 3 + 4j]),
        (proto(18, 1, dcomplex_val=[1, 2]), [1 + 2j]),
        (proto(7, 2, string_val=[b"a\xff"]), [b"a\xff", b"a\xff"]),
        (proto(7, 2), [b"", b""]),
        (proto(7, 2, tensor_content=b"\1\2abc"), [b"a", b"bc"]),
        (proto(7, 1, tensor_content=b"\xac\x02" + b"x" * 300), [b"x" * 300]),
        (proto(1, 1, tensor_content=b"\0\0\x80?"), [1]),
    ],
)
def test_values_are_where_tensorflow_puts_them(message: Any, expected: object) -> None:  # noqa: ANN401
    assert expected == tensors.array_of(message).tolist()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (proto(1, 2, tensor_content=b"\0\0\x80?"), "reshape"),
        (proto(1, 1, tensor_content=b"\0\0\x80"), "buffer size"),
        (proto(1, -1, float_val=[1]), r"its shape is \[-1\]"),
        (proto(0, 1), "no type of tensor"),
        (proto(20, 1), "no array can hold a tensor of type resource"),
        (proto(7, 2, tensor_content=b"\1\2ab"), "not as long as it says"),
        (proto(7, 2, tensor_content=b"\1"), "not as long as it says"),
    ],
)
def test_what_is_no_tensor_is_an_error(message: Any, reason: str) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=reason):
        tensors.array_of(message)


def test_a_tensor_of_unknown_rank_is_none() -> None:
    message = proto(1, float_val=[1])
    message.tensor_shape.unknown_rank = True
    with pytest.raises(ValueError, match="its rank is not known"):
        tensors.array_of(message)


@pytest.mark.parametrize(
    ("number", "array"),
    [(1, np.ones((2, 3), np.float32)), (9, np.array(2**60)), (7, TEXTS.reshape(2, 4))],
)
def test_what_is_filled_in_reads_back(number: int, array: Any) -> None:  # noqa: ANN401
    message = protos.types()["PredictRequest"]().inputs["x"]
    tensors.fill(message, array, number)
    found = tensors.array_of(message)
    assert (array.dtype, array.tolist()) == (found.dtype, found.tolist())
