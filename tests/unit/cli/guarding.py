"""
A server with a guard, as API Gateway and Lambda put before a function.

Written from AWS's description of Signature Version 4 with the standard library alone:
what signs a request here shares nothing with what verifies it.
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - AWS's example
TOKEN = "a-session-token"  # noqa: S105 - likewise
REGION = "eu-central-1"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+),"
    r" ?SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass
class Guard:
    """
    Answers every request with `status`, `body` and `headers`, and keeps what it was asked.

    With `refuse`, what that says of a request is answered with 403 in its place.
    """

    url: str = ""
    status: int = 200
    body: bytes = b'{"predictions": [2.0]}'
    headers: Mapping[str, str] = field(default_factory=dict)
    refuse: Callable[[Asked], str | None] = lambda _: None
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> tuple[int, bytes]:
        self.asked.append(asked)
        why = self.refuse(asked)
        return (
            (self.status, self.body) if why is None else (403, b'{"message":"%b"}' % why.encode())
        )


@contextmanager
def guarded() -> Iterator[Guard]:
    guard = Guard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = guard.answer(Asked(self.path, headers, body))
            self.send_response(status)
            for name, value in guard.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST  # noqa: N815 - what a redirect would be followed with

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        guard.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield guard
        http.shutdown()
        thread.join()


def wrong_signature(asked: Asked) -> str | None:
    """What API Gateway would say of the request's signature; None where it is right."""
    found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
    if found is None:
        return "Missing Authentication Token"
    day, _, service, _ = scope = found["scope"].split("/")
    if found["key"] != KEY_ID or scope != [day, REGION, service, "aws4_request"]:
        return "Credential should be scoped to a valid region"
    signed = found["signed"].split(";")
    if not {"host", "x-amz-date"} <= set(signed):
        return "host and x-amz-date must be signed"
    # A path is encoded once more than it came, as for every service but S3.
    request = "\n".join(
        [
            "POST",
            quote(asked.path, safe="/-_.~"),
            "",
            *(f"{name}:{' '.join(asked.headers[name].split())}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(asked.body).hexdigest(),
        ]
    )
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            asked.headers["x-amz-date"],
            found["scope"],
            hashlib.sha256(request.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{SECRET}".encode()
    for step in scope:
        key = hmac.digest(key, step.encode(), "sha256")
    if hmac.new(key, text.encode(), "sha256").hexdigest() != found["signature"]:
        return "The request signature we calculated does not match"
    return None
