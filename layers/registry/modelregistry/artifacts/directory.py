"""
A store in a local directory, laid out as TensorFlow Serving reads it:

    models/<model>/<version>/    the SavedModel, compiled/<N>/plan.json, manifest.json
    staging/                     versions on their way in or out

A version is staged beside its place and arrives there by one rename, which fails
if the place is taken: the number can be won once.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import (
    Damaged,
    InvalidInput,
    NotFound,
    Refused,
    RegistryError,
    Unavailable,
    VersionExists,
)
from ..manifest import MANIFEST, Manifest, scan
from ..names import ModelId, model_name, version_directory
from ..plan import COMPILER, Plan
from ..progress import Progress
from .local import GONE, check, copy
from .plans import plan_bytes, plan_of, plan_path
from .staging import abandoned, staged, sweep
from .store import Fetched, Finding, Stored

# What the file system says where another is in the way of a rename.
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


MODELS = "models"  # the directory of the versions, in the one of the registry


class DirectoryArtifacts:
    """
    Cheap to construct; `root` is made by the first `put`.

    Safe for any number of threads and processes on one local file system.
    """

    def __init__(self, root: Path) -> None:
        self._models = root / MODELS
        self._staging = root / "staging"

    def models(self) -> list[str]:
        with _translated(self._models):
            return sorted(
                folder.name
                for folder in _folders(self._models)
                if _is_model(folder.name) and any(_published(folder.path))
            )

    def versions(self, model: str) -> list[int]:
        with _translated(self._models):
            return sorted(_published(self._models / model))

    def manifest(self, id: ModelId) -> Manifest:
        path = self._place(id) / MANIFEST
        with _translated(path):
            try:
                data = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                raise NotFound(f"{id} is not published") from None
        manifest = Manifest.from_bytes(data, f"the manifest of {id}")
        if manifest.id != id:
            raise Damaged(f"the manifest of {id} is that of {manifest.id}")
        return manifest

    def plan(self, id: ModelId) -> Plan | None:
        try:
            return self._read_plan(id)
        except (FileNotFoundError, Damaged):
            return None

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:
        place = self._place(manifest.id)
        with _translated(self._staging):
            sweep(self._staging)
            with staged(self._staging) as stage:
                progress.start("copying", manifest.size)
                copy(source, stage, manifest.files, progress)
                _write(stage / plan_path(plan.compiler), plan_bytes(plan))
                _write(stage / MANIFEST, manifest.to_bytes())
                _sync_tree(stage)
                self._arrive(stage, place, manifest.id)
        return Stored(uploaded=manifest.size, total=manifest.size)

    def put_plan(self, id: ModelId, plan: Plan) -> None:
        self.manifest(id)  # a plan without its version would be a stray
        with _translated(self._staging), staged(self._staging) as stage:
            _write(stage / "plan.json", plan_bytes(plan))
            target = self._place(id) / plan_path(plan.compiler)
            target.parent.mkdir(parents=True, exist_ok=True)
            (stage / "plan.json").replace(target)
            _sync(target.parent)

    @contextmanager
    def fetch(self, id: ModelId, progress: Progress) -> Iterator[Fetched]:
        """In place: nothing is copied."""
        manifest = self.manifest(id)
        place = self._place(id)
        progress.start("verifying", manifest.size)
        for finding in check(place, manifest.files, id, progress):
            raise Damaged(
                f"{finding.where} is {finding.kind}: {finding.what}",
                hint=f"see all of it: deploy verify {id}",
            )
        yield Fetched(place, manifest, self.plan(id))

    def remove(self, id: ModelId) -> None:
        place = self._place(id)
        with _translated(place), staged(self._staging) as stage:
            try:
                # One rename: a reader sees the whole version or none of it.
                place.rename(stage / "removed")
            except FileNotFoundError:
                return
            # The model's directory stays, empty: a publisher may be about to use it.
            _sync(place.parent)

    def verify(self, id: ModelId, progress: Progress) -> list[Finding]:
        try:
            manifest = self.manifest(id)
        except (Damaged, Unavailable) as error:
            return [Finding("damaged", f"{id} {MANIFEST}", str(error))]
        place = self._place(id)
        progress.start(f"verifying {id}", manifest.size)
        findings = check(place, manifest.files, id, progress) + self._verify_rest(id, manifest)
        # What is missing because somebody deleted the version meanwhile is not missing.
        return findings if _has_manifest(place) else []

    def strays(self) -> list[Finding]:
        with _translated(self._staging):
            left = [
                Finding("orphaned", where, "left by an interrupted command: deploy gc")
                for where in self.leftovers()
            ]
            return left + [
                Finding(
                    "orphaned",
                    path.relative_to(self._models).as_posix(),
                    "is neither a model nor a version with a manifest: remove it by hand",
                )
                for path in self._foreign()
            ]

    def leftovers(self) -> list[str]:
        with _translated(self._staging):
            return [f"staging/{path.name}" for path in abandoned(self._staging)]

    def sweep(self) -> None:
        with _translated(self._staging):
            sweep(self._staging)

    def _place(self, id: ModelId) -> Path:
        return self._models / id.model / str(id.version)

    def _arrive(self, stage: Path, place: Path, id: ModelId) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            stage.rename(place)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            if _has_manifest(place):
                hint = "a version never changes: publish under the next number"
                raise VersionExists(f"{id} is taken", hint=hint) from error
            raise VersionExists(
                f"{place} is in the way, and is no published version",
                hint="look at what it is and remove it, or publish under the next number",
            ) from error
        _sync(place.parent)
        _sync(self._models)

    def _read_plan(self, id: ModelId) -> Plan:
        path = self._place(id) / plan_path(COMPILER)
        with _translated(path):
            data = path.read_bytes()
        return plan_of(data, f"the plan of {id}")

    def _verify_rest(self, id: ModelId, manifest: Manifest) -> list[Finding]:
        """The plan, and files that the manifest does not list."""
        place = self._place(id)
        findings = []
        again = f"make it again by publishing the same files as {id}"
        try:
            self._read_plan(id)
        except FileNotFoundError:
            findings.append(Finding("missing", f"{id} plan", again))
        except Damaged as error:
            findings.append(Finding("damaged", f"{id} plan", f"{error}; {again}"))
        listed = {file.path for file in manifest.files}
        with _translated(place):
            try:
                extra = sorted({name for name, _, _ in scan(place)} - listed)
            except Refused as error:
                return [*findings, Finding("orphaned", f"{id}", f"{error}")]
            except OSError as error:
                return [*findings, Finding("damaged", f"{id}", f"cannot be read: {error}")]
        return findings + [
            Finding("orphaned", f"{id} {name}", "is not part of the version") for name in extra
        ]

    def _foreign(self) -> Iterator[Path]:
        """What lies where only models and versions should."""
        for model in _entries(self._models):
            if not (model.is_dir() and _is_model(model.name)):
                yield model
                continue
            for path in _entries(model):
                if not (_is_version(path.name) and _has_manifest(path)):
                    yield path


def _published(model: "Path | str") -> Iterator[int]:
    """The versions in the directory of a model, as they come."""
    for folder in _folders(model):
        if _is_version(folder.name) and _has_manifest(folder.path):
            yield int(folder.name)


def _folders(directory: "Path | str") -> "Iterator[os.DirEntry[str]]":
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        yield from (entry for entry in entries if _is_folder(entry))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link to itself is as good as nothing
            return False
        raise


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_model(name: str) -> bool:
    try:
        model_name(name)
    except InvalidInput:
        return False
    return True


def _has_manifest(place: "Path | str") -> bool:
    try:
        os.stat(f"{place}/{MANIFEST}")  # noqa: PTH116 - a Path for each of many takes longer
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        pass  # a version that nobody may look into is still no free number
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
    return True


def _is_version(name: str) -> bool:
    # `007` was never put there by us: the registry writes canonical numbers.
    return str(version_directory(name)) == name


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_tree(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_dir():
            _sync(path)
    _sync(directory)


def _sync(directory: Path) -> None:
    """Make renames in `directory` last through a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated(where: Path) -> Iterator[None]:
    """The file system's errors as the registry's, all but a file that is not there."""
    try:
        yield
    except (*GONE, RegistryError):
        raise
    except OSError as error:
        hint = "free some space, then run it again" if error.errno == errno.ENOSPC else ""
        raise Unavailable(f"{error.filename or where}: {error.strerror}", hint=hint) from error
