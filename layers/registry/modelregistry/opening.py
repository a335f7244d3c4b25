"""
From a registry URL to a registry. The only place that knows which kinds there are.

`file:///home/me/registry`, or a plain path, is a directory with an SQLite file
in it. Relative paths are relative to the working directory.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from .aliases.sqlite import SqliteAliasTable
from .artifacts.directory import DirectoryArtifacts
from .errors import InvalidInput, NotFound, Unavailable
from .registry import Registry

ALIASES = "aliases.sqlite3"


def open_registry(url: str, *, create: bool = False) -> Registry:
    """
    The registry at `url`; with `create` it is made if it is not there.

    Raises InvalidInput for a URL of no known kind, NotFound where there is no
    registry, Unavailable where it cannot be made.
    """
    root = directory_of(url)
    if create:
        _make(root)
    elif not _exists(root / ALIASES):
        raise NotFound(
            f"there is no registry at {root}",
            hint="the first publish makes it: deploy publish PATH MODEL",
        )
    return Registry(DirectoryArtifacts(root), SqliteAliasTable(root / ALIASES), url=root.as_uri())


def directory_of(url: str) -> Path:
    """The absolute directory that `url` names. Raises InvalidInput for other URLs."""
    if "://" not in url and not url.startswith("file:"):
        if not url:
            raise InvalidInput("the registry URL is empty", hint="write file:///PATH")
        return _path(url)
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path:
        raise InvalidInput(
            f"{url!r} is not a registry URL this version knows",
            hint="write file:///absolute/path, or a path",
        )
    if parts.query or parts.fragment:
        raise InvalidInput(f"{url!r} has a query or fragment, which a file:// registry has not")
    return _path(unquote(parts.path))


def _path(text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidInput(f"{text!r} names the home of nobody here") from error
    if "\0" in text:
        raise InvalidInput(f"{text!r} cannot be a path")
    return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise Unavailable(f"cannot look into {path.parent}: {error.strerror}") from error


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        SqliteAliasTable.create(root / ALIASES)
    except OSError as error:
        raise Unavailable(f"cannot make a registry at {root}: {error.strerror}") from error
