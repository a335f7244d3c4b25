"""`warmup record`: requests that a model is warmed up with wherever it is loaded."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import options, output, wording
from .failures import extra_for

if TYPE_CHECKING:
    from modelserver.warmup.recorder import Body


def record(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIRECTORY", help="A SavedModel that is to be published: my_model/1."
        ),
    ],
    *,
    data: Annotated[
        list[str],
        typer.Option(
            "-d",
            "--data",
            metavar="FILE",
            help="A request's JSON body, or several, one a line; - reads stdin. Can be repeated.",
        ),
    ],
    form: Annotated[
        Literal["jsonl", "tfrecord"],
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="jsonl writes warmup.jsonl into assets.extra; tfrecord the file that TensorFlow"
            " Serving reads, too.",
        ),
    ] = "jsonl",
    replace: Annotated[
        bool, typer.Option("--replace", metavar="", help="Forget what is recorded there.")
    ] = False,
    saved_model_tags: options.SavedModelTags = "serve",
) -> None:
    """
    Record requests that warm a model up before it is published.

    Each is held to the model's signatures. `deploy publish` runs them, and
    refuses the model if one fails; every load of the version runs them again.
    """
    with extra_for("recording a warm-up"):
        from modelserver.warmup import recorder  # noqa: PLC0415 - imports numpy

        recording = recorder.record(
            directory,
            [body for file in data for body in _bodies(file)],
            tags=options.saved_model_tags(saved_model_tags),
            form=form,
            replace=replace,
        )
    added = wording.count(recording.added, "request")
    output.line(f"{directory / recording.file}: {added} added, {recording.total} in all")
    output.note(f"they are run by: deploy publish {shlex.quote(str(directory))} MODEL")


def _bodies(file: str) -> list["Body"]:
    from modelserver.warmup.recorder import bodies_in  # noqa: PLC0415

    if file == "-":
        return bodies_in(sys.stdin.buffer.read(), "stdin")
    return bodies_in(Path(file).read_bytes(), file)
