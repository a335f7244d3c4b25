"""`serve` and `predict`: answer requests here, or ask for one answer."""

import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from modelregistry.errors import InvalidInput, Unavailable
from modelregistry.names import reference as read_reference

from . import options, output
from .failures import extra_for
from .session import session_of

_MIB = 1024 * 1024


def _within(least: float, most: float = math.inf) -> Callable[[float], float]:
    """A check whose bounds, unlike those of `min=`, leave room for the names in the help."""

    def check(value: float) -> float:
        if not least <= value <= most or value == math.inf:
            bounds = f"from {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
            raise typer.BadParameter(f"{value:g} is not {bounds}")
        return value

    return check


def serve(
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is everywhere.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--rest-api-port",
            "--port",
            metavar="PORT",
            callback=_within(0, 65535),
            help="0 takes any free one.",
        ),
    ] = 8501,
    alias_ttl: Annotated[
        float,
        typer.Option(metavar="SECONDS", callback=_within(0.01), help="How old an alias may get."),
    ] = 1.0,
    rest_api_timeout_in_ms: Annotated[
        int, typer.Option(metavar="MS", callback=_within(1), help="For one request.")
    ] = 30_000,
    tensorflow_intra_op_parallelism: Annotated[
        int,
        typer.Option(
            metavar="N", callback=_within(0), help="Threads in an operation; 0: all cores."
        ),
    ] = 0,
    tensorflow_inter_op_parallelism: Annotated[
        int,
        typer.Option(metavar="N", callback=_within(0), help="Operations at once; 0: all cores."),
    ] = 0,
    max_body_bytes: Annotated[
        int,
        typer.Option(metavar="BYTES", callback=_within(1), help="The largest request body."),
    ] = 100 * _MIB,
    memory_budget: Annotated[
        int,
        typer.Option(
            metavar="BYTES",
            callback=_within(0),
            help="For loaded models; 0: half of the memory.",
        ),
    ] = 0,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Answer TensorFlow Serving's REST API on this machine.

    A flip of an alias is followed without a restart. TensorFlow Serving's own
    spelling of the options, --rest_api_port, is understood too.
    """
    found = session_of(context).open(registry, stack)
    with suppress(Unavailable):  # a server waits for a registry that is down
        found.known_models()  # raises NotFound for a bucket or table that is not there
    with extra_for("serving"):
        from modelserver.local import serve as serve_here  # noqa: PLC0415 - imports TensorFlow
        from modelserver.settings import LocalSettings  # noqa: PLC0415
    settings = LocalSettings(
        host=host,
        port=port,
        alias_ttl=alias_ttl,
        timeout=rest_api_timeout_in_ms / 1000,
        intra_op_threads=tensorflow_intra_op_parallelism,
        inter_op_threads=tensorflow_inter_op_parallelism,
        max_body_bytes=max_body_bytes,
        memory_budget=memory_budget,
    )
    serve_here(found.url, settings)


def predict(
    context: typer.Context,
    reference: options.Reference,
    *,
    data: Annotated[
        str,
        typer.Option(
            "-d", "--data", metavar="FILE", help="The request's JSON body; - reads stdin."
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Ask this server (http://localhost:8501), or the API of a stack (stack:NAME),"
            " instead of predicting in this process.",
            show_default=False,
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "-H",
            "--header",
            metavar="NAME: VALUE",
            help="Send this to the server: 'Authorization: Bearer TOKEN'. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    auth: Annotated[
        Literal["auto", "iam", "none"],
        typer.Option(
            "--auth",
            metavar="KIND",
            help="iam signs the request with your AWS credentials, none does not; auto signs it"
            " for API Gateway and Lambda function URLs, if there are credentials.",
        ),
    ] = "auto",
    timeout: Annotated[
        float,
        typer.Option(min=0.001, metavar="SECONDS", help="How long to wait for the server."),
    ] = 60,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """Ask a model for one answer."""
    named = read_reference(reference)
    if url is not None:
        # urllib takes 20 ms, which only --url pays
        from .asking import Question, ask, predict_url  # noqa: PLC0415
        from .authorising import authorized, read_headers  # noqa: PLC0415

        asked = predict_url(session_of(context).server(url), named)
        headers = {"content-type": "application/json", **read_headers(header or ())}
        body = _body(data)
        output.raw(ask(Question(asked, body, timeout), authorized(asked, body, headers, auth)))
        return
    if header or auth != "auto":
        raise InvalidInput("--header and --auth are for a server: they mean nothing without --url")
    found = session_of(context).open(registry, stack)
    found.versions(named.model)  # raises NotFound for a bucket or table that is not there
    with extra_for("predicting"):
        from modelserver.local import predict_once  # noqa: PLC0415 - imports TensorFlow
    output.raw(predict_once(found, named, _body(data)))


def _body(data: str) -> bytes:
    return sys.stdin.buffer.read() if data == "-" else Path(data).read_bytes()
