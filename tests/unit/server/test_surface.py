"""What HTTP is around the API: gzip, browsers, the list of models, health."""

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Semaphore

import anyio
import httpx2
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from modelregistry.aliases.changes import whole
from modelregistry.aliases.state import State, parse_shares
from modelregistry.errors import Unavailable
from modelregistry.names import ModelId
from modelregistry.registry import Proposal, Registry
from modelserver.api.compression import SMALLEST
from modelserver.api.waiting import THREADS
from modelserver.api.web import create_app
from modelserver.errors import ModelUnavailable
from modelserver.routing import Router
from modelserver.runtime.tensors import Array
from modelserver.servables import Servable, Servables
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from tests.fakes import MemoryArtifacts, memory_registry, publish_all

from .doubles import Doubler, Loads

PREDICT = "/v1/models/sample:predict"
ONE = b'{"instances": [1.0]}'
EMPTY = {"error": "JSON Parse error: The document is empty"}
SETTINGS = ServingSettings(alias_ttl=0, timeout=5, max_inflated_bytes=10_000, memory_budget=10**9)
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 3, "other": 1})
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    return registry


@pytest.fixture
def loads() -> Loads:
    return Loads()


@contextmanager
def serving(
    registry: Registry, loads: Loads, settings: ServingSettings = SETTINGS
) -> Iterator[tuple[TestClient, ModelServer]]:
    servables = Servables(loads, budget=10**9)
    router = Router(registry, servables, ttl=0, swap_wait=5)
    server = ModelServer(registry, servables, router, settings)
    app = create_app(server, {"/page": lambda: (b"# page\n" * 1000, "text/plain")})
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, server


@pytest.fixture
def client(registry: Registry, loads: Loads) -> Iterator[TestClient]:
    with serving(registry, loads) as (client, _):
        yield client


def many(count: int = 1000) -> bytes:
    return json.dumps({"instances": [0.5] * count}).encode()


class TestRequestsThatAreGzip:
    @pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
    def test_are_inflated(self, client: TestClient, coding: str) -> None:
        answer = client.post(
            PREDICT, content=gzip.compress(ONE), headers={"content-encoding": coding}
        )
        assert {"predictions": [3.0]} == answer.json()

    @pytest.mark.parametrize(
        "body",
        [b"", ONE, gzip.compress(ONE)[:-3], gzip.compress(b" " * 10_001 + ONE)],
        ids=["empty", "plain", "cut", "too large"],
    )
    def test_and_cannot_be_inflated_are_empty_documents(
        self, client: TestClient, body: bytes
    ) -> None:
        answer = client.post(PREDICT, content=body, headers={"content-encoding": "gzip"})
        assert (400, EMPTY) == (answer.status_code, answer.json())

    def test_may_inflate_to_more_than_may_arrive(self, registry: Registry, loads: Loads) -> None:
        settings = replace(SETTINGS, max_body_bytes=1000)
        with serving(registry, loads, settings) as (client, _):
            assert 413 == client.post(PREDICT, content=many()).status_code
            answer = client.post(
                PREDICT, content=gzip.compress(many()), headers={"content-encoding": "gzip"}
            )
        assert 1000 == len(answer.json()["predictions"])

    def test_are_told_apart_by_their_header_alone(self, client: TestClient) -> None:
        answer = client.post(PREDICT, content=gzip.compress(ONE))
        assert answer.json()["error"].startswith("JSON Parse error: Invalid value")


@pytest.mark.parametrize("path", ["/healthz", "/page"])
def test_health_and_metrics_are_told_while_every_thread_is_predicting(
    registry: Registry, loads: Loads, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    begun, finish = Semaphore(0), Event()

    def hang(_: Doubler, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]:
        begun.release()
        finish.wait(10)
        return {"y": inputs["x"]}

    monkeypatch.setattr(Doubler, "run", hang)
    patient = replace(SETTINGS, timeout=30)
    with serving(registry, loads, patient) as (client, _), ThreadPoolExecutor(50) as pool:
        predicting = [pool.submit(client.post, PREDICT, content=ONE) for _ in range(50)]
        for _ in range(min(THREADS, 50)):
            assert begun.acquire(timeout=10)
        status = client.get(path).status_code
        unfinished = [future for future in predicting if not future.done()]
        finish.set()
    assert (200, predicting) == (status, unfinished)


def test_how_long_a_body_takes_to_arrive_does_not_count(registry: Registry, loads: Loads) -> None:
    settings = replace(SETTINGS, timeout=1)

    async def ask(server: ModelServer) -> list[int]:
        async def receive() -> Message:
            await anyio.sleep(1.01)
            return {"type": "http.request", "body": ONE, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        statuses: list[int] = []
        scope = {"type": "http", "method": "POST", "path": PREDICT, "headers": []}
        await create_app(server)(scope, receive, send)
        return statuses

    with serving(registry, loads, settings) as (_, server):
        assert [200] == anyio.run(ask, server)


def test_a_context_is_repeated_within_what_a_body_may_be_inflated_to(
    registry: Registry, loads: Loads
) -> None:
    body = {"context": {"x": "a" * 1000}, "examples": [{}] * 10}
    with serving(registry, loads, replace(SETTINGS, max_inflated_bytes=10_000)) as (client, _):
        answer = client.post("/v1/models/sample:classify", json=body)
    assert 400 == answer.status_code
    assert answer.json()["error"].startswith("'context' takes 1018 bytes: too many to repeat")


def asked(client: TestClient, body: bytes, accepted: str) -> httpx2.Response:
    return client.post(PREDICT, content=body, headers={"accept-encoding": accepted})


class TestAnswers:
    def test_are_packed_for_whom_accepts_it(self, client: TestClient) -> None:
        plain, packed = asked(client, many(), "identity"), asked(client, many(), "gzip")
        assert ("gzip", "Accept-Encoding") == (
            packed.headers["content-encoding"],
            packed.headers["vary"],
        )
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 10
        assert plain.content == packed.content  # the client has unpacked it
        assert "1" == packed.headers["x-model-version"]

    def test_say_that_they_depend_on_it_either_way(self, client: TestClient) -> None:
        answer = asked(client, many(), "br, gzip;q=0")
        assert "content-encoding" not in answer.headers
        assert "Accept-Encoding" == answer.headers["vary"]

    def test_that_fit_into_a_packet_are_left_as_they_are(self, client: TestClient) -> None:
        answer = asked(client, many((SMALLEST - 30) // 4), "gzip")
        assert SMALLEST - 20 < len(answer.content) < SMALLEST
        assert not {"content-encoding", "vary"} & answer.headers.keys()

    def test_that_are_errors_or_documents_are_packed_too(self, client: TestClient) -> None:
        error = client.get(f"/v1/models/{'x' * 6000}")
        page = client.get("/page")
        assert (404, 200) == (error.status_code, page.status_code)
        assert ["gzip"] * 2 == [answer.headers["content-encoding"] for answer in (error, page)]

    def test_as_large_as_they_come_are_packed(self, client: TestClient) -> None:
        answer = asked(client, many(50_000), "gzip")
        assert [2.0] * 50_000 == answer.json()["predictions"]
        assert "gzip" == answer.headers["content-encoding"]


class TestBrowsers:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", PREDICT),
            ("POST", "/v1/models/no:predict"),
            ("GET", "/v1/models"),
            ("GET", "/nothing"),
            ("GET", "/healthz"),
            ("GET", "/page"),
            ("PUT", "/v1/models/sample"),
            ("OPTIONS", PREDICT),
        ],
    )
    def test_get_their_headers_on_every_answer_and_only_on_request(
        self, registry: Registry, loads: Loads, client: TestClient, method: str, path: str
    ) -> None:
        assert not CORS.keys() & client.request(method, path, content=ONE).headers.keys()
        with serving(registry, loads, replace(SETTINGS, cors=True)) as (browser, _):
            headers = browser.request(method, path, content=ONE).headers
        assert CORS == {name: headers[name] for name in CORS}

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("http://example.com", 200),
            ("https://example.com:8080", 200),
            ("null", 400),
            ("ftp://example.com", 400),
            ("", 400),
        ],
    )
    def test_may_ask_first_whether_or_not_they_get_them(
        self, client: TestClient, origin: str, status: int
    ) -> None:
        answer = client.options(PREDICT, headers={"origin": origin})
        assert (status, b"") == (answer.status_code, answer.content)

    def test_ask_first_below_v1_alone(self, client: TestClient) -> None:
        assert 404 == client.options("/", headers={"origin": "http://a"}).status_code


class TestModels:
    def test_are_listed_with_versions_aliases_and_revision(
        self, client: TestClient, registry: Registry
    ) -> None:
        registry.commit(registry.propose_set("sample", "canary", parse_shares(["2@0.5", "3@99.5"])))
        expected = [
            {
                "name": "other",
                "revision": 0,
                "default": "stable",
                "versions": ["1"],
                "aliases": {},
            },
            {
                "name": "sample",
                "revision": 2,
                "default": "stable",
                "versions": ["3", "2", "1"],
                "aliases": {
                    "canary": [{"version": "2", "weight": 0.5}, {"version": "3", "weight": 99.5}],
                    "stable": [{"version": "1", "weight": 100}],
                },
            },
        ]
        assert {"models": expected} == client.get("/v1/models").json()

    def test_of_which_only_a_log_is_left_are_not_listed(
        self, client: TestClient, registry: Registry
    ) -> None:
        registry.commit(registry.propose_promote(ModelId("other", 1), "stable"))
        registry.commit(registry.propose_unset("other", "stable"))
        registry.artifacts.remove(ModelId("other", 1))
        assert ["sample"] == [model["name"] for model in client.get("/v1/models").json()["models"]]

    def test_say_which_of_their_versions_cannot_be_served(
        self, client: TestClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "refused", refused)
        other, sample = client.get("/v1/models").json()["models"]
        assert {"4": "no variables"} == sample["refused"]
        assert "refused" not in other

    def test_in_trouble_hide_no_other(
        self, client: TestClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newest = registry.aliases.newest

        def one_is_down(model: str) -> object:
            if model == "other":
                raise Unavailable("the table does not answer")
            return newest(model)

        monkeypatch.setattr(registry.aliases, "newest", one_is_down)
        broken, sound = client.get("/v1/models").json()["models"]
        expected = "the alias table cannot be read: the table does not answer"
        assert {"name": "other", "error": expected} == broken
        assert ("sample", ["3", "2", "1"]) == (sound["name"], sound["versions"])

    def test_that_nobody_can_list_are_a_503(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(MemoryArtifacts, "models", unavailable)
        answer = client.get("/v1/models")
        assert 503 == answer.status_code
        assert {"error": "the models cannot be listed: S3 does not answer"} == answer.json()


def unavailable(*_: object) -> list[str]:
    raise Unavailable("S3 does not answer")


def unregistered(*_: object) -> Servable:
    raise ModelUnavailable("no op is called Foo")


def refused(model: str) -> dict[int, str]:
    """What serving plain directories knows of a version that it does not serve."""
    return {4: "no variables"} if model == "sample" else {}


class TestLabels:
    def test_have_the_status_of_the_versions_that_they_lead_to(
        self, client: TestClient, registry: Registry
    ) -> None:
        registry.commit(registry.propose_set("sample", "canary", parse_shares(["2@50", "3@50"])))
        document = client.get("/v1/models/sample/labels/canary").json()
        assert ["3", "2"] == [status["version"] for status in document["model_version_status"]]

    def test_have_no_status_while_their_version_is_still_to_come(
        self, client: TestClient, registry: Registry
    ) -> None:
        base = registry.aliases.newest("sample")
        state = State(aliases={"canary": whole(4)}, default="highest")
        registry.commit(Proposal("sample", "set", base, state))
        answer = client.get("/v1/models/sample/labels/canary")
        expected = {"error": "Could not find any versions of model sample"}
        assert (404, expected) == (answer.status_code, answer.json())

    @pytest.mark.parametrize("model", ["sample", "nothing"])
    def test_that_are_unknown_are_an_error(self, client: TestClient, model: str) -> None:
        answer = client.get(f"/v1/models/{model}/labels/no")
        expected = {"error": "Unrecognized servable version label: no"}
        assert (400, expected) == (answer.status_code, answer.json())


Health = Callable[[], tuple[int, object]]


@pytest.fixture
def started(registry: Registry, loads: Loads) -> Iterator[tuple[Health, ModelServer]]:
    """What `/healthz` says of a server that has not looked at anything yet."""
    with serving(registry, loads) as (client, server):

        def health() -> tuple[int, object]:
            answer = client.get("/healthz")
            return answer.status_code, answer.json()

        yield health, server


READY = 200, {"status": "ready"}


class TestHealth:
    def test_is_good_once_what_aliases_point_to_is_loaded(
        self, started: tuple[Health, ModelServer], loads: Loads
    ) -> None:
        health, server = started
        with loads.held():
            server.router.preload_all()
            assert (503, {"error": "sample:1 is still loading"}) == health()
            loads.open()
            server.servables.get(ModelId("sample", 1))
            assert READY == health()

    def test_is_good_where_versions_are_loaded_on_demand(
        self, started: tuple[Health, ModelServer]
    ) -> None:
        assert READY == started[0]()

    def test_stays_good_while_a_new_version_is_on_its_way(
        self, started: tuple[Health, ModelServer], registry: Registry, loads: Loads
    ) -> None:
        health, server = started
        server.servables.get(ModelId("sample", 1))
        server.router.look("sample")
        registry.commit(registry.propose_promote(ModelId("sample", 2), "stable"))
        with loads.held():
            server.router.preload("sample")
            assert READY == health()

    def test_is_bad_while_the_registry_was_never_reached(
        self, started: tuple[Health, ModelServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(MemoryArtifacts, "models", unavailable)
        assert (503, {"error": "S3 does not answer"}) == started[0]()

    def test_stays_good_when_the_registry_goes_away(
        self, started: tuple[Health, ModelServer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, server = started
        server.servables.get(ModelId("sample", 1))
        assert READY == health()
        monkeypatch.setattr(MemoryArtifacts, "models", unavailable)
        monkeypatch.setattr(server.registry.aliases, "newest", unavailable)
        assert READY == health()

    def test_is_bad_where_no_model_can_answer(
        self, started: tuple[Health, ModelServer], loads: Loads
    ) -> None:
        health, server = started
        loads.broken = {1}
        assert server.servables.start(ModelId("sample", 1)).exception()
        server.router.look("sample")
        assert (503, {"error": "sample:1 is broken"}) == health()

    def test_is_bad_where_all_fail_for_one_reason_and_names_each(
        self,
        started: tuple[Health, ModelServer],
        registry: Registry,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        health, server = started
        registry.commit(registry.propose_promote(ModelId("other", 1), "stable"))
        monkeypatch.setattr(Loads, "__call__", unregistered)
        for model in "other", "sample":
            assert server.servables.start(ModelId(model, 1)).exception()
            server.router.look(model)
        error = "other:1: no op is called Foo; sample:1: no op is called Foo"
        assert (503, {"error": error}) == health()

    def test_names_the_models_that_cannot_answer_beside_one_that_can(
        self, started: tuple[Health, ModelServer], registry: Registry, loads: Loads
    ) -> None:
        health, server = started
        registry.commit(registry.propose_promote(ModelId("sample", 3), "canary"))
        loads.broken = {3}
        assert server.servables.start(ModelId("sample", 3)).exception()
        server.servables.get(ModelId("sample", 1))
        server.router.look("sample")
        problems = {"status": "ready", "problems": ["sample:3 is broken"]}
        assert (200, problems) == health()

    def test_asks_nothing_of_a_version_that_gets_no_requests(
        self, started: tuple[Health, ModelServer], registry: Registry, loads: Loads
    ) -> None:
        health, server = started
        registry.commit(registry.propose_set("sample", "stable", parse_shares(["1@100", "3@0"])))
        loads.broken = {3}
        assert server.servables.start(ModelId("sample", 3)).exception()
        server.servables.get(ModelId("sample", 1))
        server.router.look("sample")
        assert READY == health()

    def test_is_bad_where_there_is_nothing_to_serve(self, tmp_path: Path, loads: Loads) -> None:
        with serving(memory_registry(tmp_path), loads) as (client, _):
            answer = client.get("/healthz")
        expected = {"error": "no model has a version to answer with"}
        assert (503, expected) == (answer.status_code, answer.json())

    def test_says_why_there_is_nothing_to_serve(
        self,
        started: tuple[Health, ModelServer],
        registry: Registry,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        registry.commit(registry.propose_unset("sample", "stable"))
        monkeypatch.setattr(registry, "refused", refused)
        expected = {"error": "sample:4 cannot be served: no variables"}
        assert (503, expected) == started[0]()

    def test_can_be_asked_for_by_head(self, client: TestClient) -> None:
        assert 200 == client.head("/healthz").status_code
        assert 404 == client.post("/healthz").status_code
