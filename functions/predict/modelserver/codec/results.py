"""What a classify or regress signature computed, as the body of a response."""

from collections.abc import Mapping

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array, json_type
from modelserver.codec.excerpt import brackets
from modelserver.codec.printing import elements
from modelserver.errors import InvalidRequest

_LABEL = json_type("DT_STRING")
_SCORE = json_type("DT_FLOAT")


def encode_classes(
    outputs: Mapping[str, Array], specs: Mapping[str, TensorSpec], examples: int
) -> bytes:
    """
    `{"results": [[[label, score], …], …]}` from `classes` and `scores`; one may be missing.

        {"classes": [["a", "b"]], "scores": [[.2, .8]]} → {"results":[[["a",0.2],["b",0.8]]]}
        {"scores": [[.2, .8]]}                          → {"results":[[["",0.2],["",0.8]]]}

    Raises InvalidRequest unless they are matrices of as many rows as there were `examples`.
    """
    for name, dtype in (("classes", "DT_STRING"), ("scores", "DT_FLOAT")):
        if name in outputs:
            _must_be_matrix(name, outputs[name], specs[name].dtype, dtype, examples)
    shape = (outputs["classes"] if "classes" in outputs else outputs["scores"]).shape
    if "classes" in outputs and "scores" in outputs:
        others = outputs["scores"].shape[1]
        if shape[1] != others:
            raise InvalidRequest(
                f"Tensors class and score should match in dim_size(1). Got {shape[1]} vs. {others}"
            )
    count = shape[0] * shape[1]
    labels = elements(outputs["classes"], _LABEL) if "classes" in outputs else ['""'] * count
    scores = elements(outputs["scores"], _SCORE) if "scores" in outputs else ["0.0"] * count
    pairs = [f"[{label},{score}]" for label, score in zip(labels, scores, strict=True)]
    rows = [pairs[row * shape[1] : (row + 1) * shape[1]] for row in range(shape[0])]
    return _results([f"[{','.join(row)}]" for row in rows])


def encode_values(values: Array, spec: TensorSpec, examples: int) -> bytes:
    """
    `{"results": [value, …]}`, one float for each of the `examples`.

    Raises InvalidRequest unless `values` is a float vector of that size, or one column.
    """
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] != 1):
        raise InvalidRequest(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1]"
            f" but got {brackets(values.shape)}"
        )
    if values.shape[0] != examples:
        raise InvalidRequest(
            f"Input batch size did not match output batch size: {examples} vs. {values.shape[0]}"
        )
    if spec.dtype != "DT_FLOAT":
        raise InvalidRequest(f"Expected output Tensor of DT_FLOAT.  Got: {spec.dtype}")
    return _results(elements(values, _SCORE))


def _must_be_matrix(name: str, array: Array, got: str, expected: str, examples: int) -> None:
    if array.ndim != 2:
        raise InvalidRequest(
            "Expected Tensor shape: [batch_size num_classes] but got " + brackets(array.shape)
        )
    if got != expected:
        raise InvalidRequest(f"Expected {name} Tensor of {expected}. Got: {got}")
    if array.shape[0] != examples:
        raise InvalidRequest(
            f"Expected {name} output batch size of {examples}. Got: {array.shape[0]}"
        )


def _results(texts: list[str]) -> bytes:
    return ('{"results":[' + ",".join(texts) + "]}").encode()
