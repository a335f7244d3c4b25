"""From the bytes of a body to its JSON object, as quickly as Python's own scanner allows."""

import json
import re

from modelserver.codec import rapidjson
from modelserver.codec.excerpt import excerpt
from modelserver.errors import InvalidRequest

_SPACE = re.compile(r"\ufeff?[ \t\n\r]*")

# The exact reader takes up to 4 s and 250 MB for a hostile MiB. What is larger must be
# JSON as Python's scanner reads it: all of RFC 8259, and NaN, Infinity and -Infinity.
EXACT_BYTES = 1024 * 1024

# Where Python's scanner could say yes and rapidjson no. Each pattern begins with
# a literal, so that `re` looks for it with memchr: 10 µs for 50 kB.
_LARGE_EXPONENTS = tuple(
    (letter, re.compile(letter + rb"\+?(?:29[0-9]|[3-9][0-9]{2}|0[0-9]{2}|[0-9]{4})"))
    for letter in (b"e", b"E")
)
_LONE_SURROGATE = re.compile(
    rb"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F]..)|(?<!\\u[dD][89abAB]..\\u[dD])[c-fC-F])"
    rb"|\\\\u[dD]"  # an escaped backslash: too much for a quick pattern to tell what is escaped
)
# Which takes every escape from the first one on. Possessive: linear in any text.
_HALF_PAIR = re.compile(
    rb"(?:[^\\]++|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(?!u[dD][89a-fA-F]).)*+\\u[dD][89a-fA-F]",
    re.DOTALL,
)


def read_object(body: bytes, *, strict: bool = False) -> dict[str, object]:
    """
    The JSON object that `body` holds; whatever follows it is ignored.

    Raises InvalidRequest for anything else, with rapidjson's text, and where it is
    `strict` also for a key that an object names twice.
    """
    if not body:
        raise InvalidRequest("JSON Parse error: The document is empty")
    object_of = rapidjson.only_once if strict else rapidjson.first_wins
    document: object = _scan(body, strict=strict)
    if not isinstance(document, dict) and len(body) <= EXACT_BYTES:
        document = rapidjson.read(body, object_of)
    if not isinstance(document, dict):
        raise InvalidRequest(f"JSON Value: {excerpt(document)} Is not object")
    return document


def has_large_exponent(body: bytes) -> bool:
    """Whether there may be a number that rapidjson refuses; it refuses `0e309`, too."""
    return any(letter in body and pattern.search(body) for letter, pattern in _LARGE_EXPONENTS)


def _scan(body: bytes, *, strict: bool) -> object:
    """What `json` makes of the body; None where rapidjson may see it otherwise."""
    try:
        _refuse_half_pairs(body)
        # Letters of base64 look like a large exponent as often as not, so only the
        # numbers themselves can tell.
        large = has_large_exponent(body)
        text = body.decode("utf-8", "surrogateescape")
        begin = _SPACE.match(text)
        return _DECODERS[strict, large].raw_decode(text, begin.end() if begin else 0)[0]
    except (ValueError, RecursionError) as error:
        if len(body) > EXACT_BYTES:
            raise InvalidRequest(f"JSON Parse error: {_reason(error)}") from error
        return None


def _refuse_half_pairs(body: bytes) -> None:
    if b"\\" in body and _LONE_SURROGATE.search(body) and _HALF_PAIR.match(body):
        raise ValueError(rapidjson.HALF_A_PAIR)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "Nested too deeply."
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at offset: {error.pos}"
    return str(error)


def _finite(digits: str) -> float:
    value = rapidjson.decimal(digits)
    if value is None:
        raise ValueError(f"{rapidjson.TOO_BIG.rstrip('.')}: {digits[:40]}")
    return value


_DECODERS = {
    (strict, large): json.JSONDecoder(
        object_pairs_hook=rapidjson.only_once if strict else rapidjson.first_wins,
        parse_float=_finite if large else None,
    )
    for strict in (False, True)
    for large in (False, True)
}
