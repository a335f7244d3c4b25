"""What `--strict` makes an error of; without it everything is as upstream has it."""

from tests.conformance.rule import Group, Rule, answers, post, predict, refuses, rows

from .dtypes import value

GROUP = Group(
    "strict",
    "With `--strict`",
    (
        Rule(
            "An int8, int16 or uint8 out of range",
            "wraps around",
            (
                answers("uint8 wraps", value("uint8", "256"), {"outputs": 0}),
                refuses(
                    "uint8 does not wrap",
                    value("uint8", "256"),
                    "JSON Value: 256 is out of range for type: uint8, which takes 0 to 255",
                    strict=True,
                ),
                refuses(
                    "int8 does not wrap",
                    value("int8", "-129"),
                    "JSON Value: -129 is out of range for type: int8, which takes -128 to 127",
                    strict=True,
                ),
                answers(
                    "int16 at its bound", value("int16", "-32768"), {"outputs": -32768}, strict=True
                ),
            ),
            better="is an error with `--strict`",
        ),
        Rule(
            "A shape that contradicts the declared one",
            "reaches the graph",
            (
                refuses(
                    "no batch",
                    rows("line", 2.0),
                    "Input x has the shape [1], its signature declares [-1,1]",
                    strict=True,
                ),
                refuses(
                    "too many columns",
                    rows("line", [2.0, 3.0]),
                    "Input x has the shape [1,2], its signature declares [-1,1]",
                    strict=True,
                ),
                answers("as declared", rows("line", [2.0]), {"predictions": [[7.0]]}, strict=True),
            ),
            better="is an error with `--strict`, and names both",
        ),
        Rule(
            "A key that comes twice",
            "its first value counts (in an example its last)",
            (
                refuses(
                    "instances twice",
                    predict("line", '{"instances": [1], "instances": [2]}'),
                    'JSON object has the key "instances" more than once',
                    strict=True,
                ),
                refuses(
                    "deep in what is ignored",
                    predict("line", '{"instances": [[1]], "note": [{"by": 1, "by": 2}]}'),
                    'JSON object has the key "by" more than once',
                    strict=True,
                ),
                answers(
                    "a feature twice",
                    post(
                        "trees:regress",
                        '{"signature_name": "regress",'
                        ' "examples": [{"height": 4.0, "height": 8.0}]}',
                    ),
                    {"results": [2.0]},
                ),
                refuses(
                    "a feature twice, strictly",
                    post(
                        "trees:regress",
                        '{"signature_name": "regress",'
                        ' "examples": [{"height": 4.0, "height": 8.0}]}',
                    ),
                    'JSON object has the key "height" more than once',
                    strict=True,
                ),
            ),
            better="is an error with `--strict`",
        ),
    ),
)
