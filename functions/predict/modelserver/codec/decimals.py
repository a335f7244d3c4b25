"""
Many float32 numbers at once, in the digits of upstream: what `literals` writes one by one.

numpy rounds each number to a double of six or nine decimal digits, whose shortest text has
just these digits; orjson writes the shortest text of doubles. About twenty times as fast
as formatting each number.
"""

import math

import numpy as np
import orjson
from numpy.typing import NDArray

from modelserver.codec.literals import literal32

_Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]
_Indices = NDArray[np.uint32]

FEWEST = 16
"""Numbers from which on this is quicker than one by one."""

# float32 is split by its exponent's byte. Between these bounds every power of ten used is
# exact as a double; multiplied or divided once, so is the double next to the decimal.
_BIAS = 127
_LOWEST = _BIAS - 43  # from 1.1e-13 on
_HIGHEST = _BIAS + 18  # up to 524,288: upstream writes exponents from a million on
_PLAIN = _BIAS - 13  # from 1.2e-4 on, where no number is written with an exponent
_NINE, _SIX = 8, 5  # digits behind the first
_SHORTENED = 10.0 ** (_SIX - _NINE)
_TEN_DIGITS = 10.0 ** (_NINE + 1)  # the least that has so many

# Stands for a number that is written by itself. Its text is no number's, and its letter no
# other's: to look for one is cheaper than for a word.
_ELSEWHERE = math.nan
_ELSEWHERE_LETTER, _ELSEWHERE_LENGTH = b"n", len(b"null")
_FEW = 16  # numbers of a block that are written by themselves sooner than computed with the rest
# Upstream writes 1e-05 to 1e-09 where orjson writes 0.00001 and 1e-9. These are printed as
# 1e+25 to 1e+29, which is the text of nothing else.
_HIDDEN = range(-9, -4)
_HIDDEN_TEXT, _SHOWN_TEXT = b"e+2", b"e-0"
_HIDING = 20

_BLOCK = 8192  # whose intermediate results stay in the processor's cache
_NOWHERE = np.empty(0, np.intp)


def texts32(array: _Floats) -> bytes:
    """A float32 array of one dimension or more, C-contiguous and not empty, as nested lists."""
    flat = array.reshape(-1)
    doubles = np.empty(flat.shape, np.float64)
    elsewhere: list[NDArray[np.intp]] = []
    for begin in range(0, flat.size, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        with np.errstate(all="ignore"):  # what is out of bounds is written elsewhere
            elsewhere.append(begin + _fill(doubles[block], flat[block]))
    text = orjson.dumps(doubles.reshape(array.shape), option=orjson.OPT_SERIALIZE_NUMPY)
    if b"e" in text:
        text = _shown(text)
    values = flat[np.concatenate(elsewhere)]
    return _filled_in(text, values) if values.size else text


def _fill(doubles: _Doubles, values: _Floats) -> NDArray[np.intp]:
    """Put into `doubles` what orjson is to print for `values`. Returns where that is elsewhere."""
    biased = (values.view(np.uint32) >> np.uint32(23)) & np.uint32(0xFF)
    scaled, multipliers, index = _scaled(values, biased)
    digits = _rounded(values, scaled, multipliers)
    np.divide(digits, multipliers, out=doubles)
    if biased.min() >= _PLAIN and biased.max() <= _HIGHEST:
        return _NOWHERE
    outside = (biased - np.uint32(_PLAIN) > np.uint32(_HIGHEST - _PLAIN)) & (values != 0)
    few = np.flatnonzero(outside)
    if few.size <= _FEW:
        doubles[few] = _ELSEWHERE
        return few
    elsewhere = (biased - np.uint32(_LOWEST) > np.uint32(_HIGHEST - _LOWEST)) & (values != 0)
    small = np.flatnonzero(biased < _PLAIN)
    places = index[small]
    doubles[small] = digits[small] / _DIVISORS.take(places) * _FACTORS.take(places)
    elsewhere[small] |= _in_doubt(scaled[small], digits[small])
    doubles[elsewhere] = _ELSEWHERE
    return np.flatnonzero(elsewhere)


def _scaled(values: _Floats, biased: _Indices) -> tuple[_Doubles, _Doubles, _Indices]:
    """With nine digits before the point; what they were multiplied with, and its places."""
    wide, multipliers = values.astype(np.float64), _MULTIPLIERS.take(biased)
    scaled = wide * multipliers
    over = np.abs(scaled) >= _TEN_DIGITS
    if not over.any():
        return scaled, multipliers, biased
    # Between two powers of two there may be one of ten.
    index = biased + np.uint32(256) * over
    _MULTIPLIERS.take(index, out=multipliers, mode="clip")
    return np.multiply(wide, multipliers, out=scaled), multipliers, index


def _rounded(values: _Floats, scaled: _Doubles, multipliers: _Doubles) -> _Doubles:
    """To six digits where they read back as the same float32, else to nine."""
    six = np.rint(scaled * _SHORTENED)
    six *= 1 / _SHORTENED
    same = (six / multipliers).astype(np.float32) == values
    digits = np.rint(scaled)
    np.copyto(digits, six, where=same)
    return digits


def _in_doubt(scaled: _Doubles, digits: _Doubles) -> NDArray[np.bool_]:
    """
    Where `scaled`, which is rounded itself, may be on the wrong side of a half: of all
    float32 within the bounds it is for eight, none of them above 1e-4. And where rounding
    gave a digit more, which may have moved a hidden exponent.
    """
    half = np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6
    return np.asarray(half | (np.abs(digits) == _TEN_DIGITS))


def _shown(text: bytes) -> bytes:
    """`text` with its hidden exponents. `replace` takes several times as long."""
    characters = np.frombuffer(bytearray(text), np.uint8)
    letter, sign, digit = _HIDDEN_TEXT
    at = np.flatnonzero(characters == letter)
    at = at[(characters[at + 1] == sign) & (characters[at + 2] == digit)]
    _, characters[at + 1], characters[at + 2] = _SHOWN_TEXT
    return characters.tobytes()


def _filled_in(text: bytes, values: _Floats) -> bytes:
    """`text` with `values` where something is written elsewhere."""
    view, begin = memoryview(text), 0  # which is copied once
    pieces: list[bytes | memoryview] = []
    for value in values.tolist():
        end = text.index(_ELSEWHERE_LETTER, begin)
        pieces += view[begin:end], literal32(value).encode()
        begin = end + _ELSEWHERE_LENGTH
    return b"".join([*pieces, view[begin:]])


def _tables() -> tuple[_Doubles, _Doubles, _Doubles]:
    """
    By an exponent's byte: the power of ten that makes nine digits before the point of its
    smallest number; what to divide them by, and then to multiply with. 256 further on, the
    same for numbers with ten times that.
    """
    multipliers, divisors, factors = np.ones(512), np.ones(512), np.ones(512)
    for biased in range(_LOWEST, _HIGHEST + 1):
        smallest = int(f"{2.0 ** (biased - _BIAS):e}".partition("e")[2])
        for index, exponent in ((biased, smallest), (biased + 256, smallest + 1)):
            multipliers[index] = divisors[index] = float(f"1e{_NINE - exponent}")
            if exponent in _HIDDEN:
                divisors[index] = 1
                factors[index] = float(f"1e{_HIDING - exponent - _NINE}")
    return multipliers, divisors, factors


_MULTIPLIERS, _DIVISORS, _FACTORS = _tables()
