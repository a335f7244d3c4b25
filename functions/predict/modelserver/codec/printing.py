"""Arrays as JSON text: whole, row by row, or element by element."""

from math import prod

import numpy as np
import orjson

from modelserver.codec.decimals import FEWEST, texts32
from modelserver.codec.dtypes import Array, JsonType, Kind
from modelserver.codec.literals import literals

# Control characters without a short escape: those from 8 on have one.
_MOST_SEPARATORS = 8


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
    """
    `whole` of strings; None if one of them is no UTF-8, or holds what stands between them.

    They are escaped all at once, with a control character for what separates two of them.
    """
    if not array.size or not 0 < array.ndim <= _MOST_SEPARATORS:
        return None
    texts = array.reshape(-1).tolist()
    joined = _joined(texts, array.shape)
    separators = len(texts) - 1
    if b"\\u000" in joined or separators != sum(
        joined.count(bytes((level,))) for level in range(array.ndim)
    ):
        return None
    try:
        text = orjson.dumps(joined.decode())
    except UnicodeDecodeError:
        return None
    for level in range(array.ndim):
        between = f'"{"]" * level},{"[" * level}"'
        text = text.replace(b"\\u000%d" % level, between.encode())
    return b"[" * array.ndim + text + b"]" * array.ndim


def _joined(texts: list[bytes], shape: tuple[int, ...]) -> bytes:
    """
    With as many lists as end between two of the texts as the character between them.

    texts a b c d, shape (2, 2) → a 0 b 1 c 0 d
    """
    if prod(shape[:-1]) == 1:
        return b"\0".join(texts)
    between: list[bytes] = []
    for level, size in enumerate(reversed(shape)):
        between = ([*between, bytes((level,))] * size)[:-1]
    pieces = [b""] * (2 * len(texts) - 1)
    pieces[::2] = texts
    pieces[1::2] = between
    return b"".join(pieces)


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
