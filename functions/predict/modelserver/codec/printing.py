"""Arrays as JSON text: whole, row by row, or element by element."""

from math import prod

import numpy as np
import orjson

from modelserver.codec.decimals import FEWEST, texts32
from modelserver.codec.dtypes import Array, JsonType, Kind
from modelserver.codec.literals import literals


def whole(array: Array, rule: JsonType, *, binary: bool = False) -> bytes:
    """
    The array as nested lists, a scalar as itself. `literals` says what may be wrong.

    shape (2, 2), 1 2 3 4 → `[[1,2],[3,4]]`
    """
    quick = _quick(array, rule)
    if quick is None and rule.kind is Kind.STRING and not binary:
        quick = _strings(array)
    if quick is not None:
        return quick
    (text,) = _nested(literals(array, rule, binary=binary), array.shape, keep=0)
    return text.encode()


def rows(array: Array, rule: JsonType, *, binary: bool = False) -> list[str]:
    """
    The text of each element of the first dimension, of which there must be one.

    shape (2, 2), 1 2 3 4 → `[1,2]` `[3,4]`
    """
    quick = _quick(array, rule)
    if quick is None:
        return _nested(literals(array, rule, binary=binary), array.shape, keep=1)
    inner = array.ndim - 1
    opening, closing = "[" * inner, "]" * inner
    # Numbers only: what separates two rows is nowhere else.
    texts = quick.decode()[1 + inner : -1 - inner].split(f"{closing},{opening}")
    return [f"{opening}{text}{closing}" for text in texts]


def elements(array: Array, rule: JsonType, *, binary: bool = False) -> list[str]:
    """The elements in row-major order."""
    return rows(array.reshape(-1), rule, binary=binary)


def _quick(array: Array, rule: JsonType) -> bytes | None:
    """`whole` of many numbers; None where each is to be written by itself, and for strings."""
    if array.size < FEWEST or array.ndim == 0:
        return None
    if rule.kind is Kind.DECIMAL and array.dtype != np.float64:
        return texts32(np.ascontiguousarray(array.astype(np.float32, copy=False)))
    if rule.kind is Kind.DECIMAL and not np.isfinite(array.astype(np.float64, copy=False)).all():
        return None
    if rule.kind in (Kind.DECIMAL, Kind.INTEGER, Kind.BOOLEAN):
        return orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)
    return None


def _strings(array: Array) -> bytes | None:
    """`whole` of strings; None if one of them is no UTF-8."""
    try:
        texts = list(map(bytes.decode, array.reshape(-1).tolist()))
    except UnicodeDecodeError:
        return None
    nested = np.empty(len(texts), np.object_)
    nested[:] = texts
    return orjson.dumps(nested.reshape(array.shape).tolist())


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
