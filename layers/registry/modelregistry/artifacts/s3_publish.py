"""
How a version comes into a bucket: its files first, and its manifest last.

Whoever writes the manifest has won the number: S3 takes it only where there is none.
Until then nothing exists for a reader; from then on the manifest's pins say which
objects are meant, whatever else is written under their keys.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import Damaged, NotFound, RegistryError, Unavailable, VersionExists
from ..manifest import Manifest
from ..names import ModelId
from ..parallel import Shared, each
from ..plan import Plan
from ..progress import Progress
from .pins import Pinned
from .plans import plan_bytes, plan_path
from .s3_bucket import Bucket
from .s3_download import Reader
from .s3_layout import Layout, version_number_of
from .s3_leftovers import GIVE_UP, Journal, superseded
from .s3_objects import Busy, Origin, Taken, was_refused
from .s3_upload import Have, Upload
from .store import Stored

# How many earlier versions are looked at for files that need no upload.
_LOOK_BACK = 10
_TRIES = 8  # of a conditional write that meets another one
_THREADS = 8

Clock = Callable[[], float]


class Publishing:
    """`pinned` reads a manifest. `clocks` tell how long a publish takes; a laptop may sleep."""

    def __init__(
        self,
        bucket: Bucket,
        layout: Layout,
        pinned: Callable[[ModelId], Pinned],
        *,
        clocks: tuple[Clock, Clock] = (time.monotonic, time.time),
    ) -> None:
        self._bucket = bucket
        self._layout = layout
        self._journal = Journal(bucket, layout)
        self._pinned = pinned
        self._clocks = clocks

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:
        """As `ArtifactStore.put` has it. Raises Refused where the bucket keeps no versions."""
        id = manifest.id
        folder, plan_at = self._layout.folder(id), plan_path(plan.compiler)
        self._must_be_free(id)
        began = self._now()
        paths = [*(file.path for file in manifest.files), plan_at]
        note = self._journal.begin("publishing", id, paths)
        upload = Upload(self._bucket, folder, Shared(progress))
        try:
            progress.start("uploading", manifest.size)
            copied, sent = self._send(manifest, source, upload)
            pins = {**copied, **sent, plan_at: upload.write(plan_at, plan_bytes(plan))}
            self._must_be_in_time(id, began)
        except BaseException:
            self._take_back(upload, note)
            raise
        pinned = Pinned(manifest, pins)
        # From here on it may exist, whatever is heard of it: what it pins is removed
        # only where it is certain that it does not.
        try:
            self._win(id, pinned.to_bytes())
        except RegistryError as error:
            if isinstance(error, VersionExists) or was_refused(error):
                self._take_back(upload, note)
            raise
        with suppress(RegistryError):  # it is published; what is left is left for `sweep`
            self._clear(pinned, folder, paths)
            self._journal.end(note)
        uploaded = sum(file.size for file in manifest.files if file.path in sent)
        return Stored(uploaded, manifest.size)

    def _must_be_free(self, id: ModelId) -> None:
        key = self._layout.manifest(id)
        history = [entry for entry in self._bucket.history(key) if entry.key == key]
        if not history:
            return
        marker = next((entry for entry in history if entry.is_newest and entry.is_marker), None)
        if marker is None:
            raise _taken(id)
        raise VersionExists(
            f"{id} was published, and its manifest was deleted by hand",
            hint="bring it back: aws s3api delete-object --bucket"
            f" {self._bucket.name} --key {key} --version-id {marker.version}"
            " or publish under the next number",
        )

    def _send(
        self, manifest: Manifest, source: Path, upload: Upload
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The versions, by path, of what was copied and of what was uploaded."""
        have = self._have(manifest)
        copied = upload.copy([file for file in manifest.files if file.sha256 in have], have)
        rest = [file for file in manifest.files if file.path not in copied]
        return copied, upload.send(rest, source)

    def _have(self, manifest: Manifest) -> Have:
        """Where the bucket has the files of the newest other versions."""
        prefix = self._layout.model(manifest.id.model)
        numbers = [version_number_of(name) for name in self._bucket.folders(prefix)]
        newest = sorted((n for n in numbers if n and n != manifest.id.version), reverse=True)

        def read(number: int) -> Pinned | None:
            with suppress(NotFound, Damaged):  # another's trouble; then there is nothing to copy
                return self._pinned(ModelId(manifest.id.model, number))
            return None

        found: dict[str, Origin] = {}
        for pinned in filter(None, each(read, newest[:_LOOK_BACK], _THREADS)):
            folder = self._layout.folder(pinned.manifest.id)
            for file in pinned.manifest.files:
                origin = Origin(folder + file.path, pinned.objects.get(file.path, ""))
                found.setdefault(file.sha256, origin)
        return found

    def _win(self, id: ModelId, data: bytes) -> None:
        """Write the manifest. Raises VersionExists where another was faster."""
        for attempt in range(_TRIES):
            try:
                return self._bucket.create(self._layout.manifest(id), data)
            except Busy:
                time.sleep(random.uniform(0.5, 1) * 0.05 * 2**attempt)  # noqa: S311
            except (Taken, RegistryError) as error:
                if isinstance(error, RegistryError) and was_refused(error):
                    raise
                # Nothing was heard, or only of a second attempt: it may be ours.
                return self._settle(id, data, error)
        raise Unavailable(
            f"{self._bucket.url(self._layout.manifest(id))} is written by others again and again",
            hint="publish again",
        )

    def _settle(self, id: ModelId, data: bytes, error: Exception) -> None:
        """Find out whether the manifest that is there is ours. Raises VersionExists if not."""
        try:
            stored = self._stored(id)
        except RegistryError:
            stored = None
        if stored is None:
            raise Unavailable(
                f"whether {id} is published is not known: {error}",
                hint=f"look when S3 answers again: deploy versions {id.model};"
                " publishing the same files again does no harm",
            ) from error
        if stored != data:
            raise _taken(id) from error

    def _stored(self, id: ModelId) -> bytes | None:
        try:
            return Reader(self._bucket, self._layout.manifest(id)).read_all()
        except NotFound:
            return None

    def _clear(self, pinned: Pinned, folder: str, paths: list[str]) -> None:
        """
        Remove what others wrote under our keys: they have lost, or were interrupted. What
        a lost reply made S3 write twice goes with it.
        """
        history = self._bucket.history(folder)
        doomed = superseded(history, folder, pinned, paths)
        self._bucket.delete([(entry.key, entry.version) for entry in doomed])

    def _take_back(self, upload: Upload, note: tuple[str, str]) -> None:
        with suppress(RegistryError):  # what cannot be removed now is left for `sweep`
            if upload.undo():
                self._journal.end(note)

    def _must_be_in_time(self, id: ModelId, began: tuple[float, ...]) -> None:
        # `sweep` takes what is older than a day for abandoned, and may have begun to remove it.
        took = max(now - then for now, then in zip(self._now(), began, strict=True))
        if took > GIVE_UP.total_seconds():
            raise Unavailable(
                f"publishing {id} took {took / 3600:.0f} hours, more than the"
                f" {GIVE_UP.total_seconds() / 3600:.0f} it may",
                hint="publish again; a computer that slept meanwhile counts",
            )

    def _now(self) -> tuple[float, ...]:
        return tuple(clock() for clock in self._clocks)


def _taken(id: ModelId) -> VersionExists:
    return VersionExists(
        f"{id} is taken", hint="a version never changes: publish under the next number"
    )
