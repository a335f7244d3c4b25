"""The options of `deploy serve`: TensorFlow Serving's, and ours."""

import math
from collections.abc import Callable
from typing import Annotated, Any

import typer

from . import options
from .command import TRUTH, Truth

_THEIRS = "TensorFlow Serving's options"


def _within(least: float, most: float = math.inf) -> Callable[[float | None], float | None]:
    """A check whose bounds, unlike those of `min=`, leave room for the names in the help."""

    def check(value: float | None) -> float | None:
        if value is not None and (not least <= value <= most or value == math.inf):
            bounds = f"{least:g} or more" if most == math.inf else f"from {least:g} to {most:g}"
            raise typer.BadParameter(f"it must be {bounds}, not {value}")
        return value

    return check


def _theirs(metavar: str, help: str, least: float | None = None, most: float = math.inf) -> Any:  # noqa: A002, ANN401 - as Typer calls it, and declares it
    check = None if least is None else _within(least, most)
    return typer.Option(metavar=metavar, help=help, callback=check, rich_help_panel=_THEIRS)


def _ours(metavar: str, help: str, least: float | None = None) -> Any:  # noqa: A002, ANN401 - likewise
    check = None if least is None else _within(least)
    return typer.Option(metavar=metavar, help=help, callback=check)


RestApiPort = Annotated[int, _theirs("PORT", "Where to listen. 0 takes any free one.", 0, 65535)]
ModelName = Annotated[str, _theirs("NAME", "What the model in --model-base-path is called.")]
ModelBasePath = Annotated[
    str, _theirs("PATH", "Serve the version directories in it, in place of a registry.")
]
ModelConfigFile = Annotated[
    str, _theirs("FILE", "Serve the models in this models.config, in place of a registry.")
]
ModelConfigFilePoll = Annotated[
    int, _theirs("SECONDS", "How often that file is read again. 0: never.")
]
FileSystemPoll = Annotated[
    int, _theirs("SECONDS", "How often versions are looked for there. 0: once; negative: never.")
]
UnavailableLabels = Annotated[
    Truth, _theirs(TRUTH, "Labels may name versions that are not there yet.")
]
Timeout = Annotated[int, _theirs("MS", "What one request may take. 0 or less: any time.")]
Cors = Annotated[Truth, _theirs(TRUTH, "Let web pages of other sites ask.")]
Tags = Annotated[
    str,
    typer.Option(
        metavar="TAG,…",
        help="Which graph of a SavedModel to load.",
        callback=options.checked_tags,
        rich_help_panel=_THEIRS,
    ),
]
WarmUp = Annotated[Truth, _theirs(TRUTH, "Run a version's recorded requests when it is loaded.")]
WarmUpIterations = Annotated[int, _theirs("N", "How often each of them. 0 means 1.", 0)]
LoadRetries = Annotated[
    int | None, _theirs("N", "Give a version up after so many more loads. Without: never.", 0)
]
LoadRetryInterval = Annotated[
    int | None, _theirs("MICROS", "Between them. Without: 1 s, then twice as long, to 60 s.")
]
SessionThreads = Annotated[int, _theirs("N", "Threads for both of the next two. 0: all cores.", 0)]
IntraThreads = Annotated[int, _theirs("N", "Threads in an operation. 0: all cores.", 0)]
InterThreads = Annotated[int, _theirs("N", "Operations at once. 0: all cores.", 0)]
MonitoringConfigFile = Annotated[str, _theirs("FILE", "Says whether and where metrics are.")]
MethodNames = Annotated[
    Truth, _theirs(TRUTH, "Classify and regress only through signatures made for it.")
]
Version = Annotated[Truth, _theirs(TRUTH, "Print the versions, this one's and TensorFlow's.")]

Host = Annotated[str, _ours("ADDRESS", "Where to listen. 0.0.0.0 is everywhere.")]
AliasTtl = Annotated[float, _ours("SECONDS", "How old an alias may get.", 0.01)]
MaxBodyBytes = Annotated[int, _ours("BYTES", "The largest request body.", 1)]
MemoryBudget = Annotated[int, _ours("BYTES", "For loaded models. 0: half of the memory.", 0)]
Strict = Annotated[Truth, _ours(TRUTH, "Refuse what TensorFlow Serving lets pass in silence.")]
