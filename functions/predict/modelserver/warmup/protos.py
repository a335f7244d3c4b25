"""
PredictionLog and what it consists of, as far as a warm-up looks at it.

Field numbers are those of TensorFlow Serving's `tensorflow_serving/apis/{prediction_log,
predict,classification,regression,inference,input,model}.proto`; fields that are left out
are skipped. An Example stays the bytes that it is, as in `internal/serialized_input.proto`.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from modelserver.compiler import protos
from modelserver.protobuf import messages

_TABLE = {
    "PredictionLog": """
        oneof log_type: ClassifyLog classify_log = 2
        oneof log_type: RegressLog regress_log = 3
        oneof log_type: MultiInferenceLog multi_inference_log = 4
        oneof log_type: SessionRunLog session_run_log = 5
        oneof log_type: PredictLog predict_log = 6
        oneof log_type: PredictStreamedLog predict_streamed_log = 7
    """,
    "ClassifyLog": "ClassificationRequest request = 1",
    "RegressLog": "RegressionRequest request = 1",
    "PredictLog": "PredictRequest request = 1",
    "MultiInferenceLog": "MultiInferenceRequest request = 1",
    "SessionRunLog": "",
    "PredictStreamedLog": "",
    "PredictRequest": """
        ModelSpec model_spec = 1
        map<string, tensorflow.TensorProto> inputs = 2
        repeated string output_filter = 3
    """,
    "ClassificationRequest": "ModelSpec model_spec = 1 \n Input input = 2",
    "RegressionRequest": "ModelSpec model_spec = 1 \n Input input = 2",
    "MultiInferenceRequest": "repeated InferenceTask tasks = 1 \n Input input = 2",
    "InferenceTask": "ModelSpec model_spec = 1 \n string method_name = 2",
    "ModelSpec": "string name = 1 \n string signature_name = 3",
    "Input": """
        oneof kind: ExampleList example_list = 1
        oneof kind: ExampleListWithContext example_list_with_context = 2
    """,
    "ExampleList": "repeated bytes examples = 1",
    "ExampleListWithContext": "repeated bytes examples = 1 \n bytes context = 2",
}


def prediction_log(data: bytes) -> Any:  # noqa: ANN401 - a message
    """The PredictionLog in `data`. Raises ValueError if it is none."""
    decode_error = importlib.import_module("google.protobuf.message").DecodeError
    try:
        return types()["PredictionLog"].FromString(data)
    except decode_error as error:
        raise ValueError(str(error)) from error


@cache
def types() -> Mapping[str, type[Any]]:
    """The message types by name."""
    return messages("tensorflow.serving", _TABLE, also=[protos.tensor_file()])
