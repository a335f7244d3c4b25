"""JSON values as error messages show them: rapidjson's layout, cut short."""

from collections.abc import Iterator
from json.encoder import encode_basestring

from modelserver.codec.dtypes import INT64, UINT64
from modelserver.codec.literals import decimal_literal

LIMIT = 256


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


def _double(value: float) -> str:
    """rapidjson holds an integer beyond 64 bits as a double."""
    try:
        return decimal_literal(float(value))
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"
