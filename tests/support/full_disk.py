"""
What happens in a registry on a disk that is really full.

`python -m tests.support.full_disk SCENARIO DIRECTORY SOURCE`, run in a mount namespace
of its own, gives DIRECTORY a file system of 3 MB, plays one scenario and prints,
as JSON, what a caller saw.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from modelregistry.errors import RegistryError
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelregistry.verification import verify_all
from tests.fakes import FakeCompiler, contents, savedmodel

Seen = dict[str, Any]
LARGE = 4 * 1024 * 1024  # more than there is


def publishing(registry: Registry, root: Path, source: Path) -> Seen:
    """A model that does not fit, then one that does."""
    publisher = Publisher(registry, FakeCompiler())
    large = savedmodel(source / "large", "large", {"variables/large": bytes(LARGE)})
    seen = attempt(lambda: publisher.publish(large, "m"))
    seen["versions"] = registry.versions("m")
    seen["left"] = sorted(contents(root / "staging"))
    publisher.publish(savedmodel(source / "small", "small"), "m")
    return seen | end(registry)


def promoting(registry: Registry, root: Path, source: Path) -> Seen:
    """Promotions until there is no room for a revision, then one with room again."""
    publisher = Publisher(registry, FakeCompiler())
    for content in ("one", "two"):
        publisher.publish(savedmodel(source / content, content), "m")
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable"))
    filler = root / "filler"
    fill(filler)
    seen = attempt(lambda: promote_until_full(registry))
    log = [r.number for r in registry.aliases.log("m")]
    seen["gaps"] = log != list(range(len(log), 0, -1))
    seen["stable when full"] = registry.resolve("m").version
    filler.unlink()
    registry.commit(registry.propose_promote(ModelId("m", 2), "stable"))
    return seen | end(registry)


SCENARIOS: dict[str, Callable[[Registry, Path, Path], Seen]] = {
    "publishing": publishing,
    "promoting": promoting,
}


def attempt(action: Callable[[], object]) -> Seen:
    """The error that `action` ended with, as a caller sees it."""
    try:
        action()
    except RegistryError as error:
        return {"error": type(error).__name__, "message": str(error), "hint": error.hint}
    return {"error": None}


def promote_until_full(registry: Registry) -> None:
    # The write-ahead log may have some room of its own left.
    for number in range(10_000):
        registry.commit(registry.propose_promote(ModelId("m", 1), f"alias-{number}"))


def fill(path: Path) -> None:
    """Use every byte that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def end(registry: Registry) -> Seen:
    """What a fresh look at the registry says."""
    registry.aliases.close()
    state = registry.state("m")
    return {
        "versions at the end": registry.versions("m"),
        "stable at the end": str(state.aliases.get("stable", "unset")),
        "findings": [str(finding) for finding in verify_all(registry, UNWATCHED)],
    }


def main(scenario: str, directory: str, source: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", directory], check=True)  # noqa: S607 - found as the shell does
    root = Path(directory) / "registry"
    registry = open_registry(str(root), create=True)
    with closing(registry.aliases):
        sys.stdout.write(json.dumps(SCENARIOS[scenario](registry, root, Path(source))))


if __name__ == "__main__":
    main(*sys.argv[1:])
