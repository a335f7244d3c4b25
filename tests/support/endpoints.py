"""
AWS endpoints that fail as real ones do, in front of the one in `tests.aws`.

`Faulty` speaks HTTP: it answers, hangs or loses the reply as it is told, request by
request, and else passes on. `Tunnel` knows only bytes: what goes through it can be
made to vanish, as it does for a container that was frozen.
"""

import http.client
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = Callable[["_Handler"], None]


def answers(status: int, code: str, message: str = "so it is") -> Fault:
    """The error `code`, in the protocol of the service that was asked."""

    def fault(handler: "_Handler") -> None:
        if "X-Amz-Target" in handler.headers:
            type_ = f"com.amazonaws.dynamodb.v20120810#{code}"
            handler.reply(status, json.dumps({"__type": type_, "message": message}).encode())
        else:
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            wrapped = f"<ErrorResponse>{error}</ErrorResponse>" if handler.is_query else error
            handler.reply(status, wrapped.encode())

    return fault


def passes_on(handler: "_Handler") -> None:
    """No fault: for a request before the one that is meant."""
    status, body, headers = handler.ask()
    if handler.command == "GET" and body and handler.server.spoils(handler.path):
        body = bytes([body[0] ^ 1]) + body[1:]
    handler.reply(status, body, headers)


def hangs(handler: "_Handler") -> None:
    """Nothing is answered until the server closes."""
    handler.server.closing.wait(60)
    handler.close_connection = True


def loses_the_reply(handler: "_Handler") -> None:
    """The request is done, and the connection cut before anybody hears of it."""
    handler.ask()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


class Faulty(ThreadingHTTPServer):
    """
    `faults` are taken by the next requests, in order; later ones are passed on to `target`.

    `asked` counts every request; `operations` names those of DynamoDB. What is read where
    `spoilt` is in the path has a bit flipped.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.faults: deque[Fault] = deque()
        self.asked = 0
        self.operations: list[str] = []
        self.spoilt = ""
        self.closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, operation: str) -> Fault:
        with self._lock:
            self.asked += 1
            self.operations.append(operation)
            return self.faults.popleft() if self.faults else passes_on

    def spoils(self, path: str) -> bool:
        return bool(self.spoilt) and self.spoilt in path

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faulty

    def do(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.is_query = self.body.startswith(b"Action=")
        operation = self.headers.get("X-Amz-Target", self.command).rpartition(".")[2]
        fault = self.server.take(operation)
        fault(self)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do  # noqa: N815

    def ask(self) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        try:
            connection.request(self.command, self.path, self.body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing: pytest's output is for what failed."""


@contextmanager
def faulty(target: str) -> Iterator[Faulty]:
    server = Faulty(target)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Tunnel:
    """Passes bytes on to `target`, over as many connections as come."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._alive: set[int] = set()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def swallow(self) -> None:
        """From now on, what comes over the connections there are is lost. New ones work."""
        self._alive.clear()

    def close(self) -> None:
        # What wakes a thread in `accept` or `recv`; closing alone does not.
        for each in [self._listener, *self._sockets]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self.connections += 1
                number = self.connections
                self._sockets += [near, far]
                self._alive.add(number)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(number, *pair), daemon=True).start()

    def _pump(self, number: int, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if number in self._alive:
                    target.sendall(data)
            if number in self._alive:
                target.shutdown(socket.SHUT_WR)


@contextmanager
def tunnel(target: str) -> Iterator[Tunnel]:
    made = Tunnel(target)
    try:
        yield made
    finally:
        made.close()
