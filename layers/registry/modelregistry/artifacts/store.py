"""What a store of published versions must promise, wherever it keeps them."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..manifest import Manifest
from ..names import ModelId
from ..plan import Plan
from ..progress import Progress


@dataclass(frozen=True)
class Finding:
    """
    One thing that `verify` found wrong: `where` it is, `what` is wrong with it.

    damaged: the bytes are not the published ones. missing: they are not there.
    orphaned: bytes that belong to no version, left by an interrupted command or
    put there by hand.
    """

    kind: Literal["damaged", "missing", "orphaned"]
    where: str
    what: str


@dataclass(frozen=True)
class Stored:
    """What one `put` came to: of `total` bytes of files, `uploaded` had to be transferred."""

    uploaded: int
    total: int


@dataclass(frozen=True)
class Fetched:
    """
    One version on this machine: its files in `directory`, and its plan.

    `plan` is the newest that this program understands; None where there is none, or it
    is damaged.
    """

    directory: Path
    manifest: Manifest
    plan: Plan | None


class ArtifactStore(Protocol):
    """
    Versions by ModelId. A version exists from the instant its manifest does.

    Every method may raise Unavailable (it cannot be reached or written now).
    """

    def models(self) -> list[str]:
        """The models that have a version, by name."""

    def versions(self, model: str) -> list[int]:
        """The versions of `model` that have a manifest, ascending."""

    def manifest(self, id: ModelId) -> Manifest:
        """Raises NotFound where there is none, Damaged where it is not the published one."""

    def plan(self, id: ModelId) -> Plan | None:
        """The newest plan this program understands; None where there is none, or it is damaged."""

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:
        """
        Store the files that `manifest` lists from the directory `source`, and the manifest last.

        All or nothing, and create-only. Raises VersionExists where the number is
        taken, Refused where a file is not what the manifest says of it.
        """

    def put_plan(self, id: ModelId, plan: Plan) -> None:
        """Store `plan` in place of an older or damaged one of the same compiler."""

    def fetch(self, id: ModelId, progress: Progress) -> AbstractContextManager[Fetched]:
        """
        The version in a local directory, every digest checked, for as long as the context lasts.

        Nobody may write there. Entering raises NotFound or Damaged.
        """

    def remove(self, id: ModelId) -> None:
        """Remove every byte of the version; nothing to remove is no error."""

    def verify(self, id: ModelId, progress: Progress) -> list[Finding]:
        """Read everything stored of one version and say what is wrong with it."""

    def strays(self) -> list[Finding]:
        """What is stored but belongs to no version, and nobody is writing now."""

    def leftovers(self) -> list[str]:
        """What `sweep` would remove, by where it is."""

    def sweep(self) -> None:
        """Remove what interrupted commands left behind; never what a running one is writing."""
