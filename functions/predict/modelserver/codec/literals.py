"""How single values are written in a response: the digits, tokens and escapes of upstream."""

import math
from base64 import b64encode
from json.encoder import encode_basestring

import numpy as np

from modelserver.codec.dtypes import Array, JsonType, Kind
from modelserver.errors import InvalidRequest


def literals(array: Array, rule: JsonType, *, binary: bool = False) -> list[str]:
    """
    The elements of `array`, in row-major order, as JSON texts.

    With `binary` strings are written as `{"b64": …}` whatever they hold.
    Raises InvalidRequest for a dtype that JSON has no form for.
    """
    if rule.kind is Kind.NONE:
        raise InvalidRequest(f"Failed to write JSON value for tensor type: {rule.dtype.name}")
    flat = array.reshape(-1)
    if rule.kind is Kind.DECIMAL:
        return _decimals(flat)
    if rule.kind is Kind.BOOLEAN:
        return ["true" if value else "false" for value in flat.tolist()]
    if rule.kind is Kind.STRING:
        write = _binary if binary else _string
        return [write(value) for value in flat.tolist()]
    return list(map(str, flat.tolist()))


def decimal_literal(value: float) -> str:
    """One double, as `literals` would write it."""
    return _decimals(np.array([value]))[0]


def _decimals(flat: Array) -> list[str]:
    """
    Six digits where they read back as the same number, else as many as its type needs.

    Types narrower than float32 are written as the float32 of the same value.
    """
    wide = flat if flat.dtype == np.float64 else flat.astype(np.float32)
    values = wide.tolist()
    texts = ("%g " * len(values) % tuple(values)).split()
    digits = ".17g" if wide.dtype == np.float64 else ".9g"
    with np.errstate(over="ignore"):
        kept = (np.array(list(map(float, texts))).astype(wide.dtype) == wide).tolist()
    return [
        _whole(text) if same else _token(value, digits)
        for text, value, same in zip(texts, values, kept, strict=True)
    ]


def _token(value: float, digits: str) -> str:
    """A number that six digits did not give back; NaN is one, being unequal to itself."""
    if math.isnan(value):
        return "NaN"
    return _whole(format(value, digits))


def _whole(text: str) -> str:
    """`.0` marks a whole number as a decimal, so that no reader takes it for an integer."""
    if "." in text or "e" in text:
        return text
    if "inf" in text:
        return text.replace("inf", "Infinity")
    return text + ".0"


def _string(value: bytes) -> str:
    try:
        return encode_basestring(value.decode())
    except UnicodeDecodeError:
        return _binary(value)


def _binary(value: bytes) -> str:
    return '{"b64":"' + b64encode(value).decode() + '"}'
