"""
A body of numbers: from its bytes to arrays, with no Python object for each number.

simdjson reads the text and copies nested lists into one buffer, whatever their shape;
that the lists are of one shape is proven here. It gives up at the first oddity, and
`syntax` and `tensors` read the body again: what both take is the same, to the bit.

About ten times as fast as a list of Python's floats on the way.
"""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
import simdjson

from modelserver.codec.dtypes import UINT64, Array, JsonType, Kind
from modelserver.codec.syntax import has_large_exponent
from modelserver.codec.tensors import MAX_RANK, from_doubles, within

_KEYS = {"instances", "inputs", "signature_name"}
# What is no part of the structure of nested lists of numbers.
_NUMBERS = b"0123456789.-+eE \t\n\r"
# Bytes a list from which on it is quicker to ask each list for its length than to look at the text.
_LONG_LIST = 300
# Numbers in a list that has a name, from which on looking at each list pays.
_FEWEST = 16
# simdjson looks for a name among all: with thousands the square of them would take minutes.
_MOST_NAMES = 64
# A parser is kept for the next body: the memory of a new one costs as much as reading does.
# It holds several times its largest body, so that larger ones than this leave none behind.
_KEPT_BYTES = 4 * 1024 * 1024
_kept: list[simdjson.Parser] = []


class _Odd(Exception):
    """Something that is not for here to read."""


class Numbers:
    """
    A predict body of which every value is a number or a list, but for the signature's name.

    `signature_name` is what the body calls it; `row` says which of the formats it has.
    """

    def __init__(self, body: bytes, parser: simdjson.Parser) -> None:
        """Raises _Odd for a document that has something else, or two members of one name."""
        document: Any = parser.parse(body)
        if not _is_object(document):
            raise _Odd
        keys = set(document.keys())
        self.row = "instances" in keys
        if not keys <= _KEYS or self.row == ("inputs" in keys):
            raise _Odd
        self.signature_name = document.get("signature_name", "")
        self._body = body
        self._parser: simdjson.Parser | None = parser
        self._columns: dict[str, list[Any]] | None = None
        self._sole: Any = None
        value: Any = document["instances" if self.row else "inputs"]
        kind = type(value)
        if kind is simdjson.Object and not self.row:
            self._columns = {name: [column] for name, column in _members(value).items()}
        elif kind is simdjson.Array and self.row and len(value) and _is_object(value[0]):
            self._columns = _turned(value)
        elif kind is simdjson.Array:
            self._sole = value
        else:
            raise _Odd
        self._check_strings(keys)

    @classmethod
    def read(cls, body: bytes) -> "Numbers | None":
        """None for a body that has to be read by the exact reader, right or wrong."""
        if b"\\" in body or has_large_exponent(body):
            return None
        try:
            return cls(body, _parser())
        except (_Odd, KeyError, ValueError, RuntimeError):  # the latter three are simdjson's
            return None

    def arrays(self, rules: Mapping[str, JsonType]) -> dict[str, Array] | None:
        """
        One array for each of `rules`; None if the exact reader has to say why not.

        To be asked once, for then the parser is left to the next body.
        """
        arrays = self._arrays(rules)
        self._columns = self._sole = None  # a parser is free when no value of it is left
        parser, self._parser = self._parser, None
        if parser and len(self._body) <= _KEPT_BYTES and not _kept:
            _kept.append(parser)
        return arrays

    def _arrays(self, rules: Mapping[str, JsonType]) -> dict[str, Array] | None:
        try:
            if self._columns is None:
                return self._only(rules)
            if self._columns.keys() != rules.keys():
                return None
            lists = _Lists()
            found = {
                name: self._column(self._columns[name], rule, lists) for name, rule in rules.items()
            }
        except (_Odd, ValueError, TypeError, RuntimeError):
            return None
        return found if _holds(self._body, b"[", lists.seen + self.row) else None

    def _only(self, rules: Mapping[str, JsonType]) -> dict[str, Array] | None:
        if len(rules) != 1:
            return None
        ((name, rule),) = rules.items()
        shape = _first_shape(self._sole)
        flat = _flat([self._sole], rule)
        if flat.size != prod(shape) or not self._is_of(shape):
            return None
        return {name: flat.reshape(shape)}

    def _is_of(self, shape: tuple[int, ...]) -> bool:
        """Whether the only list is of `shape` throughout, knowing that its size is right."""
        if len(self._body) > _LONG_LIST * prod(shape[:-1]):
            lists = _Lists()
            lists.visit(self._sole, shape)
            return _holds(self._body, b"[", lists.seen)
        text = self._body[self._body.index(b"[") : self._body.rindex(b"]") + 1]
        # An empty list looks like one with a single number, but would miss in the size.
        return text.translate(None, _NUMBERS) == _structure(shape)

    def _column(self, values: list[Any], rule: JsonType, lists: "_Lists") -> Array:
        """The values of one input, of equal shapes, one below the other if it is of rows."""
        shape = _first_shape(values[0])
        for value in values:
            lists.visit(value, shape)
        whole = (len(values), *shape) if self.row else shape
        flat = _flat(values, rule)
        if flat.size != prod(whole):
            raise _Odd
        return flat.reshape(whole)

    def _check_strings(self, keys: set[str]) -> None:
        """
        No string but the names that were seen: a second member of one name would be one more.

        There is no backslash in the body, so that a string has two quotation marks.
        """
        strings = len(keys) + ("signature_name" in keys)
        if self._columns is not None:
            strings += sum(map(len, self._columns.values()))
        if not isinstance(self.signature_name, str) or not _holds(self._body, b'"', 2 * strings):
            raise _Odd


class _Lists:
    """
    Counts the lists that were seen. If the body has no further ones, what
    else was in those of the last dimension was no list.
    """

    def __init__(self) -> None:
        self.seen = 0

    def visit(self, value: Any, shape: tuple[int, ...]) -> None:  # noqa: ANN401 - whatever simdjson gives
        """Raises _Odd unless `value` is a list of lists, and so on, of the sizes in `shape`."""
        if not isinstance(value, simdjson.Array) or len(value) != shape[0]:
            raise _Odd
        self.seen += 1
        if len(shape) > 1:
            for item in value:
                self.visit(item, shape[1:])


def _parser() -> simdjson.Parser:
    try:
        return _kept.pop()
    except IndexError:  # the first, or another thread has it
        return simdjson.Parser()


def _is_object(value: object) -> bool:
    return isinstance(value, simdjson.Object)


def _members(value: Any) -> dict[str, Any]:  # noqa: ANN401 - simdjson's Object
    """Raises _Odd unless they are a few long lists: others are read as quickly the exact way."""
    if len(value) > _MOST_NAMES:
        raise _Odd
    members = {name: value[name] for name in value.keys()}  # noqa: SIM118 - simdjson's
    for member in members.values():
        if _first_shape(member)[-1] < _FEWEST:
            raise _Odd
    return members


def _turned(instances: Any) -> dict[str, list[Any]]:  # noqa: ANN401 - simdjson's Array
    """Instances that name their inputs, as one column for each name."""
    columns: dict[str, list[Any]] = {name: [] for name in _members(instances[0])}
    for instance in instances:
        if not _is_object(instance) or len(instance) != len(columns):
            raise _Odd
        for name, column in columns.items():
            column.append(instance[name])
    return columns


def _first_shape(value: Any) -> tuple[int, ...]:  # noqa: ANN401 - whatever simdjson gives
    """As the first element of each level has it. Raises _Odd for a scalar and for an empty list."""
    shape: list[int] = []
    while isinstance(value, simdjson.Array):
        shape.append(len(value))
        if not shape[-1] or len(shape) >= MAX_RANK:
            raise _Odd
        value = value[0]
    if not shape:
        raise _Odd
    return tuple(shape)


def _flat(values: Iterable[Any], rule: JsonType) -> Array:
    """All numbers in `values`. Raises TypeError or ValueError for what is none of this type."""
    if rule.kind is Kind.DECIMAL:
        return from_doubles(_buffer(values, "d", np.float64), rule)
    if rule.kind is not Kind.INTEGER:
        raise _Odd
    wide = ("u", np.uint64) if rule.accepts == UINT64 else ("i", np.int64)
    found = within(_buffer(values, *wide), rule)
    if found is None:
        raise _Odd
    return found


def _buffer(values: Iterable[Any], kind: str, dtype: type[np.generic]) -> Array:
    buffers = [np.frombuffer(value.as_buffer(of_type=kind), dtype) for value in values]
    return buffers[0] if len(buffers) == 1 else np.concatenate(buffers)


def _structure(shape: tuple[int, ...]) -> bytes:
    """
    The brackets and commas of a list of this shape.

    >>> _structure((2, 3))
    b'[[,,],[,,]]'
    """
    text = b""
    for size in reversed(shape):
        text = b"[" + b",".join([text] * size) + b"]"
    return text


def _holds(body: bytes, character: bytes, count: int) -> bool:
    """Whether `character` is there so many times; stops looking after one more."""
    at = found = -1
    while found < count and (at := body.find(character, at + 1)) >= 0:
        found += 1
    return found + 1 == count
