"""The command `deploy`: its commands by name, and the one place where they are run."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from . import (
    aliasing,
    cleaning,
    configuring,
    copying,
    explaining,
    failures,
    inspecting,
    listing,
    options,
    predicting,
    publishing,
    reading,
    releasing,
    segmenting,
    serving,
    splitting,
    warming,
)
from .command import Command, FlagCommand
from .session import Session, session_of

_RELEASES = "Releases"
_VERSIONS = "Versions"
_SERVING = "Serving"

_EPILOG = """\
The registry is the one that --registry or --stack names; else the environment
variable DEPLOY_REGISTRY or DEPLOY_STACK; else deploy.toml in the working
tree; else the user's own. `deploy status` says which, and why.

Exit codes:
""" + "\n".join(f"{code:>5}  {meaning}" for code, meaning in failures.MEANINGS.items())


def _with_hyphens(option: str) -> str:
    """`rest_api_port`, as TensorFlow Serving spells it, is `rest-api-port`."""
    return option.replace("_", "-")


app = typer.Typer(
    name="deploy",
    help="Publish model versions, choose which one is live, and go back.",
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": _with_hyphens,
    },
)
alias = typer.Typer(help="The names that users call: set, unset, list, default, key, override.")
warmup = typer.Typer(help="Requests that warm a model up wherever it is loaded: record.")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version as installed_version  # noqa: PLC0415 - 60 ms

        typer.echo(installed_version("lambda-serving"))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def deploy(
    context: typer.Context,
    *,
    registry: options.Registry = None,
    stack: options.Stack = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            help="Print the version.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    context.obj = session_of(context).naming(registry, stack)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _add(
    group: typer.Typer,
    name: str,
    run: Callable[..., None],
    panel: str | None = None,
    kind: type[Command] = Command,
) -> None:
    group.command(name, cls=kind, rich_help_panel=panel)(run)


_add(app, "status", reading.status, _RELEASES)
_add(app, "promote", releasing.promote, _RELEASES)
_add(app, "rollback", releasing.rollback, _RELEASES)
_add(app, "canary", splitting.canary, _RELEASES)
_add(app, "split", splitting.split, _RELEASES)
_add(app, "abort", splitting.abort, _RELEASES)
_add(app, "route", segmenting.route, _RELEASES)
_add(app, "unroute", segmenting.unroute, _RELEASES)
_add(app, "explain", explaining.explain, _RELEASES)
_add(app, "history", reading.history, _RELEASES)
_add(app, "policy", releasing.policy, _RELEASES)
_add(app, "pinned", segmenting.pinned, _RELEASES)
_add(app, "apply", configuring.apply, _RELEASES)
_add(app, "export", configuring.export_file, _RELEASES)
app.add_typer(alias, name="alias", rich_help_panel=_RELEASES)

_add(alias, "set", aliasing.set_alias)
_add(alias, "unset", aliasing.unset_alias)
_add(alias, "list", aliasing.list_aliases)
_add(alias, "default", aliasing.set_default)
_add(alias, "key", segmenting.set_key)
_add(alias, "override", segmenting.set_override)

app.add_typer(warmup, name="warmup", rich_help_panel=_VERSIONS)

_add(warmup, "record", warming.record)

_add(app, "publish", publishing.publish, _VERSIONS)
_add(app, "copy", copying.copy, _VERSIONS)
_add(app, "list", listing.list_models, _VERSIONS)
_add(app, "show", inspecting.show, _VERSIONS)
_add(app, "diff", inspecting.diff, _VERSIONS)
_add(app, "delete", cleaning.delete, _VERSIONS)
_add(app, "gc", cleaning.gc, _VERSIONS)
_add(app, "verify", cleaning.verify, _VERSIONS)

_add(app, "serve", serving.serve, _SERVING, FlagCommand)
_add(app, "predict", predicting.predict, _SERVING)


def main(arguments: Sequence[str] | None = None, *, session: Session | None = None) -> int:
    """Run `deploy` with `arguments`, or those of this process. Returns its exit code."""
    debug = bool(os.environ.get(failures.DEBUG))
    _open_what_is_closed()
    _print_anything()
    try:
        used = session or Session(os.environ, Path.cwd())
        with used.closing:
            code = get_command(app).main(
                arguments, prog_name="deploy", standalone_mode=False, obj=used
            )
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        _let_go_of_stdout()
        return 1
    except Exception as error:  # noqa: BLE001 - a person reads a line, not a traceback
        return failures.report(error, debug=debug)
    return int(code or 0)


def _open_what_is_closed() -> None:
    """`deploy … >&-` means that nobody wants to read it, not that it should fail."""
    if sys.stdout is None or sys.stderr is None:
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - till the end
        sys.stdout = sys.stdout or nowhere
        sys.stderr = sys.stderr or nowhere


def _print_anything() -> None:
    """An encoding that lacks a character gets an escape instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _let_go_of_stdout() -> None:
    """Whoever read it is gone; the interpreter's own flush at exit must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
