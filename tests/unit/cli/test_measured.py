"""status --url: what a server says that it answers with, beside what is wanted."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.unit.cli.deploying import Deploy

METRICS, MODEL = "/monitoring/prometheus/metrics", "/v1/models/sample"
REQUESTS = "lambda_serving_alias_requests_total"
REVISION = "lambda_serving_alias_revision"


@dataclass
class Server:
    """Answers with what is at a path of `pages`, and with 404 where nothing is."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)

    def counted(self, revision: int, **requests: int) -> None:
        """stable is answered by `revision`, `v2=7` requests have been since."""
        lines = [f'{REVISION}{{model="sample",alias="stable"}} {revision}']
        for version, count in requests.items():
            labels = f'alias="stable",revision="{revision}",version="{version[1:]}"'
            lines.append(f'{REQUESTS}{{model="sample",{labels}}} {count}')
            lines.append(f'{REQUESTS}{{model="other",{labels}}} 1000000')
        self.pages[METRICS] = "\n".join([f"# TYPE {REQUESTS} counter", *lines, ""])

    def has(self, **states: str) -> None:
        """Of `v2="reason"` why it cannot be loaded, '' where it is."""
        versions = [
            {
                "version": version[1:],
                "state": "END" if why else "AVAILABLE",
                "status": {"error_code": "OK", "error_message": why},
            }
            for version, why in states.items()
        ]
        self.pages[MODEL] = json.dumps({"model_version_status": versions})


@pytest.fixture
def server() -> Iterator[Server]:
    answers = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = answers.pages.get(self.path)
            body = (page if page is not None else '{"error": "Not found"}').encode()
            self.send_response(404 if page is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        answers.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        answers.has(v1="", v2="")
        yield answers
        http.shutdown()
        thread.join()


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """stable is 1 with a canary 2 of 10 %: revision 2."""
    deploy.published({"sample": 2})
    deploy.ok("promote", "sample", "1")
    deploy.ok("canary", "sample", "2", "--weight", "10")
    return deploy


def shares(out: str) -> list[list[str]]:
    """The rows below ACTUAL %."""
    return [line.split() for line in out[out.index("ACTUAL %") :].splitlines()[1:]]


def test_actual_shares_stand_beside_those_wanted(live: Deploy, server: Server) -> None:
    server.counted(2, v1=1799, v2=206)
    result = live.ok("status", "sample", "--url", server.url)
    assert shares(result.out) == [
        ["stable", "1", "90", "89.73", "1799"],
        ["stable", "2", "10", "10.27", "206"],
    ]
    assert result.err == ""
    document = live.ok("status", "sample", "--url", server.url + "/", "--json").json
    assert document["actual"] == {
        "aliases": {"stable": {"revision": 2, "requests": {"1": 1799, "2": 206}}},
        "refused": {},
    }


def test_a_version_that_nobody_wants_there_is_shown_as_well(live: Deploy, server: Server) -> None:
    server.counted(2, v1=3, v7=1)
    assert shares(live.ok("status", "sample", "--url", server.url).out) == [
        ["stable", "1", "90", "75.00", "3"],
        ["stable", "2", "10", "0.00", "0"],
        ["stable", "7", "-", "25.00", "1"],
    ]


def test_a_server_at_another_revision_is_told(live: Deploy, server: Server) -> None:
    server.counted(1, v1=5)
    assert live.ok("status", "sample", "--url", server.url).err == (
        "note: the server answers stable by revision 1, the registry is at 2\n"
    )


def test_requests_of_an_earlier_revision_are_nobodys_share(live: Deploy, server: Server) -> None:
    server.counted(1, v1=500)
    server.pages[METRICS] = server.pages[METRICS].replace('"stable"} 1', '"stable"} 2')
    result = live.ok("status", "sample", "--url", server.url)
    assert shares(result.out)[0] == ["stable", "1", "90", "-", "0"]
    assert result.err == ""


def test_an_alias_that_the_server_has_not_heard_of_is_told(live: Deploy, server: Server) -> None:
    server.counted(2, v1=1)
    live.ok("promote", "sample", "1", "--alias", "beta")
    assert "note: the server does not answer beta yet\n" in (
        live.ok("status", "sample", "--url", server.url).err
    )


def test_rules_are_named_as_what_bends_the_shares(live: Deploy, server: Server) -> None:
    live.ok("route", "sample", "--when", "x-tier=gold", "--to", "2")
    server.counted(3, v1=5, v2=5)
    assert "note: the actual shares of stable include who its rules send elsewhere\n" in (
        live.ok("status", "sample", "--url", server.url).err
    )


def test_a_version_that_cannot_be_loaded_is_told_loudly(live: Deploy, server: Server) -> None:
    server.counted(2, v1=100)
    server.has(v1="", v2="no such op: Frobnicate")
    result = live.ok("status", "sample", "--url", server.url)
    assert result.err == "warning: the server cannot load version 2: no such op: Frobnicate\n"
    document = live.ok("status", "sample", "--url", server.url, "--json").json
    assert document["actual"]["refused"] == {"2": "no such op: Frobnicate"}


def test_without_a_url_no_server_is_asked(live: Deploy, server: Server) -> None:
    server.counted(2, v1=1)
    assert "ACTUAL" not in live.ok("status", "sample").out
    assert "actual" not in live.ok("status", "sample", "--json").json


def test_a_server_without_metrics_is_not_found(live: Deploy, server: Server) -> None:
    result = live("status", "sample", "--url", server.url)
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith(f"error: {server.url} has no metrics at {METRICS}\nhint: ")


def test_a_server_of_another_model_is_not_found(live: Deploy, server: Server) -> None:
    server.counted(2, v1=1)
    del server.pages[MODEL]
    result = live("status", "sample", "--url", server.url)
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("error: ")


@pytest.mark.parametrize("page", ["{}", "[]", "nothing", '{"model_version_status": [{}]}'])
def test_a_server_that_is_not_ours_is_told_in_one_line(
    live: Deploy, server: Server, page: str
) -> None:
    server.counted(2, v1=1)
    server.pages[MODEL] = page
    result = live("status", "sample", "--url", server.url)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: the server's status is not TensorFlow Serving's: ")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("localhost:8501", 2),
        ("ftp://localhost", 2),
        ("http://", 2),
        ("http://localhost:8501?x=1", 2),
        ("http://ann:secret@localhost:8501", 2),
        ("http://127.0.0.1:1", 1),
    ],
)
def test_what_is_no_server_is_told_and_no_password_is_shown(
    live: Deploy, url: str, code: int
) -> None:
    result = live("status", "sample", "--url", url)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")
    assert "secret" not in result.err
    assert "Traceback" not in result.err


def test_a_url_is_for_one_model(live: Deploy, server: Server) -> None:
    result = live("status", "--url", server.url)
    assert result.code == 2
    assert "hint: write deploy status MODEL --url URL\n" in result.err
