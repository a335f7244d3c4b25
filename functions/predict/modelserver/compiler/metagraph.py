"""
The signatures of a MetaGraphDef, as the plan and the metadata document want them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelregistry.errors import ModelRefused
from modelregistry.plan import Signature, TensorSpec
from modelserver.errors import UnsupportedType
from modelserver.runtime import dtypes

from . import protos

# Exporters list these two beside the signatures, as places of graph operations.
_PSEUDO = ("__saved_model_init_op", "__saved_model_train_op")


class _NotServable(Exception):
    """Why a signature is left out; never seen outside this module."""


def signatures(directory: Path, graph: Any, warnings: list[str]) -> dict[str, Signature]:  # noqa: ANN401 - a message
    """
    The signatures that can be called, by name. For each left out, and for each that the
    REST API has no form for, a sentence in `warnings`.

    Raises ModelRefused if the graph has none.
    """
    found = {}
    for name, definition in sorted(graph.signature_def.items()):
        if name in _PSEUDO:
            continue
        try:
            found[name] = _signature(definition)
        except (_NotServable, UnsupportedType) as reason:
            warnings.append(f"{name} cannot be called: {reason}")
            continue
        if not found[name].inputs:
            warnings.append(f"{name} has no inputs, so that nothing can call it over REST")
    if not found:
        raise ModelRefused(
            f"{directory} has no signature that can be called",
            hint="; ".join(warnings) or "export it with signatures=…, or model.export()",
        )
    return found


def defaults(graph: Any) -> dict[str, Mapping[str, Any]]:  # noqa: ANN401 - a message
    """The TensorProtos that stand for inputs left out, by signature and input."""
    return {name: definition.defaults for name, definition in graph.signature_def.items()}


def metadata(graph: Any) -> dict[str, Any]:  # noqa: ANN401 - a message
    """
    The whole `signature_def` map as protobuf JSON, the pseudo signatures included.

    All default fields are printed, as TensorFlow Serving's metadata does it: int64
    as strings, `"name": ""` in a dimension, `"defaults": {}`; an unset message
    is left out.
    """
    return {
        name: protos.as_json(definition) for name, definition in sorted(graph.signature_def.items())
    }


def _signature(definition: Any) -> Signature:  # noqa: ANN401 - a message
    if not definition.outputs:
        raise _NotServable("it has no outputs")
    return Signature(
        method_name=definition.method_name,
        inputs=_specs(definition.inputs),
        outputs=_specs(definition.outputs),
    )


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {name: _spec(name, info) for name, info in sorted(infos.items())}


def _spec(name: str, info: Any) -> TensorSpec:  # noqa: ANN401 - a message
    if not info.name:
        kind = info.WhichOneof("encoding") or "nameless"
        raise _NotServable(f"{name!r} is a {kind} tensor, not a plain one")
    proto = info.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number[info.dtype].name
    _ = dtypes.of(proto).numpy  # raises for what no array can hold
    shape = info.tensor_shape
    unknown = shape.unknown_rank or not info.HasField("tensor_shape")
    return TensorSpec(
        tensor=info.name,
        dtype=proto,
        shape=None if unknown else tuple(dimension.size for dimension in shape.dim),
    )
