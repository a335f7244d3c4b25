"""
A classify or regress request: JSON examples to serialized `tf.Example`s.

    {"examples": [{"age": 20, "names": ["a", "b"]}]} → one Example with two features

The wire format is written here by hand, for protobuf costs a cold start 50 ms. It is
that of `tensorflow/core/example/example.proto` and `feature.proto`:

    Example   { Features features = 1 }
    Features  { map<string, Feature> feature = 1 }, an entry being { key = 1, value = 2 }
    Feature   { oneof kind: BytesList = 1, FloatList = 2, Int64List = 3 }
    …List     { repeated value = 1 }, numbers packed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from modelserver.codec.dtypes import INT64, UINT64, Array
from modelserver.codec.excerpt import excerpt, json_kind, printable
from modelserver.codec.rapidjson import Repeated
from modelserver.codec.request import signature_name
from modelserver.codec.syntax import read_object
from modelserver.codec.tensors import decode_base64, is_base64, utf8
from modelserver.errors import InvalidRequest

# A context of half a body before each of the examples in the other half is the body's square.
_MOST_CONTEXT = 100 * 1024 * 1024


class _Kind(Enum):
    """What a feature is a list of; the value is its field in Feature."""

    BYTES = 1
    FLOAT = 2
    INT64 = 3


@dataclass(frozen=True)
class ExamplesBody:
    """A body that has been read whole, before any model is looked up, as upstream does it."""

    signature_name: str
    examples: Array = field(repr=False)
    """A vector of serialized Examples, as a string tensor is fed."""

    @classmethod
    def parse(
        cls,
        body: bytes | bytearray | memoryview,
        *,
        strict: bool = False,
        most_context: int = _MOST_CONTEXT,
    ) -> "ExamplesBody":
        """
        The features of `context` go before each example's own, which win over them.

        Raises InvalidRequest for whatever cannot be such a list of examples, and where
        repeating the context would take more than `most_context` bytes.
        """
        document = read_object(bytes(body), strict=strict)
        name = signature_name(document)
        context = serialized(document["context"]) if "context" in document else b""
        examples = _listed(document)
        if len(context) * len(examples) > most_context:
            raise InvalidRequest(
                f"'context' takes {len(context)} bytes: too many to repeat for each of"
                f" {len(examples)} examples, which may take {most_context} bytes of it together"
            )
        vector = np.empty(len(examples), np.object_)
        vector[:] = [context + serialized(example) for example in examples]
        return cls(name, vector)


def serialized(value: object) -> bytes:
    """
    One JSON object as the bytes of a `tf.Example`. Raises InvalidRequest.

    >>> serialized({"x": [1.0]}).hex(" ")
    '0a 0f 0a 0d 0a 01 78 12 08 12 06 0a 04 00 00 80 3f'
    """
    if not isinstance(value, dict):
        raise InvalidRequest(f"Example must be JSON object but got JSON {json_kind(value)}")
    # Upstream assigns the members one after the other: unlike elsewhere, the last of a name wins.
    members = value.members if isinstance(value, Repeated) else value.items()
    features = {name: _feature(printable(name), content) for name, content in members}
    if not features:
        return b""
    entries = b"".join(
        _field(1, _field(1, utf8(name)) + _field(2, feature)) for name, feature in features.items()
    )
    return _field(1, entries)


def _listed(document: Mapping[str, object]) -> list[object]:
    if "examples" not in document:
        complaint = "When method is classify, key 'examples' is expected and was not found"
    elif not isinstance(examples := document["examples"], list):
        complaint = "Expecting 'examples' value to be an list/array"
    elif not examples:
        complaint = "'examples' value is an empty array"
    else:
        return examples
    raise InvalidRequest(f"JSON Value: {excerpt(document)} {complaint}")


def _feature(name: str, content: object) -> bytes:
    """A Feature; an empty list is one of no kind."""
    values = content if isinstance(content, list) else [content]
    if not values:
        return b""
    kind = _kind(name, values)
    if kind is _Kind.FLOAT:
        elements = _field(1, _floats(values))
    elif kind is _Kind.INT64:
        elements = _field(1, b"".join(map(_varint, values)))
    else:
        elements = b"".join(_field(1, _bytes(value)) for value in values)
    return _field(kind.value, elements)


def _kind(name: str, values: list[object]) -> _Kind:
    """What all of `values` are. Raises InvalidRequest for the first that is something else."""
    # Most lists are of one type, and then one look tells; integers may be too large, though.
    types = set(map(type, values))
    kind = _BY_TYPE.get(types.pop()) if len(types) == 1 else None
    if kind:
        return kind
    for value in values:
        found = _kind_of(name, value)
        kind = kind or found
        if found is not kind:
            raise InvalidRequest(
                f"Unexpected element type in feature: {name} expecting type: {kind.name.lower()}"
            )
        if kind is _Kind.INT64 and isinstance(value, int) and value > INT64[1]:
            raise InvalidRequest(
                f"Feature: {name} has uint64_t element. Only int64_t is supported."
            )
    assert kind  # there are values  # noqa: S101
    return kind


_BY_TYPE = {float: _Kind.FLOAT, str: _Kind.BYTES, bool: _Kind.INT64}


def _kind_of(name: str, value: object) -> _Kind:
    if isinstance(value, int):
        # rapidjson reads an integer beyond 64 bits as a double.
        return _Kind.INT64 if INT64[0] <= value <= UINT64[1] else _Kind.FLOAT
    if isinstance(value, float):
        return _Kind.FLOAT
    if isinstance(value, str) or is_base64(value):
        return _Kind.BYTES
    raise InvalidRequest(
        f"Feature: {name} has element with unexpected JSON type: {json_kind(value)}"
    )


def _floats(values: list[object]) -> bytes:
    try:
        with np.errstate(all="ignore"):  # beyond float32 is infinity
            return np.array(values, np.float64).astype("<f4").tobytes()
    except OverflowError:
        raise InvalidRequest("JSON Parse error: Number too big to be stored in double.") from None


def _bytes(value: object) -> bytes:
    return utf8(value) if isinstance(value, str) else decode_base64(value)


def _field(number: int, data: bytes) -> bytes:
    """A field whose value has a length: a message, a string or packed numbers."""
    return bytes((number << 3 | 2,)) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number is that of its 64 bits."""
    if 0 <= value < 128:
        return _SHORT[value]
    value &= 2**64 - 1
    digits = bytearray()
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


_SHORT = [bytes((value,)) for value in range(128)]
