"""JSON values as error messages show them: rapidjson's layout, cut short."""

import math
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import cast

from modelserver.codec.dtypes import DOUBLE, INT64, UINT64
from modelserver.codec.literals import literal64

LIMIT = 256
_LONGEST_WHOLE = 21  # digits before the point, beyond which rapidjson writes an exponent
_SMALLEST_POINT = -6  # zeros behind it, likewise


def excerpt(value: object) -> str:
    """
    `value` as JSON, indented, lists on one line; `…` where it is cut after LIMIT characters.

    Costs no more for a huge value than for a small one, nor for a deep one:
    every level of nesting writes a character, so LIMIT ends the descent.
    """
    text = ""
    for piece in _pieces(value, 0):
        text += piece
        if len(text) > LIMIT:
            return text[:LIMIT] + "…"
    return text


def printable(text: str) -> str:
    """`text` as something that can be encoded: its bytes that are no UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def brackets(shape: tuple[int, ...]) -> str:
    """A shape as TensorFlow shows it."""
    return f"[{','.join(map(str, shape))}]"


def json_kind(value: object) -> str:
    """rapidjson's name for the type of `value`, which error messages use."""
    match value:
        case bool():
            return str(value)
        case int() | float():
            return "Number"
        case str():
            return "String"
        case list():
            return "Array"
        case dict():
            return "Object"
    return "Null"


def _pieces(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _object(value, depth)
    elif isinstance(value, list):
        yield from _list(value, depth)
    elif depth and _is_double(value):
        yield _nested(float(cast("float", value)))
    else:
        yield _scalar(value)


def _object(members: dict[str, object], depth: int) -> Iterator[str]:
    comma = ""
    yield "{"
    for name, value in members.items():
        yield f"{comma}\n{'    ' * (depth + 1)}{_scalar(name)}: "
        yield from _pieces(value, depth + 1)
        comma = ","
    yield f"\n{'    ' * depth}}}" if members else "}"


def _list(items: list[object], depth: int) -> Iterator[str]:
    comma = ""
    yield "["
    for item in items:
        yield comma
        yield from _pieces(item, depth + 1)
        comma = ", "
    yield "]"


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and INT64[0] <= value <= UINT64[1]:
        return str(value)
    if isinstance(value, int | float):
        return _double(value)
    return encode_basestring(printable(str(value)[: LIMIT + 1]))


def _is_double(value: object) -> bool:
    """Whether rapidjson holds `value` as a finite double."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not INT64[0] <= value <= UINT64[1] and abs(value) <= DOUBLE[1]


def _nested(value: float) -> str:
    """
    A double inside a list or an object, which rapidjson's own writer writes there.

    >>> _nested(1e20), _nested(1e22), _nested(1.5e-7)
    ('100000000000000000000.0', '1e22', '1.5e-7')
    """
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    significant = (whole + fraction).lstrip("0")
    if not significant:
        return f"{sign}0.0"
    # The value is 0.digits · 10^point.
    point = int(exponent or 0) + len(significant) - len(fraction)
    digits = significant.rstrip("0")
    if len(digits) <= point <= _LONGEST_WHOLE:
        return f"{sign}{digits.ljust(point, '0')}.0"
    if 0 < point <= _LONGEST_WHOLE:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _SMALLEST_POINT < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1}"


def _double(value: float) -> str:
    """rapidjson holds an integer beyond 64 bits as a double."""
    try:
        return literal64(float(value))
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"
