"""Signatures and PredictionLogs to test with."""

from typing import Any

import numpy as np

from modelregistry.plan import Signature, TensorSpec
from modelserver.runtime.tensors import Array
from modelserver.warmup import protos, tensors

EXAMPLE = b"\n\x0f\n\r\n\x01x\x12\x08\x12\x06\n\x04\0\0\x80?"


def _specs(**dtypes: str) -> dict[str, TensorSpec]:
    return {name: TensorSpec(f"{name}:0", dtype, None) for name, dtype in dtypes.items()}


_EXAMPLES = _specs(inputs="DT_STRING")
SIGNATURES = {
    "serving_default": Signature(
        "tensorflow/serving/predict", _specs(x="DT_FLOAT"), _specs(y="DT_FLOAT", z="DT_FLOAT")
    ),
    "two": Signature(
        "tensorflow/serving/predict", _specs(a="DT_INT32", b="DT_STRING"), _specs(y="DT_FLOAT")
    ),
    "nothing": Signature("tensorflow/serving/predict", {}, _specs(y="DT_FLOAT")),
    "classify": Signature(
        "tensorflow/serving/classify", _EXAMPLES, _specs(classes="DT_STRING", scores="DT_FLOAT")
    ),
    "regress": Signature("tensorflow/serving/regress", _EXAMPLES, _specs(outputs="DT_FLOAT")),
    # TensorFlow 2 exports these as predict, too.
    "scores": Signature("tensorflow/serving/predict", _EXAMPLES, _specs(scores="DT_FLOAT")),
    "values": Signature("tensorflow/serving/predict", _EXAMPLES, _specs(outputs="DT_FLOAT")),
    "elsewhere": Signature(
        "tensorflow/serving/regress",
        {"inputs": TensorSpec("other:0", "DT_STRING", None)},
        _specs(outputs="DT_FLOAT"),
    ),
}
_NUMBERS = {"float32": 1, "float64": 2, "int32": 3, "object": 7, "int64": 9}


def tensor(array: Array) -> Any:  # noqa: ANN401 - a message
    message = protos.types()["PredictRequest"]().inputs["x"]
    tensors.fill(message, array, _NUMBERS[array.dtype.name])
    return message


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


def log(**fields: Any) -> Any:  # noqa: ANN401 - a message
    return protos.types()["PredictionLog"](**fields)


def predict(signature: str = "", filter: tuple[str, ...] = (), **inputs: Array) -> Any:  # noqa: A002, ANN401
    made = log()
    request = made.predict_log.request
    request.model_spec.name = "another model"
    request.model_spec.signature_name = signature
    request.output_filter.extend(filter)
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tensor(array))
    made.predict_log.SetInParent()
    return made


def over_examples(kind: str, signature: str, *examples: bytes, context: bytes | None = None) -> Any:  # noqa: ANN401
    """`classify` or `regress`."""
    made = log()
    request = getattr(made, f"{kind}_log").request
    request.model_spec.signature_name = signature
    if context is None:
        request.input.example_list.examples.extend(examples)
        request.input.example_list.SetInParent()
    else:
        request.input.example_list_with_context.examples.extend(examples)
        request.input.example_list_with_context.context = context
    return made


def multi_inference(*tasks: tuple[str, str], models: tuple[str, ...] = ()) -> Any:  # noqa: ANN401
    """Tasks are (signature, method); `models` their models, `m` where there are none."""
    made = log()
    request = made.multi_inference_log.request
    request.input.example_list.examples.append(EXAMPLE)
    for position, (signature, method) in enumerate(tasks):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.signature_name = signature
        task.model_spec.name = models[position] if models else "m"
    return made
