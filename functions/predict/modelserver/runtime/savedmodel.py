"""
One published version, loaded: arrays in and out by the names of its signatures.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelregistry.plan import Plan, Signature
from modelserver.errors import InvalidRequest, ModelUnavailable, PredictionFailed

from . import dtypes
from .config import Threads, session_config
from .dtypes import DType
from .session import Call, Endpoint, Session
from .tensors import Array, made_up


@dataclass(frozen=True)
class _Bound:
    """
    A signature whose names have been found in the graph.

    `fed` and `fetched` are the tensors that `call` feeds and computes, each once. An
    output that is an input's own tensor is not among the latter: TensorFlow refuses to
    compute what it is fed.
    """

    inputs: Mapping[str, tuple[Endpoint, DType]]
    outputs: Mapping[str, Endpoint]
    fed: tuple[Endpoint, ...]
    fetched: tuple[Endpoint, ...]
    call: Call


class SavedModel:
    """
    A SavedModel that runs. `load` opens it, `run` and `warm_up` are thread-safe.

    Its memory is freed by `close`, or with the last reference; a run under way is
    waited for.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        self._session = session
        self._plan = plan
        self._bound = {name: _bind(session, found) for name, found in plan.signatures.items()}

    @classmethod
    def load(cls, directory: Path, plan: Plan, threads: Threads) -> "SavedModel":
        """
        Load the version in `directory`, as `plan` says. No discovery: seconds count here.

        Raises ModelUnavailable with TensorFlow's reason.
        """
        config = session_config(threads, single_threaded_executor=plan.single_threaded_executor)
        return cls(Session.open(directory, plan.tags, config), plan)

    def run(self, signature_name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """
        Every output of the signature, in the plan's order, as arrays of the caller's own.

        Strings are object arrays of `bytes`. Shapes are not checked: what a shape
        may be is for the graph to say, as in TensorFlow Serving. Raises
        InvalidRequest for names or dtypes that do not fit the signature, and
        PredictionFailed with TensorFlow's code and text.
        """
        bound = self._bound.get(signature_name)
        if bound is None:
            raise InvalidRequest(
                f'Serving signature name: "{signature_name}" not found in signature def'
            )
        known = _feeds(bound, inputs)
        if bound.fetched:
            computed = self._session.run(bound.call, [known[endpoint] for endpoint in bound.fed])
            known.update(zip(bound.fetched, computed, strict=True))
        return _by_name(bound, known)

    def warm_up(self, besides: Collection[str] = ()) -> None:
        """
        Run each signature, `besides` those that are warm, once on the made-up input that
        it accepted when it was compiled.

        The first run of a graph costs what optimising it costs. Raises
        ModelUnavailable if one refuses now.
        """
        for name, signature in self._plan.signatures.items():
            if signature.warmup is None or name in besides:
                continue
            try:
                self.run(name, made_up_inputs(signature, signature.warmup))
            except PredictionFailed as error:
                raise ModelUnavailable(f"{name} does not warm up: {error}") from error

    def close(self) -> None:
        """Wait for runs under way and free the memory; later runs raise ModelUnavailable."""
        self._session.close()


def made_up_inputs(signature: Signature, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Zeros and empty strings of `shapes` for each input of the signature."""
    return {
        name: made_up(dtypes.of(spec.dtype), shapes[name])
        for name, spec in signature.inputs.items()
    }


def _bind(session: Session, signature: Signature) -> _Bound:
    inputs = {
        name: (session.endpoint(spec.tensor), dtypes.of(spec.dtype))
        for name, spec in signature.inputs.items()
    }
    outputs = {name: session.endpoint(spec.tensor) for name, spec in signature.outputs.items()}
    fed = dict(inputs.values())
    fetched = tuple(endpoint for endpoint in dict.fromkeys(outputs.values()) if endpoint not in fed)
    return _Bound(inputs, outputs, tuple(fed), fetched, Call(list(fed.items()), fetched))


def _feeds(bound: _Bound, inputs: Mapping[str, Array]) -> dict[Endpoint, Array]:
    """
    What to feed, by graph tensor.

    Two names for one tensor are fine while their values are equal: TensorFlow
    takes one value for a tensor.
    """
    if inputs.keys() != bound.inputs.keys():
        raise InvalidRequest(_names_differ(bound, inputs))
    feeds: dict[Endpoint, Array] = {}
    for name, (endpoint, dtype) in bound.inputs.items():
        array = inputs[name]
        if array.dtype != dtype.numpy:
            raise InvalidRequest(f"input {name!r} is of type {dtype.name}, not {array.dtype}")
        other = feeds.setdefault(endpoint, array)
        if other is not array and not _same(other, array):
            raise InvalidRequest(f"input {name!r} is another name of an input with another value")
    return feeds


def _names_differ(bound: _Bound, inputs: Mapping[str, Array]) -> str:
    expected = ", ".join(bound.inputs) or "none"
    given = ", ".join(inputs) or "none"
    return f"the signature's inputs are {expected}; given were {given}"


def _same(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool((one == other).all())
    return one.tobytes() == other.tobytes()  # bits, so that NaN equals itself


def _by_name(bound: _Bound, known: Mapping[Endpoint, Array]) -> dict[str, Array]:
    """The outputs, no two of them one array: who is given two arrays may write to either."""
    result: dict[str, Array] = {}
    handed_out = {endpoint for endpoint, _ in bound.inputs.values()}
    for name, endpoint in bound.outputs.items():
        array = known[endpoint]
        result[name] = array.copy() if endpoint in handed_out else array
        handed_out.add(endpoint)
    return result
