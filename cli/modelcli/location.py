"""
Which registry, and why that one.

The first of these that names one: the command line (`--registry` or `--stack`),
the environment (DEPLOY_REGISTRY or DEPLOY_STACK), a `deploy.toml` in the working
tree (`registry` or `stack`), and else the place for the user's data. The working
tree is everything from the working directory up to the directory that holds
`.git`; without one it is the working directory alone.

One place that names both is a mistake: what was meant cannot be told.
"""

import os
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelregistry.errors import InvalidInput
from modelregistry.opening import canonical

VARIABLE = "DEPLOY_REGISTRY"
STACK_VARIABLE = "DEPLOY_STACK"
FILE = "deploy.toml"
# What stands for "the registry of this CloudFormation stack" where a URL is expected.
STACK = "stack:"
_KEYS = ("registry", "stack")


@dataclass(frozen=True)
class Named:
    """What a command line names: a registry's URL or path, or a stack. Neither, mostly."""

    registry: str | None = None
    stack: str | None = None

    @property
    def flag(self) -> str:
        """What a command needs to name the same."""
        if self.stack is not None:
            return f" --stack {shlex.quote(self.stack)}"
        return "" if self.registry is None else f" --registry {shlex.quote(self.registry)}"

    def before(self, later: "Named") -> "Named":
        """This one stood before the command, `later` after it: the later word counts."""
        registry = self.registry if later.registry is None else later.registry
        return Named(registry, self.stack if later.stack is None else later.stack)


@dataclass(frozen=True)
class Location:
    """`url` as it was written, or `stack:NAME`; `reason` for a person: who chose it."""

    url: str
    reason: str

    @property
    def stack(self) -> str | None:
        """The stack whose outputs say where the registry is, if one was named."""
        return self.url.removeprefix(STACK) if self.url.startswith(STACK) else None

    @property
    def shown(self) -> str:
        """The URL in full, as an open registry would give it."""
        return canonical(self.url)


def locate(named: Named, environment: Mapping[str, str], directory: Path) -> Location:
    """
    The registry that a command in `directory` means. Nothing is opened or asked.

    Raises InvalidInput where one place names two, and, naming file and key, for a
    deploy.toml that cannot be used.
    """
    if found := _one_of(named.registry, named.stack, "--registry", "--stack"):
        url, name = found
        return Location(url, f"chosen by {name}")
    variables = (environment.get(VARIABLE) or None, environment.get(STACK_VARIABLE) or None)
    if found := _one_of(*variables, VARIABLE, STACK_VARIABLE):
        url, name = found
        return Location(url, f"chosen by the environment variable {name}")
    if (file := _find(directory)) and (written := _read(file)):
        return Location(written, f"chosen by {file}")
    return Location(
        str(_user_data()), f"the user's own, as no --registry, {VARIABLE} or {FILE} names one"
    )


def _one_of(
    registry: str | None, stack: str | None, registry_by: str, stack_by: str
) -> tuple[str, str] | None:
    """The one that is there, as a URL, and what named it."""
    if registry is not None and stack is not None:
        raise InvalidInput(
            f"{registry_by} names {registry!r} and {stack_by} the stack {stack!r}",
            hint="name one of them: a stack's outputs say where its registry is",
        )
    if stack is not None:
        return STACK + stack, stack_by
    return None if registry is None else (registry, registry_by)


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
    for key, value in settings.items():
        if key not in _KEYS:
            raise InvalidInput(f"{file}: unknown key {key!r}", hint=f"known: {', '.join(_KEYS)}")
        if not isinstance(value, str) or not value:
            what = "a URL or a path" if key == "registry" else "the stack's name"
            raise InvalidInput(
                f"{file}: the key {key!r} is {value!r}", hint=f"write {what} in quotes"
            )
    by = (f"{file}: the key 'registry'", "the key 'stack'")
    found = _one_of(settings.get("registry"), settings.get("stack"), *by)
    return None if found is None else _beside(file, found[0])


def _beside(file: Path, url: str) -> str:
    if "://" in url or url.startswith(("file:", STACK, "~")):
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
