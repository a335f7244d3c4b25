"""After a thaw, the first request does not hang on a connection that died meanwhile."""

import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ReadTimeoutError

from modelregistry.aws import connections
from modelregistry.aws.clients import Clients
from modelregistry.aws.connections import MAX_IDLE
from modelregistry.aws.patience import Patience
from tests.aws import Aws
from tests.support.endpoints import Faulty, Tunnel, tunnel

# No time for a second attempt: what hangs once, fails.
ONCE = Patience(connect=1, read=1, limit=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Frozen:
    """The two clocks of a container: the wall's goes on while it is frozen."""

    def __init__(self) -> None:
        self.monotonic, self.wall = Clock(), Clock()


@pytest.fixture
def through(in_between: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    """A tunnel to an endpoint that keeps connections, which moto's own does not."""
    with tunnel(in_between.endpoint) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
        yield made


def clients(clock: Frozen) -> Clients:
    return Clients(patience=ONCE, clocks=(clock.monotonic, clock.wall))


def test_a_connection_is_kept_while_it_is_used(through: Tunnel, on_aws: Aws) -> None:
    clock = Frozen()
    table = clients(clock).dynamodb
    for _ in range(5):
        table.describe_table(TableName=on_aws.table)
        clock.monotonic.now += MAX_IDLE - 1
        clock.wall.now += MAX_IDLE - 1
    assert through.connections == 1


def test_a_dead_connection_hangs_where_nobody_knows_that_time_passed(
    through: Tunnel, on_aws: Aws
) -> None:
    table = clients(Frozen()).dynamodb
    table.describe_table(TableName=on_aws.table)
    through.swallow()
    with pytest.raises(ReadTimeoutError):
        table.describe_table(TableName=on_aws.table)


@pytest.mark.parametrize("which", ["monotonic", "wall"])
def test_the_first_request_after_a_thaw_takes_a_new_connection(
    through: Tunnel, on_aws: Aws, which: str
) -> None:
    clock = Frozen()
    made = clients(clock)
    made.dynamodb.describe_table(TableName=on_aws.table)
    made.s3.list_objects_v2(Bucket=on_aws.bucket)
    through.swallow()
    getattr(clock, which).now += MAX_IDLE + 1
    began = time.monotonic()
    made.dynamodb.describe_table(TableName=on_aws.table)
    made.s3.list_objects_v2(Bucket=on_aws.bucket)
    assert time.monotonic() - began < ONCE.read
    assert through.connections == 4


def test_a_time_out_takes_the_other_idle_connections_with_it(through: Tunnel, on_aws: Aws) -> None:
    table = clients(Frozen()).dynamodb
    table.describe_table(TableName=on_aws.table)
    through.swallow()
    with pytest.raises(ReadTimeoutError):
        table.describe_table(TableName=on_aws.table)
    table.describe_table(TableName=on_aws.table)


def test_a_download_under_way_outlives_the_closing_of_idle_connections(
    through: Tunnel, on_aws: Aws
) -> None:
    clock = Frozen()
    s3 = clients(clock).s3
    data = b"x" * 5_000_000
    s3.put_object(Bucket=on_aws.bucket, Key="large", Body=data)
    body = s3.get_object(Bucket=on_aws.bucket, Key="large")["Body"]
    first = body.read(1000)
    clock.wall.now += MAX_IDLE + 1
    s3.list_objects_v2(Bucket=on_aws.bucket)
    assert first + body.read() == data


def test_the_clocks_are_the_machines_own() -> None:
    assert connections.CLOCKS == (time.monotonic, time.time)
