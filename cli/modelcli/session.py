"""What one run of `deploy` works with, read once at the edge."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.artifacts.directory import DirectoryArtifacts
from modelregistry.errors import InvalidInput, NotFound
from modelregistry.opening import directory_of, open_registry
from modelregistry.plan import Compiler
from modelregistry.registry import Registry

from . import output
from .failures import extra_for
from .location import STACK, Location, Named, locate

if TYPE_CHECKING:
    from modelregistry.aws.stack import StackOutputs

SERVE = ("serve",)  # the tags of a graph that is meant to be served


def tensorflow_compiler(tags: Sequence[str] = SERVE) -> Compiler:
    """
    The compiler that runs TensorFlow in a process of its own. `tags` choose the graph
    of a SavedModel that has several.
    """
    with extra_for("compiling a model"):
        from modelserver.compiler import SubprocessCompiler  # noqa: PLC0415 - imports numpy
    return SubprocessCompiler(tags=tags)


def cloudformation_outputs(stack: str) -> "StackOutputs":
    """What the stack of that name, or ARN, says about itself."""
    from modelregistry.aws.stack import stack_outputs  # noqa: PLC0415 - few runs name one

    arn = stack.split(":")
    return stack_outputs(stack, region=arn[3] or None if len(arn) > 3 else None)


@dataclass(frozen=True)
class Session:
    """
    `given` is what was named before the command, if anything was; `outputs` looks
    a stack up by its name.

    What was opened is closed by `closing`, when the run is over.
    """

    environment: Mapping[str, str]
    directory: Path
    compiler: Callable[[Sequence[str]], Compiler] = tensorflow_compiler
    outputs: Callable[[str], "StackOutputs"] = cloudformation_outputs
    given: Named = field(default_factory=Named)
    closing: ExitStack = field(default_factory=ExitStack)

    def locate(self, registry: str | None, stack: str | None) -> Location:
        """
        Which registry this run means, and why. What is given here was named after the
        command. A stack is asked for its registry, and raises NotFound if it has none.
        """
        named = self.given.before(Named(registry, stack))
        return self.resolved(locate(named, self.environment, self.directory))

    def resolved(self, location: Location) -> Location:
        """The same, with the URL of the registry where only its stack was named."""
        if location.stack is None:
            return location
        found = self._outputs(location.stack).registry_url
        return Location(found, f"of the stack {location.stack}, {location.reason}")

    def server(self, url: str) -> str:
        """The URL of a server; `stack:NAME` is the API of that stack. Raises NotFound."""
        if not url.startswith(STACK):
            return url
        stack = url.removeprefix(STACK)
        api = self._outputs(stack).api_url
        if api is None:
            raise NotFound(f"stack {stack} has no API", hint="it has no output ApiUrl")
        return api

    def open(self, registry: str | None, stack: str | None) -> Registry:
        """That registry. Raises NotFound, saying why it was looked for there."""
        return self.open_at(self.locate(registry, stack))

    def open_at(self, location: Location) -> Registry:
        """The registry there. Raises NotFound, saying why it was looked for there."""
        try:
            return self._closed_later(open_registry(location.url))
        except NotFound as error:
            raise NotFound(f"{error} ({location.reason})", hint=error.hint) from error

    def open_to_write(self, location: Location, *, dry_run: bool) -> Registry:
        """The registry there, made if it is not; for a dry run, an empty one in its place."""
        try:
            return self._closed_later(open_registry(location.url))
        except NotFound:
            if not dry_run:
                output.note(f"making the registry {location.shown} ({location.reason})")
                return self._closed_later(open_registry(location.url, create=True))
            # Of a directory, that is: a bucket is asked when it is used, and made by nobody here.
            root = directory_of(location.url)
            return Registry(DirectoryArtifacts(root), MemoryAliasTable(), url=location.shown)

    def naming(self, registry: str | None, stack: str | None) -> "Session":
        """The session in which they were named before the command."""
        return replace(self, given=Named(registry, stack))

    def _outputs(self, stack: str) -> "StackOutputs":
        if not stack:
            raise InvalidInput("the stack's name is empty", hint="write --stack NAME")
        return self.outputs(stack)

    def _closed_later(self, registry: Registry) -> Registry:
        self.closing.callback(registry.aliases.close)
        return registry


def session_of(context: typer.Context) -> Session:
    found: Session = context.obj
    return found


def flag_of(context: typer.Context) -> str:
    """
    What another command needs to act on the registry that this one was told to: its
    own `--registry` or `--stack`, and nothing where none was given.
    """
    after = Named(context.params.get("registry"), context.params.get("stack"))
    return session_of(context).given.before(after).flag
