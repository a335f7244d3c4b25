"""
A body of the REST API as a recorded request: what `warmup.jsonl` has one of in each line.
"""

from collections.abc import Mapping

from modelregistry.plan import Signature
from modelserver import methods
from modelserver.api.statuses import name_of, status_of
from modelserver.codec.examples import ExamplesBody
from modelserver.codec.request import PredictBody
from modelserver.errors import BadWarmup, ServingError

from .requests import Method, Request


def request(body: bytes, signatures: Mapping[str, Signature], where: str) -> Request:
    """
    The arrays of a predict body; or, where it has `examples`, of one that classifies or
    regresses, whichever its signature is for.

    Raises BadWarmup, naming `where`, for what a server would not accept.
    """
    try:
        parsed = PredictBody.parse(body)
        if "examples" in parsed.document:
            return _over_examples(body, signatures, where)
        signature = methods.for_predict(signatures, parsed.signature_name, check_method_names=False)
        arrays = parsed.inputs(signature.inputs).arrays
        return Request(where, parsed.signature_name, arrays)
    except ServingError as error:
        raise BadWarmup(where, code_of(error), str(error)) from error


def code_of(error: ServingError) -> str:
    """TensorFlow's name for what went wrong."""
    return name_of(status_of(error), error)


def _over_examples(body: bytes, signatures: Mapping[str, Signature], where: str) -> Request:
    parsed = ExamplesBody.parse(body)
    method = _method(signatures.get(parsed.signature_name))
    find = methods.for_regress if method == "regress" else methods.for_classify
    find(signatures, parsed.signature_name, check_method_names=False)
    return Request(
        where,
        parsed.signature_name,
        {methods.INPUTS: parsed.examples},
        method,
        len(parsed.examples),
    )


def _method(signature: Signature | None) -> Method:
    """What TensorFlow 2 does not say, as it exports all as predict, the outputs' names do."""
    if signature is None or signature.method_name == methods.CLASSIFY:
        return "classify"
    if signature.method_name == methods.REGRESS or list(signature.outputs) == [methods.OUTPUTS]:
        return "regress"
    return "classify"
