"""
moto with conditional writes that are atomic, as they are on AWS.

moto looks at a condition, then writes, in threads that share no lock: of two requests
that want the same key both may find it free, and both be told that they won it.
"""

import io
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Atomic:
    """
    `app`, asked one at a time for what a condition may hang on: all that is DynamoDB's,
    and S3's requests with a condition of their own. Everything else it is asked at once.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._turn = threading.Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if not _conditional(environ):
            return self._app(environ, start_response)
        # Before its turn: a client that stops in the middle of a body holds up nobody.
        try:
            body = get_input_stream(environ).read()
        except ClientDisconnected as gone:
            return gone(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        with self._turn:
            return self._app(environ, start_response)


def moto() -> Atomic:
    """All of AWS, empty, as an application for a threaded server."""
    # Half a second to import, which tests that need no AWS should not cost.
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        create_backend_app,
    )

    return Atomic(DomainDispatcherApplication(create_backend_app))


def _conditional(environ: "WSGIEnvironment") -> bool:
    return (
        environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB")
        or "HTTP_IF_NONE_MATCH" in environ
        or "HTTP_IF_MATCH" in environ
    )
