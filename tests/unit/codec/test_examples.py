"""JSON examples as the bytes that TensorFlow's own Example is parsed from."""

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.codec.examples import ExamplesBody, serialized
from modelserver.codec.syntax import read_object
from modelserver.errors import InvalidRequest

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats(width=32)


def written(text: str | bytes) -> bytes:
    """One example, given as JSON, in the wire format."""
    body = b'{"examples": [' + (text.encode() if isinstance(text, str) else text) + b"]}"
    (example,) = ExamplesBody.parse(body).examples.tolist()
    assert isinstance(example, bytes)
    return example


def complaint(body: str, *, strict: bool = False) -> str:
    with pytest.raises(InvalidRequest) as caught:
        ExamplesBody.parse(body.encode(), strict=strict)
    return str(caught.value)


def varint(data: bytes) -> tuple[int, bytes]:
    value, length = 0, 0
    while True:
        value |= (data[length] & 127) << 7 * length
        length += 1
        if data[length - 1] < 128:
            return value, data[length:]


def fields(data: bytes) -> list[tuple[int, bytes]]:
    """The fields of a message all of whose fields have a length."""
    found = []
    while data:
        tag, data = varint(data)
        assert 2 == tag & 7
        size, data = varint(data)
        found.append((tag >> 3, data[:size]))
        data = data[size:]
    return found


def read(example: bytes) -> dict[str, Any]:
    """Features by name, read back by another hand than the one that wrote them."""
    found = {}
    for number, features in fields(example):
        assert 1 == number
        for entry in fields(features):
            assert 1 == entry[0]
            (_, name), (_, feature) = fields(entry[1])
            found[name.decode("utf-8", "surrogateescape")] = values(feature)
    return found


def values(feature: bytes) -> tuple[str, list[Any]]:
    if not feature:
        return "none", []
    ((kind, data),) = fields(feature)
    if kind == 1:
        return "bytes", [value for _, value in fields(data)]
    ((_, packed),) = fields(data)
    if kind == 2:
        return "float", np.frombuffer(packed, "<f4").tolist()
    numbers = []
    while packed:
        number, packed = varint(packed)
        numbers.append(number - 2**64 if number >= 2**63 else number)
    return "int64", numbers


class TestFeatures:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("1", ("int64", [1])),
            ("[1, -1]", ("int64", [1, -1])),
            ("[9223372036854775807, -9223372036854775808]", ("int64", [2**63 - 1, -(2**63)])),
            ("true", ("int64", [1])),
            ("[1, true, false]", ("int64", [1, 1, 0])),
            ("1.0", ("float", [1.0])),
            ("1e2", ("float", [100.0])),
            ("[0.1, 1e39, -0.0]", ("float", [float(np.float32(0.1)), math.inf, -0.0])),
            ("[Infinity, -Infinity]", ("float", [math.inf, -math.inf])),
            ("18446744073709551616", ("float", [2.0**64])),
            ("[1.5, -9223372036854775809]", ("float", [1.5, -(2.0**63)])),
            ('"größe"', ("bytes", ["größe".encode()])),
            ('["a", {"b64": "/wA="}, ""]', ("bytes", [b"a", b"\xff\0", b""])),
            ("[]", ("none", [])),
        ],
    )
    def test_are_of_the_kind_that_their_literals_are(
        self, value: str, expected: tuple[str, list[Any]]
    ) -> None:
        assert {"x": expected} == read(written(f'{{"x": {value}}}'))

    def test_that_are_no_number_are_floats(self) -> None:
        kind, (number,) = read(written('{"x": NaN}'))["x"]
        assert ("float", True) == (kind, math.isnan(number))

    def test_need_not_be_utf_8(self) -> None:
        assert {"\udcff": ("bytes", [b"\xfe"])} == read(written(b'{"\xff": "\xfe"}'))

    def test_are_none_in_an_empty_example(self) -> None:
        assert b"" == written("{}")

    def test_of_one_name_are_the_last_of_that_name(self) -> None:
        assert {"x": ("int64", [2])} == read(written('{"x": 1.5, "x": 2}'))

    @pytest.mark.parametrize(
        ("value", "error"),
        [
            ("null", "Feature: x has element with unexpected JSON type: Null"),
            ("[1, null]", "Feature: x has element with unexpected JSON type: Null"),
            ("[[1], 2]", "Feature: x has element with unexpected JSON type: Array"),
            ('[1, {"y": 1}]', "Feature: x has element with unexpected JSON type: Object"),
            ('{"b64": 1}', "Feature: x has element with unexpected JSON type: Object"),
            ("[10, 10.0]", "Unexpected element type in feature: x expecting type: int64"),
            ("[10.0, 10]", "Unexpected element type in feature: x expecting type: float"),
            ('["a", 1]', "Unexpected element type in feature: x expecting type: bytes"),
            ('[true, "a"]', "Unexpected element type in feature: x expecting type: int64"),
            (
                "18446744073709551615",
                "Feature: x has uint64_t element. Only int64_t is supported.",
            ),
            (
                "[1.5, 18446744073709551615]",
                "Unexpected element type in feature: x expecting type: float",
            ),
            ('{"b64": "!"}', "Unable to base64 decode"),
            ("1" + "0" * 400, "JSON Parse error: Number too big to be stored in double."),
        ],
    )
    def test_that_cannot_be_are_refused_as_upstream_words_it(self, value: str, error: str) -> None:
        assert error == complaint(f'{{"examples": [{{"x": {value}}}]}}')

    @given(
        st.dictionaries(
            st.text(max_size=5),
            st.one_of(
                st.lists(INT64, min_size=1).map(lambda found: ("int64", found)),
                st.lists(FLOAT, min_size=1).map(lambda found: ("float", found)),
                st.lists(st.text(), min_size=1).map(lambda found: ("bytes", found)),
            ),
        )
    )
    def test_come_back_as_they_went_in(self, features: dict[str, tuple[str, list[Any]]]) -> None:
        document = {name: found for name, (_, found) in features.items()}
        expected = {
            name: (kind, [v.encode() for v in found] if kind == "bytes" else found)
            for name, (kind, found) in features.items()
        }
        assert repr(expected) == repr(read(serialized(read_object(json.dumps(document).encode()))))


class TestBodies:
    def test_name_a_signature(self) -> None:
        assert "serving_default" == ExamplesBody.parse(b'{"examples": [{}]}').signature_name
        body = b'{"signature_name": "other", "examples": [{}]}'
        assert "other" == ExamplesBody.parse(body).signature_name

    def test_are_a_vector_of_strings(self) -> None:
        examples = ExamplesBody.parse(b'{"examples": [{}, {"x": 1}]}').examples
        assert ((2,), np.dtype(object)) == (examples.shape, examples.dtype)

    def test_have_the_context_before_each_example(self) -> None:
        body = b'{"examples": [{"x": 1}, {}], "context": {"x": 2.5, "y": "z"}}'
        one, other = ExamplesBody.parse(body).examples.tolist()
        context = written('{"x": 2.5, "y": "z"}')
        assert (context + written('{"x": 1}'), context) == (one, other)
        assert {"x": ("int64", [1]), "y": ("bytes", [b"z"])} == read(one)

    def test_have_a_context_that_may_be_repeated_up_to_a_bound(self) -> None:
        body = b'{"examples": [{}, {}], "context": {"x": 1}}'
        one, other = ExamplesBody.parse(body, most_context=28).examples.tolist()
        assert 28 == len(one + other)
        with pytest.raises(InvalidRequest, match="'context' takes 14 bytes: too many to repeat"):
            ExamplesBody.parse(body, most_context=27)

    def test_cannot_make_terabytes_of_a_context(self) -> None:
        examples = b"{}," * 300_000 + b"{}"
        body = b'{"context": {"x": "' + b"a" * 1_000_000 + b'"}, "examples": [' + examples + b"]}"
        with pytest.raises(InvalidRequest, match=r"^'context' takes 1000023 bytes: "):
            ExamplesBody.parse(body)

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ("", "JSON Parse error: The document is empty"),
            ("[]", "JSON Value: [] Is not object"),
            (
                '{"signature_name": ["x"], "examples": 1}',
                (
                    'JSON Value: {\n    "signature_name": ["x"],\n    "examples": 1\n} not'
                    " formatted correctly. 'signature_name' key must be a string value."
                ),
            ),
            ('{"context": []}', "Example must be JSON object but got JSON Array"),
            (
                '{"context": {}}',
                (
                    "JSON Value: {\n    \"context\": {}\n} When method is classify, key 'examples'"
                    " is expected and was not found"
                ),
            ),
            (
                '{"examples": {}}',
                (
                    "JSON Value: {\n    \"examples\": {}\n} Expecting 'examples' value to be an"
                    " list/array"
                ),
            ),
            (
                '{"examples": []}',
                "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
            ),
            ('{"examples": [1]}', "Example must be JSON object but got JSON Number"),
            ('{"examples": [{}, null]}', "Example must be JSON object but got JSON Null"),
        ],
    )
    def test_that_are_none_are_refused_as_upstream_words_it(self, body: str, error: str) -> None:
        assert error == complaint(body)

    def test_read_strictly_may_name_nothing_twice(self) -> None:
        error = complaint('{"examples": [{"x": 1, "x": 2}]}', strict=True)
        assert 'JSON object has the key "x" more than once' == error


# What TensorFlow's generated code reads; in a process of its own, for it is a stub of the
# package `tensorflow` that it is found under.
PARSE = """
import json, sys
from modelserver.codec.examples import ExamplesBody
from modelserver.compiler import protos
example = protos._tensorflow("core.example.example_pb2").Example.FromString
for raw in ExamplesBody.parse(sys.stdin.buffer.read()).examples.tolist():
    features = example(raw).features.feature
    print(json.dumps({
        name: [kind := feature.WhichOneof("kind"), repr(list(getattr(feature, kind).value))]
        if feature.WhichOneof("kind") else None
        for name, feature in sorted(features.items())
    }))
"""


def test_tensorflows_own_message_reads_what_was_written() -> None:
    long, many = "x" * 300, list(range(-300, 300, 7))
    body = {
        "context": {"c": [1.5, 2.5], "overridden": "no"},
        "examples": [
            {"i": [2**63 - 1, -(2**63), 0, 127, 128], "s": ["a", {"b64": "/wA="}], "e": []},
            {"many": many, "long": long, "overridden": [True], "größe": -0.0},
        ],
    }
    child = subprocess.run(
        [sys.executable, "-c", PARSE],
        input=json.dumps(body).encode(),
        capture_output=True,
        check=False,
    )
    assert 0 == child.returncode, child.stderr.decode()
    context = {"c": ["float_list", "[1.5, 2.5]"]}
    assert [
        {
            **context,
            "overridden": ["bytes_list", "[b'no']"],
            "i": ["int64_list", repr([2**63 - 1, -(2**63), 0, 127, 128])],
            "s": ["bytes_list", repr([b"a", b"\xff\0"])],
            "e": None,
        },
        {
            **context,
            "overridden": ["int64_list", "[1]"],
            "many": ["int64_list", repr(many)],
            "long": ["bytes_list", repr([long.encode()])],
            "größe": ["float_list", "[-0.0]"],
        },
    ] == [json.loads(line) for line in child.stdout.splitlines()]
