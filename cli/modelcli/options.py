"""The arguments and options that several commands take, each described once."""

from typing import Annotated

import typer

from . import completion


def saved_model_tags(text: str) -> tuple[str, ...]:
    """The set of tags in `serve,gpu`. Raises BadParameter for an empty one."""
    tags = tuple(dict.fromkeys(tag.strip() for tag in text.split(",")))
    if not all(tags):
        raise typer.BadParameter(f"{text!r} names an empty tag")
    return tags


def checked_tags(text: str) -> str:
    saved_model_tags(text)
    return text


Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model's name.", autocompletion=completion.models)
]
MaybeModel = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A model's name. All models, if left out.",
        autocompletion=completion.models,
        show_default=False,
    ),
]
Reference = Annotated[
    str,
    typer.Argument(
        metavar="MODEL[:VERSION|@ALIAS]",
        help="A version, what an alias points to, or what the model's default means.",
        autocompletion=completion.references,
    ),
]
Version = Annotated[
    str,
    typer.Argument(
        metavar="VERSION", help="A published version.", autocompletion=completion.versions
    ),
]
AliasName = Annotated[
    str,
    typer.Argument(metavar="ALIAS", help="An alias's name.", autocompletion=completion.aliases),
]
AliasOption = Annotated[
    str,
    typer.Option(
        "--alias", metavar="ALIAS", help="Which alias.", autocompletion=completion.aliases
    ),
]
Expect = Annotated[
    int | None,
    typer.Option(
        "--expect",
        metavar="REVISION",
        min=0,
        help="The revision you believe is the newest; any other is a conflict.",
        show_default=False,
    ),
]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="TEXT", help="Why, for the history.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Say what would change, and change nothing.")
]
Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one JSON document instead of text.")
]
SavedModelTags = Annotated[
    str,
    typer.Option(
        "--saved-model-tags",
        metavar="TAGS",
        callback=checked_tags,
        help="Which graph of a SavedModel that has several: the one with exactly these tags,"
        " separated by commas.",
    ),
]
Registry = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="URL",
        help="The registry: s3://BUCKET/PREFIX?table=NAME, file:///PATH, or a path.",
        show_default=False,
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        help="The registry of this CloudFormation stack; in place of --registry.",
        show_default=False,
    ),
]
