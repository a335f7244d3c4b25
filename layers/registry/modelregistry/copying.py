"""
Copying: a version of one registry becomes the same version of another.

Its manifest goes along as it is, and with it the digests, the author, the time
and the message of the first publish. What the other registry's aliases make of it
is their own affair: only its version policy acts, as for any version that is new.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from .aliases.revision import Revision
from .artifacts.store import Fetched
from .errors import Damaged, NotFound, VersionExists
from .manifest import Manifest
from .names import ModelId, message_text
from .plan import Compiler, Plan
from .progress import UNWATCHED, Progress
from .publishing import apply_policy
from .registry import Registry


@dataclass(frozen=True)
class Copy:
    """
    What became of one copy.

    `identical`: the version is there with these very files, and none was carried.
    `checked`: a dry run; none was carried either. `uploaded` bytes of the
    manifest's were transferred; the store there had the others already. `revision`
    is what the version policy there wrote, if it acted.
    """

    outcome: Literal["copied", "identical", "checked"]
    manifest: Manifest
    uploaded: int = 0
    revision: Revision | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Copier:
    """
    Carries versions from `source` to `target`.

    `compiler` is asked for one only where a version comes without a plan that this
    program can read.
    """

    source: Registry
    target: Registry
    compiler: Callable[[], Compiler]
    progress: Progress = UNWATCHED

    def copy(self, id: ModelId, *, message: str = "", dry_run: bool = False) -> Copy:
        """
        Make `id` of the source the same version of the target. Every byte is verified
        where it is read and where it arrives. `message` is for the target's history.

        Raises NotFound or Damaged for what the source has, VersionExists where the
        number is taken by other files, or retired. Then nothing of it is kept. A dry
        run reads no files.
        """
        message_text(message)
        with _told_of(self.source):
            manifest = self.source.artifacts.manifest(self.source.published(id))
        is_there = self._is_there(manifest)
        if dry_run:
            return Copy("identical" if is_there else "checked", manifest)
        copied = self._mended(manifest) if is_there else self._carried(manifest)
        origin = f"copied from {self.source.url}"
        why = f"{message} ({origin})" if message else origin
        # Also where nothing was carried: a copy that was killed may have left it undone.
        return replace(copied, revision=apply_policy(self.target, id.model, why))

    def _carried(self, manifest: Manifest) -> Copy:
        id = manifest.id
        with self._fetched(id) as version:
            plan = version.plan or self._compiled(version.directory)
            notes = () if version.plan else ("compiled its plan again",)
            try:
                stored = self.target.artifacts.put(manifest, plan, version.directory, self.progress)
            except VersionExists:
                if self._is_there(manifest):  # a rival brought the same files at the same time
                    return Copy("identical", manifest)
                raise
        # As in publishing: a deletion of this number that came meanwhile counts.
        if id.version in self.target.state(id.model).retired:
            self.target.artifacts.remove(id)
            raise VersionExists(f"{id} was deleted in {self.target.url} while it was being copied")
        return Copy("copied", manifest, stored.uploaded, notes=notes)

    def _mended(self, manifest: Manifest) -> Copy:
        """The version is there; a plan that is not, or is damaged, is brought after it."""
        id = manifest.id
        if self.target.artifacts.plan(id) is not None:
            return Copy("identical", manifest)
        plan = self.source.artifacts.plan(id)
        if plan is None:
            with self._fetched(id) as version:
                plan = version.plan or self._compiled(version.directory)
        self.target.artifacts.put_plan(id, plan)
        return Copy("identical", manifest, notes=("brought its plan again",))

    def _is_there(self, manifest: Manifest) -> bool:
        """Whether the target has these very files. Raises VersionExists for others, or retired."""
        id = manifest.id
        if id.version in self.target.state(id.model).retired:
            raise VersionExists(
                f"{id} was deleted in {self.target.url}, and a deleted number never comes back",
                hint="publish its files under a number that is new there",
            )
        # Not by a NotFound of its manifest: that may as well be one of the bucket.
        if id.version not in self.target.artifacts.versions(id.model):
            return False
        with _told_of(self.target):
            found = self.target.artifacts.manifest(id)
        if found.files != manifest.files:
            raise VersionExists(
                f"{id} exists in {self.target.url} with other bytes"
                f" (published {found.at} by {found.by})",
                hint="a version never changes: publish its files under a number that is new there",
            )
        return True

    @contextmanager
    def _fetched(self, id: ModelId) -> Iterator[Fetched]:
        with ExitStack() as kept:
            with _told_of(self.source):
                version = kept.enter_context(self.source.artifacts.fetch(id, self.progress))
            yield version

    def _compiled(self, directory: Path) -> Plan:
        self.progress.start("compiling", 0)
        return self.compiler().compile(directory)


@contextmanager
def _told_of(registry: Registry) -> Iterator[None]:
    """Which of the two registries it is that lacks something, or is damaged."""
    try:
        yield
    except (NotFound, Damaged) as error:
        raise type(error)(f"{error}, in {registry.url}", hint=error.hint) from error
