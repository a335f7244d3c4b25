"""JSON as rapidjson reads it, whichever of the two readers gets to see it."""

import contextlib
import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.codec import rapidjson
from modelserver.codec.syntax import EXACT_BYTES, read_object
from modelserver.errors import InvalidRequest


def complaint(body: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_object(body)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "text", "offset"),
    [
        (b"  ", "The document is empty.", 2),
        (b"\xef\xbb\xbf", "The document is empty.", 3),
        (b"this is not json", "Invalid value.", 1),
        (b"x", "Invalid value.", 0),
        (b'{"a": nul}', "Invalid value.", 9),
        (b'{"a": nan}', "Invalid value.", 7),
        (b'{"a": Nan}', "Invalid value.", 8),
        (b'{"a": inf}', "Invalid value.", 6),
        (b'{"a": -Infinit}', "Invalid value.", 14),
        (b'{"a": -}', "Invalid value.", 7),
        (b'{"a": +1}', "Invalid value.", 6),
        (b'{"a": .5}', "Invalid value.", 6),
        (b'{"a": }', "Invalid value.", 6),
        (b'{"a": [1,]}', "Invalid value.", 9),
        (b'{"a": [', "Invalid value.", 7),
        (b'{"a":', "Invalid value.", 5),
        (b'{"a": 1.}', "Miss fraction part in number.", 8),
        (b'{"a": 1e}', "Miss exponent in number.", 8),
        (b'{"a": 1.5e+}', "Miss exponent in number.", 11),
        (b'{"a": 1e400}', "Number too big to be stored in double.", 6),
        (b'{"a": [0, -1E400]}', "Number too big to be stored in double.", 10),
        (b'{"a": 1' + b"0" * 5000 + b"}", "Number too big to be stored in double.", 6),
        (b"{", "Missing a name for object member.", 1),
        (b"{'a': 1}", "Missing a name for object member.", 1),
        (b'{"a": 1,}', "Missing a name for object member.", 8),
        (b'{"a": 1, // b\n', "Missing a name for object member.", 9),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a": 1', "Missing a comma or '}' after an object member.", 7),
        (b'{"a": 1 "b": 2}', "Missing a comma or '}' after an object member.", 8),
        (b'{"a": 01}', "Missing a comma or '}' after an object member.", 7),
        (b'{"a": [1 2]}', "Missing a comma or ']' after an array element.", 9),
        (b'{"a": [1}', "Missing a comma or ']' after an array element.", 8),
        (b'{"a": "b', "Missing a closing quotation mark in string.", 8),
        (b'{"a": "b\x00"}', "Missing a closing quotation mark in string.", 8),
        (b'{"a": "b\n"}', "Invalid escape character in string.", 8),
        (b'{"a": "b\\x"}', "Invalid escape character in string.", 8),
        (b'{"a": "b\\', "Invalid escape character in string.", 8),
        (b'{"a": "\\u12g4"}', "Incorrect hex digit after \\u escape in string.", 7),
        (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid.", 7),
        (b'{"a": "\\ud800\\u0041"}', "The surrogate pair in string is invalid.", 7),
        (b"]", "The document is empty.", 0),
        (b" ,1", "The document is empty.", 1),
        (b"}", "The document is empty.", 0),
        (b'{"a": 0e309}', "Number too big to be stored in double.", 6),
        (b'{"a": 0.00e311}', "Number too big to be stored in double.", 6),
        (b'{"a": Inf.}', "Miss fraction part in number.", 10),
        (b'{"a": -Infe}', "Miss exponent in number.", 11),
        (b"1e", "Miss exponent in number.", 2),
        (b'{"\\ud800": 1}', "The surrogate pair in string is invalid.", 2),
    ],
)
def test_what_is_no_json_is_refused_in_rapidjsons_words(
    body: bytes, text: str, offset: int
) -> None:
    assert complaint(body) == f"JSON Parse error: {text} at offset: {offset}"


def test_an_empty_body_has_no_offset() -> None:
    assert complaint(b"") == "JSON Parse error: The document is empty"


@pytest.mark.parametrize(
    ("body", "shown"),
    [(b"[]", "[]"), (b"5", "5"), (b'"a"', '"a"'), (b"null", "null"), (b"NaN", "NaN")],
)
def test_what_is_no_object_is_shown(body: bytes, shown: str) -> None:
    assert complaint(body) == f"JSON Value: {shown} Is not object"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b' \r\n\t{"a" : [ ] , "b":{ }}', {"a": [], "b": {}}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1} and more }', {"a": 1}),
        (b'{"a": 1}\xff', {"a": 1}),
        (b'{"a": 1, "a": 2, "b": 3}', {"a": 1, "b": 3}),
        (b'{"a": Inf, "a": Inf, "b": {"c": 1, "c": 2}}', {"a": math.inf, "b": {"c": 1}}),
        (b'{"a": [Inf, -Inf, -Infinity, 1e5, -7, 2.5]}',
         {"a": [math.inf, -math.inf, -math.inf, 100000.0, -7, 2.5]}),
        (b'{"a": [Inf, true, false, null, "x"]}', {"a": [math.inf, True, False, None, "x"]}),
        (b'{"a": 18446744073709551615, "b": Inf}', {"a": 2**64 - 1, "b": math.inf}),
        (b'{"a": -9223372036854775809, "b": Inf}', {"a": -(2.0**63), "b": math.inf}),
        (b'{"a": 1e308, "b": 1e-400}', {"a": 1e308, "b": 0.0}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": "\\ud83d\\ude00\xff\\b\\f\\r\\t"}', {"a": "😀\udcff\b\f\r\t"}),
        (b'{"a": "\\\\ud83d"}', {"a": "\\ud83d"}),
        (b'{"a": "\\udc00", "b": 2e308}', {"a": "\udced\udcb0\udc80", "b": math.inf}),
        (b'{"a": "\\\\ud83d\\ude00"}', {"a": "\\ud83d\udced\udcb8\udc80"}),
        (b'{"a": [-2e308, 10e308, 0.00e310, Inf.5, -NaNe1]}',
         {"a": [-math.inf, math.inf, 0.0, 0.5, -0.0]}),
        (b'{"\xff": ["\xff"]}', {"\udcff": ["\udcff"]}),
    ],
)  # fmt: skip
def test_what_rapidjson_takes_is_taken(body: bytes, expected: object) -> None:
    assert read_object(body) == expected
    assert rapidjson.read(body) == expected


@pytest.mark.parametrize(
    ("opening", "closing", "depth"), [(b"[", b"]", 500_000), (b'{"n": ', b"}", 100_000)]
)
def test_depth_costs_memory_and_nothing_else(opening: bytes, closing: bytes, depth: int) -> None:
    deep = opening * depth + b"[]" + closing * depth
    assert list(read_object(b'{"ignored": ' + deep + b', "inputs": 1}')) == ["ignored", "inputs"]


def test_a_body_that_only_opens_is_refused() -> None:
    text = "JSON Parse error: Invalid value. at offset: 500000"
    assert complaint(b"[" * 500_000) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)  # fmt: skip


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_both_readers_agree_on_ordinary_json(
    content: object, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps({"a": content}, ensure_ascii=ascii_only, indent=indent)
    raw = body.encode("utf-8", "replace")
    assert rapidjson.read(raw) == read_object(raw) == json.loads(body)


ESCAPES = st.sampled_from(
    ["\\\\", '\\"', "\\n", "\\u00e9", "\\ud83d", "\\uDE00", "\\u", "ud83d", "de00", "\\", "\xff"]
)


def outcome(read: Callable[[bytes], object], body: bytes) -> object:
    try:
        return read(body)
    except InvalidRequest as error:
        return str(error)


@given(st.lists(ESCAPES))
def test_both_readers_agree_on_escapes(pieces: list[str]) -> None:
    body = f'{{"a": "{"".join(pieces)}"}}'.encode("latin-1")
    assert outcome(rapidjson.read, body) == outcome(read_object, body)


@given(st.binary())
def test_random_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        rapidjson.read(body)


@given(JSON, st.integers(0, 200))
def test_a_body_cut_short_is_refused(content: object, length: int) -> None:
    whole = json.dumps({"a": content}).encode()
    assert complaint(whole[: min(length, len(whole) - 1)]).startswith("JSON Parse error: ")


def test_letters_that_look_like_a_large_exponent_are_letters() -> None:
    letters = "e999E400" * (EXACT_BYTES // 4)
    assert read_object(f'{{"b64": "{letters}", "x": 1e299}}'.encode()) == {
        "b64": letters,
        "x": 1e299,
    }


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (b"", "Expecting ',' delimiter at offset: 1048577"),
        (b", Inf]}", "Expecting value at offset: 1048579"),
        (b", 1e400]}", "Number too big to be stored in double: 1e400"),
        (rb', "\ud800"]}', "The surrogate pair in string is invalid."),
        (b", " + b"[" * EXACT_BYTES, "Nested too deeply."),
    ],
)
def test_a_body_too_large_for_the_exact_reader_must_be_plain_json(end: bytes, text: str) -> None:
    body = b'{"instances":[1' + b" " * (EXACT_BYTES - 14) + end
    assert complaint(body) == f"JSON Parse error: {text}"


def test_a_large_body_may_hold_what_python_reads_beyond_the_standard() -> None:
    body = b'{"instances":[NaN, -Infinity]}' + b" " * EXACT_BYTES + b"trailing"
    assert str(read_object(body)["instances"]) == "[nan, -inf]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"C:\\\\udata", "C:\\udata"),
        (b"\\\\\\ud83d\\ude00", "\\😀"),
        (b"\xff", "\udcff"),
    ],
)
def test_a_large_body_may_hold_any_path_and_any_bytes(text: bytes, expected: str) -> None:
    body = b'{"path":"' + text + b'"}' + b" " * EXACT_BYTES
    assert read_object(body) == {"path": expected}
