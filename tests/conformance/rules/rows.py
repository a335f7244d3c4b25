"""Predict in the row format."""

from tests.conformance.rule import Group, Rule, answers, predict, refuses, rows

GROUP = Group(
    "rows",
    "Predict, row format",
    (
        Rule(
            "One input: each instance is its value, or an object with its name",
            "both; the shape is the number of instances and that of one",
            (
                answers("values", rows("line", [1.0], [2.0]), {"predictions": [[4.0], [7.0]]}),
                answers("named values", rows("line", {"x": 1.0}), {"predictions": [4.0]}),
                answers("scalars", rows("line", 1.0, 2.0, 5.0), {"predictions": [4.0, 7.0, 16.0]}),
            ),
        ),
        Rule(
            "The declared shape is never looked at",
            "answers whatever rank the graph bears",
            (
                answers(
                    "rank 3 for rank 2",
                    rows("line", [[1.0, 2.0], [0.0, 3.0]]),
                    {"predictions": [[[4.0, 7.0], [1.0, 10.0]]]},
                ),
                answers(
                    "more columns", rows("line", [1, 2, 3]), {"predictions": [[4.0, 7.0, 10.0]]}
                ),
                refuses(
                    "the graph objects",
                    rows("matrix", 1.0, 2.0),
                    "In[0] …",
                ),
            ),
        ),
        Rule(
            "Several inputs: each instance is an object with exactly their names",
            "400 `… keys must be equal to: a,b`, `… does not have named input: b`",
            (
                answers(
                    "both named",
                    rows("pair", {"a": 0.5, "b": 2}, {"a": 1.5, "b": 4}),
                    {"predictions": [{"sum": 2.5, "twice": 4}, {"sum": 5.5, "twice": 8}]},
                ),
                refuses(
                    "one is missing",
                    rows("pair", {"a": 0.5}),
                    "Failed to process element: 0 of 'instances' list. JSON object: …",
                ),
                refuses(
                    "one too many", rows("pair", {"a": 0.5, "b": 2, "c": 3}), "Failed to process…"
                ),
                refuses("another name", rows("pair", {"a": 0.5, "c": 2}), "Failed to process…"),
                refuses(
                    "no names",
                    rows("pair", 0.5, 2),
                    "instances is a plain list, but expecting list of objects as multiple"
                    " input tensors required as per tensorinfo_map",
                ),
            ),
        ),
        Rule(
            "All instances are of the first one's kind",
            "400 `Expecting object but got list`, `Expecting value/list but got object`",
            (
                refuses(
                    "list after object",
                    rows("line", {"x": [1.0]}, [1.0]),
                    "Expecting object but got list at item 1 of input list",
                ),
                refuses(
                    "object after list",
                    rows("line", [1.0], {"x": [1.0]}),
                    "Expecting value/list but got object at item 1 of input list",
                ),
            ),
        ),
        Rule(
            "Instances have one shape and one size",
            "400 `… Expecting tensor size: 2 but got: 1`, `… Expecting shape [2] but got: []`",
            (
                refuses("another size", rows("line", [1.0, 2.0], [3.0]), "Failed to process…"),
                refuses("another rank", rows("line", [1.0], 2.0), "Failed to process element: 1…"),
                refuses("ragged", rows("line", [[1.0, 2.0], [3.0]]), "Failed to process…"),
            ),
        ),
        Rule(
            "A value of the wrong type",
            "400 with the element, and the key where it has one",
            (
                refuses(
                    "text for a number",
                    rows("line", [1.0], ["two"]),
                    "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT:"
                    ' JSON Value: "two" Type: String is not of expected type: float',
                ),
                refuses(
                    "null under a key",
                    rows("line", {"x": None}),
                    "Failed to process element: 0 key: x of 'instances' list. Error:"
                    " INVALID_ARGUMENT: JSON Value: null Type: Null is not of expected type: float",
                ),
            ),
        ),
        Rule(
            "`instances` is a list with something in it, and stands alone",
            "400 `… Expecting 'instances' to be an list/array`, `… No values in 'instances' array`",
            (
                refuses(
                    "no list",
                    predict("line", {"instances": 5}),
                    "JSON Value: {\n    \"instances\": 5\n} Expecting 'instances' to be an"
                    " list/array",
                ),
                refuses(
                    "empty list",
                    predict("line", {"instances": []}),
                    "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
                ),
                refuses(
                    "inputs beside it", predict("line", {"instances": [1], "inputs": 1}), "JS…"
                ),
                refuses(
                    "neither",
                    predict("line", {"examples": []}),
                    "Missing 'inputs' or 'instances' key",
                ),
            ),
        ),
        Rule(
            "Lists with nothing in them",
            "a batch of empty rows is a tensor of shape [2, 0]",
            (answers("empty rows", rows("line", [], []), {"predictions": [[], []]}),),
        ),
        Rule(
            "A signature without inputs cannot be called",
            "400 `Failed to get input map for signature: NAME`",
            (
                refuses(
                    "no inputs",
                    rows("pair", 1, signature="nothing"),
                    "Failed to get input map for signature: nothing",
                ),
            ),
        ),
    ),
)
