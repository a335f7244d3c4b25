"""Which mistake is named where there are several."""

from tests.conformance.rule import Ask, Group, Rule, post, predict, refuses

GROUP = Group(
    "order",
    "The order of checks",
    (
        Rule(
            "URL → JSON → type of `signature_name` → model → signature → inputs → graph",
            "names the first mistake of this order",
            (
                refuses(
                    "URL before JSON",
                    Ask("POST", "/v1/models/nobody:guess", "{"),
                    "Malformed request: POST /v1/models/nobody:guess",
                ),
                refuses(
                    "JSON before model",
                    predict("nobody", "{]"),
                    "JSON Parse error: Missing a name for object member. at offset: 1",
                ),
                refuses(
                    "object before model", predict("nobody", "7"), "JSON Value: 7 Is not object"
                ),
                refuses(
                    "type of signature_name before model",
                    predict("nobody", {"signature_name": 3}),
                    "JSON Value: …",
                ),
                refuses(
                    "model before signature",
                    predict("nobody", {"signature_name": "none", "instances": 1}),
                    "Servable not found for request: Latest(nobody)",
                    404,
                ),
                refuses(
                    "version before signature",
                    predict("line/versions/8", {"signature_name": "none"}),
                    "Servable not found for request: Specific(line, 8)",
                    404,
                ),
                refuses(
                    "label before inputs",
                    predict("line/labels/nightly", {"instances": ["no number"]}),
                    "Unrecognized servable version label: nightly",
                ),
                refuses(
                    "signature before inputs",
                    predict("line", {"signature_name": "none", "inputs": 1, "instances": 2}),
                    'Serving signature name: "none" not found in signature def',
                ),
                refuses(
                    "inputs before graph",
                    predict("matrix", {"inputs": [1.0, "two"]}),
                    'JSON Value: "two" Type: String is not of expected type: float',
                ),
            ),
        ),
        Rule(
            "Without a model, version or label of that name",
            "404 `Servable not found…`; an unknown label is 400, also of an unknown model",
            (
                refuses(
                    "unknown model",
                    post("nobody:predict", {"instances": [1]}),
                    "Servable not found for request: Latest(nobody)",
                    404,
                ),
                refuses(
                    "version of an unknown model",
                    post("nobody/versions/4:predict", {"instances": [1]}),
                    "Servable not found for request: Specific(nobody, 4)",
                    404,
                ),
                refuses(
                    "label of an unknown model",
                    post("nobody/labels/stable:predict", {"instances": [1]}),
                    "Unrecognized servable version label: stable",
                ),
            ),
        ),
    ),
)
