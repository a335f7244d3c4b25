"""Predict in the columnar format."""

from tests.conformance.rule import Group, Rule, answers, columns, predict, refuses

GROUP = Group(
    "columns",
    "Predict, columnar format",
    (
        Rule(
            "`inputs` is an object by name, or the value of the one input itself",
            "both; a bare scalar is of rank 0",
            (
                answers("by name", columns("line", {"x": [[1.0]]}), {"outputs": [[4.0]]}),
                answers("the value", columns("line", [[1.0], [2.0]]), {"outputs": [[4.0], [7.0]]}),
                answers("a scalar", columns("line", 2.0), {"outputs": 7.0}),
                answers("nothing in it", columns("line", []), {"outputs": []}),
            ),
        ),
        Rule(
            "Every input of the signature must be there, other names are ignored",
            "400 `Missing named input: b in 'inputs' object.`",
            (
                answers(
                    "another name beside them",
                    columns("pair", {"a": [1.0], "b": [2], "c": {"d": None}}),
                    {"outputs": {"sum": [3.0], "twice": [4]}},
                ),
                refuses(
                    "one is missing",
                    columns("pair", {"a": 1.0}),
                    "Missing named input: b in 'inputs' object.",
                ),
                refuses(
                    "no names",
                    columns("pair", [1.0]),
                    "inputs is a plain value/list, but expecting an object as multiple input"
                    " tensors required as per tensorinfo_map",
                ),
            ),
        ),
        Rule(
            "Inputs may differ in their first dimension",
            "is for the graph to judge",
            (
                answers(
                    "a list and a scalar",
                    columns("pair", {"a": [1.0, 2.0], "b": 3}),
                    {"outputs": {"sum": [4.0, 5.0], "twice": 6}},
                ),
                refuses(
                    "the graph objects", columns("pair", {"a": [1, 2], "b": [1, 2, 3]}), "Incomp…"
                ),
            ),
        ),
        Rule(
            "A forgotten batch dimension reaches the graph",
            "400 with the operation's own complaint",
            (
                refuses(
                    "matrix without a batch",
                    columns("matrix", [1.0, 2.0]),
                    "In[0] …",
                ),
                answers(
                    "matrix with a batch",
                    columns("matrix", [[1.0, 2.0]]),
                    {"outputs": [[1.0, 2.0, 8.0]]},
                ),
            ),
        ),
        Rule(
            "A list whose parts differ",
            "400 `Encountered list at unexpected size: 1 at level: 1 expected size: 2`",
            (
                refuses(
                    "shorter row",
                    columns("line", [[1.0, 2.0], [3.0]]),
                    "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
                ),
                refuses(
                    "value among lists", columns("line", [[1.0], 2.0]), "JSON Value: 2.0 found at…"
                ),
                refuses("list among values", columns("line", [1.0, [2.0]]), "Encountered…"),
            ),
        ),
        Rule(
            "A value of the wrong type",
            "400 with the value alone",
            (
                refuses(
                    "text for a number",
                    columns("line", ["two"]),
                    'JSON Value: "two" Type: String is not of expected type: float',
                ),
                refuses(
                    "object for a number",
                    columns("line", {"x": [{"y": 1}]}),
                    "JSON Value: …",
                ),
            ),
        ),
        Rule(
            "A variable keeps its value from request to request",
            "the graph's state is the process's",
            (
                answers(
                    "counting",
                    columns("counter", 0),
                    {"outputs": 5},
                    before=(columns("counter", 2), columns("counter", 3)),
                    doors=("deploy serve",),
                ),
            ),
        ),
        Rule(
            "A signature without inputs cannot be called",
            "400 `Failed to get input map for signature: NAME`",
            (
                refuses(
                    "no inputs",
                    predict("pair", {"signature_name": "nothing", "inputs": {}}),
                    "Failed to get input map for signature: nothing",
                ),
            ),
        ),
    ),
)
