"""Files that others may be reading, and that must never be there by half."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes, *, unfinished: Path | None = None) -> None:
    """
    Put `data` into the file at `path`: all of it, or the file stays as it was.

    Where there is one, its permissions stay, and so does a link to it. What is no file,
    a pipe for one, is written to. Who is killed meanwhile leaves `unfinished`, a file of
    the same file system; mostly one beside `path`. Raises OSError that names `path`.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path, data, unfinished)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _replace(path: Path, data: bytes, unfinished: Path | None) -> None:
    target = Path(os.path.realpath(path))
    beside = unfinished or target.with_name(f".{target.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            beside.chmod(stat.S_IMODE(target.stat().st_mode))
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
