"""Which JSON is taken for which dtype, in and out."""

import math

from tests.conformance.rule import Ask, Case, Group, Rule, answers, predict, refuses


def value(kind: str, text: str) -> Ask:
    """The one input of dtype `kind`, as it stands in the body."""
    return predict("kinds", f'{{"signature_name": "{kind}", "inputs": {text}}}')


def gives(name: str, kind: str, text: str, output: object) -> Case:
    return answers(f"{kind} {name}", value(kind, text), {"outputs": output})


def wrong(kind: str, name: str, text: str, json_type: str, shown: str | None = None) -> Case:
    error = f"JSON Value: {shown or text} Type: {json_type} is not of expected type: {kind}"
    return refuses(f"{kind} from {name}", value(kind, text), error)


GROUP = Group(
    "dtypes",
    "Values by dtype",
    (
        Rule(
            "FLOAT takes any number",
            "beyond float32 is infinity, too small is 0",
            (
                gives("from a decimal", "float", "0.1", 0.1),
                gives("from an integer", "float", "16777217", 16777216.0),
                gives("beyond the largest", "float", "1e39", math.inf),
                gives("below the smallest", "float", "-1e39", -math.inf),
                gives("too small", "float", "1e-46", 0.0),
                gives("at the largest", "float", "3.4028235e38", 3.40282347e38),
                gives(
                    "NaN", "float", "[NaN, Infinity, -Infinity]", [math.nan, math.inf, -math.inf]
                ),
                wrong("float", "true", "true", "True"),
                wrong("float", "text", '"1.0"', "String"),
            ),
        ),
        Rule(
            "DOUBLE takes any number, at full precision",
            "and `-0.0` keeps its sign, which the literal `-0` loses",
            (
                gives("from a decimal", "double", "0.1234567890123456789", 0.12345678901234568),
                gives("at the largest", "double", "1.7976931348623157e308", 1.7976931348623157e308),
                gives("at the smallest", "double", "5e-324", 5e-324),
                gives("minus zero", "double", "[-0.0, -0]", [-0.0, 0.0]),
                gives("from an integer", "double", "9007199254740993", 9007199254740992.0),
            ),
        ),
        Rule(
            "INT32 takes integer literals within its range",
            "400 for `1.0`, `1e2`, `true` and beyond",
            (
                gives("at its bounds", "int32", "[-2147483648, 2147483647]", [-(2**31), 2**31 - 1]),
                wrong("int32", "a decimal", "1.0", "Number"),
                wrong("int32", "an exponent", "1e2", "Number", "100.0"),
                wrong("int32", "true", "true", "True"),
                wrong("int32", "beyond its range", "2147483648", "Number"),
            ),
        ),
        Rule(
            "INT16, INT8 and UINT8 take any int32 and wrap around",
            "300 becomes 44 as uint8; not checked",
            (
                gives("wraps", "uint8", "[300, -1, 255]", [44, 255, 255]),
                gives("wraps", "int8", "[128, -129, 127]", [-128, 127, 127]),
                gives("wraps", "int16", "[32768, -32769]", [-32768, 32767]),
                wrong("uint8", "beyond int32", "2147483648", "Number"),
                wrong("int8", "a decimal", "1.5", "Number"),
            ),
        ),
        Rule(
            "INT64, UINT32 and UINT64 take integer literals within their ranges",
            "full 64-bit precision, in and out",
            (
                gives(
                    "at its bounds",
                    "int64",
                    "[-9223372036854775808, 9223372036854775807]",
                    [-(2**63), 2**63 - 1],
                ),
                gives("beyond a double", "int64", "9007199254740993", 9007199254740993),
                gives("at its bounds", "uint64", "[0, 18446744073709551615]", [0, 2**64 - 1]),
                gives("at its bounds", "uint32", "[0, 4294967295]", [0, 2**32 - 1]),
                wrong("int64", "beyond its range", "9223372036854775808", "Number"),
                wrong("uint64", "a negative", "-1", "Number"),
                wrong("uint32", "beyond its range", "4294967296", "Number"),
                wrong("int64", "a decimal", "2.0", "Number"),
            ),
        ),
        Rule(
            "BOOL takes `true` and `false`",
            "400 for 0 and 1",
            (
                gives("both", "bool", "[true, false]", [True, False]),
                wrong("bool", "a number", "1", "Number"),
                wrong("bool", "text", '"true"', "String"),
            ),
        ),
        Rule(
            "HALF, BFLOAT16 and UINT16",
            "are refused: 501 `Conversion of JSON Value: …` in, 400 `Failed to write…` out",
            (
                gives("in and out", "half", "[1.5, 70000, 0.1]", [1.5, math.inf, 0.0999755859]),
                gives("in and out", "bfloat16", "[1.5, 0.1]", [1.5, 0.100097656]),
                gives("in and out", "uint16", "[0, 65535]", [0, 65535]),
                wrong("uint16", "beyond its range", "65536", "Number"),
            ),
            better="work; what they print reads back to the same number",
        ),
        Rule(
            "COMPLEX64 and other dtypes without a form in JSON",
            "501 in the columnar format, 400 in the row format, which wraps it",
            (
                refuses(
                    "complex64 in columns",
                    value("complex64", "1"),
                    "Conversion of JSON Value: 1 to type: complex64",
                    501,
                ),
                refuses(
                    "complex64 in rows",
                    predict("kinds", {"signature_name": "complex64", "instances": [1]}),
                    "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED:"
                    " Conversion of JSON Value: 1 to type: complex64",
                ),
            ),
        ),
    ),
)
