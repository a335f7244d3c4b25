"""What one run of `deploy` works with, read once at the edge."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import typer

from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.artifacts.directory import DirectoryArtifacts
from modelregistry.errors import NotFound
from modelregistry.opening import directory_of, open_registry
from modelregistry.plan import Compiler
from modelregistry.registry import Registry

from .failures import extra_for
from .location import Location, locate


def tensorflow_compiler() -> Compiler:
    """The compiler that runs TensorFlow in a process of its own."""
    with extra_for("publishing"):
        from modelserver.compiler import SubprocessCompiler  # noqa: PLC0415 - imports numpy
    return SubprocessCompiler()


@dataclass(frozen=True)
class Session:
    """
    `given` is the registry that was named before the command, if one was.

    What was opened is closed by `closing`, when the run is over.
    """

    environment: Mapping[str, str]
    directory: Path
    compiler: Callable[[], Compiler] = tensorflow_compiler
    given: str | None = None
    closing: ExitStack = field(default_factory=ExitStack)

    def locate(self, given: str | None) -> Location:
        """Which registry this run means, and why. `given` was named after the command."""
        chosen = given if given is not None else self.given
        return locate(chosen, self.environment, self.directory)

    def open(self, given: str | None) -> Registry:
        """That registry. Raises NotFound, saying why it was looked for there."""
        location = self.locate(given)
        try:
            return self._closed_later(open_registry(location.url))
        except NotFound as error:
            raise NotFound(f"{error} ({location.reason})", hint=error.hint) from error

    def open_to_publish(self, given: str | None, *, dry_run: bool) -> Registry:
        """That registry, made if it is not there; for a dry run, an empty one in its place."""
        location = self.locate(given)
        if not dry_run:
            return self._closed_later(open_registry(location.url, create=True))
        try:
            return self._closed_later(open_registry(location.url))
        except NotFound:
            root = directory_of(location.url)
            return Registry(DirectoryArtifacts(root), MemoryAliasTable(), url=root.as_uri())

    def _closed_later(self, registry: Registry) -> Registry:
        self.closing.callback(registry.aliases.close)
        return registry


def session_of(context: typer.Context) -> Session:
    found: Session = context.obj
    return found
