"""
What a signature must be for a method: predict takes any, classify and regress are stricter.

As in `servables/tensorflow/{predict_util,classifier,regressor}.cc` of TensorFlow Serving, whose
texts these are. Method names are looked at on request alone: TensorFlow 2 exports every
signature as one of predict.
"""

from collections.abc import Mapping
from typing import Protocol

from modelregistry.plan import Signature

from .errors import InvalidRequest, PredictionFailed

PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"

# The names that classify and regress know a signature's tensors by.
INPUTS, OUTPUTS, CLASSES, SCORES = "inputs", "outputs", "classes", "scores"
_INTERNAL = 13  # TensorFlow's code


class Find(Protocol):
    """How a method finds its signature among those of a model."""

    def __call__(
        self, signatures: Mapping[str, Signature], name: str, *, check_method_names: bool
    ) -> Signature: ...


def for_predict(
    signatures: Mapping[str, Signature], name: str, *, check_method_names: bool
) -> Signature:
    """
    Raises InvalidRequest if there is no such signature, and PredictionFailed, as an internal
    error, for a method name that is none of the three.
    """
    signature = signatures.get(name)
    if signature is None:
        raise InvalidRequest(f'Serving signature name: "{name}" not found in signature def')
    if check_method_names and signature.method_name not in (PREDICT, CLASSIFY, REGRESS):
        raise PredictionFailed(
            _INTERNAL,
            "Expected prediction signature method_name to be one of"
            f" {{{PREDICT}, {CLASSIFY}, {REGRESS}}}. Was: {signature.method_name}",
        )
    return signature


def for_classify(
    signatures: Mapping[str, Signature], name: str, *, check_method_names: bool
) -> Signature:
    """A signature of `inputs` to `classes`, `scores`, or both. Raises InvalidRequest."""
    signature = _found(signatures, name)
    if check_method_names:
        _must_be(signature, "classification", CLASSIFY)
    _must_have_one_input(signature, "classification")
    outputs = signature.outputs
    if len(outputs) not in (1, 2):
        raise InvalidRequest(f"Expected one or two output Tensors, found {len(outputs)}")
    if CLASSES not in outputs and SCORES not in outputs:
        raise InvalidRequest(
            "Expected classification signature outputs to contain at least one of"
            f' "{CLASSES}" or "{SCORES}". Signature was: {_shown(signature)}'
        )
    return signature


def for_regress(
    signatures: Mapping[str, Signature], name: str, *, check_method_names: bool
) -> Signature:
    """A signature of `inputs` to `outputs`. Raises InvalidRequest."""
    signature = _found(signatures, name)
    if check_method_names:
        _must_be(signature, "regression", REGRESS)
    _must_have_one_input(signature, "regression")
    if len(signature.outputs) != 1:
        raise InvalidRequest("Expected one output Tensor.")
    if OUTPUTS not in signature.outputs:
        raise InvalidRequest(f"No regression outputs found in SignatureDef: {_shown(signature)}")
    return signature


def _found(signatures: Mapping[str, Signature], name: str) -> Signature:
    signature = signatures.get(name)
    if signature is None:
        raise InvalidRequest(f"No signature was found with the name: {name}")
    return signature


def _must_be(signature: Signature, kind: str, method: str) -> None:
    if signature.method_name != method:
        raise InvalidRequest(
            f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}"
        )


def _must_have_one_input(signature: Signature, kind: str) -> None:
    if len(signature.inputs) != 1:
        raise InvalidRequest("Expected one input Tensor.")
    if INPUTS not in signature.inputs:
        raise InvalidRequest(f"No {kind} inputs found in SignatureDef: {_shown(signature)}")


def _shown(signature: Signature) -> str:
    """Shorter than upstream, whose text is the whole message in protobuf's debug format."""
    return f"inputs {', '.join(signature.inputs)}; outputs {', '.join(signature.outputs)}"
