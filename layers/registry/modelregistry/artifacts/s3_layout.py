"""
Which keys there are, below the prefix of a registry:

    <model>/<version>/…                            a version, as TensorFlow Serving reads it
    .publishing/<model>/<version>/<random>         it is being written, or was when all ended
    .removing/<model>/<version>/<random>           the same of a removal

No model's name begins with a dot.
"""

from dataclasses import dataclass

from ..errors import InvalidInput
from ..manifest import MANIFEST
from ..names import ModelId, model_name, version_directory

KINDS = ("publishing", "removing")


@dataclass(frozen=True)
class Layout:
    """`root` is the prefix with a slash at its end, or nothing."""

    root: str

    @classmethod
    def of(cls, prefix: str) -> "Layout":
        prefix = prefix.strip("/")
        return cls(f"{prefix}/" if prefix else "")

    def model(self, model: str) -> str:
        return f"{self.root}{model}/"

    def folder(self, id: ModelId) -> str:
        return f"{self.root}{id.model}/{id.version}/"

    def manifest(self, id: ModelId) -> str:
        return self.folder(id) + MANIFEST

    def notes(self, kind: str = "") -> str:
        """What the keys of notes begin with."""
        return f"{self.root}.{kind}/" if kind else f"{self.root}."

    def is_note(self, key: str) -> bool:
        return key.startswith(tuple(self.notes(kind) for kind in KINDS))

    def version_of(self, key: str) -> ModelId | None:
        """The version that `key` belongs to by its name; None for another key."""
        model, _, rest = key.removeprefix(self.root).partition("/")
        name, slash, path = rest.partition("/")
        number = version_number_of(name)
        return ModelId(model, number) if number and slash and path and is_model(model) else None


def is_model(name: str) -> bool:
    try:
        model_name(name)
    except InvalidInput:
        return False
    return True


def version_number_of(name: str) -> int | None:
    """The version of a folder called `name`. `007` is none: the registry writes canonical ones."""
    number = version_directory(name)
    return number if str(number) == name else None
