"""What the DynamoDB table promises beyond every other: about its items, and the network."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from modelregistry.aliases.dynamodb import DynamoAliasTable
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.revision import MAX_BYTES, encode
from modelregistry.aliases.state import State
from modelregistry.aws.clients import Clients
from modelregistry.aws.items import Items
from modelregistry.aws.patience import Patience
from modelregistry.errors import Conflict, Damaged, Unavailable
from modelregistry.names import ModelId
from modelregistry.registry import Registry
from tests.aws import Aws, aws
from tests.contract.tables import dynamo_table, revision
from tests.fakes import MemoryArtifacts, publish_all
from tests.support.endpoints import Faulty, faulty, loses_the_reply, passes_on


@pytest.fixture
def on_aws() -> Iterator[Aws]:
    with aws() as made:
        yield made


@pytest.fixture
def in_between(on_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    with faulty(on_aws.endpoint) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        yield server


@pytest.fixture
def table(on_aws: Aws) -> DynamoAliasTable:
    return dynamo_table(on_aws.table)


def put(on_aws: Aws, number: int, **attributes: object) -> None:
    key = {"pk": {"S": "model#m"}, "sk": {"S": f"rev#{number:012d}"}}
    on_aws.dynamodb.put_item(TableName=on_aws.table, Item={**key, **attributes})  # type: ignore[dict-item]


def test_the_items_are_those_of_the_design(table: DynamoAliasTable, on_aws: Aws) -> None:
    table.append(revision(1))
    table.append(revision(2))
    items = on_aws.dynamodb.scan(TableName=on_aws.table)["Items"]
    assert sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])) == [
        {
            "pk": {"S": "model#m"},
            "sk": {"S": f"rev#{number:012d}"},
            "body": {"S": encode(revision(number))},
        }
        for number in (1, 2)
    ] + [{"pk": {"S": "models"}, "sk": {"S": "m"}}]


def test_a_flip_is_one_look_at_the_predecessor_and_one_conditional_put(
    in_between: Faulty, on_aws: Aws
) -> None:
    table = dynamo_table(on_aws.table)
    table.append(revision(1))
    assert in_between.operations == ["PutItem", "PutItem"]
    in_between.operations.clear()
    table.append(revision(2))
    assert in_between.operations == ["GetItem", "PutItem"]
    in_between.operations.clear()
    assert table.newest("m") == revision(2)
    assert in_between.operations == ["Query"]


def test_a_log_is_read_a_page_at_a_time(in_between: Faulty, on_aws: Aws) -> None:
    table = dynamo_table(on_aws.table)
    for number in range(1, 41):
        table.append(revision(number))
    in_between.operations.clear()
    log = table.log("m")
    assert [next(log).number for _ in range(3)] == [40, 39, 38]
    assert in_between.operations == ["Query"]
    assert [r.number for r in log] == list(range(37, 0, -1))
    assert in_between.operations == ["Query"] * 3


def test_the_largest_revision_fits_into_an_item(on_aws: Aws) -> None:
    """By DynamoDB's rule: UTF-8 bytes of names and values, up to 400 KB."""
    table = dynamo_table(on_aws.table)
    table.append(revision(1, model="m" * 128))
    (item,) = on_aws.dynamodb.query(
        TableName=on_aws.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "model#" + "m" * 128}},
    )["Items"]
    keys = sum(len(name) for name in item) + len(item["pk"]["S"]) + len(item["sk"]["S"])
    assert keys + MAX_BYTES <= 400 * 1024


def test_a_revision_of_nearly_that_size_is_written_and_read(table: DynamoAliasTable) -> None:
    small = revision(1)
    # moto's limit is a little below DynamoDB's.
    large = replace(small, change=replace(small.change, message="é" * 202_000))
    table.append(large)
    assert table.newest("m") == large


def test_large_revisions_are_read_over_pages_of_a_megabyte(table: DynamoAliasTable) -> None:
    state = State(retired=Numbers.of(range(1, 100_000, 2)))
    for number in range(1, 8):
        table.append(revision(number, state=state))
    assert [r.number for r in table.log("m")] == list(range(7, 0, -1))


def test_many_models_are_listed_over_pages(on_aws: Aws, table: DynamoAliasTable) -> None:
    names = [f"m{number:04d}" + "x" * 120 for number in range(60)]
    for name in names:
        table.append(revision(1, model=name))
    assert table.models() == names


@pytest.mark.parametrize("body", ["", "{}", "null", "[]", '{"schema": 1}', "x", None, 7])
def test_a_damaged_revision_is_seen_and_the_others_are_read(
    table: DynamoAliasTable, on_aws: Aws, body: str | int | None
) -> None:
    table.append(revision(1))
    if body is None:
        put(on_aws, 2)
    else:
        put(on_aws, 2, body={"S": body} if isinstance(body, str) else {"N": str(body)})
    with pytest.raises(Damaged, match="rev#000000000002 of m in table") as caught:
        table.newest("m")
    assert on_aws.table in str(caught.value)
    assert table.get("m", 1) == revision(1)
    with pytest.raises(Conflict) as lost:
        table.append(revision(2))
    assert lost.value.winner == 2


@pytest.mark.parametrize("other", [revision(3), revision(2, model="n")])
def test_a_revision_in_another_ones_place_is_damaged(
    table: DynamoAliasTable, on_aws: Aws, other: object
) -> None:
    table.append(revision(1))
    put(on_aws, 2, body={"S": encode(other)})  # type: ignore[arg-type]
    with pytest.raises(Damaged, match="holds revision"):
        table.newest("m")


def test_a_name_without_a_log_is_no_obstacle(table: DynamoAliasTable, on_aws: Aws) -> None:
    """What is left of a writer that was killed between the two puts of a first revision."""
    on_aws.dynamodb.put_item(TableName=on_aws.table, Item={"pk": {"S": "models"}, "sk": {"S": "m"}})
    assert table.newest("m") is None
    table.append(revision(1))
    assert table.models() == ["m"]
    assert table.newest("m") == revision(1)


def test_a_lost_reply_is_a_conflict_with_oneself(in_between: Faulty, on_aws: Aws) -> None:
    table = dynamo_table(on_aws.table)
    table.append(revision(1))
    in_between.faults += [passes_on, loses_the_reply]
    with pytest.raises(Conflict) as caught:
        table.append(revision(2))
    assert in_between.operations[-4:] == ["GetItem", "PutItem", "PutItem", "Query"]
    assert caught.value.winner == 2
    assert table.newest("m") == revision(2)


@pytest.mark.parametrize("base", [0, 1], ids=["the first revision", "a later one"])
def test_a_commit_whose_reply_is_lost_succeeds(
    in_between: Faulty, on_aws: Aws, tmp_path: Path, base: int
) -> None:
    registry = Registry(MemoryArtifacts(tmp_path), dynamo_table(on_aws.table), url="test:")
    publish_all(registry, tmp_path, {"m": 2})
    for version in range(1, base + 1):
        registry.commit(registry.propose_promote(ModelId("m", version), "stable"))
    proposal = registry.propose_promote(ModelId("m", base + 1), "stable")
    in_between.faults += [passes_on, loses_the_reply]
    committed = registry.commit(proposal)
    assert not in_between.faults
    assert committed is not None
    assert committed.number == base + 1
    assert registry.aliases.newest("m") == committed


def test_a_commit_that_lost_its_reply_and_then_the_race_says_who_won(
    in_between: Faulty, on_aws: Aws, tmp_path: Path
) -> None:
    """The put never arrived; by the time it is repeated, somebody else was there."""
    registry = Registry(
        MemoryArtifacts(tmp_path), dynamo_table(on_aws.table), url="test:", who=lambda: "ann"
    )
    publish_all(registry, tmp_path, {"m": 2})
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable"))
    ours = registry.propose_promote(ModelId("m", 2), "stable")
    theirs = registry.propose_unset("m", "stable")

    def is_overtaken(_: object) -> None:
        registry.commit(theirs, "theirs")
        raise ConnectionAbortedError

    in_between.faults += [passes_on, is_overtaken]
    with pytest.raises(Conflict, match="theirs") as caught:
        registry.commit(ours, "ours")
    assert caught.value.winner == 2


def test_sixteen_racing_writers_of_one_revision_have_one_winner(on_aws: Aws) -> None:
    start = Barrier(16)

    def write(number: int) -> int | None:
        """The number of the revision it lost against, None for the winner."""
        table = dynamo_table(on_aws.table)
        table.newest("m")
        start.wait(60)
        try:
            table.append(revision(1, by=f"writer {number}"))
        except Conflict as conflict:
            return conflict.winner
        return None

    with ThreadPoolExecutor(16) as pool:
        lost = list(pool.map(write, range(16)))
    assert sorted(map(str, lost)) == ["1"] * 15 + ["None"]
    newest = dynamo_table(on_aws.table).newest("m")
    assert newest is not None
    assert newest.change.by == f"writer {lost.index(None)}"


def test_an_outage_is_unavailable_and_over_when_it_is_over(on_aws: Aws) -> None:
    short = Patience(connect=0.2, read=0.2, limit=0.5)
    table = DynamoAliasTable(Items(on_aws.table, Clients(patience=short)))
    table.append(revision(1))
    on_aws.stop()
    for use in (lambda: table.newest("m"), lambda: table.append(revision(2)), table.models):
        with pytest.raises(Unavailable, match="cannot reach"):
            use()
    on_aws.start()
    assert table.newest("m") == revision(1)
    table.append(revision(2))
