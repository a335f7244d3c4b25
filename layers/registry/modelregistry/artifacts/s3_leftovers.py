"""
What interrupted commands leave in a bucket, and when it may go.

Nobody can see from outside whether a publisher still lives. So each writes down, as
an object of its own, what it is about to write, before it writes anything, and gives
up after `GIVE_UP`: what is older than `ABANDONED` is nobody's. All ages are by S3's
clock, all durations by the publisher's own.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import Damaged, NotFound, Refused
from ..manifest import COMPILED, MANIFEST
from ..names import ModelId
from .pins import Pinned
from .s3_bucket import Bucket
from .s3_download import Reader
from .s3_layout import KINDS, Layout
from .s3_objects import Began, Stamped

GIVE_UP = timedelta(hours=23)
ABANDONED = timedelta(hours=24)


@dataclass(frozen=True)
class Note:
    """That `id` is being written or removed, and since when."""

    kind: str
    id: ModelId
    key: str
    version: str
    at: datetime


@dataclass(frozen=True)
class Leftover:
    """
    What may go, and `where` it is: objects, uploads that are not complete, and after
    them what was noted of them. Objects and note are (key, VersionId).
    """

    where: str
    objects: tuple[tuple[str, str], ...] = ()
    uploads: tuple[Began, ...] = ()
    note: tuple[str, str] | None = None


class Journal:
    """Notes of what is under way. Stateless."""

    def __init__(self, bucket: Bucket, layout: Layout) -> None:
        self._bucket = bucket
        self._layout = layout

    def begin(self, kind: str, id: ModelId, paths: Iterable[str] = ()) -> tuple[str, str]:
        """
        Write down that `paths` of `id` are about to change. Returns the note for `end`.

        Raises Refused where the bucket keeps only the newest object of a key.
        """
        key = f"{self._layout.notes(kind)}{id.model}/{id.version}/{uuid.uuid4().hex}"
        version = self._bucket.put(key, json.dumps(sorted(paths)).encode()).version
        if kind == "publishing" and version in {"", "null"}:
            self._bucket.delete([(key, version or "null")])
            raise Refused(
                f"the bucket {self._bucket.name} does not keep object versions, which the"
                " manifest of a version relies on",
                hint=f"turn it on: aws s3api put-bucket-versioning --bucket {self._bucket.name}"
                " --versioning-configuration Status=Enabled",
            )
        return key, version

    def end(self, note: tuple[str, str]) -> None:
        self._bucket.delete([note])

    def paths(self, note: Note) -> set[str]:
        """What `begin` was told."""
        try:
            data = Reader(self._bucket, note.key, note.version).read_all()
            return {str(path) for path in json.loads(data)}
        except (ValueError, TypeError, NotFound):
            return set()

    def notes(self) -> list[Note]:
        found = []
        for entry in self._bucket.history(self._layout.notes()):
            for kind in KINDS:
                rest = entry.key.removeprefix(self._layout.notes(kind))
                id = self._layout.version_of(self._layout.root + rest)
                if rest != entry.key and id and not entry.is_marker:
                    found.append(Note(kind, id, entry.key, entry.version, entry.modified))
        return found


class Leftovers:
    """Finds and removes them. `pinned` reads a manifest: NotFound or Damaged may come of it."""

    def __init__(
        self,
        bucket: Bucket,
        layout: Layout,
        pinned: Callable[[ModelId], Pinned],
        *,
        abandoned: timedelta = ABANDONED,
    ) -> None:
        self._bucket = bucket
        self._layout = layout
        self._journal = Journal(bucket, layout)
        self._pinned = pinned
        self._abandoned = abandoned

    def find(self) -> list[Leftover]:
        """What nobody is writing any more."""
        notes, begun = self._journal.notes(), self._bucket.begun(self._layout.root)
        if not notes and not begun:
            return []
        before = self._bucket.now() - self._abandoned
        found = [left for note in notes if note.at <= before and (left := self._of(note, before))]
        uploads = tuple(upload for upload in begun if upload.at <= before)
        return found + [
            Leftover(f"{self._bucket.url(upload.key)} (not complete)", uploads=(upload,))
            for upload in uploads
        ]

    def remove(self, left: Leftover) -> None:
        for upload in left.uploads:
            self._bucket.abort(upload.key, upload.upload)
        self._bucket.delete(left.objects)
        if left.note:
            self._bucket.delete([left.note])

    def busy(self) -> set[ModelId]:
        """The versions that somebody may be writing or removing now."""
        notes = self._journal.notes()
        before = self._bucket.now() - self._abandoned if notes else None
        return {note.id for note in notes if before and note.at > before}

    def _of(self, note: Note, before: datetime) -> Leftover | None:
        folder = self._layout.folder(note.id)
        try:
            pinned: Pinned | None = self._pinned(note.id)
        except NotFound:
            pinned = None
        except Damaged:
            return None  # which objects are whose cannot be told
        history = self._bucket.history(folder)
        if note.kind == "publishing":
            doomed = superseded(history, folder, pinned, self._journal.paths(note))
        else:
            doomed = [] if pinned else history  # its manifest went first, or did not go
        old = [entry for entry in doomed if entry.modified <= before]
        return Leftover(
            self._bucket.url(folder),
            tuple((entry.key, entry.version) for entry in old),
            # It stays as long as there is something too young to go.
            note=(note.key, note.version) if len(old) == len(doomed) else None,
        )


def superseded(
    history: Sequence[Stamped], folder: str, pinned: Pinned | None, paths: Iterable[str]
) -> list[Stamped]:
    """
    Which object versions at `paths` below `folder` belong to no published version.

    Those that the manifest pins do; where it pins none that is still there, whatever
    the bucket has under that key may be meant. Nothing is said of manifests.
    """
    there = {(entry.key, entry.version) for entry in history}
    files = {file.path for file in pinned.manifest.files} if pinned else set()
    if pinned:
        files |= {path for path in paths if path.startswith(f"{COMPILED}/")}
    wanted = {folder + path for path in paths if path != MANIFEST}
    found = []
    for entry in history:
        path = entry.key.removeprefix(folder)
        if entry.key not in wanted:
            continue
        pin = pinned.objects.get(path) if pinned else None
        if pin and (entry.key, pin) in there:
            if entry.version != pin:
                found.append(entry)
        elif pinned is None or not (pin or path in files):
            found.append(entry)
    return found
