"""What a prediction comes back as."""

from tests.conformance.rule import Group, Rule, answers, columns, predict, refuses, rows

GROUP = Group(
    "responses",
    "Predict, response",
    (
        Rule(
            "One output: its name is dropped, in both formats",
            '`{"predictions": […]}`, `{"outputs": …}`',
            (
                answers("rows", rows("line", [1.0]), {"predictions": [[4.0]]}),
                answers("columns", columns("line", [[1.0]]), {"outputs": [[4.0]]}),
            ),
        ),
        Rule(
            "Several outputs: a list of objects, or one object; all are returned",
            "whatever the client wants of them",
            (
                answers(
                    "rows of several",
                    rows("pair", {"a": 1.0, "b": 1}),
                    {"predictions": [{"sum": 2.0, "twice": 2}]},
                ),
                answers(
                    "columns of several",
                    columns("pair", {"a": [[1.0]], "b": 1}),
                    {"outputs": {"sum": [[2.0]], "twice": 2}},
                ),
                answers(
                    "an output filter is no key",
                    predict("pair", {"output_filter": ["sum"], "inputs": {"a": 1, "b": 1}}),
                    {"outputs": {"sum": 2.0, "twice": 2}},
                ),
            ),
        ),
        Rule(
            "In rows every output needs a first dimension",
            "400 `Tensor name: y has no shape information `",
            (
                refuses(
                    "scalar in rows",
                    rows("pair", {"a": 1.0, "b": 1}, signature="total"),
                    "Tensor name: total has no shape information ",
                ),
                answers(
                    "scalar in columns",
                    columns("pair", {"a": [1.0], "b": [1]}, signature="total"),
                    {"outputs": 2.0},
                ),
            ),
        ),
        Rule(
            "In rows all outputs have one first dimension",
            "400 `Tensor name: y has inconsistent batch size: 2 expecting: 1`",
            (
                refuses(
                    "uneven in rows",
                    rows("pair", {"a": 1.0, "b": 1}, signature="uneven"),
                    "Tensor name: …",
                ),
                answers(
                    "uneven in columns",
                    columns("pair", {"a": [1.0], "b": [1]}, signature="uneven"),
                    {"outputs": {"once": [1.0], "thrice": [1, 1, 1]}},
                ),
            ),
        ),
        Rule(
            "What answered",
            "is not told: neither version nor signature are in the response",
            (
                answers(
                    "by default",
                    rows("line", [1.0]),
                    {"predictions": [[4.0]]},
                    headers={"x-model-version": "1", "x-model-alias": "stable"},
                ),
                answers(
                    "by label",
                    rows("line/labels/canary", [1.0]),
                    {"predictions": [[6.0]]},
                    headers={"x-model-version": "3", "x-model-alias": "canary"},
                ),
                answers(
                    "by version",
                    rows("line/versions/2", [1.0]),
                    {"predictions": [[5.0]]},
                    headers={"x-model-version": "2", "x-model-alias": None},
                ),
                refuses(
                    "of a failure",
                    rows("line/versions/2", ["x"]),
                    "Failed…",
                    headers={"x-model-version": "2"},
                ),
            ),
            better="is in headers (`x-model-version`, `x-model-alias`, `x-alias-revision`); the"
            " body is the same",
        ),
        Rule(
            "Without version and label",
            "the highest loaded version answers",
            (
                answers(
                    "the alias stable",
                    rows("line", [0.0]),
                    {"predictions": [[1.0]]},
                    headers={"x-model-version": "1"},
                ),
                answers(
                    "the highest version",
                    rows("top", [0.0]),
                    {"predictions": [[2.0]]},
                    headers={"x-model-version": "2", "x-model-alias": None},
                ),
                refuses(
                    "a default that is not set",
                    rows("idle", [0.0]),
                    "Servable not found for request: Latest(idle)…",
                    404,
                ),
            ),
            better="the model's default says: `highest` where a base path or models.config says"
            " what is served, else an alias, so that a publish alone changes nothing",
        ),
        Rule(
            "`/versions/N`",
            "404 for a version that no policy keeps loaded",
            (
                answers(
                    "a version without alias", rows("line/versions/2", 0.0), {"predictions": [2.0]}
                ),
                answers(
                    "a model without alias", rows("idle/versions/1", 0.0), {"predictions": [1.0]}
                ),
            ),
            better="any published version answers; it is loaded when it is asked for",
        ),
    ),
)
