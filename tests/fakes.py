"""
Stand-ins that behave, for tests that need no TensorFlow, no disk and no real clock.

Fakes, not mocks: each keeps the promises of what it stands for, and the suites in
`tests/contract` hold those that stand for a store or a table to them.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.revision import Revision
from modelregistry.artifacts.store import ArtifactStore, Fetched, Finding, Stored
from modelregistry.errors import Damaged, ModelRefused, NotFound, Refused, VersionExists
from modelregistry.manifest import COMPILED, MANIFEST, FileEntry, Manifest, hash_stream
from modelregistry.names import ModelId
from modelregistry.plan import COMPILER, Plan, Signature, TensorSpec
from modelregistry.progress import UNWATCHED, Progress
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelregistry.sealed import seal, unseal

EPOCH = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
NO_FILES: Mapping[str, bytes] = MappingProxyType({})


def plan(memory_bytes: int = 1000) -> Plan:
    """A small plan: one signature that doubles a float."""
    spec = TensorSpec("serving_default_x:0", "DT_FLOAT", (-1,))
    signature = Signature("tensorflow/serving/predict", {"x": spec}, {"y": spec}, {"x": (1,)})
    return Plan(
        compiler=COMPILER,
        tensorflow="2.21.0",
        tags=("serve",),
        signatures={"serving_default": signature},
        signature_def={"serving_default": {"methodName": "tensorflow/serving/predict"}},
        single_threaded_executor=True,
        disk_bytes=100,
        memory_bytes=memory_bytes,
    )


def savedmodel(
    directory: Path, content: str = "one", files: Mapping[str, bytes] = NO_FILES
) -> Path:
    """A directory that looks like a SavedModel, its bytes made of `content`, and `files`."""
    everything = {
        "saved_model.pb": f"graph of {content}".encode(),
        "variables/variables.index": f"index of {content}".encode(),
        "variables/variables.data-00000-of-00001": f"weights of {content}".encode() * 100,
        **files,
    }
    for name, data in everything.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def fetched(store: ArtifactStore, id: ModelId) -> dict[str, bytes]:
    """What whoever fetches `id` finds in the directory they are given."""
    with store.fetch(id, UNWATCHED) as version:
        return contents(version.directory)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below `directory`, by its relative path."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


class FakeCompiler:
    """
    Accepts every directory, or refuses all of them with `refusal`.

    `meanwhile` runs while it compiles: what somebody else does just then.
    """

    def __init__(self, *, refusal: str = "", meanwhile: Callable[[Path], object] = id) -> None:
        self.refusal = refusal
        self.meanwhile = meanwhile
        self.compiled: list[Path] = []

    def compile(self, directory: Path) -> Plan:
        self.compiled.append(directory)
        self.meanwhile(directory)
        if self.refusal:
            raise ModelRefused(self.refusal)
        return plan()


class FakeClock:
    """Stands still at `moment` until it is told otherwise."""

    def __init__(self, moment: datetime = EPOCH) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        """`seconds` pass; negative ones, as when a clock is set back."""
        self.moment += timedelta(seconds=seconds)


class MemoryArtifacts:
    """
    A store in a dict of bytes by key, `MODEL/VERSION/PATH`, as a bucket has them.

    `cache` is where `fetch` leaves directories. `put` writes its objects one by one, the
    manifest last and create-only, under a lock: it is safe for threads.
    """

    def __init__(self, cache: Path) -> None:
        self.objects: dict[str, bytes] = {}
        self._cache = cache
        self._lock = threading.RLock()

    def models(self) -> list[str]:
        return sorted({id.model for id in self._published()})

    def versions(self, model: str) -> list[int]:
        return sorted(id.version for id in self._published() if id.model == model)

    def manifest(self, id: ModelId) -> Manifest:
        data = self.objects.get(_key(id, MANIFEST))
        if data is None:
            raise NotFound(f"{id} is not published")
        manifest = Manifest.from_bytes(data, f"the manifest of {id}")
        if manifest.id != id:
            raise Damaged(f"the manifest of {id} is that of {manifest.id}")
        return manifest

    def plan(self, id: ModelId) -> Plan | None:
        try:
            return self._read_plan(id)
        except (KeyError, Damaged):
            return None

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:
        id = manifest.id
        found = {file.path: _read(source, file, progress) for file in manifest.files}
        with self._lock:
            if self._of(id):
                raise VersionExists(f"{id} is taken")
            self.objects |= {_key(id, path): data for path, data in found.items()}
            self.put_plan(id, plan)
            self.objects[_key(id, MANIFEST)] = manifest.to_bytes()
        return Stored(uploaded=manifest.size, total=manifest.size)

    def put_plan(self, id: ModelId, plan: Plan) -> None:
        self.objects[_key(id, _PLAN)] = seal({"plan": plan.to_json()})

    @contextmanager
    def fetch(self, id: ModelId, progress: Progress) -> Iterator[Fetched]:
        manifest = self.manifest(id)
        place = self._cache / id.model / str(id.version)
        for file in manifest.files:
            if finding := self._check(id, file, progress):
                raise Damaged(f"{finding.where} is {finding.kind}")
            target = place / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.objects[_key(id, file.path)])
        yield Fetched(place, manifest, self.plan(id))

    def remove(self, id: ModelId) -> None:
        with self._lock:
            for key in self._of(id):
                del self.objects[key]

    def verify(self, id: ModelId, progress: Progress) -> list[Finding]:
        try:
            manifest = self.manifest(id)
        except Damaged as error:
            return [Finding("damaged", f"{id} {MANIFEST}", str(error))]
        findings = [self._check(id, file, progress) for file in manifest.files]
        try:
            self._read_plan(id)
        except KeyError:
            findings.append(Finding("missing", f"{id} plan", "is not there"))
        except Damaged as error:
            findings.append(Finding("damaged", f"{id} plan", str(error)))
        listed = {_key(id, name) for name in (*(f.path for f in manifest.files), MANIFEST, _PLAN)}
        findings += [
            Finding("orphaned", key, "is not part of the version")
            for key in sorted(set(self._of(id)) - listed)
        ]
        return [finding for finding in findings if finding]

    def strays(self) -> list[Finding]:
        published = {_key(id, "") for id in self._published()}
        return [
            Finding("orphaned", key, "has no manifest")
            for key in sorted(self.objects)
            if "/".join(key.split("/")[:2]) + "/" not in published
        ]

    def leftovers(self) -> list[str]:
        return []

    def sweep(self) -> None:
        pass  # `put` cannot be interrupted: it leaves nothing

    def _published(self) -> Iterator[ModelId]:
        with self._lock:
            keys = sorted(self.objects)
        for key in keys:
            model, version, name = key.split("/", 2)
            if name == MANIFEST:
                yield ModelId(model, int(version))

    def _of(self, id: ModelId) -> list[str]:
        return [key for key in self.objects if key.startswith(_key(id, ""))]

    def _read_plan(self, id: ModelId) -> Plan:
        return Plan.from_json(unseal(self.objects[_key(id, _PLAN)], f"the plan of {id}")["plan"])

    def _check(self, id: ModelId, file: FileEntry, progress: Progress) -> Finding | None:
        key = _key(id, file.path)
        data = self.objects.get(key)
        if data is None:
            return Finding("missing", f"{id} {file.path}", "it is not there")
        if _entry(file.path, data, progress) != file:
            return Finding("damaged", f"{id} {file.path}", "its bytes are not the published ones")
        return None


class LossyAliasTable(MemoryAliasTable):
    """
    Loses the reply of every `append`, and then does what an AWS client does: it
    sends the request again, and reports what came of the second.
    """

    def append(self, revision: Revision) -> None:
        super().append(revision)
        super().append(revision)


def memory_registry(
    cache: Path, *, now: Callable[[], datetime] | None = None, who: str = "ann@laptop"
) -> Registry:
    """An empty registry that is gone with the process."""
    return Registry(
        MemoryArtifacts(cache),
        MemoryAliasTable(),
        url="memory:",
        who=lambda: who,
        now=now or FakeClock(),
    )


def publish_all(registry: Registry, directory: Path, models: Mapping[str, int]) -> None:
    """Publish versions 1 to N of each model, each with bytes of its own."""
    publisher = Publisher(registry, FakeCompiler())
    for model, newest in models.items():
        for version in range(1, newest + 1):
            name = f"{model}-{version}"
            publisher.publish(savedmodel(directory / name, name), model, version)


_PLAN = f"{COMPILED}/{COMPILER}/plan.json"


def _key(id: ModelId, name: str) -> str:
    return f"{id.model}/{id.version}/{name}"


def _entry(name: str, data: bytes, progress: Progress = UNWATCHED) -> FileEntry:
    return hash_stream(name, BytesIO(data), progress=progress)


def _read(source: Path, file: FileEntry, progress: Progress) -> bytes:
    path = source / file.path
    data = path.read_bytes() if path.is_file() else b""
    if _entry(file.path, data, progress) != file:
        raise Refused(f"{file.path} changed while it was being published")
    return data
