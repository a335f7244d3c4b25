"""
Which registry, and why that one.

The first of these that names one: `--registry`, the environment variable
DEPLOY_REGISTRY, a `deploy.toml` in the working tree, and else the place for the
user's data. The working tree is everything from the working directory up to the
directory that holds `.git`; without one it is the working directory alone.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelregistry.errors import InvalidInput, NotFound
from modelregistry.opening import directory_of, open_registry

VARIABLE = "DEPLOY_REGISTRY"
FILE = "deploy.toml"
_KEYS = ("registry",)


@dataclass(frozen=True)
class Location:
    """`url` as it was written, `reason` for a person: who chose it."""

    url: str
    reason: str

    @property
    def shown(self) -> str:
        """The URL in full, as an open registry would give it."""
        return directory_of(self.url).as_uri()

    def exists(self) -> bool:
        try:
            open_registry(self.url)
        except NotFound:
            return False
        return True


def locate(given: str | None, environment: Mapping[str, str], directory: Path) -> Location:
    """
    The registry that a command in `directory` means. Nothing is opened.

    Raises InvalidInput, naming file and key, for a deploy.toml that cannot be used.
    """
    if given is not None:
        return Location(given, "chosen by --registry")
    if named := environment.get(VARIABLE):
        return Location(named, f"chosen by the environment variable {VARIABLE}")
    if (file := _find(directory)) and (named := _read(file)):
        return Location(named, f"chosen by {file}")
    return Location(
        str(_user_data()), f"the user's own, as no --registry, {VARIABLE} or {FILE} names one"
    )


def _find(directory: Path) -> Path | None:
    """The nearest deploy.toml of the working tree around `directory`."""
    for place in _tree(directory):
        if os.path.lexists(place / FILE):  # a broken link is a mistake to be told, too
            return place / FILE
    return None


def _tree(directory: Path) -> Sequence[Path]:
    upward = [directory, *directory.parents]
    for height, place in enumerate(upward):
        if (place / ".git").exists():
            return upward[: height + 1]
    return [directory]


def _read(file: Path) -> str | None:
    """The registry that `file` names. A relative path in it is relative to the file."""
    settings = _parse(file)
    for key in settings:
        if key not in _KEYS:
            raise InvalidInput(f"{file}: unknown key {key!r}", hint=f"known: {', '.join(_KEYS)}")
    if "registry" not in settings:
        return None
    url = settings["registry"]
    if not isinstance(url, str) or not url:
        raise InvalidInput(
            f"{file}: the key 'registry' is {url!r}", hint="write a URL or a path in quotes"
        )
    if "://" in url or url.startswith("file:"):
        return url
    if url.startswith("~"):
        return url
    return os.path.normpath(file.parent / url)


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is not TOML: {error}") from error


def _user_data() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - few runs get here

    return user_data_path("lambda-serving", appauthor=False) / "registry"
