"""The wire between containers and the endpoints: it can be cut, and it can go dead."""

import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}


class Wire:
    """
    Hands HTTP requests from a free port of `host` on to `target`, a port of 127.0.0.1.

    It keeps connections alive, as AWS does and moto does not: a container that was frozen
    comes back to connections on which nobody answers any more.
    """

    def __init__(self, host: str, target: int) -> None:
        self._address = (host, 0)
        self._target = target
        self._listener: _Listener | None = None
        self.mend()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._address)

    def mend(self) -> None:
        """Listen, if it does not, on the same port as ever."""
        if self._listener is None:
            self._listener = _Listener(self._address, self._target)
            self._address = (self._address[0], self._listener.server_port)
            run = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
            run.start()

    def cut(self) -> None:
        """Refuse connections and end those there are."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            for connection in list(self._listener.links):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._listener = None

    def deaden(self) -> int:
        """Answer no more on open connections, without a sign; how many. New ones work."""
        assert self._listener is not None
        links = set(self._listener.links)
        self._listener.dead |= links
        return len(links)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], target: int) -> None:
        super().__init__(address, _Link)
        self.target = target
        self.links: set[socket.socket] = set()
        self.dead: set[socket.socket] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what these tests are about."""


class _Link(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection: socket.socket
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.links.add(self.connection)

    def finish(self) -> None:
        self.server.links.discard(self.connection)
        super().finish()

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.connection in self.server.dead:
            self.rfile.read()  # until the other side gives up
            return
        target = HTTPConnection("127.0.0.1", self.server.target)
        try:
            target.request(self.command, self.path, body, dict(self.headers))
            answer = target.getresponse()
            content = answer.read()
        finally:
            target.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = _hand_on  # noqa: N815 - containers write nothing else

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Say nothing: SAM says enough."""
