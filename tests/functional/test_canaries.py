"""Who gets what of a real server: shares, canaries, rules and wishes, over real connections."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from modelregistry.aliases.shares import Shares, parse
from tests.support.shares import CRITICAL, chi_squared

from .routed import (
    BODY,
    KEYS,
    PREDICT,
    SPLIT,
    WORDS,
    ask,
    is_right,
    key_of,
    publish_three,
    until_followed,
    wanted,
)
from .steady import Load, changes, steady
from .terminal import (
    DEPLOY,
    NO_HEADERS,
    PATIENCE,
    Answer,
    Client,
    deploy,
    free_port,
    must,
    running,
    until,
)

# A server whose chance is the same each time.
SEEDED = (
    "import random, sys; random.seed(6);"
    " from modelcli.main import main; sys.argv[0] = 'deploy'; sys.exit(main())"
)
HALF = parse(["1@50", "2@50"])


@pytest.fixture(scope="module")
def prepared(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = tmp_path_factory.mktemp("prepared") / "registry"
    publish_three(registry, versions)
    return registry


@dataclass
class Place:
    """A registry with `sample` in it, and a server of it."""

    registry: Path
    home: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def deploy(self, *words: object) -> str:
        return must(self.registry, *words)

    @property
    def revision(self) -> int:
        return int(json.loads(self.deploy("status", "sample", "--json"))["revision"])

    def actual(self) -> Any:  # noqa: ANN401 - a document
        """What `deploy status` tells of the server."""
        status = self.deploy("status", "sample", "--url", self.url, "--json")
        return json.loads(status)["actual"]

    @contextmanager
    def serving(self, *program: str) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
        serve = ["serve", "--rest_api_port", str(self.port), "--alias-ttl", "0.2"]
        command = [*(program or (DEPLOY,)), *serve]
        with running(command, self.port, cwd=self.home, registry=self.registry) as server:
            client = Client(self.port)
            until(lambda: client.ask("/healthz").status == 200)
            yield client, server
            client.close()


@pytest.fixture
def place(prepared: Path, tmp_path: Path) -> Place:
    return Place(Path(shutil.copytree(prepared, tmp_path / "registry")), tmp_path)


def test_each_key_is_answered_by_the_version_that_the_revision_wants_for_it(place: Place) -> None:
    place.deploy("split", "sample", *WORDS)
    with place.serving() as (client, _):
        until_followed(client, place.revision, [key_of(SPLIT, v) for v in "123"])
        answers = {key: ask(client, key) for key in KEYS}
    assert {key: wanted(SPLIT, key) for key in KEYS} == {k: version(a) for k, a in answers.items()}
    assert all(is_right(answer) for answer in answers.values())
    assert {"1", "2", "3"} == {version(answer) for answer in answers.values()}


def test_without_keys_the_shares_are_right_and_status_tells_them(place: Place) -> None:
    place.deploy("split", "sample", *WORDS)
    with place.serving(sys.executable, "-c", SEEDED) as (client, _):
        # By what asks for no prediction: each has its chance.
        loaded = [f'lambda_serving_loaded{{model="sample",version="{v}"}} 1' for v in "123"]
        until(lambda: set(loaded) <= set(metrics(place)))
        answers = [client.ask(PREDICT, BODY) for _ in range(1_000)]
        found = Counter(int(version(answer)) for answer in answers)
        shown = place.deploy("status", "sample", "--url", place.url)
        actual = place.actual()
    assert all(is_right(answer) for answer in answers)
    assert chi_squared(found, SPLIT) < CRITICAL[2]
    requests = {str(share.version): found[share.version] for share in SPLIT}
    stable = {"revision": place.revision, "requests": requests}
    assert {"aliases": {"stable": stable}, "refused": {}} == actual
    for word in WORDS:
        number, _, weight = word.partition("@")
        row = f"stable {number} {weight} {requests[number] / 10:.2f} {requests[number]}"
        assert row in " ".join(shown.split())


def test_a_canary_from_its_beginning_to_its_end_fails_nobody_and_sends_nobody_back(
    place: Place,
) -> None:
    ten, whole = parse(["1@90", "2@10"]), parse(["2"])
    steps: list[tuple[tuple[object, ...], Shares]] = [
        (("canary", "sample", 2, "--weight", 10), ten),
        (("canary", "sample", 2, "--weight", 50), HALF),
        (("promote", "sample"), whole),
        (("rollback", "sample"), HALF),
        (("abort", "sample"), parse(["1"])),
    ]
    early, never = key_of(ten, "2"), key_of(HALF, "1")
    later = next(key for key in KEYS if wanted(ten, key) == "1" and wanted(HALF, key) == "2")
    keys = [early, later, never]
    expected = {key: [wanted(shares, key) for _, shares in steps] for key in keys}
    assert [list("22221"), list("12221"), list("11211")] == list(expected.values())
    with (
        place.serving(),
        steady(place.port, clients=2, is_right=is_right, pace=0.005, keys=keys) as loads,
    ):
        for words, _ in steps:
            place.deploy(*words)
            until_all_follow(loads, place.revision)
    for load, key in zip(loads[2:], keys, strict=True):
        assert changes(["1", *expected[key]]) == changes(load.versions)
    assert {"1", "2"} == {version for load in loads[:2] for version in load.versions}


def until_all_follow(loads: list[Load], revision: int) -> None:
    until(lambda: all(load.revisions[-1:] == [str(revision)] for load in loads))


def test_a_canary_that_cannot_be_loaded_answers_nobody_loudly_until_it_can(place: Place) -> None:
    file = place.registry / "models/sample/2/variables/variables.data-00000-of-00001"
    sound = file.read_bytes()
    file.chmod(0o644)
    key = key_of(HALF, "2")
    with place.serving() as (client, server):
        file.write_bytes(bytes([sound[0] ^ 1]) + sound[1:])
        place.deploy("canary", "sample", 2, "--weight", 50)
        until(lambda: "x-model-stand-in-for" in ask(client, key).headers)
        answer = ask(client, key)
        assert is_right(answer)
        assert ("1", "2") == (version(answer), answer.headers["x-model-stand-in-for"])
        other = ask(client, key_of(HALF, "1"))
        assert is_right(other)
        assert "x-model-stand-in-for" not in other.headers

        (status,) = client.ask("/v1/models/sample/versions/2").document["model_version_status"]
        assert "END" == status["state"]
        assert "is damaged" in status["status"]["error_message"]
        health = client.ask("/healthz")
        assert (200, "ready") == (health.status, health.document["status"])
        assert "sample:2" in health.document["problems"][0]
        told = deploy(place.registry, "status", "sample", "--url", place.url)
        assert 0 == told.returncode
        assert told.stderr.startswith("warning: the server cannot load version 2: ")
        assert ["2"] == list(place.actual()["refused"])
        labels = 'model="sample",version="2",alias="stable"'
        assert metric(place, f"lambda_serving_stand_ins_total{{{labels}}}") >= 2

        file.write_bytes(sound)
        until(lambda: version(ask(client, key)) == "2")
        answer = ask(client, key)
        assert is_right(answer)
        assert "x-model-stand-in-for" not in answer.headers
        (status,) = client.ask("/v1/models/sample/versions/2").document["model_version_status"]
        assert "AVAILABLE" == status["state"]
        assert "problems" not in client.ask("/healthz").document
        assert {} == place.actual()["refused"]
        server.send_signal(signal.SIGINT)
        _, log = server.communicate(timeout=PATIENCE)
    assert [] != [line for line in log.splitlines() if "sample:2" in line and "damaged" in line]


def metric(place: Place, series: str) -> float:
    (found,) = [line for line in metrics(place) if line.startswith(series + " ")]
    return float(found.rpartition(" ")[2])


def metrics(place: Place) -> list[str]:
    with urlopen(f"http://127.0.0.1:{place.port}/monitoring/prometheus/metrics") as page:
        return str(page.read().decode()).splitlines()


RULES: dict[str, tuple[str, Mapping[str, str]]] = {
    "x-tier=gold": ("", {"X-Tier": "gold"}),
    "x-app in ios,android": ("", {"x-app": "android"}),
    "query:tier^=go": ("?a=1&tier=gold&tier=tin", {}),
    "cookie:uid=7": ("", {"Cookie": 'a=1; uid="7"; uid=8'}),
}


def test_a_rule_sends_those_who_meet_it_elsewhere_and_nobody_else(place: Place) -> None:
    for when in RULES:
        place.deploy("route", "sample", "--when", when, "--to", 2)
    with place.serving() as (client, _):
        until(lambda: version(client.ask(PREDICT, BODY, {"x-tier": "gold"})) == "2")
        for query, headers in RULES.values():
            answer = client.ask(PREDICT + query, BODY, headers)
            assert is_right(answer)
            assert "2" == version(answer), (query, headers)
        claims = {"authorization": "Bearer e30.eyJ0aWVyIjoiZ29sZCJ9.", "x-tier": "Gold"}
        assert ["1", "1"] == [
            version(client.ask(PREDICT, BODY, headers)) for headers in (NO_HEADERS, claims)
        ]


def test_a_key_may_be_something_else_that_the_request_says(place: Place) -> None:
    place.deploy("split", "sample", *WORDS)
    place.deploy("alias", "key", "sample", "stable", "cookie:uid")
    with place.serving() as (client, _):
        until_followed(client, place.revision, KEYS[:1])
        for key in KEYS[:50]:
            answer = client.ask(PREDICT, BODY, {"cookie": f"uid={key}", "x-routing-key": "other"})
            got = answer.headers.get("x-model-stand-in-for", version(answer))
            assert wanted(SPLIT, key) == got


def test_a_version_at_zero_percent_is_reached_by_asking_where_the_alias_allows_it(
    place: Place,
) -> None:
    place.deploy("split", "sample", "1@100", "3@0")
    with place.serving() as (client, _):
        ignored = wish(client, "3")
        assert ("1", "ignored") == (version(ignored), ignored.headers["x-model-override"])
        place.deploy("alias", "override", "sample", "stable", "allowed")
        until(lambda: wish(client, "3").headers.get("x-model-override") == "taken")
        taken = wish(client, "3")
        assert is_right(taken)
        assert "3" == version(taken)
        assert [404, 400] == [wish(client, text).status for text in ("2", "three")]
        assert "x-model-override" not in client.ask(PREDICT, BODY).headers


def wish(client: Client, text: str) -> Answer:
    return client.ask(PREDICT, BODY, {"x-model-version": text})


def test_numbers_reach_only_what_is_routed_where_the_model_says_so(place: Place) -> None:
    with place.serving() as (client, _):

        def by_number(number: int) -> Any:  # noqa: ANN401 - JSON is
            answer = client.ask(f"/v1/models/sample/versions/{number}:predict", BODY)
            return version(answer) if is_right(answer) else answer.document["error"]

        assert ["1", "2"] == [by_number(number) for number in (1, 2)]
        place.deploy("pinned", "sample", "routed")
        until(lambda: "No alias of sample routes to that version" in by_number(2))
        assert "1" == by_number(1)
        place.deploy("route", "sample", "--when", "x-tier=gold", "--to", 2)
        until(lambda: by_number(2) == "2")


def test_a_server_without_metrics_or_without_the_model_is_told_of(place: Place) -> None:
    other = place.home / "other"
    must(other, "publish", place.registry / "models/sample/1", "unknown")
    with place.serving():
        absent = deploy(other, "status", "unknown", "--url", place.url)
        nowhere = deploy(place.registry, "status", "sample", "--url", f"{place.url}/below")
    assert (5, "") == (absent.returncode, absent.stdout)
    assert "unknown" in absent.stderr
    assert (5, "") == (nowhere.returncode, nowhere.stdout)
    assert "has no metrics at /monitoring/prometheus/metrics" in nowhere.stderr


def version(answer: Answer) -> str:
    return answer.headers.get("x-model-version", "")
