"""Publishing to S3: a number is won once, and whatever dies on the way leaves no version."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from signal import SIGKILL
from threading import Barrier
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from modelregistry.artifacts.s3_bucket import Bucket
from modelregistry.artifacts.s3_layout import Layout
from modelregistry.artifacts.s3_publish import Publishing
from modelregistry.errors import Refused, Unavailable, VersionExists
from modelregistry.manifest import MANIFEST, PART, Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.fakes import contents, fetched, plan, savedmodel

from .conftest import AT, Cloud

ID = ModelId("m", 1)
AT_ONCE = timedelta(0)  # instead of a day
PROJECT = Path(__file__).parents[4]
REFUSED = b"<Error><Code>%s</Code><Message>said the test</Message></Error>"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "source")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "large", files={"variables/large": bytes(PART + 1)})


def on_manifest(cloud: Cloud, action: Callable[[AWSPreparedRequest], AWSResponse | None]) -> None:
    """`action` stands between the client and S3, for the writing of a manifest only."""

    def before_send(request: AWSPreparedRequest, **_: object) -> Any:  # noqa: ANN401 - botocore's
        return action(request) if MANIFEST in request.url else None

    cloud.clients.s3.meta.events.register("before-send.s3.PutObject", before_send)


def answer(status: int, code: str) -> AWSResponse:
    class Body:
        def stream(self, **_: object) -> Iterator[bytes]:
            yield REFUSED % code.encode()

    return AWSResponse("", status, HTTPHeaders(), Body())


def pass_on(request: AWSPreparedRequest) -> None:
    """What the network does with a request."""
    assert URLLib3Session().send(request).status_code == 200


def lost(request: AWSPreparedRequest) -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url=request.url)


def assert_nothing_is_left(cloud: Cloud) -> None:
    assert cloud.store().versions("m") == []
    assert cloud.history() == []
    assert cloud.uploads() == 0


def test_a_lost_reply_to_the_manifest_is_success(cloud: Cloud, source: Path) -> None:
    attempts = []

    def lose_the_first(request: AWSPreparedRequest) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            pass_on(request)
            raise lost(request)

    on_manifest(cloud, lose_the_first)
    cloud.put(source, ID)
    assert len(attempts) == 2
    assert cloud.store().verify(ID, UNWATCHED) == []
    assert cloud.history() == cloud.listing()
    assert contents(source) == fetched(cloud.store(), ID)


def test_a_conflict_with_another_writer_is_tried_again(cloud: Cloud, source: Path) -> None:
    answers = [answer(409, "ConditionalRequestConflict") for _ in range(2)]
    on_manifest(cloud, lambda _: answers.pop() if answers else None)
    cloud.put(source, ID)
    assert answers == []
    assert cloud.store().versions("m") == [1]


def test_a_manifest_that_is_refused_leaves_nothing(cloud: Cloud, large: Path) -> None:
    on_manifest(cloud, lambda _: answer(403, "AccessDenied"))
    with pytest.raises(Unavailable, match="s3:PutObject"):
        cloud.put(large, ID)
    assert_nothing_is_left(cloud)


def test_a_refusal_of_a_second_attempt_says_nothing_of_the_first(
    cloud: Cloud, source: Path
) -> None:
    attempts = []

    def store_then_deny(request: AWSPreparedRequest) -> AWSResponse:
        attempts.append(1)
        if len(attempts) == 1:
            pass_on(request)
            raise lost(request)
        return answer(403, "ExpiredToken")

    on_manifest(cloud, store_then_deny)
    cloud.put(source, ID)
    assert cloud.store().verify(ID, UNWATCHED) == []


def test_where_nothing_is_heard_of_the_manifest_what_it_pins_stays(
    cloud: Cloud, source: Path
) -> None:
    def go_dark(request: AWSPreparedRequest) -> None:
        pass_on(request)
        cloud.aws.stop()

    on_manifest(cloud, go_dark)
    with pytest.raises(Unavailable, match="whether m:1 is published is not known"):
        cloud.put(source, ID)
    cloud.aws.start()
    assert cloud.store().versions("m") == [1]
    assert contents(source) == fetched(cloud.store(), ID)
    cloud.store(abandoned=AT_ONCE).sweep()
    assert cloud.store().verify(ID, UNWATCHED) == []
    assert cloud.history() == cloud.listing()
    assert cloud.store().leftovers() == []


def test_a_loser_removes_its_own_objects_and_only_those(cloud: Cloud, tmp_path: Path) -> None:
    sources = [savedmodel(tmp_path / name, name) for name in ("first", "second")]
    (sources[1] / "extra").write_bytes(b"of the second")

    overtaking = iter([partial(cloud.put, sources[0], ID)])

    def be_overtaken(_: AWSPreparedRequest) -> None:
        for publish in overtaking:
            publish()

    on_manifest(cloud, be_overtaken)
    with pytest.raises(VersionExists):
        cloud.put(sources[1], ID)
    assert contents(sources[0]) == fetched(cloud.store(), ID)
    assert cloud.history() == cloud.listing()
    assert cloud.store().verify(ID, UNWATCHED) == []


def test_what_a_lost_reply_left_twice_goes_with_the_rest(cloud: Cloud, source: Path) -> None:
    def lose_the_first(request: AWSPreparedRequest, **_: object) -> None:
        if "saved_model.pb" in request.url and not attempts:
            attempts.append(request.url)
            pass_on(request)
            raise lost(request)

    attempts: list[str] = []
    cloud.clients.s3.meta.events.register("before-send.s3.PutObject", lose_the_first)
    cloud.put(source, ID)
    assert len(attempts) == 1
    assert cloud.history() == cloud.listing()
    cloud.store().remove(ID)
    # Where it is not published, nobody knows of the first: it is left for the sweep.
    attempts.clear()
    change = partial((source / "variables/variables.index").write_bytes, b"?")
    with pytest.raises(Refused):
        cloud.put(source, ID, meanwhile=change)
    assert len(attempts) == 1
    cloud.store(abandoned=AT_ONCE).sweep()
    assert_nothing_is_left(cloud)


def test_racing_processes_have_one_winner(cloud: Cloud, tmp_path: Path) -> None:
    sources = [savedmodel(tmp_path / str(n), f"content {n}") for n in range(3)]
    racers = [publisher(cloud) for _ in sources]
    for racer, source in zip(racers, sources, strict=True):
        ask(racer, 0, source)
    ends = [int(racer.communicate(timeout=60)[0].split()[0]) for racer in racers]
    assert ends.count(0) == 1
    assert contents(sources[ends.index(0)]) == fetched(cloud.store(), ID)
    assert cloud.store().verify(ID, UNWATCHED) == []
    assert cloud.history() == cloud.listing()


def test_racing_threads_leave_nothing_but_the_winner(cloud: Cloud, tmp_path: Path) -> None:
    start = Barrier(4)

    def publish(n: int) -> None:
        source = savedmodel(tmp_path / str(n), f"content {n}", {"large": bytes([n]) * (PART + 1)})
        with suppress(VersionExists):
            cloud.put(source, ID, meanwhile=lambda: start.wait(60))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(4)))
    assert cloud.store().verify(ID, UNWATCHED) == []
    assert cloud.history() == cloud.listing()
    assert cloud.uploads() == 0


Mortal = Callable[[int, Path], tuple[int, list[str]]]


@pytest.fixture
def mortal(cloud: Cloud) -> Iterator[Mortal]:
    with publisher(cloud) as process:

        def run(point: int, source: Path) -> tuple[int, list[str]]:
            assert process.stdout is not None
            ask(process, point, source)
            end, _, calls = process.stdout.readline().partition(" ")
            return int(end), json.loads(calls)

        yield run


def publisher(cloud: Cloud) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal_s3", cloud.aws.bucket, cloud.aws.prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT,
    )


def ask(process: "subprocess.Popen[str]", point: int, source: Path) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{point} {source}\n")
    process.stdin.flush()


def test_killed_at_any_request_it_leaves_no_version_and_is_swept(
    cloud: Cloud, source: Path, mortal: Mortal
) -> None:
    end, calls = mortal(0, source)
    assert end == 0
    cloud.store().remove(ID)
    assert_nothing_is_left(cloud)
    outcomes = []
    for point in range(1, len(calls) + 1):
        assert mortal(point, source)[0] == -SIGKILL
        outcomes.append(cloud.store().versions("m"))
        assert_it_goes_on(cloud, source, again=point % 2 == 0)
    # The manifest is what decides; after it come the requests that tidy up.
    decided = outcomes.index([1])
    assert outcomes == [[]] * decided + [[1]] * (len(calls) - decided)
    assert calls[decided - 1] == "PutObject"


def test_killed_within_a_multipart_upload_it_leaves_no_part(
    cloud: Cloud, large: Path, mortal: Mortal
) -> None:
    _, calls = mortal(0, large)
    cloud.store().remove(ID)
    points = [n for n, call in enumerate(calls, 1) if "Upload" in call]
    assert len(points) == 4
    for point in points:
        assert mortal(point, large)[0] == -SIGKILL
        assert cloud.store().versions("m") == []
        assert_it_goes_on(cloud, large, again=False)


def assert_it_goes_on(cloud: Cloud, source: Path, *, again: bool) -> None:
    """What is left is in nobody's way, goes after a day, and takes no version along."""
    before = cloud.history()
    cloud.store().sweep()
    assert cloud.history() == before
    published = cloud.store().versions("m")
    if not published and again:
        cloud.put(source, ID)
        published = [1]
    cloud.store(abandoned=AT_ONCE).sweep()
    assert cloud.store().versions("m") == published
    assert cloud.uploads() == 0
    if published:
        assert cloud.store().verify(ID, UNWATCHED) == []
        assert contents(source) == fetched(cloud.store(), ID)
        assert cloud.history() == cloud.listing()
        cloud.store().remove(ID)
    assert_nothing_is_left(cloud)


def test_an_interrupted_publish_is_named_once_it_is_a_day_old(cloud: Cloud, source: Path) -> None:
    def die(_: AWSPreparedRequest) -> None:
        raise SystemExit  # past all that would clean up: the manifest is under way

    on_manifest(cloud, die)
    with pytest.raises(SystemExit):
        cloud.put(source, ID)
    assert cloud.store().leftovers() == []
    assert cloud.store().strays() == []
    late = cloud.store(abandoned=AT_ONCE)
    where = f"s3://{cloud.aws.bucket}/{cloud.aws.prefix}/m/1/"
    assert late.leftovers() == [where]
    assert [(f.kind, f.where) for f in late.strays()] == [("orphaned", where)]
    cloud.write("m/1/notes.txt", b"by hand")
    late.sweep()
    assert cloud.listing() == ["m/1/notes.txt"]


def test_an_interrupted_removal_is_finished(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    seen = []

    def die_at_the_second(**_: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise SystemExit

    cloud.clients.s3.meta.events.register("before-send.s3.DeleteObjects", die_at_the_second)
    with pytest.raises(SystemExit):
        cloud.store().remove(ID)
    assert cloud.store().versions("m") == []
    assert len(cloud.listing()) > 3
    cloud.store(abandoned=AT_ONCE).sweep()
    assert_nothing_is_left(cloud)


def test_a_large_file_that_changes_is_refused_and_nothing_stays(cloud: Cloud, large: Path) -> None:
    def change() -> None:
        with (large / "variables/large").open("r+b") as file:
            file.seek(PART)
            file.write(b"?")

    with pytest.raises(Refused, match="variables/large changed"):
        cloud.put(large, ID, meanwhile=change)
    assert_nothing_is_left(cloud)


def test_a_publisher_that_slept_for_a_day_gives_up(cloud: Cloud, source: Path) -> None:
    moments = iter([0.0, 90_000.0])
    publishing = Publishing(
        Bucket(cloud.clients, cloud.aws.bucket),
        Layout.of(cloud.aws.prefix),
        lambda id: pytest.fail(f"nothing to copy from {id}"),
        clocks=(lambda: 0.0, lambda: next(moments)),
    )
    written = Manifest(ID, hash_files(source), "ann", AT, "")
    with pytest.raises(Unavailable, match="took 25 hours"):
        publishing.put(written, plan(), source, UNWATCHED)
    assert_nothing_is_left(cloud)


def test_s3_is_told_the_digest_of_all_it_is_sent(cloud: Cloud, large: Path) -> None:
    sent: list[tuple[str, Any]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        sent.append((model.name, params["headers"].get("x-amz-checksum-sha256")))

    cloud.clients.s3.meta.events.register("before-call.s3", note)
    cloud.put(large, ID)
    parts = [digest for call, digest in sent if call == "UploadPart"]
    assert len(parts) == 2
    assert all(parts)
    files = [digest for call, digest in sent if call == "PutObject" and digest]
    assert len(files) == len(contents(large)) - 1
