"""Classify and regress: JSON examples become tf.Examples."""

import math

from tests.conformance.rule import Ask, Case, Group, Rule, answers, columns, post, refuses


def classify(*examples: object, signature: str = "classify", **rest: object) -> Ask:
    return post("trees:classify", {"signature_name": signature, **rest, "examples": list(examples)})


def regress(*examples: object, signature: str = "regress", **rest: object) -> Ask:
    return post("trees:regress", {"signature_name": signature, **rest, "examples": list(examples)})


def both(name: str, body: object, error: str) -> tuple[Case, Case]:
    """Classify and regress refuse `body` alike."""
    return (
        refuses(f"{name} to classify", post("trees:classify", body), error),
        refuses(f"{name} to regress", post("trees:regress", body), error),
    )


TEN = {"height": 40.0}
OAK = [["oak", 10.0], ["oak", -10.0]]
OF_HEIGHT_4 = "ChQKEgoGaGVpZ2h0EggSBgoEAACAQA=="
CLASSIFY = {"signature_name": "classify", "examples": [TEN]}

GROUP = Group(
    "examples",
    "Classify and regress",
    (
        Rule(
            'Classify answers `{"results": [[[label, score], …], …]}`',
            "the documentation says `result`",
            (
                answers("one example", classify(TEN), {"results": [OAK]}),
                answers(
                    "two examples",
                    classify(TEN, {"height": 4.0, "rings": 2, "kind": "elm"}),
                    {"results": [OAK, [["elm", 3.0], ["elm", -3.0]]]},
                ),
                answers(
                    "by version", post("trees/versions/1:classify", CLASSIFY), {"results": [OAK]}
                ),
                answers(
                    "by label", post("trees/labels/stable:classify", CLASSIFY), {"results": [OAK]}
                ),
            ),
        ),
        Rule(
            'Without classes the label is `""`, without scores the score is `0.0`',
            "either output may be missing",
            (
                answers(
                    "scores alone",
                    classify(TEN, signature="scores"),
                    {"results": [[["", 10.0], ["", -10.0]]]},
                ),
                answers(
                    "labels alone",
                    classify(TEN, signature="labels"),
                    {"results": [[["oak", 0.0], ["oak", 0.0]]]},
                ),
            ),
        ),
        Rule(
            'Regress answers `{"results": [value, …]}`',
            "from outputs of shape [N] and [N, 1]",
            (
                answers("a column", regress(TEN, {"height": 2.0}), {"results": [10.0, 0.5]}),
                answers("a vector", regress(TEN, signature="flat"), {"results": [10.0]}),
                answers(
                    "numbers that are none",
                    regress({"height": math.nan}, {"height": math.inf}),
                    {"results": [math.nan, math.inf]},
                ),
            ),
        ),
        Rule(
            "Numbers: an integer literal is int64, one with a point or exponent is float",
            "`80` for a float feature is refused by the graph",
            (
                answers(
                    "integer for int64", regress({"height": 4.0, "rings": 3}), {"results": [4.0]}
                ),
                answers("exponent for float", regress({"height": 4e0}), {"results": [1.0]}),
                answers(
                    "infinity for float", regress({"height": -math.inf}), {"results": [-math.inf]}
                ),
                refuses(
                    "integer for float",
                    regress({"height": 40}),
                    "Name: <unknown>, Key: height, Index: 0.  Data types don't match. Data type:"
                    " int64 but expected type: float",
                ),
                refuses(
                    "float for int64",
                    regress({"height": 4.0, "rings": 3.0}),
                    "Name: <unknown>, Key: rings…",
                ),
                answers(
                    "beyond 64 bits is a float",
                    post(
                        "trees:regress",
                        '{"signature_name": "regress",'
                        ' "examples": [{"height": 36893488147419103232}]}',
                    ),
                    {"results": [9.22337204e18]},
                ),
                refuses(
                    "beyond int64",
                    regress({"height": 4.0, "rings": 2**63}),
                    "Feature: rings has uint64_t element. Only int64_t is supported.",
                ),
            ),
        ),
        Rule(
            'Bools are int64 0 and 1, text and `{"b64": …}` are bytes',
            "in lists, too",
            (
                answers("true", regress({"height": 4.0, "rings": True}), {"results": [2.0]}),
                answers(
                    "text",
                    classify({"height": 4.0, "kind": "ash"}),
                    {"results": [[["ash", 1.0], ["ash", -1.0]]]},
                ),
                answers(
                    "b64",
                    classify({"height": [4.0], "kind": [{"b64": "YXNo"}]}),
                    {"results": [[["ash", 1.0], ["ash", -1.0]]]},
                ),
                refuses("bad b64", classify({"kind": {"b64": "?"}}), "Unable to base64 decode"),
            ),
        ),
        Rule(
            "A list holds one kind; `[]` is a feature of no kind",
            "400 `Unexpected element type in feature: x expecting type: int64`",
            (
                answers("nothing in it", regress({"height": 4.0, "rings": []}), {"results": [1.0]}),
                refuses(
                    "integer, then float",
                    regress({"rings": [10, 10.0]}),
                    "Unexpected element type in feature: rings expecting type: int64",
                ),
                refuses(
                    "float, then text",
                    classify({"height": [1.5, "tall"]}),
                    "Unexpected element type in feature: height expecting type: float",
                ),
                refuses(
                    "null",
                    regress({"height": None}),
                    "Feature: height has element with unexpected JSON type: Null",
                ),
                refuses(
                    "a list in a list",
                    classify({"height": [[1.0]]}),
                    "Feature: height has element with unexpected JSON type: Array",
                ),
                refuses(
                    "an object",
                    regress({"height": {"metres": 1.0}}),
                    "Feature: height has element with unexpected JSON type: Object",
                ),
            ),
        ),
        Rule(
            "`context` holds features of every example",
            "an example's own features win",
            (
                answers(
                    "for all",
                    regress(TEN, {"height": 4.0}, context={"rings": 5}),
                    {"results": [15.0, 6.0]},
                ),
                answers(
                    "the example wins",
                    regress({"height": 4.0, "rings": 1}, context={"rings": 5}),
                    {"results": [2.0]},
                ),
                answers("empty context", regress(TEN, context={}), {"results": [10.0]}),
                answers("all in it", regress({}, context=TEN), {"results": [10.0]}),
                refuses(
                    "a list",
                    classify(TEN, context=[{"rings": 5}]),
                    "Example must be JSON object but got JSON Array",
                ),
                refuses(
                    "beyond memory",
                    classify(*[TEN] * 2000, context={"note": "x" * 60_000}),
                    "'context' takes 60026 bytes: too many to repeat for each of 2000 examples, …",
                ),
            ),
            limit="repeated for each example it may take 100 MiB at the most: else a small body"
            " could fill any memory",
        ),
        Rule(
            "`examples` is a list of objects with something in it",
            "400, with `When method is classify` for regress, too",
            (
                *both(
                    "no examples",
                    {"context": {"rings": 5}},
                    'JSON Value: {\n    "context": {\n        "rings": 5\n    }\n} When method is'
                    " classify, key 'examples' is expected and was not found",
                ),
                *both("an object", {"examples": {"height": 4.0}}, 'JSON Value: {\n    "examples"…'),
                *both(
                    "an empty list", {"examples": []}, 'JSON Value: {\n    "examples": []\n} \'exa…'
                ),
                *both(
                    "a number",
                    {"examples": [40.0]},
                    "Example must be JSON object but got JSON Number",
                ),
            ),
        ),
        Rule(
            "The whole body is read before the model is looked up",
            "unlike predict",
            (
                refuses(
                    "bad example of an unknown model",
                    post("nobody:classify", {"examples": [7]}),
                    "Example must be JSON object but got JSON Number",
                ),
                refuses(
                    "good example of an unknown model",
                    post("nobody:regress", {"examples": [TEN]}),
                    "Servable not found for request: Latest(nobody)",
                    404,
                ),
                refuses(
                    "signature_name before examples",
                    post("nobody:regress", {"signature_name": 1, "examples": 2}),
                    "JSON Value: …",
                ),
                *both("an empty body", "", "JSON Parse error: The document is empty"),
            ),
        ),
        Rule(
            "An unknown signature",
            "400 `No signature was found with the name: NAME`",
            (
                refuses(
                    "unknown to classify",
                    classify(TEN, signature="none"),
                    "No signature was found with the name: none",
                ),
                refuses(
                    "unknown to regress",
                    regress(TEN, signature="none"),
                    "No signature was found with the name: none",
                ),
            ),
        ),
        Rule(
            "The signature's input is one, called `inputs`",
            "400 `No classification inputs found in SignatureDef: …`",
            (
                refuses(
                    "misnamed to classify", classify(TEN, signature="misnamed_classes"), "No cla…"
                ),
                refuses(
                    "misnamed to regress", regress(TEN, signature="misnamed"), "No regression in…"
                ),
            ),
        ),
        Rule(
            "Classify wants `classes` [N, C] of strings or `scores` [N, C] of float32, or both",
            "400 INVALID_ARGUMENT for anything else",
            (
                refuses(
                    "neither", classify(TEN, signature="other"), "Expected classification sig…"
                ),
                refuses(
                    "scores of int64",
                    classify(TEN, signature="whole_scores"),
                    "Expected scores Tensor of DT_FLOAT. Got: DT_INT64",
                ),
                refuses(
                    "scores as a vector",
                    classify(TEN, signature="row_scores"),
                    "Expected Tensor shape: [batch_size num_classes] but got [1]",
                ),
            ),
        ),
        Rule(
            "Regress wants one output, `outputs`, float32 of shape [N] or [N, 1]",
            "400 INVALID_ARGUMENT for anything else",
            (
                refuses(
                    "another name", regress(TEN, signature="other"), "No regression outputs fo…"
                ),
                refuses(
                    "two columns",
                    regress(TEN, signature="wide"),
                    "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but"
                    " got [1,2]",
                ),
                refuses(
                    "int64",
                    regress(TEN, signature="whole"),
                    "Expected output Tensor of DT_FLOAT.  Got: DT_INT64",
                ),
                refuses(
                    "two outputs", regress(TEN, signature="classify"), "Expected one output Tens…"
                ),
            ),
        ),
        Rule(
            "`method_name` is looked at with `--enable_signature_method_name_check` alone",
            "TensorFlow 2 exports every signature as one of predict",
            (
                answers("not looked at", regress(TEN, signature="untyped"), {"results": [10.0]}),
                refuses(
                    "looked at by regress",
                    regress(TEN, signature="untyped"),
                    "Expected regression signature method_name to be tensorflow/serving/regress."
                    " Was: tensorflow/serving/predict",
                    check_method_names=True,
                ),
                refuses(
                    "looked at by classify",
                    classify(TEN, signature="untyped_classes"),
                    "Expected classification signature method_name to be"
                    " tensorflow/serving/classify. Was: tensorflow/serving/predict",
                    check_method_names=True,
                ),
                answers(
                    "as it should be",
                    regress(TEN),
                    {"results": [10.0]},
                    check_method_names=True,
                ),
            ),
        ),
        Rule(
            "Predict takes such a signature, with serialized examples in b64",
            "any signature can be predicted with",
            (
                answers(
                    "a serialized example",
                    columns(
                        "trees",
                        [{"b64": OF_HEIGHT_4}],
                        signature="regress",
                    ),
                    {"outputs": [[1.0]]},
                ),
                refuses(
                    "no example",
                    columns("trees", ["height"], signature="regress"),
                    "Could not parse example input, value: 'height'…",
                ),
            ),
        ),
    ),
)
