"""Headers, methods of browsers, sizes and time."""

from tests.conformance.rule import (
    Ask,
    Case,
    Elsewhere,
    Group,
    Rule,
    answers,
    get,
    predict,
    refuses,
    rows,
)

JSON = "application/json"
SEVEN = {"predictions": [[7.0]]}

GROUP = Group(
    "headers",
    "Headers and time",
    (
        Rule(
            "The Content-Type of a request is not looked at",
            "any, or none",
            (
                answers("a form", rows("line", [2.0], content_type="text/html"), SEVEN),
                answers(
                    "as curl -d sends it",
                    rows("line", [2.0], content_type="application/x-www-form-urlencoded"),
                    SEVEN,
                ),
                answers("none", rows("line", [2.0]), SEVEN),
            ),
        ),
        Rule(
            "Everything under `/v1/` is `application/json`, errors too",
            "without a charset",
            (
                Case("prediction", rows("line", [2.0]), headers={"content-type": JSON}),
                Case("status", get("line"), headers={"content-type": JSON}),
                Case("metadata", get("line/metadata"), headers={"content-type": JSON}),
                Case("error", predict("line", "{"), 400, headers={"content-type": JSON}),
                Case("malformed", Ask("PUT", "/v1/x"), 400, headers={"content-type": JSON}),
            ),
        ),
        Rule(
            "A request that takes longer than the time-out",
            "504 `Timed out waiting for notification`",
            (
                refuses(
                    "a long loop",
                    predict("loop", {"inputs": 2_000_000}),
                    "Timed out waiting for notification",
                    504,
                    timeout=0.2,
                ),
                answers(
                    "a short loop", predict("loop", {"inputs": 5}), {"outputs": 5}, timeout=10.0
                ),
                Elsewhere(
                    "tests/unit/server/test_surface.py::"
                    "test_how_long_a_body_takes_to_arrive_does_not_count"
                ),
            ),
        ),
        Rule(
            'An error is `{"error": …}` and nothing else, without the name of its code',
            "what the client sent is quoted, cut at about 256 bytes",
            (refuses("long value", predict("line", {"inputs": "x" * 1000}), 'JSON Value: "xx…'),),
        ),
    ),
)
