"""The outputs of a signature as the body of a predict response."""

from collections.abc import Mapping
from json.encoder import encode_basestring

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array, json_type
from modelserver.codec.printing import rows, whole
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
    return _rows(outputs, specs) if row else _columns(outputs, specs)


def _rows(outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> bytes:
    _check_batch(outputs)
    if len(outputs) == 1:
        return b'{"predictions":' + _whole(outputs, specs) + b"}"
    columns = {
        name: rows(array, json_type(specs[name].dtype), binary=_is_binary(name))
        for name, array in outputs.items()
    }
    objects = [
        _object(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)
    ]
    return b'{"predictions":[' + ",".join(objects).encode() + b"]}"


def _columns(outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> bytes:
    return b'{"outputs":' + _whole(outputs, specs) + b"}"


def _whole(outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> bytes:
    """The only array, or an object of all of them."""
    texts = {
        name: whole(array, json_type(specs[name].dtype), binary=_is_binary(name))
        for name, array in outputs.items()
    }
    if len(texts) == 1:
        return next(iter(texts.values()))
    return _object({name: text.decode() for name, text in texts.items()}).encode()


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


def _is_binary(name: str) -> bool:
    return name.endswith(_BYTES_SUFFIX)


def _object(members: Mapping[str, str]) -> str:
    return (
        "{" + ",".join(f"{encode_basestring(name)}:{text}" for name, text in members.items()) + "}"
    )
