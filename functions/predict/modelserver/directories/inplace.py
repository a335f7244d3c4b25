"""
A registry over version directories: what is found there is published, and the flags or
a models.config own its aliases, defaults and policies.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from modelregistry.aliases.changes import whole
from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.state import State
from modelregistry.artifacts.store import Fetched, Finding, Stored
from modelregistry.configuration import ModelConfig
from modelregistry.errors import NotFound, Refused
from modelregistry.manifest import FileEntry, Manifest
from modelregistry.names import HIGHEST, ModelId
from modelregistry.plan import Plan
from modelregistry.progress import Progress
from modelregistry.registry import Proposal, Registry

from .catalogue import Catalogue
from .listing import Print


class DirectoriesInPlace:
    """
    A store that is read alone. Its manifests hold names and sizes, and no digests: nobody
    has vouched for these bytes.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def models(self) -> list[str]:
        return [name for name in self._catalogue.models() if self._catalogue.versions(name)]

    def versions(self, model: str) -> list[int]:
        return self._catalogue.versions(model)

    def manifest(self, id: ModelId) -> Manifest:
        files = self._catalogue.files(id)
        if files is None or id.version not in self._catalogue.versions(id.model):
            raise NotFound(f"{id} is not there")
        return _manifest(id, files)

    def plan(self, id: ModelId) -> Plan | None:
        return self._catalogue.plan(id)

    @contextmanager
    def fetch(self, id: ModelId, progress: Progress) -> Iterator[Fetched]:  # noqa: ARG002 - nothing to wait for
        found = self._catalogue.complete(id)
        yield Fetched(found.directory, _manifest(id, found.print), found.plan)

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:  # noqa: ARG002
        _read_alone()

    def put_plan(self, id: ModelId, plan: Plan) -> None:  # noqa: ARG002
        _read_alone()

    def remove(self, id: ModelId) -> None:  # noqa: ARG002
        _read_alone()

    def verify(self, id: ModelId, progress: Progress) -> list[Finding]:  # noqa: ARG002 - no digests
        return []

    def strays(self) -> list[Finding]:
        return []

    def leftovers(self) -> list[str]:
        return []

    def sweep(self) -> None:
        pass


class PlainRegistry(Registry):
    """A registry whose models are those of the last configuration."""

    def __init__(self, catalogue: Catalogue, *, url: str) -> None:
        super().__init__(DirectoriesInPlace(catalogue), MemoryAliasTable(), url=url)
        self._catalogue = catalogue

    def configure(self, configs: Iterable[ModelConfig]) -> list[ModelId]:
        """
        From now on these models, with their labels as aliases. Returns the versions that
        are gone with the models left out. Raises InvalidInput, changing nothing.
        """
        wanted = {config.name: config for config in configs}
        gone = self._catalogue.configure(wanted.values())
        for name in sorted({*wanted, *self.aliases.models()}):
            after = _state(wanted[name]) if name in wanted else State(default=HIGHEST)
            self.commit(Proposal(name, "configure", self.aliases.newest(name), after))
        return gone

    def highest(self, model: str, state: State, versions: Iterable[int]) -> int | None:  # noqa: ARG002 - the catalogue knows more
        return self._catalogue.highest(model)

    def refused(self, model: str) -> Mapping[int, str]:
        return self._catalogue.refused(model)


def _state(config: ModelConfig) -> State:
    aliases = {label: whole(version) for label, version in config.labels.items()}
    return State(aliases, default=HIGHEST, policy=config.policy)


def _manifest(id: ModelId, files: Print) -> Manifest:
    entries = [(name, size) for name, size, _, _ in files[1:] if not name.endswith("/")]
    newest = max((changed for _, _, changed, _ in files), default=0)
    return Manifest(
        id,
        tuple(FileEntry(name, size, "") for name, size in entries),
        by="",
        at=datetime.fromtimestamp(newest / 1e9, UTC).isoformat(),
        message="",
    )


def _read_alone() -> NoReturn:
    raise Refused(
        "directories are served in place and not written to",
        hint="a registry is: deploy publish PATH MODEL",
    )
