"""
A Docker engine, the image that ships, and `sam local start-api` with a warm container.

Without an engine these tests are skipped; with CI set, that is a failure.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.local import base_image, sam
from infra.local.endpoints import bridge_address, check_address
from infra.local.engine import Refused, check_engine, docker
from tests.aws import Aws, Server, make_bucket, make_table
from tests.functional.terminal import DEPLOY, PATIENCE, free_port

from .wire import Wire

ROOT = Path(__file__).parents[2]
IMAGE = "predictfunction:predict"  # what `sam build` calls it


@cache
def missing() -> str:
    """Why there can be no containers, and how there could be; else empty."""
    try:
        sam.check_sam()
        check_engine()
        check_address(bridge_address())
        base_image.ensure()
    except Refused as refused:
        return f"no containers: {refused}"
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if missing() and os.environ.get("CI"):
        pytest.fail(missing(), pytrace=False)
    if missing():
        pytest.skip(missing())  # raised here, not in a fixture: one line for all of them


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `sam build` of the template that ships has put everything."""
    directory = tmp_path_factory.mktemp("built")
    sam.build(directory)
    return directory


@dataclass(frozen=True)
class Place:
    """S3 and DynamoDB with a registry in them, and the wire on which containers reach them."""

    aws: Aws
    wire: Wire
    models: Path

    def deploy(self, *words: object) -> str:
        """What `deploy WORDS…` prints in a process of its own; its complaints if it fails."""
        rest = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            [DEPLOY, *map(str, words)],
            env=rest | self.aws.variables | {"DEPLOY_REGISTRY": self.aws.url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """
    `sample` in two versions, version 1 `stable`; `tried` in three, of which 1 is `stable`,
    too; `broken`, whose bytes are gone.
    """
    aws = Aws(Server(), bucket="containers", table="containers")
    make_bucket(aws)
    make_table(aws.dynamodb, aws.table)
    port = urlsplit(aws.endpoint).port
    assert port
    models = tmp_path_factory.mktemp("models")
    place = Place(aws, Wire(bridge_address(), port), models)

    command = [sys.executable, "-m", "tests.containers.models", str(models)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    place.deploy("publish", models / "sample", "sample")
    place.deploy("promote", "sample", 1)
    place.deploy("publish", models / "sample", "tried")
    place.deploy("publish", models / "later", "tried")
    place.deploy("promote", "tried", 1)
    place.deploy("publish", models / "broken", "broken")
    place.deploy("promote", "broken", 1)
    lose_bytes(aws, "models/broken/1/variables/variables.data-00000-of-00001")
    yield place
    place.wire.cut()
    aws.stop()


def lose_bytes(aws: Aws, key: str) -> None:
    """Delete every version of an object, which nothing but a person with power can do."""
    found = aws.s3.list_object_versions(Bucket=aws.bucket, Prefix=key)["Versions"]
    assert found
    for version in found:
        aws.s3.delete_object(Bucket=aws.bucket, Key=key, VersionId=version["VersionId"])


@dataclass(frozen=True)
class Api:
    """`sam local start-api`, and the container behind it."""

    port: int
    container: str


@contextmanager
def started(built: Path, place: Place) -> Iterator[Api]:
    before = containers()
    port = free_port()
    settings = {"REGISTRY_URL": place.aws.url, "AWS_ENDPOINT_URL": place.wire.url}
    with sam.start_api(built, port, aws=place.aws.variables, settings=settings):
        (container,) = containers() - before
        yield Api(port, container)
    assert container not in containers()


def containers() -> set[str]:
    """Those of the predict function that run."""
    labels = ("sam.cli.container.type=lambda", "sam.cli.function.name=PredictFunction")
    filters = [f"--filter=label={label}" for label in labels]
    return set(docker("ps", "--quiet", "--no-trunc", *filters).split())
