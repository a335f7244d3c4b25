"""What counts as JSON."""

from tests.conformance.rule import Ask, Case, Group, Rule, answers, predict, refuses

TEN = {"predictions": [10.0]}  # 3 · 3 + 1


def bad(name: str, body: str | bytes, error: str) -> Case:
    return refuses(name, predict("line", body), f"JSON Parse error: {error}")


def _of(text: str) -> Ask:
    return predict("kinds", f'{{"signature_name": "double", "inputs": {text}}}')


def good(name: str, body: str | bytes) -> Case:
    return answers(name, predict("line", body), TEN)


GROUP = Group(
    "syntax",
    "JSON",
    (
        Rule(
            "An empty body",
            "400 `JSON Parse error: The document is empty`",
            (
                bad("empty", "", "The document is empty"),
                bad("white space", " \n\t ", "The document is empty. at offset: 4"),
                bad(
                    "byte-order mark alone", b"\xef\xbb\xbf", "The document is empty. at offset: 3"
                ),
            ),
        ),
        Rule(
            "A syntax error",
            "400 with rapidjson's text and offset",
            (
                bad("no JSON", "instances: [3]", "Invalid value. at offset: 0"),
                bad(
                    "cut off", '{"instances": [3', "Missing a comma or ']' after an array element…"
                ),
                bad("comma at the end of a list", '{"instances": [3,]}', "Invalid value. at…"),
                bad("comma at the end", '{"instances": [3],}', "Missing a name for object member…"),
                bad("no colon", '{"instances" [3]}', "Missing a colon after a name of object…"),
                bad("single quotes", "{'instances': [3]}", "Missing a name for object member…"),
                bad("comment", '{/* three */ "instances": [3]}', "Missing a name for object…"),
                bad(
                    "zeros before a number", '{"instances": [03]}', "Missing a comma or ']' after…"
                ),
                bad("open string", '{"instances": ["x]}', "Missing a closing quotation mark…"),
                bad("no comma", '{"a": 1 "b": 2}', "Missing a comma or '}' after an object…"),
                bad("control character", '{"a": "\x01"}', "Invalid escape character in string.…"),
                bad("closing brace alone", "}", "The document is empty. at offset: 0"),
                bad("first half of a pair", '{"a": "\\ud83d"}', "The surrogate pair in string…"),
                bad("unknown escape", '{"instances": ["\\x"]}', "Invalid escape character in…"),
            ),
        ),
        Rule(
            "A byte-order mark is skipped, and so is whatever follows the closing brace",
            "answers as if they were not there",
            (
                good("byte-order mark", b'\xef\xbb\xbf{"instances": [3]}'),
                good("trailing text", '{"instances": [3]} and more'),
                good("trailing brace", '{"instances": [3]}}'),
            ),
        ),
        Rule(
            "Unknown keys are ignored, however deep",
            "takes 500,000 levels",
            (
                good("unknown key", '{"comment": {"by": "ann"}, "instances": [3]}'),
                good(
                    "deep unknown key",
                    '{"instances": [3], "x": ' + "[" * 500_000 + "]" * 500_000 + "}",
                ),
                bad("deep, beyond a MiB", "[" * 2**20 + "]", "Nested too deeply."),
            ),
            limit="a body beyond 1 MiB has to be what Python's scanner reads: a thousand levels or"
            " so, and its words for a mistake",
        ),
        Rule(
            "Of a key that comes twice the first counts",
            "uses the first, silently",
            (
                good("instances twice", '{"instances": [3], "instances": ["x"]}'),
                answers(
                    "input twice",
                    predict("line", '{"inputs": {"x": 3, "x": 4}}'),
                    {"outputs": 10.0},
                ),
            ),
        ),
        Rule(
            "Not an object",
            "400 `JSON Value: … Is not object`",
            (
                refuses("list", predict("line", "[3]"), "JSON Value: [3] Is not object"),
                refuses("text", predict("line", '"x"'), 'JSON Value: "x" Is not object'),
                refuses("null", predict("line", "null"), "JSON Value: null Is not object"),
            ),
        ),
        Rule(
            '`signature_name` is a string; `""` and none mean `serving_default`',
            "400 `… 'signature_name' key must be a string value.`",
            (
                good("no name", '{"instances": [3]}'),
                good("empty name", '{"signature_name": "", "instances": [3]}'),
                good("serving_default", '{"signature_name": "serving_default", "instances": [3]}'),
                refuses(
                    "null for a name",
                    predict("line", '{"signature_name": null}'),
                    'JSON Value: {\n    "signature_name": null\n} not formatted correctly.'
                    " 'signature_name' key must be a string value.",
                ),
                refuses(
                    "list for a name",
                    predict("line", '{"signature_name": ["serving_default"]}'),
                    "JSON Value: …",
                ),
            ),
        ),
        Rule(
            "`NaN`, `Infinity`, `Inf` and their negatives are numbers; other spellings are not",
            "400 for `nan`, `inf`, `Nan` (which the documentation shows) and `+Infinity`",
            (
                answers("NaN", _of("NaN"), {"outputs": float("nan")}),
                answers("-NaN", _of("-NaN"), {"outputs": float("nan")}),
                answers("Infinity", _of("Infinity"), {"outputs": float("inf")}),
                answers("Inf", _of("Inf"), {"outputs": float("inf")}),
                answers("-Infinity", _of("-Infinity"), {"outputs": float("-inf")}),
                answers("-Inf", _of("-Inf"), {"outputs": float("-inf")}),
                bad("nan", '{"inputs": nan}', "Invalid value. at offset: 12"),
                bad("Nan", '{"inputs": Nan}', "Invalid value. at offset: 13"),
                bad("inf", '{"inputs": inf}', "Invalid value. at offset: 11"),
                bad("+Infinity", '{"inputs": +Infinity}', "Invalid value. at offset: 11"),
                bad("Inf, beyond a MiB", " " * 2**20 + '{"inputs": Inf}', "Expecting value at…"),
                answers("NaN, beyond a MiB", _of("NaN" + " " * 2**20), {"outputs": float("nan")}),
            ),
            limit="in a body beyond 1 MiB `Inf`, `-Inf` and `-NaN` are none",
        ),
        Rule(
            "A number that no double holds",
            "400 `Number too big to be stored in double.`, by its exponent: `2e308` is infinite",
            (
                bad("too big", '{"inputs": 1e400}', "Number too big to be stored in double.…"),
                bad(
                    "nothing, too big",
                    '{"inputs": 0e309}',
                    "Number too big to be stored in double.…",
                ),
                answers("just too big", _of("-2e308"), {"outputs": float("-inf")}),
                answers("too small", _of("1e-400"), {"outputs": 0.0}),
            ),
        ),
    ),
)
