"""PredictionLogs, by TensorFlow Serving's rules and in its words."""

from typing import Any

import numpy as np
import pytest

from modelserver.errors import BadWarmup
from modelserver.warmup import protos
from modelserver.warmup.logs import Logs
from modelserver.warmup.requests import Request
from tests.oracle.cases import strings

from .logs import (
    EXAMPLE,
    SIGNATURES,
    floats,
    log,
    multi_inference,
    over_examples,
    predict,
    tensor,
)


def requests(message: Any, **defaults: Any) -> list[Request]:  # noqa: ANN401 - messages
    """`defaults` are those of the signature `two`."""
    record = message if isinstance(message, bytes) else message.SerializeToString()
    logs = Logs(SIGNATURES, {"two": defaults} if defaults else {})
    return list(logs.requests(record, "record 7", "/there/file"))


def refusal(message: Any, **defaults: Any) -> str:  # noqa: ANN401
    with pytest.raises(BadWarmup) as error:
        requests(message, **defaults)
    assert str(error.value).startswith("record 7: ")
    return str(error.value).removeprefix("record 7: ")


def test_a_predict_log_is_its_tensors() -> None:
    (request,) = requests(predict(x=floats(1, 2)))
    assert ("record 7", "serving_default", "predict") == (
        request.source,
        request.signature,
        request.method,
    )
    assert {"x": [1, 2]} == {name: array.tolist() for name, array in request.inputs.items()}


def test_its_signature_counts_and_nothing_else_of_its_model_spec() -> None:
    message = predict("two", a=np.array([1], np.int32), b=strings(b"s"))
    # Fields 2 and 4 are version and label, which nobody reads.
    message.predict_log.request.model_spec.MergeFromString(b"\x12\x02\x08\x63\x22\x01L")
    (request,) = requests(message)
    assert ("two", ["a", "b"]) == (request.signature, sorted(request.inputs))


def test_the_response_in_a_log_is_not_looked_at() -> None:
    message = predict(x=floats(1))
    message.predict_log.MergeFromString(b"\x12\x04\x0a\x02xx")
    assert 1 == len(requests(message))


def test_a_signature_without_inputs_needs_none() -> None:
    assert {} == requests(predict("nothing"))[0].inputs


def test_an_unknown_signature_is_a_failed_precondition() -> None:
    expected = 'FAILED_PRECONDITION: Serving signature key "nope" not found.'
    assert expected == refusal(predict("nope", x=floats(1)))


def test_names_have_to_be_the_signatures() -> None:
    assert (
        "INVALID_ARGUMENT: input size does not match signature: 2!=1 len({w,x}) != len({x})."
        " Sent extra: {w}. Missing but required: {}."
    ) == refusal(predict(x=floats(1), w=floats(1)))
    assert (
        "INVALID_ARGUMENT: Signature input alias: x(feed name: x:0) not found in request and no"
        " default value provided. Inputs expected to be in the request {w}, or default input"
        " alias set: "
    ) == refusal(predict(w=floats(1)))


def test_a_default_stands_for_an_input_left_out() -> None:
    (request,) = requests(predict("two", a=np.array([1], np.int32)), b=tensor(strings(b"d")))
    assert [b"d"] == request.inputs["b"].tolist()
    (request,) = requests(
        predict("two", a=np.array([1], np.int32), b=strings(b"given")), b=tensor(strings(b"d"))
    )
    assert [b"given"] == request.inputs["b"].tolist()


def test_a_default_stands_for_no_other_input() -> None:
    default = tensor(strings(b"d"))
    assert "Signature input alias: a(" in refusal(predict("two", b=strings(b"s")), b=default)
    wrong = predict("two", a=np.array([1], np.int32), w=floats(1))
    assert (
        "INVALID_ARGUMENT: Inputs contains invalid name. Used request inputs: a, request input: a,w"
    ) == refusal(wrong, b=default)


def test_a_tensor_that_is_none_is_named() -> None:
    message = predict(x=floats(1, 2))
    message.predict_log.request.inputs["x"].tensor_content = b"short"
    assert "INVALID_ARGUMENT: tensor parsing error: x (" in refusal(message)


def test_an_output_filter_must_name_outputs_once() -> None:
    assert 1 == len(requests(predict(x=floats(1), filter=("y",))))
    assert (
        "INVALID_ARGUMENT: output tensor alias not found in signature: w"
        " Outputs expected to be in the set {y,z}."
    ) == refusal(predict(x=floats(1), filter=("w",)))
    assert "INVALID_ARGUMENT: duplicate output tensor alias: y" == refusal(
        predict(x=floats(1), filter=("y", "y"))
    )


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("classify", "classify"),
        ("classify", "scores"),
        ("regress", "regress"),
        ("regress", "values"),
    ],
)
def test_examples_are_fed_as_the_bytes_they_are(kind: str, signature: str) -> None:
    odd = EXAMPLE + b"\x12\x01?"  # a field that no Example has
    (request,) = requests(over_examples(kind, signature, EXAMPLE, odd))
    assert (signature, kind, 2) == (request.signature, request.method, request.examples)
    assert {"inputs": [EXAMPLE, odd]} == {k: v.tolist() for k, v in request.inputs.items()}


def test_a_context_goes_before_each_example() -> None:
    (request,) = requests(over_examples("regress", "regress", b"\n\0", b"", context=EXAMPLE))
    assert [EXAMPLE + b"\n\0", EXAMPLE] == request.inputs["inputs"].tolist()


@pytest.mark.parametrize("context", [None, EXAMPLE])
def test_no_examples_are_an_error(context: bytes | None) -> None:
    message = over_examples("classify", "classify", context=context)
    assert "INVALID_ARGUMENT: Input is empty." == refusal(message)


@pytest.mark.parametrize(
    ("kind", "signature", "reason"),
    [
        ("classify", "nope", "No signature was found with the name: nope"),
        ("regress", "", "No regression inputs found in SignatureDef"),
        ("classify", "two", "Expected one input Tensor."),
        ("classify", "regress", "Expected classification signature outputs to contain"),
        ("regress", "classify", "Expected one output Tensor."),
    ],
)
def test_a_signature_must_be_made_for_examples(kind: str, signature: str, reason: str) -> None:
    found = refusal(over_examples(kind, signature, EXAMPLE))
    assert found.startswith(f"INVALID_ARGUMENT: {reason}")


def test_a_multi_inference_is_a_request_for_each_task() -> None:
    found = requests(multi_inference(("classify", "classify"), ("regress", "regress")))
    assert [("classify", "classify", 1), ("regress", "regress", 1)] == [
        (request.signature, request.method, request.examples) for request in found
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            multi_inference(("regress", "regress"), models=("",)),
            "INVALID_ARGUMENT: Found ModelSpec with an empty model name.",
        ),
        (
            multi_inference(("regress", "regress"), ("classify", "classify"), models=("a", "b")),
            (
                "INVALID_ARGUMENT: All ModelSpecs in a MultiInferenceRequest must access the same"
                " model name."
            ),
        ),
        (
            multi_inference(("regress", "regress"), ("regress", "regress")),
            "INVALID_ARGUMENT: Duplicate evaluation of signature: regress",
        ),
        (
            multi_inference(("nope", "regress")),
            "INVALID_ARGUMENT: Requested signature not found in model graph: nope",
        ),
        (
            multi_inference(("serving_default", "predict")),
            "UNIMPLEMENTED: Unsupported signature method_name: tensorflow/serving/predict",
        ),
        (
            multi_inference(("regress", "regress"), ("elsewhere", "regress")),
            "INVALID_ARGUMENT: Input tensor must be the same for all Signatures.",
        ),
    ],
)
def test_tasks_that_do_not_go_together(message: Any, expected: str) -> None:  # noqa: ANN401
    assert expected == refusal(message)


def test_a_log_of_no_type_is_nothing() -> None:
    assert [] == requests(log())
    assert [] == requests(b"")


@pytest.mark.parametrize(
    ("kind", "message", "number"),
    [("session_run_log", "SessionRunLog", 5), ("predict_streamed_log", "PredictStreamedLog", 7)],
)
def test_what_no_client_of_rest_sends_is_unimplemented(
    kind: str, message: str, number: int
) -> None:
    made = log(**{kind: protos.types()[message]()})
    assert f"UNIMPLEMENTED: Unsupported log_type for warmup: {number} ({kind})" == refusal(made)


def test_what_is_no_log_is_shown_and_where_it_was() -> None:
    assert (
        "INVALID_ARGUMENT: Failed to parse warmup record: malformed\\xff from /there/file"
    ) == refusal(b"malformed\xff")
    assert len(refusal(b"\xff" * 10_000)) < 1000
