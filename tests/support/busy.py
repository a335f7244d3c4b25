"""
A process that changes a registry without end: what a test kills from outside.

`python -m tests.support.busy REGISTRY SOURCE` says `ready` once, then publishes,
promotes, rolls back and deletes until something ends it.
"""

import sys
from pathlib import Path

from modelregistry.deletion import execute, propose_delete
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from tests.fakes import FakeCompiler


def change(registry: Registry, source: Path) -> None:
    """Publish a version and let `stable` point to it, then away from it, then delete it."""
    id = Publisher(registry, FakeCompiler()).publish(source, "m").manifest.id
    registry.commit(registry.propose_promote(id, "stable"))
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable"))
    execute(registry, propose_delete(registry, "m", [id.version], force=True))


def main(url: str, source: str) -> None:
    registry = open_registry(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        change(registry, Path(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
