"""Numbers in responses read back to what the graph computed."""

import math

from tests.conformance.rule import Group, Rule, answers

from .dtypes import value

GROUP = Group(
    "printing",
    "Numbers in responses",
    (
        Rule(
            "A float32 reads back to the same float32",
            "six digits if they are enough, else nine: `0.1`, `0.333333343`, `1e+06`",
            (
                answers("a short one", value("float", "0.1"), {"outputs": 0.1}),
                answers("a third", value("float", "0.33333334"), {"outputs": 0.333333343}),
                answers("a large one", value("float", "16777216"), {"outputs": 16777216.0}),
                answers("a million", value("float", "1000000"), {"outputs": 1e6}),
                answers("a small one", value("float", "0.00001"), {"outputs": 1e-05}),
                answers("the largest", value("float", "3.4028235e38"), {"outputs": 3.40282347e38}),
                answers("the smallest", value("float", "1.4e-45"), {"outputs": 1.4013e-45}),
            ),
        ),
        Rule(
            "A double reads back to the same double",
            "six digits if they are enough, else seventeen: `0.33333333333333331`",
            (
                answers(
                    "a third of double", value("double", "0.3333333333333333"), {"outputs": 1 / 3}
                ),
                answers("pi", value("double", "3.141592653589793"), {"outputs": math.pi}),
                answers("the smallest double", value("double", "5e-324"), {"outputs": 5e-324}),
            ),
            better="as few digits as read back, `0.3333333333333333`: the same number",
        ),
        Rule(
            "A whole decimal keeps its point",
            "`1.0`, `-0.0`: never read as an integer",
            (
                answers("one", value("float", "1"), {"outputs": 1.0}),
                answers("minus zero", value("float", "-0.0"), {"outputs": -0.0}),
                answers("minus zero of a double", value("double", "-0.0"), {"outputs": -0.0}),
            ),
        ),
        Rule(
            "NaN and infinities are bare tokens",
            "`NaN`, `Infinity`, `-Infinity`, though RFC 8259 has none",
            (
                answers(
                    "of float",
                    value("float", "[NaN, Inf, -Inf]"),
                    {"outputs": [math.nan, math.inf, -math.inf]},
                ),
                answers(
                    "of double",
                    value("double", "[NaN, Inf, -Inf]"),
                    {"outputs": [math.nan, math.inf, -math.inf]},
                ),
            ),
        ),
        Rule(
            "Integers and bools are printed plainly, int64 as a number",
            "no quotes, unlike protobuf's JSON",
            (
                answers("int64", value("int64", "9223372036854775807"), {"outputs": 2**63 - 1}),
                answers("uint64", value("uint64", "18446744073709551615"), {"outputs": 2**64 - 1}),
                answers("bool", value("bool", "true"), {"outputs": True}),
            ),
        ),
        Rule(
            "Indentation",
            "four spaces, with a quirk in lists",
            (
                answers(
                    "compact",
                    value("int32", "[[1, 2], [3, 4]]"),
                    None,
                    body=b'{"outputs":[[1,2],[3,4]]}',
                ),
            ),
            better="none; clients parse, and Lambda charges for bytes",
        ),
    ),
)
