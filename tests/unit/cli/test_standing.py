"""What is live is told from the newest revisions, however many there are."""

from collections.abc import Iterator
from pathlib import Path

from modelcli.standing import standing
from modelregistry.aliases.changes import whole
from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import State
from modelregistry.registry import Proposal, Registry
from tests.fakes import MemoryArtifacts


class ReadTable(MemoryAliasTable):
    """Counts the revisions of its logs that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def log(self, model: str) -> Iterator[Revision]:
        for revision in super().log(model):
            self.read += 1
            yield revision


def test_a_long_log_is_read_to_what_the_alias_pointed_to_before(tmp_path: Path) -> None:
    table = ReadTable()
    registry = Registry(MemoryArtifacts(tmp_path), table, url="memory:")
    for number in range(100):
        after = State({"stable": whole(1 + number // 3)})
        registry.commit(Proposal("m", "set", registry.newest("m"), after))
        registry.commit(Proposal("m", "policy", registry.newest("m"), after))  # changes nothing
    found = standing(registry, "m")
    (stable,) = found.aliases
    assert (whole(34), 34, whole(33)) == (stable.alias, stable.since.number, stable.rollback_to)
    assert table.read < 5


def test_an_alias_that_never_changed_is_as_old_as_the_log(tmp_path: Path) -> None:
    registry = Registry(MemoryArtifacts(tmp_path), MemoryAliasTable(), url="memory:")
    for other in (1, 2, 3):
        after = State({"stable": whole(1), "canary": whole(other)})
        registry.commit(Proposal("m", "set", registry.newest("m"), after))
    canary, stable = standing(registry, "m").aliases
    assert (1, None) == (stable.since.number, stable.rollback_to)
    assert (3, whole(2)) == (canary.since.number, canary.rollback_to)
