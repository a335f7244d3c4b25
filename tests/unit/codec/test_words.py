"""Bodies of strings are read quickly, and exactly as any other body is."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelserver.codec.dtypes import json_type
from modelserver.codec.words import Words

from .test_numbers import rectangular, same


def is_quick(body: str | bytes) -> bool:
    raw = body.encode() if isinstance(body, str) else body
    words = Words.read(raw) if Words.may_be(raw) else None
    return words is not None and words.arrays({"x": json_type("DT_STRING")}) is not None


class TestQuick:
    @pytest.mark.parametrize(
        "body",
        [
            '{"instances": ["a", "b"]}',
            '{"instances": [["a", ""], ["b", "[,]"]]}',
            ' {\n"signature_name" : "s" , "instances" : [ [\t"a" ] ] }\r\n',
            '{"inputs": ["a"], "signature_name": ""}',
            r'{"inputs": ["\"", "\\", "\\\\\"", "\\n\n", "\u00e9\ud83d\ude00\u0000", "é"]}',
            '{"instances": [{"b64": "AAEC"}, {"b64": ""}]}',
            '{"instances": [[{ "b64" : "AAEC" }, "b64"]]}',
            '{"instances": ["{\\"b64\\": 5}"]}',
        ],
    )
    def test_is_every_form_of_a_body_of_strings(self, body: str) -> None:
        assert is_quick(body)
        same(body, x="STRING")
        same(body, b64="STRING")
        same(body, x="STRING", y="STRING")
        same(body, x="FLOAT")


class TestOdd:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"instances": ["a"], "instances": ["b"]}',
            b'{"instances": ["a"], "inst\\u0061nces": ["b"]}',
            b'{"instances": ["a\\\\"], "instances": ["\\""]}',
            b'{"signature_name": "a", "instances": ["a"], "signature_name": "b"}',
            b'{"instances": ["a"], "signature_name": null}',
            b'{"instances": ["a"], "signature_name": 5}',
            b'{"instances": ["a"], "signature_name": ["a"]}',
            b'{"instances": ["a"], "inputs": ["b"]}',
            b'{"instances": ["a"], "other": 1e400}',
            b'{"instances": [{"b64": "AA==", "b64": "AQ=="}]}',
            b'{"instances": [{"b64": "AA=="}, {"b64": "AQ==", "a": "b"}]}',
            b'{"instances": [{"b64": "AA=="}, {}]}',
            b'{"instances": [{"b64": "AA=="}, {}], "instances": ["a"]}',
            b'{"instances": [{"b64": "AA=="}, {"b64": 5}]}',
            b'{"instances": [{"b64": "?"}]}',
            b'{"instances": ["a", 1]}',
            b'{"instances": ["a", null]}',
            b'{"instances": ["a", ["b"]]}',
            b'{"instances": [["a", "b"], ["c"]]}',
            b'{"instances": [["a"], []]}',
            b'{"instances": "a"}',
            b'{"inputs": "a"}',
            b'{"inputs": {"b64": "AA=="}}',
            b'{"instances": ["a"]} and more',
            b'{"instances": ["a"]}\x00',
            b'\xef\xbb\xbf{"instances": ["a"]}',
            b'{"instances": ["a" "b"]}',
            b'{"instances": ["a",]}',
            b'{"instances": ["a"]',
            b'{"instances": ["a',
            b'{"instances": ["\xff"]}',
            b'{"instances": ["\xed\xa0\x80"]}',
            b'{"instances": ["\\ud800"]}',
            b'{"instances": ["\\udc00"]}',
            b'{"instances": ["\\x"]}',
            b'{"instances": ["a\nb"]}',
            b'{"instances": ["a\x7f"]}',
            b'{"instances": ' + b"[" * 70 + b'"a"' + b"]" * 70 + b"}",
            b'{"instances": ' + b"[" * 2000 + b'"a"' + b"]" * 2000 + b"}",
        ],
    )
    def test_bodies_are_read_as_ever(self, body: bytes) -> None:
        same(body, x="STRING")
        same(body, b64="STRING")

    @pytest.mark.parametrize(
        "body",
        [
            '{"instances": [1, "a"]}',
            '{"instances": [[0.5], ["a"]]}',
            '{"inputs": {"x": [1]}}',
            '{"instances": [{"b64": [1]}]}',
            '{"instances": []}',
        ],
    )
    def test_what_begins_otherwise_is_not_looked_at(self, body: str) -> None:
        assert not Words.may_be(body.encode())


texts = st.text(st.sampled_from('ab"\\/[]{},:\n\t\0\x7f é\u2028😀u0'), max_size=6)
# Hexadecimal digits are base64, of something else.
binary = st.binary(max_size=4).map(lambda content: {"b64": content.hex()})


@given(rectangular(st.one_of(texts, texts, binary)), st.booleans())
def test_every_array_of_strings_is_read_quickly_and_alike(value: object, ascii_only: bool) -> None:
    body = json.dumps({"instances": value}, ensure_ascii=ascii_only)
    same(body, x="STRING")
    assert is_quick(body)


_PIECES = [b'"', b"\\", b'\\"', b"[", b"]", b",", b"{", b"}", b":", b"1", b"\xff", b"\x00", b" "]
_PIECES += [b'"b64":"AA=="', b'"instances":["c"]', b',"instances":["c"]', b',"inputs":5', b'"c",']


@given(
    rectangular(st.one_of(texts, binary)),
    st.sampled_from(["instances", "inputs"]),
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 3), st.sampled_from([*_PIECES, b""])),
        max_size=3,
    ),
)
@example(["a"], "instances", [(18, 0, b',"instances":["c"]')])
def test_a_body_with_something_put_in_or_left_out_is_read_alike(
    value: object, key: str, changes: list[tuple[int, int, bytes]]
) -> None:
    body = json.dumps({key: value}, ensure_ascii=False, separators=(",", ":")).encode()
    for place, left_out, put_in in changes:
        at = place % (len(body) + 1)
        body = body[:at] + put_in + body[at + left_out :]
    same(body, x="STRING")
