"""Errors as exit codes and lines on stderr: the only table of them."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from modelregistry import errors as registry
from modelserver import errors as serving

from . import output

DEBUG = "DEPLOY_DEBUG"

# What each exit code tells a script; `deploy --help` and docs/commands.md print it.
MEANINGS = {
    0: "done, or nothing to do",
    1: "error",
    2: "usage: the command line cannot be understood",
    3: "conflict: somebody else changed the model first",
    4: "refused by a check; nothing was changed",
    5: "not found: no such registry, model, version, alias or revision",
    130: "interrupted",
}

# The first row that fits counts, so a subclass stands above its base.
CODES: Sequence[tuple[type[Exception], int]] = (
    (registry.InvalidInput, 2),
    (registry.NotFound, 5),
    (registry.Conflict, 3),
    (registry.Refused, 4),
    (registry.Damaged, 1),
    (registry.Unavailable, 1),
    (serving.UnknownLabel, 5),
    (serving.ModelNotFound, 5),
    (serving.ServingError, 1),
    (serving.PortTaken, 1),
    (serving.BadSetting, 2),
    (serving.NoHttpEvent, 1),
    (serving.BadWarmup, 4),
)


class Failed(Exception):
    """What a command could not do, in one sentence, where no library has an error for it."""

    def __init__(self, message: str, *, code: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


@contextmanager
def extra_for(what: str) -> Iterator[None]:
    """Around the imports that only an installation with the extra `serve` can do."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Failed(
            f"{what} needs {error.name}, which is not installed",
            hint="pip install 'lambda-serving[serve]'",
        ) from error


def report(error: Exception, *, debug: bool = False) -> int:
    """Say on stderr what went wrong and what to do about it. Returns the exit code."""
    if debug:
        output.traceback("".join(traceback.format_exception(error)))
    code, sentence, hint = _explained(error)
    output.error(sentence, hint)
    return code


def _explained(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, typer.TyperException):
        return error.exit_code, error.format_message(), _usage(error)
    if isinstance(error, Failed):
        return error.code, str(error), error.hint
    for kind, code in CODES:
        if isinstance(error, kind):
            return code, str(error), str(getattr(error, "hint", ""))
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return 1, f"{where}{error.strerror}", ""
    unexpected = f"{type(error).__name__}: {error}"
    return 1, unexpected, f"run again with {DEBUG}=1 for the traceback"


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return ""
    _, _, usage = context.get_usage().partition(" ")
    return f"{' '.join(usage.split())} (see {context.command_path} --help)"
