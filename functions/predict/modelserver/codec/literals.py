"""
How single values are written in a response: the digits, tokens and escapes of upstream.

But doubles, which upstream writes with up to seventeen digits, have as few as read back.
"""

import math
from base64 import b64encode
from json.encoder import encode_basestring
from struct import Struct

import numpy as np
import orjson

from modelserver.codec.dtypes import Array, JsonType, Kind
from modelserver.errors import InvalidRequest

_FLOAT32 = Struct("f")


def literals(array: Array, rule: JsonType, *, binary: bool = False) -> list[str]:
    """
    The elements of `array`, in row-major order, as JSON texts.

    With `binary` strings are written as `{"b64": …}` whatever they hold.
    Raises InvalidRequest for a dtype that JSON has no form for.
    """
    if rule.kind is Kind.NONE:
        raise InvalidRequest(f"Failed to write JSON value for tensor type: {rule.dtype.name}")
    flat = array.reshape(-1)
    if rule.kind is Kind.DECIMAL and flat.dtype == np.float64:
        return list(map(_double, flat.tolist()))
    if rule.kind is Kind.DECIMAL:
        return list(map(literal32, flat.astype(np.float32).tolist()))
    if rule.kind is Kind.BOOLEAN:
        return ["true" if value else "false" for value in flat.tolist()]
    if rule.kind is Kind.STRING:
        write = _binary if binary else _string
        return [write(value) for value in flat.tolist()]
    return list(map(str, flat.tolist()))


def literal32(value: float) -> str:
    """
    A float32: six digits where they read back as the same number, else nine.

    Types that are narrower are written as the float32 of the same value.
    """
    text = f"{value:g}"
    (read_back,) = _FLOAT32.unpack(_FLOAT32.pack(float(text)))
    return _whole(text if read_back == value else f"{value:.9g}")


def literal64(value: float) -> str:
    """A double as upstream writes it: six digits where they are enough, else seventeen."""
    text = f"{value:g}"
    return _whole(text if float(text) == value else f"{value:.17g}")


def _whole(text: str) -> str:
    """`.0` marks a whole number as a decimal, so that no reader takes it for an integer."""
    if "." in text or "e" in text:
        return text
    if "n" in text:
        return "NaN" if "nan" in text else text.replace("inf", "Infinity")
    return text + ".0"


def _double(value: float) -> str:
    return orjson.dumps(value).decode() if math.isfinite(value) else _whole(f"{value:g}")


def _string(value: bytes) -> str:
    try:
        return encode_basestring(value.decode())
    except UnicodeDecodeError:
        return _binary(value)


def _binary(value: bytes) -> str:
    return '{"b64":"' + b64encode(value).decode() + '"}'
