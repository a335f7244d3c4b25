"""
JSON read exactly as rapidjson 1.1.0 reads it: TensorFlow Serving's parser and its error texts.

Differs from Python's `json` in what it takes (`Inf`, `-NaN`, strings that are not UTF-8,
the second half of a surrogate pair alone, any depth of nesting), in what it refuses (1e400,
0e309, the first half alone) and in how it says so, with the offset in bytes. About ten
times slower than the C scanner of `json`, so `syntax` comes here only for bodies that the
scanner gets wrong.

Strings come back as str in which a byte that is no UTF-8 is a surrogate escape.
"""

import math
import re
from collections import Counter
from collections.abc import Callable

from modelserver.codec.excerpt import excerpt
from modelserver.errors import InvalidRequest

BOM = b"\xef\xbb\xbf"

# Bytes as `body[at]` gives them. A NUL is the end of the text, as in C.
_END = 0
_QUOTE, _BACKSLASH, _COMMA, _COLON, _MINUS, _U = b'"\\,:-u'
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = b"[]{}"
_BLANK = frozenset(b" \t\n\r")
# With one of these no document begins, and to rapidjson it is as good as empty.
_NO_BEGINNING = frozenset(b"\x00]},:")

_WORDS = {ord("n"): (b"null", None), ord("t"): (b"true", True), ord("f"): (b"false", False)}
_ESCAPES = dict(
    zip(b'"\\/bfnrt', (b'"', b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"), strict=True)
)

_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_WHOLE = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(rb"\.([0-9]*)")
_EXPONENT = re.compile(rb"[eE][-+]?([0-9]*)")
_NON_FINITE = re.compile(rb"(-?)(?:(NaN)|Inf(?:inity|(?!i)))")
_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]*))?(?:[eE]\+?(-?[0-9]+))?")
_HEX = re.compile(rb"\\u([0-9a-fA-F]{4})")

_LONGEST_INTEGER = len("-9223372036854775808")
_LONGEST_DOUBLE = 308  # digits that are surely none too big
_LONGEST_EXPONENT = 9  # characters that tell whether it is too big
_HIGHEST_POWER = 308

TOO_BIG = "Number too big to be stored in double."
HALF_A_PAIR = "The surrogate pair in string is invalid."


Members = list[tuple[str, object]]
"""What an object holds, in the order written."""


class Repeated(dict[str, object]):
    """
    A JSON object that names some key more than once: the first of each counts.

    `members` are all of them, in the order written.
    """

    def __init__(self, members: Members) -> None:
        super().__init__(reversed(members))
        self.members = members


def first_wins(members: Members) -> dict[str, object]:
    """An object from its members in the order written."""
    found = dict(members)
    return found if len(found) == len(members) else Repeated(members)


def only_once(members: Members) -> dict[str, object]:
    """The same; raises InvalidRequest where two members have one name."""
    found = dict(members)
    if len(found) == len(members):
        return found
    name, _ = Counter(name for name, _ in members).most_common(1)[0]
    raise InvalidRequest(f"JSON object has the key {excerpt(name)} more than once")


def read(body: bytes, object_of: Callable[[Members], dict[str, object]] = first_wins) -> object:
    """
    The first JSON value in `body`; whatever follows it is ignored.

    Keeps its own stack, so that depth costs memory and time but never crashes; the
    caller limits the size. Raises InvalidRequest, `JSON Parse error: … at offset: N`,
    and what `object_of` raises.
    """
    body += b"\x00"
    at = _skip(body, len(BOM) if body.startswith(BOM) else 0)
    if body[at] in _NO_BEGINNING:
        raise _error("The document is empty.", at)
    enclosing: list[_List | _Object] = []
    while True:
        value: object
        opening = body[at]
        if opening in (_OPEN_LIST, _OPEN_OBJECT):
            container = _List() if opening == _OPEN_LIST else _Object(object_of)
            at = _skip(body, at + 1)
            if body[at] != container.closing:
                at = container.expect(body, at)
                enclosing.append(container)
                continue
            value, at = container.value(), at + 1
        else:
            value, at = _scalar(body, at)
        # A value has ended, and with it every container that closes right after it.
        while enclosing:
            container = enclosing[-1]
            container.put(value)
            at = _skip(body, at)
            if body[at] == _COMMA:
                at = container.expect(body, _skip(body, at + 1))
                break
            if body[at] != container.closing:
                raise _error(container.complaint, at)
            value, at = container.value(), at + 1
            enclosing.pop()
        else:
            return value


class _List:
    closing = _CLOSE_LIST
    complaint = "Missing a comma or ']' after an array element."

    def __init__(self) -> None:
        self._items: list[object] = []

    def expect(self, _body: bytes, at: int) -> int:
        """Where the next item begins."""
        return at

    def put(self, value: object) -> None:
        self._items.append(value)

    def value(self) -> list[object]:
        return self._items


class _Object:
    closing = _CLOSE_OBJECT
    complaint = "Missing a comma or '}' after an object member."

    def __init__(self, object_of: Callable[[Members], dict[str, object]]) -> None:
        self._object_of = object_of
        self._members: Members = []
        self._key = ""

    def expect(self, body: bytes, at: int) -> int:
        """Read `"key":`; where its value begins."""
        if body[at] != _QUOTE:
            raise _error("Missing a name for object member.", at)
        self._key, at = _string(body, at)
        at = _skip(body, at)
        if body[at] != _COLON:
            raise _error("Missing a colon after a name of object member.", at)
        return _skip(body, at + 1)

    def put(self, value: object) -> None:
        self._members.append((self._key, value))

    def value(self) -> dict[str, object]:
        return self._object_of(self._members)


def _scalar(body: bytes, at: int) -> tuple[object, int]:
    first = body[at]
    if first == _QUOTE:
        return _string(body, at)
    if first in _WORDS:
        word, value = _WORDS[first]
        if body.startswith(word, at):
            return value, at + len(word)
        raise _error("Invalid value.", at + _alike(body, at, word))
    if found := _WHOLE.match(body, at):
        return _number(body, at, found[0], found.end())
    if found := _NON_FINITE.match(body, at):
        if body.startswith((b".", b"e", b"E"), found.end()):
            # rapidjson reads on, and has forgotten what was before: Inf.5 is 0.5.
            return _number(body, at, found[1] + b"0", found.end())
        sign = -1.0 if found[1] else 1.0
        return (math.nan if found[2] else sign * math.inf), found.end()
    # rapidjson points behind what it had already taken for part of a number.
    at += first == _MINUS
    taken = max(_alike(body, at, b"NaN"), _alike(body, at, b"Infinity"))
    raise _error("Invalid value.", at + taken)


def _number(body: bytes, begin: int, whole: bytes, at: int) -> tuple[float, int]:
    """
    An int, or a float for a decimal literal and for an integer beyond 64 bits.

    `whole` is what was before `at`, where a point or an exponent may follow.
    """
    if len(whole) > _LONGEST_DOUBLE and math.isinf(float(whole)):
        raise _error(TOO_BIG, begin)
    fraction = _FRACTION.match(body, at)
    if fraction:
        if not fraction[1]:
            raise _error("Miss fraction part in number.", at + 1)
        at = fraction.end()
    exponent = _EXPONENT.match(body, at)
    if exponent:
        if not exponent[1]:
            raise _error("Miss exponent in number.", exponent.end())
        at = exponent.end()
    elif not fraction and len(whole) <= _LONGEST_INTEGER:
        integer = int(whole)
        if -(2**63) <= integer < 2**64:
            return integer, at
    text = whole + (fraction[0] if fraction else b"") + (exponent[0] if exponent else b"")
    number = decimal(text.decode())
    if number is None:
        raise _error(TOO_BIG, begin)
    return number, at


def decimal(literal: str) -> float | None:
    """
    The double that a literal stands for, None where rapidjson finds it too big for one.

    It looks at the exponent alone: 2e308 is infinite, 0e309 is too big.
    """
    found = _DECIMAL.fullmatch(literal)
    if found is None:
        raise ValueError(literal)
    sign, whole, fraction, exponent = found.groups(default="")
    power = int(exponent[:_LONGEST_EXPONENT] or 0)
    counted = _counted(whole, fraction) if power > _HIGHEST_POWER // 2 else 0
    if power > _HIGHEST_POWER + counted or math.isinf(float(whole)):
        return None
    number = float(literal)
    if math.isinf(number) and counted:
        # As it is computed there, by one multiplication: it may be just below infinity.
        number = float(f"{sign}{whole}{fraction[:counted]}") * float(f"1e{power - counted}")
    return number


def _counted(whole: str, fraction: str) -> int:
    """How many digits of the fraction rapidjson counts; it has read about seventeen by then."""
    if len(whole) > _LONGEST_INTEGER or int(whole) >= 2**64:
        return 0
    read, digits = int(whole), len(whole) - 1
    for counted, digit in enumerate(fraction):
        if read >= 2**53 and digits >= 17:
            return counted
        read = read * 10 + int(digit)
        digits += read > 0
    return len(fraction)


def _string(body: bytes, at: int) -> tuple[str, int]:
    pieces: list[bytes] = []
    at += 1
    while True:
        plain = _PLAIN.match(body, at)
        end = plain.end() if plain else at
        pieces.append(body[at:end])
        if body[end] == _QUOTE:
            return b"".join(pieces).decode("utf-8", "surrogateescape"), end + 1
        if body[end] == _END:
            raise _error("Missing a closing quotation mark in string.", end)
        if body[end] != _BACKSLASH:
            raise _error("Invalid escape character in string.", end)
        piece, at = _escape(body, end)
        pieces.append(piece)


def _escape(body: bytes, at: int) -> tuple[bytes, int]:
    """The character that the escape at `at` stands for, in UTF-8."""
    kind = body[at + 1]
    if kind in _ESCAPES:
        return _ESCAPES[kind], at + 2
    if kind != _U:
        raise _error("Invalid escape character in string.", at)
    code, end = _hex(body, at, at)
    if 0xD800 <= code <= 0xDBFF:
        if not body.startswith(b"\\u", end):
            raise _error(HALF_A_PAIR, at)
        low, end = _hex(body, end, at)
        if not 0xDC00 <= low <= 0xDFFF:
            raise _error(HALF_A_PAIR, at)
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
    # The second half of a pair alone passes, in three bytes that are no UTF-8.
    return chr(code).encode("utf-8", "surrogatepass"), end


def _hex(body: bytes, at: int, begin: int) -> tuple[int, int]:
    found = _HEX.match(body, at)
    if not found:
        raise _error("Incorrect hex digit after \\u escape in string.", begin)
    return int(found[1], 16), found.end()


def _skip(body: bytes, at: int) -> int:
    while body[at] in _BLANK:
        at += 1
    return at


def _alike(body: bytes, at: int, word: bytes) -> int:
    """How many bytes from `at` on are `word`'s."""
    length = 0
    while length < len(word) and body.startswith(word[: length + 1], at):
        length += 1
    return length


def _error(text: str, at: int) -> InvalidRequest:
    return InvalidRequest(f"JSON Parse error: {text} at offset: {at}")
