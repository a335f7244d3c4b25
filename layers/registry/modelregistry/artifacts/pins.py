"""
A manifest that also says which object versions hold its files.

A bucket keeps every object that was ever written under a key. Two publishers of one
number write under the same keys; the manifest that wins pins its own objects, and
what the other wrote is never read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import Damaged
from ..manifest import Manifest
from ..sealed import seal, unseal


@dataclass(frozen=True)
class Pinned:
    """
    `objects` are VersionIds by path in the version's directory.

    A manifest that was written elsewhere and came here by a plain copy pins nothing:
    then the digests alone say which bytes are meant.
    """

    manifest: Manifest
    objects: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """The manifest's document with one more member, which other stores pass over."""
        members = unseal(self.manifest.to_bytes(), "a manifest")
        return seal({**members, "objects": dict(self.objects)})

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> "Pinned":
        """Raises Damaged, naming `where`, for what is not a manifest."""
        manifest = Manifest.from_bytes(data, where)
        objects = unseal(data, where).get("objects", {})
        if not isinstance(objects, dict):
            raise Damaged(f"{where} is not a manifest: its objects are no members")
        return cls(manifest, {str(path): str(version) for path, version in objects.items()})
