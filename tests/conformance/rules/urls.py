"""Which URL means what."""

from tests.conformance.rule import Ask, Case, Group, Rule, answers, get, post, refuses, rows

ONE = {"instances": [[2.0]]}
SEVEN = {"predictions": [[7.0]]}  # of version 1: 3 · 2 + 1
NINE = {"predictions": [[9.0]]}  # of version 3


def malformed(name: str, method: str, path: str) -> Case:
    return refuses(name, Ask(method, path, ONE), f"Malformed request: {method} {path}")


GROUP = Group(
    "urls",
    "URLs and methods",
    (
        Rule(
            "`POST /v1/models/M:predict`, with `/versions/N` or `/labels/L` before the colon",
            "answers with the default, the version N, the version that L points to",
            (
                answers("predict", rows("line", [2.0]), SEVEN),
                answers("predict by version", rows("line/versions/3", [2.0]), NINE),
                answers("predict by label", rows("line/labels/canary", [2.0]), NINE),
            ),
        ),
        Rule(
            "Paths are matched without regard to case",
            "`/V1/Models/…` is the same path; names keep their case",
            (
                answers("capitals in the path", Ask("POST", "/V1/Models/line:predict", ONE), SEVEN),
                answers(
                    "capitals before a version",
                    Ask("POST", "/v1/MODELS/line/Versions/3:predict", ONE),
                    NINE,
                ),
                refuses(
                    "capitals in a name",
                    rows("Line", [2.0]),
                    "Servable not found for request: Latest(Line)",
                    404,
                ),
            ),
        ),
        Rule(
            "The verb is lower case",
            "400 for `:PREDICT`, although the pattern takes it",
            (
                malformed("verb in capitals", "POST", "/v1/models/line:PREDICT"),
                malformed("verb in mixed case", "POST", "/v1/models/trees:Classify"),
            ),
        ),
        Rule(
            "`/METADATA` in capitals asks for the status",
            "200 with the status document",
            (
                answers(
                    "metadata in capitals",
                    get("matrix/Metadata"),
                    {
                        "model_version_status": [
                            {
                                "version": "1",
                                "state": "AVAILABLE",
                                "status": {"error_code": "OK", "error_message": ""},
                            }
                        ]
                    },
                ),
            ),
        ),
        Rule(
            "Names are percent-decoded after the URL has been matched",
            "`%2F` and `%3A` are part of a name, `+` stays `+`",
            (
                answers("encoded model", rows("l%69n%65", [2.0]), SEVEN),
                answers("encoded label", rows("line/labels/c%61nary", [2.0]), NINE),
                refuses(
                    "encoded slash",
                    rows("line%2Fversions%2F3", [2.0]),
                    "Servable not found for request: Latest(line/versions/3)",
                    404,
                ),
                refuses(
                    "encoded colon",
                    get("line%3Apredict"),
                    "Could not find any versions of model line:predict",
                    404,
                ),
                refuses(
                    "plus in a name",
                    rows("line+1", [2.0]),
                    "Servable not found for request: Latest(line+1)",
                    404,
                ),
                refuses(
                    "percent that encodes nothing",
                    rows("li%ne", [2.0]),
                    "Servable not found for request: Latest(li%ne)",
                    404,
                ),
            ),
            limit="an HTTP API of API Gateway decodes the path before anybody else sees it: there"
            " `%2F` is a slash",
        ),
        Rule(
            "A version is decimal digits, leading zeros are fine",
            "`/versions/003` is 3; anything else is 400",
            (
                answers("zeros before a version", rows("line/versions/0003", [2.0]), NINE),
                malformed("version in words", "POST", "/v1/models/line/versions/two:predict"),
                malformed("negative version", "POST", "/v1/models/line/versions/-1:predict"),
                malformed("no version", "POST", "/v1/models/line/versions/:predict"),
            ),
        ),
        Rule(
            "A version beyond int64",
            "400 with an empty body",
            (
                refuses(
                    "predict with a huge version",
                    rows("line/versions/9223372036854775808", [2.0]),
                    "Failed to convert version: 9223372036854775808 to numeric.",
                ),
                refuses(
                    "status of a huge version",
                    get("line/versions/123456789012345678901234567890"),
                    "Failed to convert version: 123456789012345678901234567890 to numeric.",
                ),
                refuses(
                    "the largest version",
                    rows("line/versions/9223372036854775807", [2.0]),
                    "Servable not found for request: Specific(line, 9223372036854775807)",
                    404,
                ),
            ),
            better="400 with an error that says so",
        ),
        Rule(
            "What matches neither pattern is malformed",
            "400 `Malformed request: METHOD PATH`",
            (
                malformed("slash at the end", "POST", "/v1/models/line:predict/"),
                malformed("slash at the end of a status", "GET", "/v1/models/line/"),
                malformed("slash for a colon", "POST", "/v1/models/line/predict"),
                malformed("unknown verb", "POST", "/v1/models/line:explain"),
                malformed("no verb", "POST", "/v1/models/line"),
                malformed("no model", "POST", "/v1/models/:predict"),
                malformed(
                    "version and label",
                    "POST",
                    "/v1/models/line/versions/1/labels/stable:predict",
                ),
                malformed("two colons", "POST", "/v1/models/line:predict:predict"),
                malformed("no models", "GET", "/v1/model/line"),
                malformed("only the version of the API", "GET", "/v1/"),
            ),
        ),
        Rule(
            "The method belongs to the URL",
            "400 for every other method, never 405",
            (
                malformed("GET of a prediction", "GET", "/v1/models/line:predict"),
                malformed("POST of metadata", "POST", "/v1/models/line/metadata"),
                malformed("PUT", "PUT", "/v1/models/line:predict"),
                malformed("DELETE", "DELETE", "/v1/models/line/versions/1"),
                malformed("PATCH", "PATCH", "/v1/models/line"),
                Case("HEAD", Ask("HEAD", "/v1/models/line"), 400),
            ),
        ),
        Rule(
            "A query string",
            "is part of the path: 400 for `…:predict?x=1`, and a model called `line?x=1`",
            (
                answers("predict with a query", post("line:predict?trace=1", ONE), SEVEN),
                answers(
                    "metadata with a query",
                    get("line/versions/2/metadata?pretty"),
                    None,
                    headers={"x-model-version": "2"},
                ),
                refuses(
                    "question mark in a name",
                    get("line%3Fx=1"),
                    "Could not find any versions of model line?x=1",
                    404,
                ),
            ),
            better="is ignored, as everywhere else on the web",
        ),
        Rule(
            "Outside `/v1/`",
            "404 with a page of HTML",
            (
                refuses(
                    "root", Ask("GET", "/"), "Not found: /. The API is at /v1/models/MODEL", 404
                ),
                refuses("another version of the API", Ask("POST", "/v2/models/line"), "Not…", 404),
                refuses("without its slash", Ask("GET", "/v1"), "Not found: /v1. …", 404),
            ),
            better="404 with `error`, and where the API is",
        ),
    ),
)
