"""Which directories under a base path are versions, and what would show that one changes."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelregistry.errors import InvalidInput
from modelregistry.names import MAX_VERSION

# Every entry below a directory: its relative path, and of a file size, time of the last
# change in nanoseconds, and inode; of a link, those of the file that it leads to. Two that
# are equal were taken of the same bytes, unless somebody means to deceive.
Print = tuple[tuple[str, int, int, int], ...]

_DIGITS = re.compile(r"0*([0-9]{1,19})")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def base_directory(base_path: str, model: str) -> Path:
    """The directory that `base_path` names. Raises InvalidInput for one that is elsewhere."""
    found = _URI.match(base_path)
    if found is None:
        return Path(base_path).absolute()
    parts = urlsplit(base_path)
    if found[1].lower() == "file" and parts.netloc in {"", "localhost"}:
        return Path(unquote(parts.path))
    raise InvalidInput(
        f"the base path of {model!r} is {base_path}, and only directories are served in place",
        hint=f"publish its versions, deploy publish PATH {model}, and serve the registry:"
        " deploy serve --registry URL",
    )


def versions(base: Path) -> dict[int, Path]:
    """
    The version directories in `base` by number, as TensorFlow Serving reads names: `00017` is
    17, and of several names for one number the last in order counts. Raises OSError.
    """
    found = {}
    for child in sorted(base.iterdir()):
        number = _number(child.name)
        if number is not None and child.is_dir():
            found[number] = child
    return found


def fingerprint(directory: Path) -> Print:
    """What is in `directory`, links followed. Raises OSError."""
    place = os.path.realpath(directory)
    return ((place, 0, 0, 0), *sorted(_entries(place, "", (place,))))


def _entries(
    directory: str, prefix: str, above: tuple[str, ...]
) -> Iterator[tuple[str, int, int, int]]:
    """`above` are the directories that led here: a link back to one of them is not followed."""
    with os.scandir(directory) as entries:
        for entry in entries:
            name = prefix + entry.name
            place = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            if entry.is_dir() and place not in above:
                yield f"{name}/", 0, 0, 0
                yield from _entries(place, f"{name}/", (*above, place))
            else:
                there = entry.stat(follow_symlinks=not _is_dangling(entry))
                yield name, there.st_size, there.st_mtime_ns, there.st_ino


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not (entry.is_file() or entry.is_dir())


def _number(name: str) -> int | None:
    digits = _DIGITS.fullmatch(name)
    if digits is None or int(digits[1]) > MAX_VERSION:
        return None
    return int(digits[1])
