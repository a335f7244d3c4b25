"""
Nested JSON lists to one array.

Two ways through the same value: `quick_array` looks at whole levels of nesting at
a time and gives up at the first oddity; `measure` then walks it element by element,
in TensorFlow Serving's order, to say what is wrong in TensorFlow Serving's words.
"""

import re
from base64 import b64decode
from itertools import chain
from typing import TypeGuard, cast

import numpy as np

from modelserver.codec.dtypes import DOUBLE, UINT64, Array, JsonType, Kind
from modelserver.codec.excerpt import excerpt, json_kind
from modelserver.codec.rapidjson import TOO_BIG
from modelserver.errors import InvalidRequest, UnsupportedType

MAX_RANK = 64
"""numpy's; TensorFlow's own is 254."""

TOO_DEEP = f"Tensors of more than {MAX_RANK} dimensions are not supported"

_LEAVES: dict[Kind, set[type]] = {
    Kind.DECIMAL: {float, int},
    Kind.INTEGER: {int},
    Kind.BOOLEAN: {bool},
    Kind.STRING: {str, dict},
    Kind.NONE: set(),
}
_BASE64 = re.compile(rb"([A-Za-z0-9+/]*)([=.]*)")


def array_of(value: object, rule: JsonType) -> Array:
    """
    `value`, a scalar or nested lists of one shape, as an array of that shape.

    Raises InvalidRequest where it is ragged or holds another type of value,
    UnsupportedType where JSON has no form for the dtype.
    """
    array = quick_array(value, rule)
    if array is None:
        measure(value, rule)
        raise InvalidRequest(TOO_DEEP)
    return array


def quick_array(value: object, rule: JsonType) -> Array | None:
    """The array, or None if `value` isn't one; `measure` knows why."""
    nested = flattened(value)
    if nested is None:
        return None
    leaves, shape = nested
    flat = _flat(leaves, rule)
    return None if flat is None else flat.reshape(shape)


def flattened(value: object) -> tuple[list[object], tuple[int, ...]] | None:
    """
    What is no list in `value`, and the shape of the lists; None if they are of several.

    [["a", "b"], ["c", "d"]] → ["a", "b", "c", "d"], (2, 2)
    """
    shape: list[int] = []
    level = [value]
    while level and type(level[0]) is list:
        if set(map(type, level)) != {list}:
            return None
        lists = cast("list[list[object]]", level)
        if len(set(map(len, lists))) != 1:
            return None
        shape.append(len(lists[0]))
        level = list(chain.from_iterable(lists))
        if len(shape) > MAX_RANK:
            return None
    return level, tuple(shape)


def measure(value: object, rule: JsonType) -> tuple[int, ...]:
    """
    The shape of `value`, every element of it checked.

    Raises what `array_of` raises.
    """
    shape = _shape(value)
    _check(value, rule, shape, 0)
    if rule.kind is Kind.NONE:
        raise _unsupported(value, rule)
    return shape


def is_base64(value: object) -> TypeGuard[dict[str, str]]:
    """Whether `value` is `{"b64": "…"}`: a string, not an object with a member."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def utf8(text: str) -> bytes:
    """The bytes that the body had, be they UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


def decode_base64(value: object) -> bytes:
    """
    The bytes of `{"b64": "…"}`: standard alphabet, white space ignored, padding
    (`=`, or `.` as Abseil has it) right or left out.
    """
    if not is_base64(value):
        raise InvalidRequest(
            f"JSON Value: {excerpt(value)} not formatted correctly for base64 data"
        )
    found = _BASE64.fullmatch(b"".join(utf8(value["b64"]).split()))
    missing = -len(found[1]) % 4 if found else 3
    if found is None or missing == 3 or len(found[2]) not in (0, missing):
        raise InvalidRequest("Unable to base64 decode")
    return b64decode(found[1] + b"=" * missing)


def _shape(value: object) -> tuple[int, ...]:
    """As the first element of each level has it."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > MAX_RANK:
            raise InvalidRequest(TOO_DEEP)
        value = value[0] if value else None
    return tuple(shape)


def _check(value: object, rule: JsonType, shape: tuple[int, ...], level: int) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise InvalidRequest(
                f"JSON Value: {excerpt(value)} found at incorrect level: {level + 1}"
                f" in the JSON DOM. Expected at level: {len(shape)}"
            )
        _check_leaf(value, rule)
        return
    if level >= len(shape):
        raise InvalidRequest(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise InvalidRequest(
            f"Encountered list at unexpected size: {len(value)} at level: {level}"
            f" expected size: {shape[level]}"
        )
    for item in value:
        _check(item, rule, shape, level + 1)


def _check_leaf(value: object, rule: JsonType) -> None:
    if isinstance(value, dict):
        if rule.kind is Kind.STRING:
            decode_base64(value)
            return
    elif rule.kind is Kind.NONE:
        raise _unsupported(value, rule)
    elif _fits(value, rule):
        return
    elif type(value) is int and abs(value) > DOUBLE[1]:
        # Upstream's parser says so already; Python's takes integers of any length.
        raise InvalidRequest(f"JSON Parse error: {TOO_BIG}")
    elif rule.strict and type(value) is int:
        raise InvalidRequest(
            f"JSON Value: {excerpt(value)} is out of range for type: {rule.dtype.name},"
            f" which takes {rule.accepts[0]} to {rule.accepts[1]}"
        )
    raise InvalidRequest(
        f"JSON Value: {excerpt(value)} Type: {json_kind(value)}"
        f" is not of expected type: {rule.dtype.name}"
    )


def _fits(leaf: object, rule: JsonType) -> bool:
    """Whether `_flat` would take it: told without numpy, which is slow for one leaf at a time."""
    lowest, highest = rule.accepts
    return type(leaf) in _LEAVES[rule.kind] and (
        not isinstance(leaf, int) or lowest <= leaf <= highest
    )


def _unsupported(value: object, rule: JsonType) -> UnsupportedType:
    return UnsupportedType(f"Conversion of JSON Value: {excerpt(value)} to type: {rule.dtype.name}")


def _flat(leaves: list[object], rule: JsonType) -> Array | None:
    """The leaves as an array of rank 1, or None if one of them is of another type."""
    if rule.kind is Kind.NONE or not set(map(type, leaves)) <= _LEAVES[rule.kind]:
        return None
    try:
        if rule.kind is Kind.INTEGER:
            return _integers(leaves, rule)
        if rule.kind is Kind.STRING:
            return strings_of(leaves)
        if rule.kind is Kind.DECIMAL:
            return from_doubles(np.array(leaves, np.float64), rule)
        return np.array(leaves, rule.dtype.numpy)
    except (InvalidRequest, OverflowError):
        return None


def _integers(leaves: list[object], rule: JsonType) -> Array | None:
    return within(np.array(leaves, np.uint64 if rule.accepts == UINT64 else np.int64), rule)


def from_doubles(wide: Array, rule: JsonType) -> Array:
    """Decimals by way of double, as rapidjson: beyond float32 is infinity, not an error."""
    with np.errstate(all="ignore"):
        return wide.astype(rule.dtype.numpy, copy=False)


def within(wide: Array, rule: JsonType) -> Array | None:
    """64-bit integers as those of `rule`; None if one is outside of what it accepts."""
    lowest, highest = rule.accepts
    if wide.size and (wide.min() < lowest or wide.max() > highest):
        return None
    return wide.astype(rule.dtype.numpy, copy=False)


def strings_of(leaves: list[object]) -> Array:
    """Strings, and objects in base64, as bytes. Raises InvalidRequest for base64 that is none."""
    try:
        texts = cast("list[str]", leaves)
        return np.fromiter(map(str.encode, texts), np.object_, len(texts))
    except (TypeError, UnicodeEncodeError):  # some are base64, or were no UTF-8
        flat = np.empty(len(leaves), np.object_)
        flat[:] = [utf8(leaf) if isinstance(leaf, str) else decode_base64(leaf) for leaf in leaves]
        return flat
