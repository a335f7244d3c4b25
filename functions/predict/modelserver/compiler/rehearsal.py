"""
Running what was recorded to warm the model up, before anybody depends on it.
"""

from collections.abc import Iterable

from modelregistry.plan import Plan, RecordedRequest
from modelserver.codec.results import encode_classes, encode_values
from modelserver.errors import BadWarmup, ServingError
from modelserver.methods import OUTPUTS
from modelserver.runtime.tensors import Array
from modelserver.servables import Model
from modelserver.warmup.bodies import code_of
from modelserver.warmup.requests import Request, pack

MIB = 1024 * 1024
# A plan is read at every cold start. What is beyond it is checked here and never run again.
MOST_BYTES = 8 * MIB


def rehearse(
    model: Model, plan: Plan, requests: Iterable[Request], warnings: list[str]
) -> tuple[RecordedRequest, ...]:
    """
    Run `requests`; those for the plan, in order, until it is full.

    Raises BadWarmup for the first that the model does not answer.
    """
    kept: list[RecordedRequest] = []
    size = left_out = 0
    for request in requests:
        _run(model, plan, request)
        size += request.size
        if size <= MOST_BYTES:
            kept.append(pack(request, plan.signatures[request.signature].inputs))
            continue
        if not left_out:
            first = request.source
        left_out += 1
    if left_out:
        more = f" and {left_out - 1} more are" if left_out > 1 else " is"
        warnings.append(
            f"{first}{more} not run when the model is loaded: a plan holds {MOST_BYTES // MIB} MiB"
            " of recorded input"
        )
    return tuple(kept)


def _run(model: Model, plan: Plan, request: Request) -> None:
    try:
        outputs = model.run(request.signature, dict(request.inputs))
        _check(outputs, plan, request)
    except ServingError as error:
        raise BadWarmup(request.source, code_of(error), str(error)) from error


def _check(outputs: dict[str, Array], plan: Plan, request: Request) -> None:
    """As a server would: there are outputs that predict takes, and classify does not."""
    specs = plan.signatures[request.signature].outputs
    if request.method == "classify":
        encode_classes(outputs, specs, request.examples)
    elif request.method == "regress":
        encode_values(outputs[OUTPUTS], specs[OUTPUTS], request.examples)
