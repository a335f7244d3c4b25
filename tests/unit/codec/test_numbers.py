"""Bodies of numbers are read quickly, and exactly as any other body is."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import json_type
from modelserver.codec.numbers import Numbers
from modelserver.codec.request import PredictBody
from modelserver.errors import ServingError

NEVER = 2**62


def outcome(body: bytes, dtypes: dict[str, str], *, strict: bool, quick: bool) -> object:
    """The signature's name, format and arrays, to the bit; or the complaint, and its kind."""
    specs = {name: TensorSpec("t:0", f"DT_{dtype}", (2, 2)) for name, dtype in dtypes.items()}
    try:
        parsed = PredictBody.parse(body, strict=strict, quick_from=0 if quick else NEVER)
        found = parsed.inputs(specs)
    except ServingError as error:
        return type(error), str(error)
    arrays = {
        name: (
            array.dtype,
            array.shape,
            array.tolist() if array.dtype == object else array.tobytes(),
        )
        for name, array in found.arrays.items()
    }
    return parsed.signature_name, found.row, arrays


def is_quick(body: str, **dtypes: str) -> bool:
    numbers = Numbers.read(body.encode())
    rules = {name: json_type(f"DT_{dtype}") for name, dtype in dtypes.items()}
    return numbers is not None and numbers.arrays(rules) is not None


def same(body: str | bytes, **dtypes: str) -> None:
    raw = body.encode() if isinstance(body, str) else body
    for strict in (False, True):
        assert outcome(raw, dtypes, strict=strict, quick=True) == outcome(
            raw, dtypes, strict=strict, quick=False
        )


LONG = ", ".join(["0.123456789012345678"] * 30)


class TestQuick:
    @pytest.mark.parametrize(
        "body",
        [
            '{"instances": [1, 2.5, -3e-7]}',
            '{"instances": [[1, 2], [3, 4]]}',
            '{"signature_name": "serving_default", "instances": [[[1], [2]], [[3], [4]]]}',
            '{"inputs": [[1, 2], [3, 4]], "signature_name": ""}',
            f'{{"instances": [{{"x": [{LONG}]}}, {{"x": [{LONG}]}}]}}',
            f'{{"instances": [[{LONG}], [{LONG}]]}}',
            f'{{"inputs": {{"x": [[{LONG}], [{LONG}]]}}}}',
        ],
    )
    def test_is_every_form_of_a_body_of_numbers(self, body: str) -> None:
        assert is_quick(body, x="FLOAT")
        same(body, x="FLOAT")

    def test_are_several_inputs_in_either_format(self) -> None:
        n = list(range(20))
        rows = f'{{"instances": [{{"x": [{LONG}], "n": [{n}]}}, {{"n": [{n}], "x": [{LONG}]}}]}}'
        columns = f'{{"inputs": {{"n": {n}, "x": [[{LONG}]]}}}}'
        for body in (rows, columns):
            assert is_quick(body, x="DOUBLE", n="INT64")
            same(body, x="DOUBLE", n="INT64")

    @pytest.mark.parametrize("dtype", ["INT8", "INT32", "INT64", "UINT8", "UINT64", "HALF"])
    def test_is_every_type_of_number(self, dtype: str) -> None:
        assert is_quick('{"instances": [[1, 2], [3, 127]]}', x=dtype)
        same('{"instances": [[1, 2], [3, 127]]}', x=dtype)


class TestOneAfterTheOther:
    """A parser is used again, as soon as nothing that it read is in use."""

    def test_arrays_stay_when_the_next_body_is_read(self) -> None:
        specs = {"x": TensorSpec("x:0", "DT_DOUBLE", None)}
        found = [
            PredictBody.parse(f'{{"instances": [{n}, 0.5]}}'.encode(), quick_from=0).inputs(specs)
            for n in range(5)
        ]
        assert [[n, 0.5] for n in range(5)] == [inputs.arrays["x"].tolist() for inputs in found]

    @pytest.mark.parametrize(
        "odd",
        [
            '{"instances": [[1, 2], [3]]}',
            f'{{"instances": [[{LONG}], 1, [{LONG}]]}}',
            f'{{"instances": [{{"x": [{LONG}]}}, {{"x": [[{LONG}]]}}]}}',
            '{"instances": [1, true]}',
            '{"instances": [1 2]}',
            '{"instances": 5}',
            "[1]",
        ],
    )
    def test_a_body_after_an_odd_one_is_as_quick(self, odd: str) -> None:
        for _ in range(2):
            assert not is_quick(odd, x="FLOAT")
            assert is_quick('{"instances": [1, 2]}', x="FLOAT")

    def test_bodies_are_read_beside_each_other(self) -> None:
        rules = {"x": json_type("DT_INT64")}
        bodies = [Numbers.read(f'{{"instances": [{n}, {n}]}}'.encode()) for n in range(5)]
        found = [body.arrays(rules) for body in bodies if body]
        assert [[n, n] for n in range(5)] == [arrays["x"].tolist() for arrays in found if arrays]


class TestOdd:
    @pytest.mark.parametrize(
        "value",
        [
            "[[1, 2], [3]]",
            "[[1, 2], 3]",
            "[1, [2, 3]]",
            "[[1], 2, [3, 4]]",
            "[[3, 4], [1], 2, [5, 6]]",
            "[[1], [], 2]",
            "[[[1, 2]], [[3], [4]]]",
            "[[1], [[2]]]",
            "[[[1], [2]], [[3, 4]]]",
            f"[[{LONG}], [{LONG}, 1]]",
            f"[[{LONG}], [[{LONG}]]]",
            f"[[{LONG}], [], {LONG}]",
            "[[], []]",
            "[]",
            "5",
            "[1, true]",
            "[1, null]",
            '[1, "2"]',
            "[1, {}]",
            "[NaN]",
            "[1e400]",
            "[0e309]",
            "[2e308]",
            "[18446744073709551615, 18446744073709551616]",
            "[9223372036854775808]",
            "[-9223372036854775809]",
            "[2147483648]",
            "[1.0]",
            "[01]",
            "[1,]",
            "[-0, -0.0]",
            "[" * 70 + "1" + "]" * 70,
            "[" * 2000 + "1" + "]" * 2000,
            '[{"x": [1]}, {"x": [2], "x": [3]}]',
            '[{"x": [1]}, {"y": [2]}]',
            '[{"x": [1]}, {"x": [2, 3]}]',
            '[{"x": [1]}, {"x": 2}]',
            '[{"x": [1]}, [2]]',
            '[{"x": [1], "y": [2]}, {"x": [2]}]',
            '[{"x": [[1], 2, [3, 4]]}, {"x": [[1, 2], [3, 4]]}]',
            '[{"x": [[3, 4], [1], 2, [5, 6]]}]',
            '[{"x": [[1, 2], [3, 4]]}, {"x": [[3], 4, [5, 6]]}]',
            '{"x": [[1, 2], [3]]}',
            '{"x": [1], "x": [2]}',
            '{"x": [1], "y": [2]}',
            '{"x": [1], "y": "["}',
            '{"b64": "AAAA"}',
            "{}",
        ],
    )
    @pytest.mark.parametrize("dtype", ["FLOAT", "INT32", "UINT64", "STRING", "BOOL", "COMPLEX64"])
    def test_lists_are_read_as_ever(self, value: str, dtype: str) -> None:
        for key in ("instances", "inputs"):
            same(f'{{"{key}": {value}}}', x=dtype)
            same(f'{{"signature_name": "s", "{key}": {value}}}', x=dtype, y="FLOAT")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[1]",
            b"5",
            b'{"instances": [1]} and more',
            b'{"instances": [1]}\x00',
            b'\xef\xbb\xbf{"instances": [1]}',
            b'{"instances": [1], "instances": [2]}',
            b'{"instances": [1], "inst\\u0061nces": [2]}',
            b'{"instances": [1], "inputs": [2]}',
            b'{"instances": [1], "other": [2]}',
            b'{"instances": [1], "signature_name": 5}',
            b'{"instances": [1], "signature_name": "[,]"}',
            b'{"instances": [[1, 2], [3, 4]], "signature_name": "],["}',
            b'{"instances": [1], "signature_name": "\xff"}',
            b'{"instances": [1], "signature_name": "a\nb"}',
            b'{"instances": [1]',
            b'{"instances": [1 2]}',
            b'{"instances": [.5]}',
            b'{"instances": [1.]}',
            b'{"instances": [+1]}',
            b'{"instances": [Inf]}',
        ],
    )
    def test_bodies_are_read_as_ever(self, body: bytes) -> None:
        same(body, x="FLOAT")

    @pytest.mark.parametrize("form", ['{{"inputs": {}}}', '{{"instances": [{}]}}'])
    def test_names_by_the_thousand_are_not_looked_up_one_by_one(self, form: str) -> None:
        """simdjson looks through all names for each: 30,000 of them would take seconds."""
        few, many = (
            form.format(json.dumps({str(name): list(range(20)) for name in range(count)}))
            for count in (64, 65)
        )
        assert Numbers.read(few.encode()) is not None
        assert Numbers.read(many.encode()) is None
        same(many, x="FLOAT")

    def test_named_scalars_and_short_lists_are_left_to_the_exact_reader(self) -> None:
        for value in ("5", "[5]", "[[1, 2], [3, 4]]"):
            assert Numbers.read(f'{{"instances": [{{"x": {value}}}]}}'.encode()) is None
            assert Numbers.read(f'{{"inputs": {{"x": {value}}}}}'.encode()) is None

    def test_a_repeated_name_is_refused_strictly_before_a_model_is_asked(self) -> None:
        body = b'{"instances": [[1, 2]], "instances": [[3, 4]]}'
        with pytest.raises(ServingError, match="more than once"):
            PredictBody.parse(body, strict=True, quick_from=0)


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**65), 2**65),
    st.integers(-3, 300),
    st.sampled_from([math.inf, 1e-320, -0.0, 2.0**-149]),
)
leaves = st.one_of(numbers, numbers, numbers, st.sampled_from([True, None, "s", {"b64": "AA=="}]))


# A list with a name is read quickly if it is long.
long_lists = st.lists(st.floats(-1, 1), min_size=17, max_size=17)


@st.composite
def rectangular(draw: st.DrawFn, leaf: st.SearchStrategy[Any] = numbers) -> Any:  # noqa: ANN401 - JSON
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    return (
        np.array(draw(st.lists(leaf, min_size=math.prod(shape), max_size=math.prod(shape))), object)
        .reshape(shape)
        .tolist()
    )


ragged = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=12)
values = st.one_of(rectangular(), ragged, st.lists(rectangular(), max_size=3))
named = st.dictionaries(
    st.sampled_from("xyz"), st.one_of(values, long_lists, long_lists), min_size=1, max_size=3
)
bodies = st.one_of(values, named, st.lists(named, min_size=1, max_size=3))


@given(
    bodies,
    st.sampled_from(["instances", "inputs"]),
    st.sampled_from(["FLOAT", "DOUBLE", "INT32", "INT64", "UINT64", "UINT8", "STRING"]),
    st.integers(1, 2),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]),
)
def test_whatever_it_holds_a_body_means_what_it_means_to_the_exact_reader(
    value: object, key: str, dtype: str, inputs: int, separators: tuple[str, str]
) -> None:
    body = json.dumps({key: value}, separators=separators)
    same(body, **dict.fromkeys("xy"[:inputs], dtype))


@given(rectangular(st.floats(-1e30, 1e30)))
def test_every_list_of_decimals_of_one_shape_is_read_quickly(value: object) -> None:
    assert is_quick(json.dumps({"instances": value}), x="FLOAT")
