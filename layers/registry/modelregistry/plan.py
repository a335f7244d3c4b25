"""
What publishing worked out about a version, so that no cold start has to.

A plan is derived from the SavedModel by a compiler and can be made again; it is
stored beside the version under `compiled/N/plan.json` for compiler N. Readers
take the newest plan they understand.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

COMPILER = 1


@dataclass(frozen=True)
class TensorSpec:
    """
    One input or output of a signature.

    `tensor` is the graph's name for it (`serving_default_x:0`), `dtype`
    TensorFlow's (`DT_FLOAT`). In `shape` -1 is a dimension of any size; None
    is a tensor of any rank.
    """

    tensor: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Signature:
    """
    One way to call the model.

    `warmup` holds the shapes of made-up inputs (zeros, empty strings) that the
    signature accepted when it was compiled, by input name; None where it
    refused them, or where calling it changes what the model keeps.
    """

    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    warmup: Mapping[str, tuple[int, ...]] | None = None


@dataclass(frozen=True)
class RecordedArray:
    """
    `data` is the bytes of all elements, row by row and little-endian, in base64; of
    strings, each element's bytes in base64.
    """

    dtype: str
    shape: tuple[int, ...]
    data: str | tuple[str, ...]


@dataclass(frozen=True)
class RecordedRequest:
    """
    What somebody recorded to warm the model up, ready to be fed.

    `source` says where: `assets.extra/warmup.jsonl, line 3`.
    """

    source: str
    signature: str
    inputs: Mapping[str, RecordedArray]


@dataclass(frozen=True)
class Plan:
    """
    `signature_def` is the `signature_def` map of the MetaGraph as protobuf JSON,
    all default fields printed: the body of TensorFlow Serving's metadata document.

    `single_threaded_executor` says that TensorFlow's SINGLE_THREADED_EXECUTOR
    loads this graph and runs each of its signatures. `disk_bytes` is the size of
    the files; `memory_bytes` what loading and running added to the resident set
    of the compiling process.

    `recorded` are the requests of the model's warm-up files, in their order. Plans
    made before there were any have none.
    """

    compiler: int
    tensorflow: str
    tags: tuple[str, ...]
    signatures: Mapping[str, Signature]
    signature_def: Mapping[str, Any]
    single_threaded_executor: bool
    disk_bytes: int
    memory_bytes: int
    warnings: tuple[str, ...] = field(default=())
    recorded: tuple[RecordedRequest, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values; `from_json` reads it back equal."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        """
        Read what `to_json` wrote; members that a newer writer added are ignored.

        Raises KeyError, TypeError or ValueError where it is something else.
        """
        return cls(
            compiler=int(document["compiler"]),
            tensorflow=str(document["tensorflow"]),
            tags=tuple(map(str, document["tags"])),
            signatures={
                name: _signature(signature) for name, signature in document["signatures"].items()
            },
            signature_def=dict(document["signature_def"]),
            single_threaded_executor=bool(document["single_threaded_executor"]),
            disk_bytes=int(document["disk_bytes"]),
            memory_bytes=int(document["memory_bytes"]),
            warnings=tuple(map(str, document["warnings"])),
            recorded=tuple(map(_recorded, document.get("recorded", ()))),
        )


class Compiler(Protocol):
    """What turns a SavedModel into a plan; given to the registry, which has no TensorFlow."""

    def compile(self, directory: Path) -> Plan:
        """
        Load the SavedModel in `directory`, run every signature, say what was found.

        Raises ModelRefused, with the reason, for a model that must not be served.
        """


def _signature(document: Mapping[str, Any]) -> Signature:
    warmup = document["warmup"]
    return Signature(
        method_name=str(document["method_name"]),
        inputs=_specs(document["inputs"]),
        outputs=_specs(document["outputs"]),
        warmup=None if warmup is None else {k: tuple(map(int, v)) for k, v in warmup.items()},
    )


def _recorded(document: Mapping[str, Any]) -> RecordedRequest:
    return RecordedRequest(
        source=str(document["source"]),
        signature=str(document["signature"]),
        inputs={name: _array(array) for name, array in document["inputs"].items()},
    )


def _array(document: Mapping[str, Any]) -> RecordedArray:
    data = document["data"]
    return RecordedArray(
        dtype=str(document["dtype"]),
        shape=tuple(map(int, document["shape"])),
        data=data if isinstance(data, str) else tuple(map(str, data)),
    )


def _specs(document: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(
            tensor=str(spec["tensor"]),
            dtype=str(spec["dtype"]),
            shape=None if spec["shape"] is None else tuple(map(int, spec["shape"])),
        )
        for name, spec in document.items()
    }
