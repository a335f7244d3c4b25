"""What a predict body may hold, and what is said of one that it may not."""

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array
from modelserver.codec.request import PredictBody
from modelserver.errors import InvalidRequest, UnsupportedType


def specs(**dtypes: str) -> dict[str, TensorSpec]:
    """A signature's inputs; their declared shape is one that no test's body has."""
    return {name: TensorSpec(f"{name}:0", f"DT_{dtype}", (7, 7)) for name, dtype in dtypes.items()}


def arrays(body: str | bytes, inputs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    raw = body.encode() if isinstance(body, str) else body
    return PredictBody.parse(raw).inputs(inputs).arrays


def value(text: str | bytes, dtype: str) -> Array:
    """What the one input is when `text` stands for it in the columnar format."""
    raw = text.encode() if isinstance(text, str) else text
    return arrays(b'{"inputs": ' + raw + b"}", specs(x=dtype))["x"]


def complaint(body: str | bytes, inputs: Mapping[str, TensorSpec]) -> str:
    with pytest.raises(InvalidRequest) as caught:
        arrays(body, inputs)
    return str(caught.value)


class TestFormats:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ('{"instances": [1, 2]}', [1.0, 2.0]),
            ('{"instances": [[1, 2], [3, 4]]}', [[1.0, 2.0], [3.0, 4.0]]),
            ('{"instances": [{"x": 1}, {"x": 2}]}', [1.0, 2.0]),
            ('{"instances": [{"x": [1]}, {"x": [2]}]}', [[1.0], [2.0]]),
            ('{"inputs": [1, 2]}', [1.0, 2.0]),
            ('{"inputs": {"x": [[1], [2]]}}', [[1.0], [2.0]]),
            ('{"inputs": {"x": 1, "no such input": {}}}', 1.0),
            ('{"inputs": 1}', 1.0),
            ('{"inputs": []}', []),
            ('{"instances": [[], []]}', [[], []]),
        ],
    )
    def test_one_input_comes_with_or_without_its_name(self, body: str, expected: object) -> None:
        array = arrays(body, specs(x="FLOAT"))["x"]
        assert (array.dtype.name, array.shape) == ("float32", np.array(expected).shape)
        assert array.tolist() == expected

    def test_rows_that_name_their_inputs_become_one_array_each(self) -> None:
        body = '{"instances": [{"a": [1], "b": "p"}, {"b": "q", "a": [2]}]}'
        found = arrays(body, specs(a="INT32", b="STRING"))
        assert {name: array.tolist() for name, array in found.items()} == {
            "a": [[1], [2]],
            "b": [b"p", b"q"],
        }

    def test_columns_may_differ_in_batch_size(self) -> None:
        found = arrays('{"inputs": {"a": [1, 2, 3], "b": [true]}}', specs(a="INT64", b="BOOL"))
        assert {name: array.tolist() for name, array in found.items()} == {
            "a": [1, 2, 3],
            "b": [True],
        }

    def test_the_format_of_the_request_is_remembered_for_the_answer(self) -> None:
        rows = PredictBody.parse(b'{"instances": [1]}').inputs(specs(x="FLOAT"))
        columns = PredictBody.parse(b'{"inputs": [1]}').inputs(specs(x="FLOAT"))
        assert (rows.row, columns.row) == (True, False)

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_a_body_is_any_kind_of_bytes(self, kind: type) -> None:
        body = PredictBody.parse(kind(b'{"inputs": [1]}'))
        assert body.inputs(specs(x="INT8")).arrays["x"].tolist() == [1]

    def test_the_first_of_several_members_of_one_name_counts(self) -> None:
        body = '{"instances": [1], "instances": [2], "signature_name": "a", "signature_name": 5}'
        assert PredictBody.parse(body.encode()).signature_name == "a"
        assert arrays(body, specs(x="INT32"))["x"].tolist() == [1]
        rows = '{"instances": [{"x": 1, "x": 2}, {"x": 3}]}'
        assert arrays(rows, specs(x="INT32"))["x"].tolist() == [1, 3]


class TestSignatureName:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("{}", "serving_default"),
            ('{"signature_name": ""}', "serving_default"),
            ('{"signature_name": "classify"}', "classify"),
            ('{"signature_name": "\\u00e9"}', "é"),
            ('{"instances": [], "inputs": 3, "signature_name": "late"}', "late"),
        ],
    )
    def test_is_known_before_the_inputs_are_looked_at(self, body: str, expected: str) -> None:
        assert PredictBody.parse(body.encode()).signature_name == expected

    def test_that_is_not_utf_8_can_still_be_shown(self) -> None:
        body = PredictBody.parse(b'{"signature_name": "a\xff"}')
        assert body.signature_name == "a\ufffd"

    def test_must_be_a_string(self) -> None:
        with pytest.raises(InvalidRequest) as caught:
            PredictBody.parse(b'{"signature_name": 5, "instances": [[1], [2]]}')
        assert str(caught.value) == (
            'JSON Value: {\n    "signature_name": 5,\n    "instances": [[1], [2]]\n}'
            " not formatted correctly. 'signature_name' key must be a string value."
        )

    def test_of_a_signature_without_inputs_cannot_be_called(self) -> None:
        text = "Failed to get input map for signature: "
        assert complaint("{}", {}) == text + "DEFAULT"
        assert complaint('{"signature_name": "init"}', {}) == text + "init"


class TestValues:
    @pytest.mark.parametrize(
        ("dtype", "text", "expected"),
        [
            ("FLOAT", "1435774380", 1435774336.0),
            ("FLOAT", "1.79769e+308", math.inf),
            ("FLOAT", "-1e39", -math.inf),
            ("FLOAT", "1e-300", 0.0),
            ("FLOAT", "0.1", float(np.float32(0.1))),
            ("DOUBLE", "0.1", 0.1),
            ("DOUBLE", "1.7976931348623157e308", 1.7976931348623157e308),
            ("DOUBLE", "123456789012345678901234567890", 123456789012345678901234567890.0),
            ("DOUBLE", "Infinity", math.inf),
            ("DOUBLE", "Inf", math.inf),
            ("DOUBLE", "-Infinity", -math.inf),
            ("DOUBLE", "-Inf", -math.inf),
            ("HALF", "0.1", float(np.float16(0.1))),
            ("HALF", "1e6", math.inf),
            ("BFLOAT16", "3.14159", 3.140625),
            ("INT8", "127", 127),
            ("INT8", "128", -128),
            ("INT16", "-32769", 32767),
            ("UINT8", "300", 44),
            ("UINT8", "-1", 255),
            ("UINT8", "2147483647", 255),
            ("INT32", "-2147483648", -(2**31)),
            ("INT32", "-0", 0),
            ("INT64", "-9223372036854775808", -(2**63)),
            ("INT64", "9223372036854775807", 2**63 - 1),
            ("UINT16", "65535", 65535),
            ("UINT32", "4294967295", 2**32 - 1),
            ("UINT64", "18446744073709551615", 2**64 - 1),
            ("BOOL", "true", True),
            ("BOOL", "false", False),
            ("STRING", '"a\\u00e9\\ud83d\\ude00\\/\\n"', "aé😀/\n".encode()),
            ("STRING", '"a\\u0000b"', b"a\x00b"),
            ("STRING", '""', b""),
            ("STRING", '{"b64": "aGVsbG8="}', b"hello"),
            ("STRING", '{"b64": "aGVsbG8"}', b"hello"),
            ("STRING", '{"b64": " aGVs\\nbG8 = "}', b"hello"),
            ("STRING", '{"b64": ""}', b""),
        ],
    )
    def test_take_the_type_of_the_signature(self, dtype: str, text: str, expected: object) -> None:
        assert value(text, dtype).tolist() == expected
        (listed,) = value(f"[{text}]", dtype).tolist()
        assert listed == expected

    @pytest.mark.parametrize("token", ["NaN", "-NaN"])
    @pytest.mark.parametrize("dtype", ["FLOAT", "DOUBLE", "HALF", "BFLOAT16"])
    def test_may_be_no_number(self, dtype: str, token: str) -> None:
        assert np.isnan(value(f"[1, {token}]", dtype).astype(np.float64)).tolist() == [False, True]

    @pytest.mark.parametrize(("text", "negative"), [("-0", False), ("-0.0", True), ("-0e1", True)])
    @pytest.mark.parametrize("dtype", ["FLOAT", "DOUBLE"])
    def test_keep_the_sign_of_a_decimal_zero_only(
        self, dtype: str, text: str, negative: bool
    ) -> None:
        assert bool(np.signbit(value(text, dtype).astype(np.float64))) == negative

    def test_that_are_strings_pass_bytes_through_that_are_no_utf_8(self) -> None:
        assert value(b'["\xff\xfe", "\xed\xa0\x80", "ok"]', "STRING").tolist() == [
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"ok",
        ]

    @pytest.mark.parametrize("dtype", ["FLOAT", "DOUBLE", "INT64", "STRING"])
    def test_that_no_double_holds_are_said_to_be_too_big(self, dtype: str) -> None:
        for text in ("1" + "0" * 400, "-1" + "0" * 400):
            expected = "JSON Parse error: Number too big to be stored in double."
            assert complaint('{"inputs": ' + text + "}", specs(x=dtype)) == expected

    @pytest.mark.parametrize(
        ("dtype", "text", "shown"),
        [
            ("FLOAT", '"a"', '"a" Type: String'),
            ("FLOAT", "null", "null Type: Null"),
            ("FLOAT", "true", "true Type: True"),
            ("DOUBLE", "false", "false Type: False"),
            ("FLOAT", '{"b64": "aGVsbG8="}', '{\n    "b64": "aGVsbG8="\n} Type: Object'),
            ("INT32", "1.0", "1.0 Type: Number"),
            ("INT32", "1e2", "100.0 Type: Number"),
            ("INT32", "NaN", "NaN Type: Number"),
            ("INT32", "true", "true Type: True"),
            ("INT32", "2147483648", "2147483648 Type: Number"),
            ("INT8", "-2147483649", "-2147483649 Type: Number"),
            ("INT64", "9223372036854775808", "9223372036854775808 Type: Number"),
            ("UINT32", "-1", "-1 Type: Number"),
            ("UINT64", "18446744073709551616", "1.8446744073709552e+19 Type: Number"),
            ("UINT16", "65536", "65536 Type: Number"),
            ("BOOL", "1", "1 Type: Number"),
            ("BOOL", '"true"', '"true" Type: String'),
            ("STRING", "1", "1 Type: Number"),
        ],
    )
    def test_of_another_type_are_shown_in_the_error(
        self, dtype: str, text: str, shown: str
    ) -> None:
        expected = f"JSON Value: {shown} is not of expected type: {dtype.lower()}"
        assert complaint('{"inputs": ' + text + "}", specs(x=dtype)) == expected
        assert complaint('{"inputs": [[' + text + "]]}", specs(x=dtype)) == expected

    @pytest.mark.parametrize(
        "text",
        [
            '"a", 1',
            "1, null",
            "1, true",
            "1, 2.5",
            "1, [2]",
            "[1], 2",
            '1, {"x": 1}',
        ],
    )
    def test_of_several_types_are_no_tensor(self, text: str) -> None:
        assert complaint('{"inputs": [' + text + "]}", specs(x="INT32"))
        assert complaint('{"instances": [' + text + "]}", specs(x="INT32"))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"b64": "a-_b"}', "Unable to base64 decode"),
            ('{"b64": "aGVsbG8=="}', "Unable to base64 decode"),
            ('{"b64": "a"}', "Unable to base64 decode"),
            ('{"b64": "a=Gb"}', "Unable to base64 decode"),
        ],
    )
    def test_in_base64_use_the_standard_alphabet(self, text: str, expected: str) -> None:
        assert complaint('{"inputs": ' + text + "}", specs(x="STRING")) == expected

    @pytest.mark.parametrize(
        "text",
        ['{"b64": 5}', '{"b64": "YQ==", "c": 1}', '{"b64": "YQ==", "b64": "YQ=="}', "{}"],
    )
    def test_in_base64_are_objects_of_one_member(self, text: str) -> None:
        error = complaint('{"inputs": [' + text + "]}", specs(x="STRING"))
        assert error.endswith(" not formatted correctly for base64 data")

    @pytest.mark.parametrize("dtype", ["COMPLEX64", "QINT8", "RESOURCE", "FLOAT8_E5M2"])
    def test_of_a_type_without_a_json_form_are_unsupported(self, dtype: str) -> None:
        with pytest.raises(UnsupportedType) as caught:
            value("1", dtype)
        text = f"Conversion of JSON Value: 1 to type: {dtype.lower()}"
        assert str(caught.value) == text
        assert complaint('{"instances": [1]}', specs(x=dtype)) == (
            f"Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: {text}"
        )


def element(number: int, reason: str, key: str = "") -> str:
    where = f"{number} key: {key}" if key else str(number)
    return (
        f"Failed to process element: {where} of 'instances' list. Error: INVALID_ARGUMENT: {reason}"
    )


class TestComplaints:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("{}", "Missing 'inputs' or 'instances' key"),
            (
                '{"inputs": 1, "instances": 2}',
                (
                    'JSON Value: {\n    "inputs": 1,\n    "instances": 2\n} Not formatted'
                    " correctly expecting only one of 'inputs' or 'instances' keys to exist "
                ),
            ),
            (
                '{"instances": {}}',
                "JSON Value: {\n    \"instances\": {}\n} Expecting 'instances' to be an list/array",
            ),
            (
                '{"instances": []}',
                "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
            ),
            (
                '{"instances": [[1, 2], [3]]}',
                element(1, "Expecting tensor size: 2 but got: 1"),
            ),
            (
                '{"instances": [[1, 2], [[3, 4]]]}',
                element(1, "Expecting shape [2] but got: [1,2]"),
            ),
            ('{"instances": [[1], 2]}', element(1, "Expecting shape [1] but got: []")),
            (
                '{"instances": [[[1, 2], [3]]]}',
                element(0, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
            ),
            (
                '{"instances": [1, {"x": 2}]}',
                "Expecting value/list but got object at item 1 of input list",
            ),
            (
                '{"instances": [{"x": 2}, [3]]}',
                "Expecting object but got list at item 1 of input list",
            ),
            (
                '{"instances": [{"x": 2}, {"x": "a"}]}',
                element(1, 'JSON Value: "a" Type: String is not of expected type: float', key="x"),
            ),
            (
                '{"instances": [{"y": 2}]}',
                element(0, "JSON object: does not have named input: y", key="y"),
            ),
            (
                '{"instances": [{}]}',
                (
                    "Failed to process element: 0 of 'instances' list. JSON object: {}"
                    " keys must be equal to: x"
                ),
            ),
            ('{"inputs": {"y": 1}}', "Missing named input: x in 'inputs' object."),
            (
                '{"inputs": [[1, 2], [3]]}',
                "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
            ),
            (
                '{"inputs": [1, [2]]}',
                "Encountered list at unexpected level: 1 expected < 1",
            ),
            (
                '{"inputs": [[1], 2]}',
                "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
            ),
        ],
    )
    def test_are_upstreams(self, body: str, expected: str) -> None:
        assert complaint(body, specs(x="FLOAT")) == expected

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (
                '{"instances": [1]}',
                (
                    "instances is a plain list, but expecting list of objects as multiple"
                    " input tensors required as per tensorinfo_map"
                ),
            ),
            (
                '{"inputs": [1]}',
                (
                    "inputs is a plain value/list, but expecting an object as multiple"
                    " input tensors required as per tensorinfo_map"
                ),
            ),
            (
                '{"instances": [{"b": 1}]}',
                (
                    "Failed to process element: 0 of 'instances' list. JSON object: {\n"
                    '    "b": 1\n} keys must be equal to: a,b'
                ),
            ),
            ('{"inputs": {"b": 1}}', "Missing named input: a in 'inputs' object."),
        ],
    )
    def test_about_several_inputs_are_too(self, body: str, expected: str) -> None:
        assert complaint(body, specs(b="FLOAT", a="FLOAT")) == expected

    def test_of_a_row_name_the_first_that_is_wrong(self) -> None:
        body = '{"instances": [{"x": [1]}, {"x": [1, 2]}, {"x": "a"}]}'
        assert complaint(body, specs(x="FLOAT")) == element(
            1, "Expecting tensor size: 1 but got: 2", key="x"
        )

    def test_show_little_of_a_large_body(self) -> None:
        body = '{"signature_name": 5, "instances": [' + "1, " * 100_000 + "2]}"
        assert len(complaint(body, specs(x="FLOAT"))) < 400

    def test_can_be_encoded_whatever_the_body_holds(self) -> None:
        for body in (
            b'{"instances": [{"\xff": 1}]}',
            b'{"inputs": ["\xff"]}',
            b'{"signature_name": ["\xff"]}',
        ):
            assert complaint(body, specs(x="FLOAT")).encode()

    def test_about_depth_come_before_any_harm(self) -> None:
        deep = "[" * 200_000 + "1" + "]" * 200_000
        text = "Tensors of more than 64 dimensions are not supported"
        assert complaint('{"inputs": ' + deep + "}", specs(x="FLOAT")) == text
        assert complaint('{"instances": ' + deep + "}", specs(x="FLOAT")) == element(0, text)
        sixty_five = "[" * 65 + "1" + "]" * 65
        assert complaint('{"inputs": ' + sixty_five + "}", specs(x="FLOAT")) == text
        assert complaint('{"instances": ' + sixty_five + "}", specs(x="FLOAT")) == text


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=3),
    st.just({"b64": "YQ=="}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "b64", "y"]), inner, max_size=2)
    ),
    max_leaves=12,
)
DTYPES = st.sampled_from(
    (
        "FLOAT",
        "DOUBLE",
        "HALF",
        "BFLOAT16",
        "INT8",
        "INT32",
        "UINT16",
        "UINT64",
        "BOOL",
        "STRING",
        "COMPLEX64",
    )
)


class TestAnyBody:
    @given(st.binary(max_size=80), DTYPES)
    def test_of_random_bytes_is_refused_politely(self, body: bytes, dtype: str) -> None:
        with pytest.raises(InvalidRequest):
            arrays(b'{"instances":' + body, specs(x=dtype, y=dtype))

    @given(VALUES, DTYPES, st.sampled_from(["instances", "inputs"]))
    def test_of_random_json_is_answered_or_refused(
        self, content: object, dtype: str, key: str
    ) -> None:
        body = json.dumps({key: content})
        try:
            found = arrays(body, specs(x=dtype))
        except (InvalidRequest, UnsupportedType):
            return
        assert list(found) == ["x"]

    @given(st.lists(st.lists(st.integers(-5, 5), min_size=2, max_size=2), min_size=1))
    def test_means_the_same_in_rows_and_in_columns(self, content: list[list[int]]) -> None:
        named = [{"x": row} for row in content]
        for dtype in ("FLOAT", "INT32"):
            bodies = [
                f'{{"instances": {content}}}',
                f'{{"inputs": {content}}}',
                f'{{"inputs": {{"x": {content}}}}}',
                f'{{"instances": {named}}}'.replace("'", '"'),
            ]
            found = [arrays(body, specs(x=dtype))["x"] for body in bodies]
            assert [array.tolist() for array in found] == [content] * 4


def strictly(body: str, inputs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    return PredictBody.parse(body.encode(), strict=True).inputs(inputs).arrays


def shaped(dtype: str, shape: tuple[int, ...] | None) -> dict[str, TensorSpec]:
    return {"x": TensorSpec("x:0", f"DT_{dtype}", shape)}


class TestStrictly:
    @pytest.mark.parametrize(
        ("dtype", "lowest", "highest"),
        [("INT8", -128, 127), ("INT16", -32768, 32767), ("UINT8", 0, 255)],
    )
    def test_a_narrow_integer_does_not_wrap(self, dtype: str, lowest: int, highest: int) -> None:
        found = strictly(f'{{"inputs": [{lowest}, {highest}]}}', shaped(dtype, None))
        assert [lowest, highest] == found["x"].tolist()
        for number in (lowest - 1, highest + 1, 2**40):
            with pytest.raises(InvalidRequest) as caught:
                strictly(f'{{"inputs": [0, {number}]}}', shaped(dtype, None))
            assert (
                f"JSON Value: {number} is out of range for type: {dtype.lower()},"
                f" which takes {lowest} to {highest}"
            ) == str(caught.value)

    def test_a_row_is_named_whose_integer_does_not_fit(self) -> None:
        with pytest.raises(InvalidRequest) as caught:
            strictly('{"instances": [1, 300]}', shaped("UINT8", (-1,)))
        assert (
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value:"
            " 300 is out of range for type: uint8, which takes 0 to 255"
        ) == str(caught.value)

    def test_what_is_no_integer_is_told_so_as_ever(self) -> None:
        with pytest.raises(InvalidRequest, match=r"^JSON Value: 1\.5 Type: Number is not of expec"):
            strictly('{"inputs": [1.5]}', shaped("UINT8", None))

    @pytest.mark.parametrize(
        ("body", "declared"),
        [
            ('{"inputs": [[1], [2]]}', (-1, 1)),
            ('{"inputs": [[1], [2]]}', (2, 1)),
            ('{"inputs": [[1], [2]]}', None),
            ('{"inputs": 1}', ()),
            ('{"instances": [[1], [2]]}', (-1, -1)),
            ('{"instances": [1, 2]}', (-1,)),
        ],
    )
    def test_a_shape_that_is_the_declared_one_passes(
        self, body: str, declared: tuple[int, ...] | None
    ) -> None:
        expected = PredictBody.parse(body.encode()).inputs(shaped("FLOAT", None)).arrays["x"]
        assert expected.tolist() == strictly(body, shaped("FLOAT", declared))["x"].tolist()

    @pytest.mark.parametrize(
        ("body", "declared", "said"),
        [
            ('{"inputs": [1, 2]}', (-1, 1), "[2], its signature declares [-1,1]"),
            ('{"inputs": [[1, 2]]}', (-1, 1), "[1,2], its signature declares [-1,1]"),
            ('{"inputs": 1}', (-1,), "[], its signature declares [-1]"),
            ('{"instances": [[1], [2]]}', (3, 1), "[2,1], its signature declares [3,1]"),
            ('{"instances": [{"x": 1}]}', (), "[1], its signature declares []"),
        ],
    )
    def test_a_shape_that_contradicts_the_declared_one_is_refused(
        self, body: str, declared: tuple[int, ...], said: str
    ) -> None:
        with pytest.raises(InvalidRequest) as caught:
            strictly(body, shaped("FLOAT", declared))
        assert f"Input x has the shape {said}" == str(caught.value)
        PredictBody.parse(body.encode()).inputs(shaped("FLOAT", declared))

    @pytest.mark.parametrize(
        ("body", "key"),
        [
            ('{"inputs": 1, "inputs": 2}', "inputs"),
            ('{"instances": [{"x": 1, "y": 2, "x": 1}]}', "x"),
            ('{"inputs": {"b64": "", "b64": ""}}', "b64"),
            ('{"inputs": 1, "ignored": [{"a": {"\\u0062": 0, "b": 1}}]}', "b"),
            ('{"inputs": 1, "ignored": [Inf, {"b": 0, "b": 1}]}', "b"),
        ],
    )
    def test_a_key_may_stand_once_in_an_object(self, body: str, key: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            PredictBody.parse(body.encode(), strict=True)
        assert f'JSON object has the key "{key}" more than once' == str(caught.value)
        PredictBody.parse(body.encode())

    @given(st.text(), st.integers(2, 4))
    def test_a_repeated_key_is_found_whatever_it_is(self, key: str, times: int) -> None:
        member = f"{json.dumps(key)}: 1"
        body = f'{{"inputs": [{{{", ".join([member] * times)}}}]}}'
        with pytest.raises(
            InvalidRequest, match=r"^JSON object has the key \".*\" more than once$"
        ):
            PredictBody.parse(body.encode(), strict=True)
