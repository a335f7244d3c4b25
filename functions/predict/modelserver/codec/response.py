"""The outputs of a signature as the body of a predict response."""

from collections.abc import Mapping
from json.encoder import encode_basestring
from math import prod

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array, json_type
from modelserver.codec.literals import literals
from modelserver.errors import InvalidRequest

_BYTES_SUFFIX = "_bytes"


def encode_predict(
    outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec], *, row: bool
) -> bytes:
    """
    `{"predictions": …}` in the row format, else `{"outputs": …}`, as UTF-8.

    `specs` gives the dtype of each output; strings are object arrays of bytes.
    A single output goes without its name. NaN and Infinity are bare tokens,
    as upstream's: no JSON by the book, but what its clients read.

        {"y": [1., 2.]}                  row → {"predictions":[1.0,2.0]}
        {"y": [1., 2.], "k": [[3], [4]]} row → {"predictions":[{"y":1.0,"k":[3]},{"y":2.0,"k":[4]}]}
                                    columnar → {"outputs":{"y":[1.0,2.0],"k":[[3],[4]]}}

    Raises InvalidRequest where row format was asked for and an output has no
    first dimension, or another one than the rest; and for dtypes that JSON has
    no form for.
    """
    if not outputs:
        raise InvalidRequest("Cannot convert empty tensor map to JSON")
    return (_rows(outputs, specs) if row else _columns(outputs, specs)).encode()


def _rows(outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> str:
    _check_batch(outputs)
    columns = {
        name: _nested(_texts(name, array, specs), array.shape, keep=1)
        for name, array in outputs.items()
    }
    if len(columns) == 1:
        (rows,) = columns.values()
    else:
        rows = [
            _object(dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
    return '{"predictions":[' + ",".join(rows) + "]}"


def _columns(outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> str:
    columns = {
        name: _nested(_texts(name, array, specs), array.shape, keep=0)[0]
        for name, array in outputs.items()
    }
    if len(columns) == 1:
        (text,) = columns.values()
    else:
        text = _object(columns)
    return '{"outputs":' + text + "}"


def _check_batch(outputs: Mapping[str, Array]) -> None:
    batch: int | None = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise InvalidRequest(f"Tensor name: {name} has no shape information ")
        if batch is None:
            batch = array.shape[0]
        if array.shape[0] != batch:
            raise InvalidRequest(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]}"
                f" expecting: {batch}"
            )


def _texts(name: str, array: Array, specs: Mapping[str, TensorSpec]) -> list[str]:
    return literals(array, json_type(specs[name].dtype), binary=name.endswith(_BYTES_SUFFIX))


def _nested(texts: list[str], shape: tuple[int, ...], *, keep: int) -> list[str]:
    """
    The elements of an array put in brackets, all but the first `keep` dimensions.

    texts 1 2 3 4, shape (2, 2), keep 1 → `[1,2]` `[3,4]`
    """
    for axis in range(len(shape) - 1, keep - 1, -1):
        size = shape[axis]
        texts = [
            "[" + ",".join(texts[begin : begin + size]) + "]"
            for begin in (number * size for number in range(prod(shape[:axis])))
        ]
    return texts


def _object(members: Mapping[str, str]) -> str:
    return (
        "{" + ",".join(f"{encode_basestring(name)}:{text}" for name, text in members.items()) + "}"
    )
