"""
A PredictionLog as recorded requests, by the rules of TensorFlow Serving's
`servables/tensorflow/{saved_model_warmup,predict_util,multi_inference}.cc` and
`tensorflow/cc/saved_model/util.cc`, whose texts these are.

Of a log only the request is used, and of its model_spec only the signature.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from modelregistry.plan import Signature
from modelserver import methods
from modelserver.codec.request import DEFAULT_SIGNATURE
from modelserver.errors import BadWarmup, InvalidRequest
from modelserver.runtime import dtypes
from modelserver.runtime.tensors import Array

from . import protos, tensors
from .requests import Method, Request

Defaults = Mapping[str, Mapping[str, Any]]  # signature → input → TensorProto

_INVALID = "INVALID_ARGUMENT"
_LONGEST_RECORD = 200  # bytes of it in an error
_METHODS: dict[str, Method] = {methods.CLASSIFY: "classify", methods.REGRESS: "regress"}


class Logs:
    """Reads logs for a model with these signatures, and the defaults that some inputs have."""

    def __init__(self, signatures: Mapping[str, Signature], defaults: Defaults) -> None:
        self._signatures = signatures
        self._defaults = defaults

    def requests(self, record: bytes, where: str, file: str) -> Iterator[Request]:
        """
        What the serialized log asks for: mostly one request, none where it is of no type,
        one for each task of a multi-inference.

        Raises BadWarmup, naming `where`.
        """
        try:
            log = protos.prediction_log(record)
        except ValueError as error:
            shown = repr(record[:_LONGEST_RECORD])[2:-1]
            reason = f"Failed to parse warmup record: {shown} from {file}"
            raise BadWarmup(where, _INVALID, reason) from error
        kind = log.WhichOneof("log_type")
        if kind == "predict_log":
            yield self._predict(log.predict_log.request, where)
        elif kind in {"classify_log", "regress_log"}:
            request = getattr(log, kind).request
            method: Method = "classify" if kind == "classify_log" else "regress"
            yield self._over_examples(
                request.model_spec.signature_name, method, request.input, where
            )
        elif kind == "multi_inference_log":
            yield from self._multi_inference(log.multi_inference_log.request, where)
        elif kind is not None:
            number = log.DESCRIPTOR.fields_by_name[kind].number
            raise BadWarmup(
                where, "UNIMPLEMENTED", f"Unsupported log_type for warmup: {number} ({kind})"
            )

    def _predict(self, request: Any, where: str) -> Request:  # noqa: ANN401 - a message
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        signature = self._signatures.get(name)
        if signature is None:
            raise BadWarmup(
                where, "FAILED_PRECONDITION", f'Serving signature key "{name}" not found.'
            )
        try:
            inputs = self._inputs(name, signature, request.inputs)
            _check_filter(signature, request.output_filter)
        except ValueError as error:
            raise BadWarmup(where, _INVALID, str(error)) from error
        return Request(where, name, inputs)

    def _inputs(
        self, name: str, signature: Signature, given: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Raises ValueError where they do not fit."""
        defaults = self._defaults.get(name, {})
        wanted = signature.inputs.keys()
        if len(given) > len(wanted) or (len(given) < len(wanted) and not defaults):
            raise ValueError(
                f"input size does not match signature: {len(given)}!={len(wanted)}"
                f" len({_set(given)}) != len({_set(wanted)})."
                f" Sent extra: {_set(given.keys() - wanted)}."
                f" Missing but required: {_set(wanted - given.keys())}."
            )
        if missing := sorted(wanted - given.keys() - defaults.keys()):
            alias = missing[0]
            raise ValueError(
                f"Signature input alias: {alias}(feed name: {signature.inputs[alias].tensor})"
                " not found in request and no default value provided. Inputs expected to be"
                f" in the request {_set(given)}, or default input alias set: {_names(defaults)}"
            )
        if given.keys() - wanted:
            raise ValueError(
                "Inputs contains invalid name."
                f" Used request inputs: {_names(given.keys() & wanted)},"
                f" request input: {_names(given)}"
            )
        arrays = {}
        for alias in wanted:
            try:
                found = given[alias] if alias in given else defaults[alias]
                arrays[alias] = tensors.array_of(found)
            except (ValueError, MemoryError) as error:
                raise ValueError(f"tensor parsing error: {alias} ({error})") from error
        return arrays

    def _over_examples(self, name: str, method: Method, input: Any, where: str) -> Request:  # noqa: A002, ANN401
        name = name or DEFAULT_SIGNATURE
        find = methods.for_regress if method == "regress" else methods.for_classify
        try:
            find(self._signatures, name, check_method_names=False)
            examples = _examples(input)
        except InvalidRequest as error:
            raise BadWarmup(where, _INVALID, str(error)) from error
        return Request(where, name, {methods.INPUTS: examples}, method, len(examples))

    def _multi_inference(self, request: Any, where: str) -> Iterator[Request]:  # noqa: ANN401
        """
        A request for each task. They run one after the other here, and all at once upstream:
        over REST, too, each signature is called alone.
        """
        models, names, tensor = set(), set(), ""
        for task in request.tasks:
            name = task.model_spec.signature_name or DEFAULT_SIGNATURE
            models.add(task.model_spec.name)
            if not task.model_spec.name:
                raise BadWarmup(where, _INVALID, "Found ModelSpec with an empty model name.")
            if len(models) > 1:
                reason = (
                    "All ModelSpecs in a MultiInferenceRequest must access the same model name."
                )
                raise BadWarmup(where, _INVALID, reason)
            if name in names:
                raise BadWarmup(where, _INVALID, f"Duplicate evaluation of signature: {name}")
            names.add(name)
            if name not in self._signatures:
                reason = f"Requested signature not found in model graph: {name}"
                raise BadWarmup(where, _INVALID, reason)
            method = _METHODS.get(task.method_name)
            if method is None:
                reason = f"Unsupported signature method_name: {task.method_name}"
                raise BadWarmup(where, "UNIMPLEMENTED", reason)
            yield self._over_examples(name, method, request.input, where)
            fed = self._signatures[name].inputs[methods.INPUTS].tensor
            if tensor and tensor != fed:
                reason = "Input tensor must be the same for all Signatures."
                raise BadWarmup(where, _INVALID, reason)
            tensor = fed


def serialized(request: Request, signatures: Mapping[str, Signature]) -> bytes:
    """The PredictionLog of a request, as TensorFlow Serving and `Logs` read it."""
    log = protos.types()["PredictionLog"]()
    made = getattr(log, f"{request.method}_log").request
    made.model_spec.signature_name = request.signature
    if request.method == "predict":
        specs = signatures[request.signature].inputs
        for name, array in request.inputs.items():
            tensors.fill(made.inputs[name], array, dtypes.of(specs[name].dtype).number)
    else:
        made.input.example_list.examples.extend(request.inputs[methods.INPUTS].tolist())
    data: bytes = log.SerializeToString(deterministic=True)
    return data


def _examples(input: Any) -> Array:  # noqa: A002, ANN401 - a message
    """A vector of serialized Examples, the context's bytes before each. Raises InvalidRequest."""
    kind = input.WhichOneof("kind")
    listed = getattr(input, kind) if kind else None
    if listed is None or not listed.examples:
        raise InvalidRequest("Input is empty.")
    context = listed.context if kind == "example_list_with_context" else b""
    array = np.empty(len(listed.examples), object)
    array[:] = [context + example for example in listed.examples]
    return array


def _check_filter(signature: Signature, names: list[str]) -> None:
    for position, name in enumerate(names):
        if name not in signature.outputs:
            raise ValueError(
                f"output tensor alias not found in signature: {name}"
                f" Outputs expected to be in the set {_set(signature.outputs)}."
            )
        if name in names[:position]:
            raise ValueError(f"duplicate output tensor alias: {name}")


def _names(names: Any) -> str:  # noqa: ANN401 - any collection of names
    return ",".join(sorted(names))


def _set(names: Any) -> str:  # noqa: ANN401
    return f"{{{_names(names)}}}"
