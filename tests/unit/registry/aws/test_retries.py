"""What fails for a moment is tried again, and what fails for long is given up in time."""

import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from modelregistry.aws.clients import Clients
from modelregistry.aws.patience import IMPATIENT, PATIENT, Patience
from modelregistry.aws.retries import Retries
from tests.aws import Aws
from tests.support.endpoints import Fault, Faulty, answers, hangs, loses_the_reply

SHORT = Patience(connect=0.3, read=0.3, limit=3)
# Long enough for an answer that comes from a busy machine: one that is cut off is asked for again.
ENOUGH = Patience(connect=2, read=2, limit=30)
BUSY = 5  # seconds that a machine with other things to do may add


@pytest.mark.parametrize(
    "fault",
    [
        answers(400, "ThrottlingException"),
        answers(400, "ProvisionedThroughputExceededException"),
        answers(429, "TooManyRequests"),
        answers(500, "InternalServerError"),
        answers(503, "ServiceUnavailable"),
        loses_the_reply,
        hangs,
    ],
)
def test_what_fails_for_a_moment_is_tried_again(
    in_between: Faulty, on_aws: Aws, fault: Fault
) -> None:
    in_between.faults += [fault, fault]
    table = Clients(patience=ENOUGH).dynamodb
    assert table.describe_table(TableName=on_aws.table)["Table"]["TableName"] == on_aws.table
    assert in_between.asked == 3


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "ServiceUnavailable"])
def test_s3_is_tried_again_too(in_between: Faulty, on_aws: Aws, code: str) -> None:
    in_between.faults += [answers(503, code)] * 3
    Clients().s3.put_object(Bucket=on_aws.bucket, Key="k", Body=b"data")
    assert on_aws.s3.get_object(Bucket=on_aws.bucket, Key="k")["Body"].read() == b"data"
    assert in_between.asked == 4


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ExpiredToken"])
def test_a_refusal_is_not_tried_again(in_between: Faulty, on_aws: Aws, code: str) -> None:
    in_between.faults += [answers(400, code)]
    with pytest.raises(ClientError, match=code):
        Clients().dynamodb.describe_table(TableName=on_aws.table)
    assert in_between.asked == 1


@pytest.mark.parametrize("fault", [answers(503, "ServiceUnavailable"), loses_the_reply, hangs])
def test_patience_ends_at_its_limit(in_between: Faulty, on_aws: Aws, fault: Fault) -> None:
    in_between.faults += [fault] * 1000
    began = time.monotonic()
    with pytest.raises((BotoCoreError, ClientError)):
        Clients(patience=SHORT).dynamodb.describe_table(TableName=on_aws.table)
    assert time.monotonic() - began < SHORT.limit + BUSY
    assert in_between.asked > 1


def test_the_request_path_waits_no_longer_than_three_seconds_for_an_endpoint_that_hangs(
    in_between: Faulty, on_aws: Aws
) -> None:
    in_between.faults += [hangs] * 100
    table = Clients(patience=IMPATIENT).dynamodb
    began = time.monotonic()
    with pytest.raises(BotoCoreError, match="Read timeout"):
        table.describe_table(TableName=on_aws.table)
    assert time.monotonic() - began < 3 + BUSY
    assert in_between.asked == 2


def test_an_endpoint_where_nobody_listens_is_not_waited_for_as_long(on_aws: Aws) -> None:
    table = Clients(patience=PATIENT).dynamodb
    on_aws.stop()
    began = time.monotonic()
    with pytest.raises(BotoCoreError, match="Could not connect"):
        table.describe_table(TableName=on_aws.table)
    assert 1 < time.monotonic() - began < 5 + BUSY
    on_aws.start()
    assert table.describe_table(TableName=on_aws.table)["Table"]["TableName"] == on_aws.table


def test_a_restart_of_the_endpoint_is_not_noticed(on_aws: Aws) -> None:
    table = Clients().dynamodb
    for _ in range(3):
        assert table.describe_table(TableName=on_aws.table)["Table"]["TableName"] == on_aws.table
        on_aws.stop()
        on_aws.start()


def delay_after(seconds: float) -> float | None:
    """How long a client waits whose first attempt was answered with 503 after `seconds`."""
    answer: dict[str, object] = {"ResponseMetadata": {"HTTPStatusCode": 503}}
    return Retries(PATIENT, clock=lambda: seconds)._delay(
        response=(None, answer),
        caught_exception=None,
        attempts=1,
        request_dict={"context": {"lambda-serving-since": 0.0}},
    )


def test_no_two_clients_wait_equally_long() -> None:
    delays = {delay_after(1) for _ in range(20)}
    assert len(delays) == 20
    assert all(delay and 0.05 <= delay <= 0.1 for delay in delays)


def test_an_hour_of_moving_bytes_does_not_use_patience_up() -> None:
    assert delay_after(3600) is not None
