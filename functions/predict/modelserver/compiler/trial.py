"""
Loading a SavedModel and running its signatures, and what a failure means.
"""

import re
import resource
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from modelregistry.errors import ModelRefused
from modelregistry.plan import Plan, Signature
from modelserver.errors import ModelUnavailable, PredictionFailed
from modelserver.runtime import SavedModel, Threads, library
from modelserver.runtime.savedmodel import made_up_inputs
from modelserver.runtime.tensors import Array
from modelserver.warmup.requests import Request, unpack

from .rehearsal import rehearse

# TensorFlow's texts for a graph that no input can make run, whatever their code.
# Everything else that a run says may be the fault of made-up input.
_BROKEN = re.compile(
    "Attempting to use uninitialized value"
    "|Could not find variable"
    "|Error while reading resource variable"
    "|[Tt]able not initialized"
    "|Resource .* does not exist"
    "|Container .* does not exist"
    "|No OpKernel was registered"
    "|Op type not registered"
)

# One thread, so that two runs of one graph add up in the same order.
_THREADS = Threads(intra_op=1, inter_op=1)

_ANY_RANK = 1, 2, 0, 3, 4  # tried in this order for an input of unknown rank

Shapes = Mapping[str, tuple[int, ...]]
Outcome = Mapping[str, Array] | PredictionFailed  # outputs by name, or the refusal


@dataclass(frozen=True)
class Trial:
    """
    What a signature answered to made-up input, as the first run after loading and again.

    Where the two differ the graph is random, or counts.
    """

    shapes: Shapes
    first: Outcome
    again: Outcome


def try_out(
    directory: Path,
    plan: Plan,
    changing: Collection[str],
    requests: Iterable[Request],
    warnings: list[str],
) -> tuple[Plan, dict[str, Trial]]:
    """
    The plan with warm-up and memory filled in, and the trials by signature.

    A signature that refuses made-up input, or is one of those `changing` the model's state,
    gets no shapes, and a sentence in `warnings` if there is none of `requests`, the recorded
    ones, for it. Raises ModelRefused for a model that does not load, or that no input can
    make run, and BadWarmup.
    """
    library.load()
    before = _resident_bytes()
    model = _load(directory, plan)
    trials = {name: _try(directory, model, name, found) for name, found in plan.signatures.items()}
    recorded = rehearse(model, plan, requests, warnings)
    grown = max(0, _resident_bytes() - before)
    model.close()
    signatures = {}
    covered = {request.signature for request in recorded}
    for name, tried in trials.items():
        refused = isinstance(tried.first, PredictionFailed)
        if name in covered:
            pass
        elif refused:
            warnings.append(f"{name} refused made-up input, so it is not warmed up: {tried.first}")
        elif name in changing:
            warnings.append(f"{name} changes what the model keeps, so it is not warmed up")
        warmup = None if refused or name in changing else dict(tried.shapes)
        signatures[name] = replace(plan.signatures[name], warmup=warmup)
    plan = replace(plan, signatures=signatures, memory_bytes=grown, recorded=recorded)
    return plan, trials


def single_threaded_too(directory: Path, plan: Plan, trials: Mapping[str, Trial]) -> bool:
    """
    Whether SINGLE_THREADED_EXECUTOR loads the graph and answers as in `trials`.

    It refuses TF1 reference variables at load, TF1 loops and branches before the
    first operation runs; a refusal of made-up input that is the same is therefore
    as good as an answer. What was recorded has to run: each load depends on it.
    """
    try:
        model = SavedModel.load(directory, replace(plan, single_threaded_executor=True), _THREADS)
    except ModelUnavailable:
        return False
    for name, tried in trials.items():
        outcome = _run(model, name, plan.signatures[name], tried.shapes)
        if isinstance(outcome, PredictionFailed) != isinstance(tried.first, PredictionFailed):
            return False
        if _alike(tried.first, tried.again) and not _alike(tried.first, outcome):
            return False
    return _runs(model, plan)


def _runs(model: SavedModel, plan: Plan) -> bool:
    """Whether all that the plan has recorded runs."""
    try:
        for request in plan.recorded:
            model.run(request.signature, unpack(request))
    except PredictionFailed:
        return False
    return True


def _load(directory: Path, plan: Plan) -> SavedModel:
    try:
        return SavedModel.load(directory, plan, _THREADS)
    except ModelUnavailable as error:
        raise ModelRefused(f"{directory} does not load: {error}") from error


def _try(directory: Path, model: SavedModel, name: str, signature: Signature) -> Trial:
    """
    The trial with the first shapes that the signature takes, or with the first it refused.

    Raises ModelRefused where input cannot be the reason.
    """
    trials = []
    for shapes in _shapes(signature):
        first = _run(model, name, signature, shapes)
        tried = Trial(shapes, first, _run(model, name, signature, shapes))
        if not isinstance(first, PredictionFailed):
            return tried
        if _BROKEN.search(str(first)):
            raise ModelRefused(f"{name} of {directory} cannot run: {first}") from first
        trials.append(tried)
    return trials[0]


def _run(model: SavedModel, name: str, signature: Signature, shapes: Shapes) -> Outcome:
    try:
        return model.run(name, made_up_inputs(signature, shapes))
    except PredictionFailed as refusal:
        return refusal


def _shapes(signature: Signature) -> Iterator[dict[str, tuple[int, ...]]]:
    """Shapes to try: a dimension of any size is 1, a tensor of any rank has each rank in turn."""
    declared = {name: spec.shape for name, spec in signature.inputs.items()}
    ranks = _ANY_RANK if None in declared.values() else _ANY_RANK[:1]
    for rank in ranks:
        yield {
            name: (1,) * rank if shape is None else tuple(1 if n < 0 else n for n in shape)
            for name, shape in declared.items()
        }


def _alike(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes are the same bit for bit; of a refusal, but for the node's name."""
    if isinstance(one, PredictionFailed) or isinstance(other, PredictionFailed):
        return _reason(one) == _reason(other)
    return all(_same(array, other[name]) for name, array in one.items())


def _reason(outcome: Outcome) -> tuple[int, str]:
    if not isinstance(outcome, PredictionFailed):
        return 0, ""
    return outcome.code, str(outcome).partition("\n")[0]


def _same(one: Array, other: Array) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype == object:
        return bool((one == other).all())
    return one.tobytes() == other.tobytes()


def _resident_bytes() -> int:
    """What of this process is in memory; its peak where there is no /proc."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
