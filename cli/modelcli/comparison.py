"""What differs between two versions: how they are called, their files, their sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelregistry.artifacts.store import ArtifactStore
from modelregistry.manifest import FileEntry, Manifest
from modelregistry.names import ModelId
from modelregistry.plan import Plan, Signature, TensorSpec


@dataclass(frozen=True)
class Described:
    """One version: its facts, and what compiling it found, where that is stored and sound."""

    manifest: Manifest
    plan: Plan | None

    @property
    def id(self) -> ModelId:
        return self.manifest.id


@dataclass(frozen=True)
class Difference:
    """One thing by name; None where that side does not have it."""

    name: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        return _kind(self.before, self.after)


@dataclass(frozen=True)
class FileDifference:
    path: str
    before: FileEntry | None
    after: FileEntry | None

    @property
    def kind(self) -> str:
        return _kind(self.before, self.after)


@dataclass(frozen=True)
class Comparison:
    """`signatures` is None where a plan is missing, so that nothing is known of them."""

    before: Described
    after: Described
    signatures: tuple[Difference, ...] | None
    files: tuple[FileDifference, ...]
    same_files: int


def _kind(before: object, after: object) -> str:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def describe(artifacts: ArtifactStore, id: ModelId) -> Described:
    """Raises NotFound or Damaged."""
    return Described(artifacts.manifest(id), artifacts.plan(id))


def compare(before: Described, after: Described) -> Comparison:
    old = {file.path: file for file in before.manifest.files}
    new = {file.path: file for file in after.manifest.files}
    files = tuple(
        FileDifference(path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )
    same = len(old.keys() & new.keys()) - sum(file.kind == "changed" for file in files)
    return Comparison(before, after, _signatures(before.plan, after.plan), files, same)


def to_json(found: Comparison) -> dict[str, Any]:
    return {
        "from": _side(found.before),
        "to": _side(found.after),
        "signatures": None
        if found.signatures is None
        else [
            {"kind": d.kind, "name": d.name, "from": d.before, "to": d.after}
            for d in found.signatures
        ],
        "files": [
            {
                "kind": file.kind,
                "path": file.path,
                "from": file.before.size if file.before else None,
                "to": file.after.size if file.after else None,
            }
            for file in found.files
        ],
        "same_files": found.same_files,
    }


def endpoints(signature: Signature) -> dict[str, str]:
    """
    Every input and output by name, with its type.

    >>> endpoints(Signature("p", {"x": TensorSpec("x:0", "DT_FLOAT", (-1, 64))}, {}))
    {'input x': 'float[?,64]'}
    """
    tensors = [("input", signature.inputs), ("output", signature.outputs)]
    return {
        f"{role} {name}": tensor_type(spec)
        for role, specs in tensors
        for name, spec in sorted(specs.items())
    }


def tensor_type(spec: TensorSpec) -> str:
    """`float[?,64]`: `?` is a dimension of any size; without brackets the rank is any, too."""
    dtype = spec.dtype.removeprefix("DT_").lower()
    if spec.shape is None:
        return dtype
    return f"{dtype}[{','.join('?' if size == -1 else str(size) for size in spec.shape)}]"


def _side(described: Described) -> dict[str, Any]:
    plan = described.plan
    return {
        **described.id._asdict(),
        "bytes": described.manifest.size,
        "memory_bytes": None if plan is None else plan.memory_bytes,
    }


def _signatures(before: Plan | None, after: Plan | None) -> tuple[Difference, ...] | None:
    if before is None or after is None:
        return None
    old, new = _all_endpoints(before.signatures), _all_endpoints(after.signatures)
    return tuple(
        Difference(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def _all_endpoints(signatures: Mapping[str, Signature]) -> dict[str, str]:
    return {
        f"{name} {endpoint}": kind
        for name, signature in signatures.items()
        for endpoint, kind in endpoints(signature).items()
    }
