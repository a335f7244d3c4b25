"""Status and metadata."""

from typing import Any

from tests.conformance.rule import Case, Group, Rule, answers, get, refuses

OK = {"error_code": "OK", "error_message": ""}


def versions(*numbers: int) -> dict[str, Any]:
    return {
        "model_version_status": [
            {"version": str(number), "state": "AVAILABLE", "status": OK} for number in numbers
        ]
    }


def tensor(dtype: str, name: str, *sizes: int) -> dict[str, Any]:
    return {
        "dtype": dtype,
        "tensor_shape": {
            "dim": [{"size": str(size), "name": ""} for size in sizes],
            "unknown_rank": False,
        },
        "name": name,
    }


def metadata(model: str, version: int, signatures: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_spec": {"name": model, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


MATRIX = {
    "serving_default": {
        "inputs": {"x": tensor("DT_FLOAT", "x:0", -1, 2)},
        "outputs": {"y": tensor("DT_FLOAT", "product:0", -1, 3)},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
}
COUNTER = metadata(
    "counter",
    1,
    {
        "serving_default": {
            "inputs": {"by": tensor("DT_INT64", "by:0")},
            "outputs": {"count": tensor("DT_INT64", "ReadVariableOp_1:0")},
            "method_name": "tensorflow/serving/predict",
            "defaults": {},
        }
    },
)
LINES_END = b'{\n "model_version_status": [\n  {\n   "version": "1",\n   "state": "AVAILABLE",\n'
LINES_END += b'   "status": {\n    "error_code": "OK",\n    "error_message": ""\n   }\n  }\n ]\n}\n'

GROUP = Group(
    "documents",
    "Status and metadata",
    (
        Rule(
            "`GET /v1/models/M` lists versions, newest first, their numbers as strings",
            "every version it has ever seen",
            (
                answers("all versions", get("line"), versions(3, 2, 1)),
                answers("a model of one version", get("matrix"), versions(1)),
            ),
        ),
        Rule(
            "`GET /v1/models/M/versions/N`",
            "that version alone",
            (
                answers("one version", get("line/versions/2"), versions(2)),
                refuses(
                    "unknown version",
                    get("line/versions/9"),
                    "Could not find version 9 of model line",
                    404,
                ),
                refuses(
                    "unknown model",
                    get("nobody"),
                    "Could not find any versions of model nobody",
                    404,
                ),
                refuses(
                    "version of an unknown model",
                    get("nobody/versions/1"),
                    "Could not find version 1 of model nobody",
                    404,
                ),
            ),
        ),
        Rule(
            "`GET /v1/models/M/labels/L`",
            "ignores the label: all versions, even for a label that is not there",
            (
                answers("one label", get("line/labels/canary"), versions(3)),
                refuses(
                    "unknown label",
                    get("line/labels/nightly"),
                    "Unrecognized servable version label: nightly",
                ),
            ),
            better="the versions that the label leads to; an unknown one is an error",
        ),
        Rule(
            "The state of a version",
            "START, LOADING, AVAILABLE, UNLOADING or END, as of this process",
            (answers("a version that nobody has loaded", get("idle"), versions(1)),),
            better="a published version is AVAILABLE, since it answers when asked for; END, with"
            " the error, if it failed to load here",
        ),
        Rule(
            "The status is printed as protobuf prints it",
            "one space of indentation, a new line at the end",
            (Case("the very bytes", get("matrix"), body=LINES_END),),
        ),
        Rule(
            "`…/metadata` describes the signatures of the version that would answer",
            "`signature_def` twice, int64 as strings, default values printed",
            (
                answers("of a model", get("matrix/metadata"), metadata("matrix", 1, MATRIX)),
                Case(
                    "by label", get("line/labels/canary/metadata"), headers={"x-model-version": "3"}
                ),
                Case(
                    "by version", get("line/versions/2/metadata"), headers={"x-model-version": "2"}
                ),
                answers("of scalars", get("counter/metadata"), COUNTER),
                refuses(
                    "of an unknown model",
                    get("nobody/metadata"),
                    "Servable not found for request: Latest(nobody)",
                    404,
                ),
                refuses(
                    "of an unknown version",
                    get("line/versions/7/metadata"),
                    "Servable not found for request: Specific(line, 7)",
                    404,
                ),
                refuses(
                    "of an unknown label",
                    get("line/labels/nightly/metadata"),
                    "Unrecognized servable version label: nightly",
                ),
            ),
        ),
    ),
)
