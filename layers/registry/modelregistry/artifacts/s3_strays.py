"""What lies in a bucket, below the prefix of a registry, but is no part of it."""

from collections.abc import Collection, Iterator, Sequence

from ..manifest import COMPILED, MANIFEST
from ..names import ModelId
from .pins import Pinned
from .s3_layout import Layout
from .s3_objects import Stamped


def in_version(
    history: Sequence[Stamped], folder: str, pinned: Pinned
) -> Iterator[tuple[str, str]]:
    """The paths in the folder of a published version that it does not mean, each with why."""
    files = {file.path for file in pinned.manifest.files}
    there = {(entry.key.removeprefix(folder), entry.version) for entry in history}
    for entry in history:
        path = entry.key.removeprefix(folder)
        pin = pinned.objects.get(path)
        if path.startswith(f"{COMPILED}/"):
            continue  # derived, and may have been made again
        if path == MANIFEST:
            if not entry.is_newest:
                yield path, "is an older manifest: this one was overwritten"
        elif path not in files:
            yield path, "is not part of the version"
        elif (path, pin) in there and entry.version != pin:
            what = "is deleted for" if entry.is_marker else "is another file to"
            yield path, f"{what} whoever copies the bucket; the registry reads what was published"


def around(history: Sequence[Stamped], layout: Layout, busy: Collection[ModelId]) -> Iterator[str]:
    """The keys and folders that belong to no version, and to none of the `busy` ones."""
    published = {entry.key for entry in history if entry.is_newest and not entry.is_marker}
    seen = set()
    for entry in history:
        id = layout.version_of(entry.key)
        if layout.is_note(entry.key) or id in busy:
            continue
        if id and layout.manifest(id) in published:
            continue
        where = layout.folder(id) if id else entry.key
        if where not in seen:
            seen.add(where)
            yield where
