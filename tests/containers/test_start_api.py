"""The stack as it ships, in a real container, followed by a real `deploy`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import sleep

import pytest

from infra.local.engine import docker
from modelregistry.aliases.shares import parse
from tests.functional import routed
from tests.functional.routed import ANSWERS, BODY, KEYS, SPLIT, WORDS, wanted
from tests.functional.steady import Load, changes, steady, until_all_answer
from tests.functional.terminal import NO_HEADERS, Answer, Client, until
from tests.support.shares import chi_squared

from .conftest import Api, Place, started

STABLE = "/v1/models/sample:predict"
TRIED = "/v1/models/tried:predict"
ALIAS_TTL = 1.0  # the template's
LOADING = 3.0  # seconds for a download, a load and a busy machine
PACE = 0.2  # seconds between two requests of a client; SAM hands them over one by one


@pytest.fixture(scope="module")
def api(built: Path, place: Place) -> Iterator[Api]:
    with started(built, place) as api:
        yield api


@pytest.fixture
def client(api: Api, place: Place) -> Iterator[Client]:
    """A client of the warm container, which answers `stable` from version 1."""
    place.deploy("promote", "sample", 1)
    client = Client(api.port)
    until(lambda: version(client.ask(STABLE, BODY)) == "1")
    yield client
    client.close()


def test_the_stable_alias_answers(client: Client) -> None:
    answer = client.ask(STABLE, BODY)
    assert (200, ANSWERS["1"]) == (answer.status, answer.document)
    assert ("1", "stable") == (version(answer), answer.headers["x-model-alias"])


def test_a_version_answers_by_its_number(client: Client) -> None:
    answer = client.ask("/v1/models/sample/versions/2:predict", BODY)
    assert (200, ANSWERS["2"], "2") == (answer.status, answer.document, version(answer))


def test_an_unknown_model_is_not_found(client: Client) -> None:
    answer = client.ask("/v1/models/nobody:predict", BODY)
    assert 404 == answer.status
    assert "nobody" in answer.document["error"]


def test_a_broken_artifact_is_unavailable_and_takes_nobody_along(client: Client) -> None:
    answer = client.ask("/v1/models/broken:predict", BODY)
    assert 503 == answer.status
    assert "broken:1" in answer.document["error"]
    assert 200 == client.ask(STABLE, BODY).status


def test_a_split_is_as_wide_as_it_says_and_each_key_gets_what_the_revision_wants_for_it(
    client: Client, place: Place
) -> None:
    place.deploy("split", "tried", *WORDS)
    first = {each: next(k for k in KEYS if of(k) == each) for each in "123"}
    until(lambda: {each: version(tried(client, key)) for each, key in first.items()} == SAME)
    answers = {key: tried(client, key) for key in KEYS[:200]}
    assert {key: of(key) for key in answers} == {k: version(a) for k, a in answers.items()}
    # Bytes of UTF-8, which SAM takes for Latin-1.
    abroad = {key: tried(client, key.encode().decode("latin-1")) for key in ABROAD}
    assert {key: of(key) for key in abroad} == {k: version(a) for k, a in abroad.items()}
    unknown = [tried(client) for _ in range(200)]
    assert all(is_right(answer) for answer in [*answers.values(), *unknown])
    # A right share fails here once in a hundred thousand runs.
    found = Counter(int(version(answer)) for answer in unknown)
    assert chi_squared(found, SPLIT) < ONCE_IN_100_000


ABROAD = ("ключ", "naïve", "日本", "größe", "été")
SAME = {each: each for each in "123"}
ONCE_IN_100_000 = 23.026  # of chi-squared with two degrees of freedom


def of(key: str) -> str:
    return wanted(SPLIT, key, "tried")


def tried(client: Client, key: str = "") -> Answer:
    return client.ask(TRIED, BODY, {"x-routing-key": key} if key else NO_HEADERS)


SAID: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "x-tier in gold,silver": ("", {"X-TIER": "silver"}),
    "query:tier=a b&c": ("?tier=a+b%26c&tier=d", NO_HEADERS),
    "cookie:tier=gold": ("", {"Cookie": "uid=7; tier=gold; tier=tin"}),
}


def test_a_rule_is_told_by_headers_query_and_cookies_as_sam_hands_them_over(
    client: Client, place: Place
) -> None:
    place.deploy("promote", "tried", 1)
    for when in SAID:
        place.deploy("route", "tried", "--when", when, "--to", 3)
    query, headers = SAID["cookie:tier=gold"]
    until(lambda: version(client.ask(TRIED + query, BODY, headers)) == "3")
    for query, headers in SAID.values():
        answer = client.ask(TRIED + query, BODY, headers)
        assert is_right(answer)
        assert "3" == version(answer), (query, headers)
    assert "1" == version(tried(client))
    place.deploy("unroute", "tried", "--all")


def test_a_canary_is_finished_by_a_promotion_without_a_version(
    client: Client, place: Place
) -> None:
    place.deploy("promote", "tried", 1)
    place.deploy("canary", "tried", 2, "--weight", 50)
    half = parse(["1@50", "2@50"])
    early, late = (next(k for k in KEYS if wanted(half, k, "tried") == v) for v in "21")
    until(lambda: version(tried(client, early)) == "2")
    assert "1" == version(tried(client, late))
    place.deploy("promote", "tried")
    until(lambda: version(tried(client, late)) == "2")
    assert ["2"] * 20 == [version(tried(client)) for _ in range(20)]


def test_a_promotion_and_a_rollback_reach_the_warm_container_under_load(
    client: Client, api: Api, place: Place
) -> None:
    with loaded(api) as loads:
        until_all_answer(loads, "1")
        place.deploy("promote", "sample", 2)
        assert until_all_answer(loads, "2") < ALIAS_TTL + LOADING
        place.deploy("rollback", "sample")
        assert until_all_answer(loads, "1") < ALIAS_TTL + LOADING
    assert [["1", "2", "1"]] * len(loads) == [changes(load.versions) for load in loads]


def test_the_warm_container_answers_without_s3_and_dynamodb_and_follows_once_they_are_back(
    client: Client, api: Api, place: Place
) -> None:
    with loaded(api) as loads:
        until_all_answer(loads, "1")
        place.wire.cut()
        place.deploy("promote", "sample", 2)
        before = len(loads[0].versions)
        sleep(5 * ALIAS_TTL)
        assert len(loads[0].versions) > before + 3
        assert ["1"] == changes(loads[0].versions)
        place.wire.mend()
        assert until_all_answer(loads, "2") < ALIAS_TTL + LOADING
        place.deploy("rollback", "sample")
        assert until_all_answer(loads, "1") < ALIAS_TTL + LOADING
    assert [["1", "2", "1"]] * len(loads) == [changes(load.versions) for load in loads]


def test_the_first_request_after_a_thaw_sees_what_was_promoted_meanwhile(
    client: Client, api: Api, place: Place
) -> None:
    with frozen(api, place, 3 * ALIAS_TTL):
        place.deploy("promote", "sample", 2)
    assert "2" == version(client.ask(STABLE, BODY))


def test_the_first_request_after_a_long_frost_answers_from_a_version_published_meanwhile(
    client: Client, api: Api, place: Place
) -> None:
    with frozen(api, place, 25.0):
        place.deploy("publish", place.models / "later", "sample")
        place.deploy("promote", "sample", 3)
    answer = client.ask(STABLE, BODY)
    assert (200, ANSWERS["3"], "3") == (answer.status, answer.document, version(answer))


def test_a_cold_container_without_the_table_says_so_and_recovers(built: Path, place: Place) -> None:
    place.wire.cut()
    try:
        with started(built, place) as api:
            client = Client(api.port)
            answer = client.ask(STABLE, BODY)
            assert 503 == answer.status
            assert "table" in answer.document["error"]
            place.wire.mend()
            until(lambda: client.ask(STABLE, BODY).status == 200)
            assert client.ask(STABLE, BODY).document in ANSWERS.values()
            client.close()
    finally:
        place.wire.mend()


def is_right(answer: Answer) -> bool:
    return routed.is_right(answer) and answer.headers["x-cold-start"] == "false"


@contextmanager
def frozen(api: Api, place: Place, seconds: float) -> Iterator[None]:
    """Between two requests, as on Lambda: threads stand still and connections die."""
    docker("pause", api.container)
    try:
        yield
        # Nobody answers there any more, and nobody says so.
        assert place.wire.deaden() > 0
        sleep(seconds)
    finally:
        docker("unpause", api.container)


def loaded(api: Api) -> AbstractContextManager[list[Load]]:
    return steady(api.port, clients=2, is_right=is_right, pace=PACE)


def version(answer: Answer) -> str:
    return answer.headers["x-model-version"]
