"""Browsers, gzip, and what a load balancer asks for."""

import gzip

from tests.conformance.rule import Ask, Case, Elsewhere, Group, Rule, answers, get, predict, refuses
from tests.conformance.rule import rows as instances

TEN = {"predictions": [10.0]}
BODY = b'{"instances": [3.0]}'
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}
NONE = dict.fromkeys(CORS)
EMPTY = "JSON Parse error: The document is empty"
# Numbers enough that packing them is worth it.
MANY = [float(number) for number in range(1000)]
LONG = {"predictions": [3 * number + 1 for number in MANY]}


def packed(name: str, body: bytes, coding: str = "gzip") -> Case:
    return answers(name, predict("line", body, content_encoding=coding), TEN)


def bad(name: str, body: bytes) -> Case:
    return refuses(name, predict("line", body, content_encoding="gzip"), EMPTY)


def options(path: str, origin: str | None) -> Ask:
    return Ask("OPTIONS", path, None, {} if origin is None else {"origin": origin})


def unit(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/server/test_surface.py::{name}")


GROUP = Group(
    "web",
    "Browsers, gzip, health",
    (
        Rule(
            "`--rest_api_enable_cors_support` puts three headers on every answer",
            "`Access-Control-Allow-Origin: *`, `-Methods: POST, GET`, `-Headers: Content-Type`",
            (
                Case("with it", instances("line", 1.0), headers=CORS, cors=True),
                Case("with it on an error", predict("line", "{"), 400, headers=CORS, cors=True),
                Case("with it on a status", get("line"), headers=CORS, cors=True),
                Case("without it", instances("line", 1.0), headers=NONE),
            ),
        ),
        Rule(
            "`OPTIONS` is answered with the flag or without it",
            "200 with no body if `Origin` contains `http://` or `https://`, else 400 with none",
            (
                Case(
                    "from a page",
                    options("/v1/models/line:predict", "https://example.com"),
                    body=b"",
                    headers=NONE,
                ),
                Case(
                    "from a page, with the flag",
                    options("/v1/models/line:predict", "http://example.com"),
                    body=b"",
                    headers=CORS,
                    cors=True,
                ),
                Case("from no page", options("/v1/models/line:predict", None), 400, body=b""),
                Case("from a file", options("/v1/models/line", "file://"), 400, body=b""),
                Case("of any path", options("/v1/whatever", "https://a.example"), body=b""),
            ),
        ),
        Rule(
            "A request is inflated if its `Content-Encoding` contains `gzip`",
            "anywhere in it; `deflate` is not",
            (
                packed("gzip", gzip.compress(BODY)),
                packed("x-gzip", gzip.compress(BODY), "x-gzip"),
                refuses(
                    "gzip without the header",
                    predict("line", gzip.compress(BODY)),
                    "JSON Parse error: Invalid value. at offset: 0",
                ),
            ),
        ),
        Rule(
            "What cannot be inflated is an empty document",
            "400 `JSON Parse error: The document is empty`",
            (
                bad("no gzip", BODY),
                bad("cut gzip", gzip.compress(BODY)[:-4]),
                bad("nothing", b""),
                Elsewhere(
                    "tests/unit/server/test_compression.py::"
                    "test_a_bomb_is_never_inflated_beyond_the_limit"
                ),
            ),
        ),
        Rule(
            "Answers are packed",
            "never; `Accept-Encoding` is ignored",
            (
                answers(
                    "a long answer",
                    instances("line", *MANY, accept_encoding="gzip"),
                    LONG,
                    headers={"content-encoding": "gzip", "vary": "Accept-Encoding"},
                ),
                answers(
                    "to whom does not accept it",
                    instances("line", *MANY, accept_encoding="identity"),
                    LONG,
                    headers={"content-encoding": None},
                ),
                answers(
                    "a short answer",
                    instances("line", 3.0, accept_encoding="gzip"),
                    TEN,
                    headers={"content-encoding": None},
                ),
            ),
            better="with gzip, if the client accepts it and they are long enough to gain by it",
        ),
        Rule(
            "The size of a request",
            "has no limit",
            (
                Elsewhere(
                    "tests/unit/server/test_app.py::test_a_body_over_the_limit_is_refused_unread"
                ),
                unit("TestRequestsThatAreGzip::test_may_inflate_to_more_than_may_arrive"),
            ),
            better="100 MiB unless `--max-body-bytes` says otherwise, then 413; on Lambda 6 MB is"
            " the platform's",
        ),
        Rule(
            "`GET /v1/models`",
            "400 `Missing model name in request.`",
            (
                Case(
                    "the list of models",
                    Ask("GET", "/v1/models"),
                    headers={"x-model-version": None},
                ),
                unit("TestModels::test_are_listed_with_versions_aliases_and_revision"),
                refuses(
                    "a version of no model", get("versions/1"), "Missing model name in request."
                ),
                refuses(
                    "metadata of no model", get("labels/a/metadata"), "Missing model name in re…"
                ),
            ),
            better="lists the models with versions, aliases and revision",
        ),
        Rule(
            "`GET /healthz`",
            "404; a load balancer has the status of a model to ask for",
            (
                answers("ready", Ask("GET", "/healthz"), {"status": "ready"}),
                unit("TestHealth::test_is_bad_while_the_registry_was_never_reached"),
                unit("TestHealth::test_is_good_once_what_aliases_point_to_is_loaded"),
                unit("TestHealth::test_is_bad_where_all_fail_for_one_reason_and_names_each"),
                unit("test_health_and_metrics_are_told_while_every_thread_is_predicting"),
            ),
            better="says whether the process is ready, and if not (503) why",
        ),
    ),
)
