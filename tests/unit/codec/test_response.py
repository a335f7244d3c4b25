"""What arrays look like in the body of an answer."""

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array, json_type
from modelserver.codec.request import PredictBody
from modelserver.codec.response import encode_predict
from modelserver.errors import InvalidRequest


def array(dtype: str, values: object) -> Array:
    return np.array(values, json_type(f"DT_{dtype}").dtype.numpy)


def encoded(*, row: bool, **outputs: tuple[str, object]) -> str:
    """The body for outputs that are given as (dtype, nested lists)."""
    specs = {name: TensorSpec("t:0", f"DT_{dtype}", None) for name, (dtype, _) in outputs.items()}
    arrays = {name: array(dtype, values) for name, (dtype, values) in outputs.items()}
    return encode_predict(arrays, specs, row=row).decode()


def text_of(dtype: str, value: object) -> str:
    """One value, as the columnar format prints it."""
    return encoded(row=False, y=(dtype, value)).removeprefix('{"outputs":').removesuffix("}")


class TestDocument:
    def test_of_one_output_goes_without_its_name(self) -> None:
        assert encoded(row=True, y=("INT32", [[1, 2], [3, 4]])) == '{"predictions":[[1,2],[3,4]]}'
        assert encoded(row=False, y=("INT32", [[1, 2], [3, 4]])) == '{"outputs":[[1,2],[3,4]]}'

    def test_of_several_outputs_names_each(self) -> None:
        outputs = {"a": ("INT64", [[1], [2]]), "b": ("BOOL", [True, False])}
        assert encoded(row=True, **outputs) == (
            '{"predictions":[{"a":[1],"b":true},{"a":[2],"b":false}]}'
        )
        assert encoded(row=False, **outputs) == '{"outputs":{"a":[[1],[2]],"b":[true,false]}}'

    @pytest.mark.parametrize(
        ("values", "rows", "columns"),
        [
            (np.zeros((0,)), "[]", "[]"),
            (np.zeros((0, 3)), "[]", "[]"),
            (np.zeros((2, 0)), "[[],[]]", "[[],[]]"),
            (np.zeros((1, 2, 0)), "[[[],[]]]", "[[[],[]]]"),
            (np.zeros((2, 1, 1)), "[[[0.0]],[[0.0]]]", "[[[0.0]],[[0.0]]]"),
        ],
    )
    def test_shows_empty_dimensions(self, values: object, rows: str, columns: str) -> None:
        assert encoded(row=True, y=("DOUBLE", values)) == f'{{"predictions":{rows}}}'
        assert encoded(row=False, y=("DOUBLE", values)) == f'{{"outputs":{columns}}}'

    def test_of_empty_batches_has_no_rows(self) -> None:
        empty = {"a": ("INT32", np.zeros((0, 2))), "b": ("STRING", np.zeros((0, 1)))}
        assert encoded(row=True, **empty) == '{"predictions":[]}'

    def test_of_a_transposed_array_is_in_row_major_order(self) -> None:
        flipped = np.array([[1, 2], [3, 4]], np.int32).T
        specs = {"y": TensorSpec("y:0", "DT_INT32", None)}
        assert encode_predict({"y": flipped}, specs, row=False) == b'{"outputs":[[1,3],[2,4]]}'

    def test_in_columns_may_hold_a_scalar(self) -> None:
        assert encoded(row=False, y=("FLOAT", 1.5)) == '{"outputs":1.5}'

    def test_in_rows_needs_a_first_dimension(self) -> None:
        with pytest.raises(InvalidRequest, match=r"^Tensor name: y has no shape information $"):
            encoded(row=True, y=("FLOAT", 1.5))

    def test_in_rows_needs_one_batch_size(self) -> None:
        outputs = {"a": ("INT32", [1]), "b": ("INT32", [1, 2])}
        text = "^Tensor name: b has inconsistent batch size: 2 expecting: 1$"
        with pytest.raises(InvalidRequest, match=text):
            encoded(row=True, **outputs)
        assert encoded(row=False, **outputs) == '{"outputs":{"a":[1],"b":[1,2]}}'

    def test_of_no_output_cannot_be_made(self) -> None:
        with pytest.raises(InvalidRequest, match=r"^Cannot convert empty tensor map to JSON$"):
            encode_predict({}, {}, row=True)

    @pytest.mark.parametrize("dtype", ["COMPLEX64", "QUINT8", "QINT32"])
    def test_has_no_form_for_some_types(self, dtype: str) -> None:
        text = f"^Failed to write JSON value for tensor type: {dtype.lower()}$"
        with pytest.raises(InvalidRequest, match=text):
            encoded(row=False, y=(dtype, [1]))


class TestValues:
    @pytest.mark.parametrize(
        ("dtype", "value", "expected"),
        [
            ("FLOAT", 1, "1.0"),
            ("FLOAT", 0.1, "0.1"),
            ("FLOAT", 1 / 3, "0.333333343"),
            ("FLOAT", 1e-5, "1e-05"),
            ("FLOAT", 1e6, "1e+06"),
            ("FLOAT", 9e6, "9e+06"),
            ("FLOAT", 999999, "999999.0"),
            ("FLOAT", 16777216, "16777216.0"),
            ("FLOAT", 555557.5, "555557.5"),
            ("FLOAT", 3.4028234663852886e38, "3.40282347e+38"),
            ("FLOAT", 1e-45, "1.4013e-45"),
            ("FLOAT", -0.0, "-0.0"),
            ("FLOAT", math.nan, "NaN"),
            ("FLOAT", math.inf, "Infinity"),
            ("FLOAT", -math.inf, "-Infinity"),
            ("DOUBLE", 0.1, "0.1"),
            ("DOUBLE", 1 / 3, "0.3333333333333333"),
            ("DOUBLE", 1e300, "1e+300"),
            ("DOUBLE", math.nan, "NaN"),
            ("DOUBLE", -math.inf, "-Infinity"),
            ("HALF", 0.1, "0.0999755859"),
            ("HALF", 2, "2.0"),
            ("BFLOAT16", 3.140625, "3.140625"),
            ("INT8", -128, "-128"),
            ("UINT16", 65535, "65535"),
            ("INT64", -(2**63), "-9223372036854775808"),
            ("UINT64", 2**64 - 1, "18446744073709551615"),
            ("BOOL", True, "true"),
            ("BOOL", False, "false"),
            ("STRING", b'a"b\\c/\n\x1f', '"a\\"b\\\\c/\\n\\u001f"'),
            ("STRING", "é😀".encode(), '"é😀"'),
            ("STRING", b"\xff\x00", '{"b64":"/wA="}'),
            ("STRING", b"", '""'),
        ],
    )
    def test_are_printed_as_upstream_prints_them_but_doubles_shorter(
        self, dtype: str, value: object, expected: str
    ) -> None:
        assert text_of(dtype, value) == expected
        assert text_of(dtype, [value]) == f"[{expected}]"

    def test_that_are_strings_are_base64_where_the_name_says_bytes(self) -> None:
        outputs = {"a_bytes": ("STRING", [b"hello"]), "b_bytes": ("INT32", [7])}
        assert encoded(row=True, **outputs) == (
            '{"predictions":[{"a_bytes":{"b64":"aGVsbG8="},"b_bytes":7}]}'
        )

    def test_that_need_nine_digits_do_not_lengthen_their_neighbours(self) -> None:
        assert text_of("FLOAT", [0.1, 1 / 3, math.nan, 0.5]) == "[0.1,0.333333343,NaN,0.5]"


class TestRoundTrip:
    @given(st.lists(st.floats(width=32), min_size=1))
    def test_of_float32_keeps_every_bit(self, values: list[float]) -> None:
        assert bits(again("FLOAT", values)) == bits(array("FLOAT", values))

    @given(st.lists(st.floats(), min_size=1))
    def test_of_float64_keeps_every_bit(self, values: list[float]) -> None:
        assert bits(again("DOUBLE", values)) == bits(array("DOUBLE", values))

    @given(st.integers(0, 2**32 - 1))
    def test_of_any_32_bits_keeps_them(self, pattern: int) -> None:
        (value,) = struct.unpack("<f", pattern.to_bytes(4, "little"))
        assert bits(again("FLOAT", [value])) == bits(array("FLOAT", [value]))

    @pytest.mark.parametrize("dtype", ["HALF", "BFLOAT16"])
    @given(values=st.lists(st.floats(width=16), min_size=1))
    def test_of_short_floats_keeps_every_bit(self, dtype: str, values: list[float]) -> None:
        assert bits(again(dtype, values)) == bits(array(dtype, values))

    @pytest.mark.parametrize(
        ("dtype", "lowest", "highest"),
        [
            ("INT8", -(2**7), 2**7 - 1),
            ("INT16", -(2**15), 2**15 - 1),
            ("INT32", -(2**31), 2**31 - 1),
            ("INT64", -(2**63), 2**63 - 1),
            ("UINT8", 0, 2**8 - 1),
            ("UINT16", 0, 2**16 - 1),
            ("UINT32", 0, 2**32 - 1),
            ("UINT64", 0, 2**64 - 1),
        ],
    )
    @given(data=st.data())
    def test_of_integers_keeps_every_bit(
        self, dtype: str, lowest: int, highest: int, data: st.DataObject
    ) -> None:
        values = data.draw(st.lists(st.integers(lowest, highest), min_size=1))
        assert again(dtype, values).tolist() == values

    @given(st.lists(st.binary(max_size=8), min_size=1))
    def test_of_strings_keeps_every_byte(self, values: list[bytes]) -> None:
        assert again("STRING", values).tolist() == values

    @given(st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=1))
    def test_of_booleans_keeps_them(self, values: list[list[bool]]) -> None:
        assert again("BOOL", values).tolist() == values

    @given(st.lists(st.floats(width=32), min_size=1))
    def test_by_way_of_pythons_json_gives_the_same_numbers(self, values: list[float]) -> None:
        found = json.loads(encoded(row=True, y=("FLOAT", values)))["predictions"]
        assert bits(array("FLOAT", found)) == bits(array("FLOAT", values))


def again(dtype: str, values: object) -> Array:
    """`values` written as an answer, and read back as a request."""
    body = encoded(row=False, y=(dtype, values)).replace('{"outputs":', '{"inputs":')
    spec = {"y": TensorSpec("y:0", f"DT_{dtype}", None)}
    return PredictBody.parse(body.encode()).inputs(spec).arrays["y"]


def bits(numbers: Array) -> list[object]:
    """The numbers as bytes, each NaN as the one that JSON knows."""
    plain = numbers.astype(np.float64)
    return [None if math.isnan(x) else struct.pack("<d", x) for x in plain.tolist()]
