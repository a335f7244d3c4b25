"""
Publishing: a SavedModel that somebody exported becomes an immutable version.

The order is the safety: hash the source, compile it, then copy while checking the
hashes again, and write the manifest last. Until then nothing exists; after it
nothing changes any more.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from . import clock
from .aliases import changes
from .aliases.revision import Revision
from .errors import Conflict, Damaged, InvalidInput, NotFound, Refused, Unavailable, VersionExists
from .manifest import FileEntry, Manifest, hash_files
from .names import MAX_VERSION, ModelId, message_text, model_name, version_directory
from .plan import Compiler, Plan
from .progress import UNWATCHED, Progress
from .registry import Proposal, Registry

_ATTEMPTS = 20
# How many earlier versions are looked at for the very same files.
_LOOK_BACK = 10


@dataclass(frozen=True)
class Publication:
    """
    What became of one publish.

    `identical`: the number exists with these very bytes, and nothing was done.
    `checked`: a dry run; everything but the storing was done. `revision` is
    what the model's version policy wrote, if it acted. `uploaded` bytes of the
    manifest's were transferred; the store had the others already.
    """

    outcome: Literal["published", "identical", "checked"]
    manifest: Manifest
    plan: Plan
    revision: Revision | None = None
    notes: tuple[str, ...] = ()
    uploaded: int = 0


@dataclass(frozen=True)
class Source:
    """A directory with a SavedModel, and the version its trainer gave it by name, if any."""

    directory: Path
    number: int | None


def sources(path: Path, version: int | None = None) -> list[Source]:
    """
    What `path` offers to publish.

    A SavedModel is itself the only source. A directory of versions, as TensorFlow
    Serving reads them, offers all its integer children, ascending, or the one
    that `version` names. Raises NotFound or InvalidInput.
    """
    if not path.is_dir():
        raise NotFound(f"{path} is not a directory")
    children = {
        number: child
        for child in sorted(path.iterdir())
        if (number := version_directory(child.name)) is not None and child.is_dir()
    }
    if _holds_model(path) or not children:
        # No model and no versions: the compiler says best what is missing.
        return [Source(path, None)]
    if version is None:
        return [Source(children[number], number) for number in sorted(children)]
    if version not in children:
        raise InvalidInput(
            f"{path} has no version {version}", hint=f"it has {', '.join(map(str, children))}"
        )
    return [Source(children[version], version)]


def next_version(registry: Registry, model: str) -> int:
    """The number after every one that was ever published. Raises Refused after the last."""
    taken = {*registry.artifacts.versions(model), *registry.state(model).retired}
    newest = max(taken, default=0)
    if newest == MAX_VERSION:
        raise Refused(f"{model}:{MAX_VERSION} is the last number: name a free one")
    return newest + 1


@dataclass(frozen=True)
class Publisher:
    """Publishes into `registry` what `compiler` accepts."""

    registry: Registry
    compiler: Compiler
    progress: Progress = UNWATCHED

    def publish(
        self,
        source: Path,
        model: str,
        version: int | None = None,
        *,
        message: str = "",
        dry_run: bool = False,
    ) -> Publication:
        """
        Publish the SavedModel in `source` as `version` of `model`, or as the next free one.

        Raises ModelRefused with the reason, VersionExists where the number is
        taken by other bytes, Unavailable where it cannot be stored. Then nothing
        of it is kept.
        """
        model_name(model)
        message_text(message)
        with _source_errors(source):
            files = hash_files(source, progress=self.progress)
        if version is not None and (found := self._existing(ModelId(model, version), files)):
            return self._identical(found, source, dry_run=dry_run)
        self.progress.start("compiling", 0)
        plan = self.compiler.compile(source)
        number = version or next_version(self.registry, model)
        manifest = Manifest(
            ModelId(model, number),
            files,
            by=self.registry.who(),
            at=clock.stamp(self.registry.now()),
            message=message,
        )
        if dry_run:
            return Publication("checked", manifest, plan, notes=self._twins(manifest))
        manifest, uploaded = self._store(source, manifest, plan, may_move=version is None)
        notes = self._twins(manifest) if version is None else ()
        revision = apply_policy(self.registry, model)
        return Publication("published", manifest, plan, revision, notes, uploaded)

    def _existing(self, id: ModelId, files: tuple[FileEntry, ...]) -> Manifest | None:
        """The manifest of `id` if it is these very files. Raises VersionExists for others."""
        if id.version in self.registry.state(id.model).retired:
            raise VersionExists(
                f"{id} was deleted, and a deleted number never comes back",
                hint=f"the next free number is {next_version(self.registry, id.model)}",
            )
        try:
            manifest = self.registry.artifacts.manifest(id)
        except NotFound:
            return None
        if manifest.files != files:
            raise VersionExists(
                f"{id} exists with other bytes (published {manifest.at} by {manifest.by})",
                hint="a version never changes; the next free number is"
                f" {next_version(self.registry, id.model)}",
            )
        return manifest

    def _identical(self, manifest: Manifest, source: Path, *, dry_run: bool) -> Publication:
        """
        Nothing to publish; but a plan that is missing or damaged is made again, and
        the policy acts if the publish that stored the version was killed before it did.
        """
        id = manifest.id
        notes: tuple[str, ...] = ()
        plan = self.registry.artifacts.plan(id)
        if plan is None:
            plan, notes = self.compiler.compile(source), ("made its plan again",)
            if not dry_run:
                self.registry.artifacts.put_plan(id, plan)
        revision = None if dry_run else apply_policy(self.registry, id.model)
        return Publication("identical", manifest, plan, revision, notes)

    def _store(
        self, source: Path, manifest: Manifest, plan: Plan, *, may_move: bool
    ) -> tuple[Manifest, int]:
        """
        Put the version. Where it `may_move`, who loses a number takes the next.

        Returns what is there now, and how many bytes had to be transferred for it.
        """
        for _ in range(_ATTEMPTS):
            id = manifest.id
            try:
                stored = self.registry.artifacts.put(manifest, plan, source, self.progress)
            except VersionExists:
                if may_move:
                    free = max(id.version + 1, next_version(self.registry, id.model))
                    manifest = replace(manifest, id=ModelId(id.model, free))
                elif found := self._existing(id, manifest.files):
                    return found, 0  # a rival published the same bytes at the same time
                else:
                    raise
            else:
                self._must_not_be_retired(id)
                return manifest, stored.uploaded
        raise Unavailable(f"{_ATTEMPTS} numbers in a row were taken by other publishers")

    def _must_not_be_retired(self, id: ModelId) -> None:
        # Somebody deleted this very number while it was on its way here: their
        # revision counts, whichever bytes came first.
        if id.version in self.registry.state(id.model).retired:
            self.registry.artifacts.remove(id)
            raise VersionExists(f"{id} was deleted while it was being published")

    def _twins(self, manifest: Manifest) -> tuple[str, ...]:
        """A note for who publishes the same bytes twice without meaning to."""
        model = manifest.id.model
        newest = self.registry.versions(model)[-_LOOK_BACK - 1 :]  # this one may be there by now
        for version in reversed(newest):
            id = ModelId(model, version)
            with suppress(NotFound, Damaged):  # another version's trouble is not this one's
                files = self.registry.artifacts.manifest(id).files
                if id != manifest.id and files == manifest.files:
                    return (f"{id} holds the very same files",)
        return ()


def apply_policy(registry: Registry, model: str, message: str = "") -> Revision | None:
    """
    Let the model's version policy act on the published versions as they are now.

    `message` is for the history. Returns the revision that it wrote; None where it had
    nothing to do. Calling it again changes nothing.
    """
    for _ in range(_ATTEMPTS):
        base = registry.aliases.newest(model)
        if base is None:
            return None
        if base.state.policy is None:
            return None  # without a look at the store
        after = changes.apply_policy(base.state, registry.versions(model, base.state))
        try:
            return registry.commit(Proposal(model, "policy", base, after), message)
        except Conflict:
            continue  # somebody was faster: look at what they left, and decide again
    raise Unavailable(f"the policy of {model} lost {_ATTEMPTS} races in a row; publish again")


def _holds_model(path: Path) -> bool:
    return any((path / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt"))


@contextmanager
def _source_errors(source: Path) -> Iterator[None]:
    """A source that cannot be read is the publisher's to mend, not the registry's."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise Refused(f"{error.filename} vanished while it was read") from error
        raise Refused(f"cannot read {error.filename or source}: {error.strerror}") from error
