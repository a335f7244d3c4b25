"""`predict`: ask a model for one answer, here or of a server."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from modelregistry.errors import InvalidInput
from modelregistry.names import reference as read_reference

from . import options, output
from .failures import extra_for
from .session import session_of


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
