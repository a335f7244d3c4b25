"""Strings and bytes."""

from tests.conformance.rule import Ask, Group, Rule, answers, columns, predict, refuses, rows


def text(value: object) -> Ask:
    return columns("kinds", value, signature="string")


def raw(value: object) -> Ask:
    return columns("kinds", value, signature="raw")


GROUP = Group(
    "strings",
    "Strings and bytes",
    (
        Rule(
            'STRING takes text and `{"b64": …}`',
            "standard base64, padding optional, the URL-safe alphabet refused",
            (
                answers("text", text(["", "naïve", "日本"]), {"outputs": ["", "naïve", "日本"]}),
                answers("b64", text([{"b64": "aGk="}]), {"outputs": ["hi"]}),
                answers("b64 without padding", text({"b64": "aGk"}), {"outputs": "hi"}),
                answers("b64 of nothing", text({"b64": ""}), {"outputs": ""}),
                refuses("b64 for URLs", text({"b64": "_-8="}), "Unable to base64 decode"),
                refuses("b64 of bad length", text({"b64": "a"}), "Unable to base64 decode"),
                refuses("number", text(5), "JSON Value: 5 Type: Number is not of expected…"),
            ),
        ),
        Rule(
            "`b64` is the object's only key and holds a string",
            "400 otherwise",
            (
                refuses("number in b64", text([{"b64": 5}]), "JSON Value: …"),
                refuses("two keys", text([{"b64": "aGk=", "x": 1}]), "JSON Value: …"),
                refuses("another key", text([{"base64": "aGk="}]), "JSON Value: …"),
            ),
        ),
        Rule(
            '`{"b64": …}` as an instance is a value, not an object of inputs',
            "in the row format, too",
            (
                answers(
                    "b64 rows",
                    rows("kinds", {"b64": "aGk="}, {"b64": "eW8="}, signature="string"),
                    {"predictions": ["hi", "yo"]},
                ),
                answers(
                    "b64 beside text",
                    rows("kinds", "hi", {"b64": "eW8="}, signature="string"),
                    {"predictions": ["hi", "yo"]},
                ),
                refuses(
                    "b64 of a number is an object",
                    rows("kinds", {"b64": 5}, signature="string"),
                    "Failed to process element: 0 key: b64 of 'instances' list. Error:"
                    " INVALID_ARGUMENT: JSON object: does not have named input: b64",
                ),
                refuses(
                    "b64 after an object",
                    rows("kinds", {"x": "hi"}, {"b64": "eW8="}, signature="string"),
                    "Expecting object but got list at item 1 of input list",
                ),
                answers(
                    "named b64 rows",
                    rows("kinds", {"x": {"b64": "aGk="}}, signature="string"),
                    {"predictions": ["hi"]},
                ),
            ),
        ),
        Rule(
            "Escapes and control characters read back",
            "`\\u001F` and the short escapes",
            (
                answers(
                    "escapes",
                    predict(
                        "kinds",
                        '{"signature_name": "string",'
                        ' "inputs": ["\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\\u0000"]}',
                    ),
                    {"outputs": ['"\\/\b\f\n\r\t\x1f\0']},
                ),
                answers(
                    "second half of a pair",
                    predict("kinds", '{"signature_name": "raw", "inputs": "\\ude00"}'),
                    {"outputs": {"b64": "7biA"}},
                ),
                answers(
                    "surrogate pair",
                    predict("kinds", '{"signature_name": "string", "inputs": "\\ud83d\\ude00"}'),
                    {"outputs": "😀"},
                ),
            ),
        ),
        Rule(
            'Outputs whose name ends with `_bytes` are `{"b64": …}`, if they are strings',
            "the suffix does nothing to other dtypes",
            (
                answers("one output", raw("hi"), {"outputs": {"b64": "aGk="}}),
                answers(
                    "one output in rows",
                    rows("kinds", "hi", {"b64": "/w=="}, signature="raw"),
                    {"predictions": [{"b64": "aGk="}, {"b64": "/w=="}]},
                ),
                answers(
                    "among others",
                    columns("kinds", {"text": ["hi"], "number": [5]}, signature="mixed"),
                    {"outputs": {"text": ["hi"], "raw_bytes": [{"b64": "aGk="}], "n_bytes": [5]}},
                ),
            ),
        ),
        Rule(
            "Invalid UTF-8 in the body is passed through",
            "the graph sees the very bytes",
            (
                answers(
                    "bytes in a string",
                    predict("kinds", b'{"signature_name": "raw", "inputs": "\xff\xfe"}'),
                    {"outputs": {"b64": "//4="}},
                ),
            ),
        ),
        Rule(
            "A string output that is no valid UTF-8",
            "is copied raw, and the response is no valid JSON",
            (
                answers("invalid UTF-8 out", text({"b64": "/w=="}), {"outputs": {"b64": "/w=="}}),
                answers(
                    "among valid ones",
                    text(["hi", {"b64": "gA=="}]),
                    {"outputs": ["hi", {"b64": "gA=="}]},
                ),
            ),
            better='comes back as `{"b64": …}`',
        ),
    ),
)
