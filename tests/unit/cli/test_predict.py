"""predict --url, against a server in this process; and what serve and predict refuse."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from modelcli.asking import predict_url
from modelregistry.errors import InvalidInput
from modelregistry.names import reference
from tests.unit.cli.deploying import Deploy


@dataclass
class Server:
    """Answers every request with `status` and `body`, and keeps what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b'{"predictions": [2.0]}'
    asked: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    answers = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answers.asked.append((self.path, body))
            self.send_response(answers.status)
            self.send_header("content-length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        answers.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield answers
        http.shutdown()
        thread.join()


@pytest.fixture
def body(deploy: Deploy) -> str:
    (deploy.work / "body.json").write_text('{"instances": [1.0]}')
    return "body.json"


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("sample", "/v1/models/sample:predict"),
        ("sample:2", "/v1/models/sample/versions/2:predict"),
        ("sample@canary", "/v1/models/sample/labels/canary:predict"),
    ],
)
def test_the_server_is_asked_for_that_model(
    deploy: Deploy, server: Server, body: str, named: str, path: str
) -> None:
    result = deploy.ok("predict", named, "-d", body, "--url", server.url + "/")
    assert json.loads(result.out) == {"predictions": [2.0]}
    assert server.asked == [(path, b'{"instances": [1.0]}')]


@pytest.mark.parametrize(("status", "code"), [(400, 1), (404, 5), (503, 1)])
def test_what_the_server_refuses_is_an_error_in_its_words(
    deploy: Deploy, server: Server, body: str, status: int, code: int
) -> None:
    server.status, server.body = status, b'{"error": "so it is"}'
    result = deploy("predict", "sample", "-d", body, "--url", server.url)
    assert (result.code, result.out, result.err) == (code, "", "error: so it is\n")


def test_an_answer_that_is_not_tensorflow_servings_is_told_by_its_status(
    deploy: Deploy, server: Server, body: str
) -> None:
    server.status, server.body = 502, b"<html>"
    result = deploy("predict", "sample", "-d", body, "--url", server.url)
    assert result.code == 1
    assert "answered 502 Bad Gateway" in result.err


def test_no_server_is_one_line(deploy: Deploy, body: str) -> None:
    # Port 1 is never listened on, and asking it needs no permission.
    result = deploy("predict", "sample", "-d", body, "--url", "http://127.0.0.1:1")
    assert result.code == 1
    assert result.err == (
        "error: cannot reach http://127.0.0.1:1/v1/models/sample:predict: Connection refused\n"
    )


@pytest.mark.parametrize("url", ["localhost:8501", "ftp://host", "http://", "http://host?x=1"])
def test_a_url_of_no_server_is_bad_usage(url: str) -> None:
    with pytest.raises(InvalidInput, match="is not a server's URL"):
        predict_url(url, reference("sample"))


def test_a_body_that_is_not_there_is_one_line(deploy: Deploy) -> None:
    result = deploy("predict", "sample", "-d", "nowhere.json", "--url", "http://127.0.0.1:1")
    assert (result.code, result.err) == (1, "error: nowhere.json: No such file or directory\n")


def test_predicting_and_serving_need_a_registry(deploy: Deploy, body: str) -> None:
    assert deploy("predict", "sample", "-d", body).code == 5
    assert deploy("serve").code == 5


@pytest.mark.parametrize(
    "wrong",
    [
        ("--rest-api-port", "x"),
        ("--rest_api_port", "-1"),
        ("--rest-api-port=65536",),
        ("--alias-ttl", "0"),
        ("--alias_ttl", "nan"),
        ("--tensorflow_intra_op_parallelism", "-1"),
        ("--tensorflow-inter-op-parallelism", "-1"),
        ("--max_body_bytes", "0"),
        ("--memory-budget", "-1"),
    ],
)
def test_a_bad_setting_of_serve_is_bad_usage_in_either_spelling(
    deploy: Deploy, wrong: tuple[str, ...]
) -> None:
    deploy.published({"sample": 1})
    result = deploy("serve", *wrong)
    assert result.code == 2
    assert result.err.startswith("error: Invalid value for '--")
