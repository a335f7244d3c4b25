"""
Every alias table there is, by name. Whoever writes another adds a line here, and
the whole suite of `test_alias_table` runs over it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from modelregistry.aliases.dynamodb import DynamoAliasTable
from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.revision import Change, Revision
from modelregistry.aliases.sqlite import SqliteAliasTable
from modelregistry.aliases.state import State
from modelregistry.aliases.table import AliasTable
from modelregistry.aws.clients import Clients
from modelregistry.aws.items import Items
from tests.aws import aws
from tests.fakes import EPOCH

Opener = Callable[[], AliasTable]
NOTHING = State()


@dataclass(frozen=True)
class Table:
    """
    One table, empty at first. Each call of `open` gives another handle on it;
    `elsewhere` does so in another process, and is None where none can share it.
    """

    open: Opener
    elsewhere: Opener | None = None


@contextmanager
def memory(_: Path) -> Iterator[Table]:
    table = MemoryAliasTable()
    yield Table(lambda: table)


@contextmanager
def sqlite(directory: Path) -> Iterator[Table]:
    path = directory / "aliases.sqlite3"
    path.touch()
    with ExitStack() as handles:

        def another() -> AliasTable:
            table = SqliteAliasTable(path)
            handles.callback(table.close)
            return table

        yield Table(another, elsewhere=partial(SqliteAliasTable, path))


def dynamo_table(name: str) -> DynamoAliasTable:
    """A handle with connections of its own, on what the environment says is AWS."""
    return DynamoAliasTable(Items(name, Clients()))


@contextmanager
def dynamodb(_: Path) -> Iterator[Table]:
    with aws() as made, ExitStack() as handles:

        def another() -> AliasTable:
            table = dynamo_table(made.table)
            handles.callback(table.close)
            return table

        yield Table(another, elsewhere=partial(dynamo_table, made.table))


TABLES: dict[str, Callable[[Path], AbstractContextManager[Table]]] = {
    "dynamodb": dynamodb,
    "memory": memory,
    "sqlite": sqlite,
}
IN_ONE_PROCESS = {"memory"}


def revision(number: int, *, model: str = "m", by: str = "ann", state: State = NOTHING) -> Revision:
    """A revision that says who wrote it, and little else."""
    change = Change(f"{model}-{number}-{by}", "test", by, EPOCH)
    return Revision(model, number, state, change)
