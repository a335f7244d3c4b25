"""What the tests of `modelregistry.aws` start from."""

from collections.abc import Iterator

import pytest

from tests.aws import Aws, aws
from tests.support.endpoints import Faulty, faulty


@pytest.fixture
def on_aws() -> Iterator[Aws]:
    with aws() as made:
        yield made


@pytest.fixture
def in_between(on_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """An endpoint that fails as it is told, which all of this process talks to."""
    with faulty(on_aws.endpoint) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        yield server
