"""
A store in an S3 bucket, laid out as TensorFlow Serving reads it:

    PREFIX/<model>/<version>/    the SavedModel, compiled/<N>/plan.json, manifest.json

The bucket keeps every version of an object. A manifest pins the VersionIds of its
files: what anybody writes under their keys afterwards is never read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ..aws.clients import Clients
from ..errors import Damaged, NoRegistry, NotFound
from ..manifest import MANIFEST, Manifest
from ..names import ModelId
from ..parallel import Shared, begin, each
from ..plan import COMPILER, Plan
from ..progress import Progress
from .cache import ArtifactCache
from .pieces import pieces
from .pins import Pinned
from .plans import plan_bytes, plan_of, plan_path
from .s3_bucket import Bucket
from .s3_download import Download, Reader
from .s3_layout import Layout, is_model, version_number_of
from .s3_leftovers import ABANDONED, Journal, Leftovers
from .s3_objects import Stamped
from .s3_publish import Publishing
from .s3_strays import around, in_version
from .store import Fetched, Finding, Stored

_THREADS = 16  # for requests that carry next to nothing


class S3Artifacts:
    """
    Cheap to construct; nothing is asked of AWS before the first call.

    Safe for any number of threads, processes and machines.
    """

    def __init__(
        self,
        clients: Clients,
        bucket: str,
        prefix: str,
        cache: ArtifactCache,
        *,
        abandoned: timedelta = ABANDONED,
    ) -> None:
        self._bucket = Bucket(clients, bucket)
        self._layout = Layout.of(prefix)
        self._cache = cache
        self._journal = Journal(self._bucket, self._layout)
        self._leftovers = Leftovers(self._bucket, self._layout, self._pinned, abandoned=abandoned)
        self._publishing = Publishing(self._bucket, self._layout, self._pinned)
        # A version never changes and its number never comes back: that it was published
        # is asked once. Whether it was removed is seen in the listing.
        self._known: set[ModelId] = set()

    def models(self) -> list[str]:
        names = [name for name in self._bucket.folders(self._layout.root) if is_model(name)]
        published = each(self.versions, names, _THREADS)
        return sorted(name for name, found in zip(names, published, strict=True) if found)

    def versions(self, model: str) -> list[int]:
        """One listing, and one short request for each version that was never seen before."""
        numbers = map(version_number_of, self._bucket.folders(self._layout.model(model)))
        ids = [ModelId(model, number) for number in numbers if number]
        unknown = [id for id in ids if id not in self._known]
        there = each(lambda id: self._bucket.exists(self._layout.manifest(id)), unknown, _THREADS)
        self._known |= {id for id, exists in zip(unknown, there, strict=True) if exists}
        return sorted(id.version for id in ids if id in self._known)

    def manifest(self, id: ModelId) -> Manifest:
        return self._pinned(id).manifest

    def plan(self, id: ModelId) -> Plan | None:
        try:
            objects = self._pinned(id).objects
        except NotFound:
            return None
        except Damaged:
            objects = {}
        return self._plan(id, objects.get(plan_path(COMPILER), ""))

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:
        return self._publishing.put(manifest, plan, source, progress)

    def put_plan(self, id: ModelId, plan: Plan) -> None:
        self.manifest(id)  # a plan without its version would be a stray
        key = self._layout.folder(id) + plan_path(plan.compiler)
        version = self._bucket.put(key, plan_bytes(plan)).version
        # The one that the manifest pins goes too: where it is gone, the current one counts.
        others = [e for e in self._bucket.history(key) if e.key == key and e.version != version]
        self._bucket.delete([(entry.key, entry.version) for entry in others])

    @contextmanager
    def fetch(self, id: ModelId, progress: Progress) -> Iterator[Fetched]:
        """The manifest first, then everything else at once."""
        pinned = self._pinned(id)
        shared = Shared(progress)
        shared.start("downloading", pinned.manifest.size)
        plan = begin(lambda: self._plan(id, pinned.objects.get(plan_path(COMPILER), "")))
        download = self._download(id, pinned, shared)
        with self._cache.lease(pinned.manifest, download.bring, shared) as directory:
            yield Fetched(directory, pinned.manifest, plan())

    def remove(self, id: ModelId) -> None:
        folder, manifest = self._layout.folder(id), self._layout.manifest(id)
        history, begun = self._bucket.history(folder), self._bucket.begun(folder)
        if not history and not begun:
            return
        note = self._journal.begin("removing", id)
        # The newest manifest goes last of the manifests, and before all else: a reader
        # sees the whole version or none of it.
        for entry in sorted((e for e in history if e.key == manifest), key=_newest_last):
            self._bucket.delete([(entry.key, entry.version)])
        self._known.discard(id)
        self._bucket.delete([(e.key, e.version) for e in history if e.key != manifest])
        for upload in begun:
            self._bucket.abort(upload.key, upload.upload)
        self._journal.end(note)

    def verify(self, id: ModelId, progress: Progress) -> list[Finding]:
        try:
            pinned = self._pinned(id)
        except Damaged as error:
            return [Finding("damaged", f"{id} {MANIFEST}", str(error))]
        shared = Shared(progress)
        shared.start(f"verifying {id}", pinned.manifest.size)
        wanted = [piece for file in pinned.manifest.files for piece in pieces(file)]
        findings = self._download(id, pinned, shared).check(wanted)
        findings += self._verify_rest(id, pinned)
        # What is missing because somebody deleted the version meanwhile is not missing.
        return findings if self._bucket.exists(self._layout.manifest(id)) else []

    def strays(self) -> list[Finding]:
        left = self.leftovers()
        urls = map(
            self._bucket.url,
            around(self._bucket.history(self._layout.root), self._layout, self._leftovers.busy()),
        )
        by_hand = "is neither a model nor a version with a manifest: remove it by hand"
        return [
            *(
                Finding("orphaned", where, "left by an interrupted command: deploy gc")
                for where in left
            ),
            *(Finding("orphaned", where, by_hand) for where in urls if where not in left),
        ]

    def leftovers(self) -> list[str]:
        return list(dict.fromkeys(left.where for left in self._leftovers.find()))

    def sweep(self) -> None:
        for left in self._leftovers.find():
            self._leftovers.remove(left)

    def _pinned(self, id: ModelId) -> Pinned:
        reader = Reader(self._bucket, self._layout.manifest(id))
        try:
            data = reader.read_all()
        except NoRegistry:
            raise
        except NotFound:
            raise NotFound(f"{id} is not published") from None
        pinned = Pinned.from_bytes(data, f"the manifest of {id}")
        if pinned.manifest.id != id:
            raise Damaged(f"the manifest of {id} is that of {pinned.manifest.id}")
        return pinned

    def _plan(self, id: ModelId, pin: str) -> Plan | None:
        try:
            return self._read_plan(id, pin)
        except (NotFound, Damaged):
            return None

    def _read_plan(self, id: ModelId, pin: str) -> Plan:
        """The pinned plan if it is sound, or else the current one. Raises NotFound or Damaged."""
        key = self._layout.folder(id) + plan_path(COMPILER)
        if pin:
            try:
                return plan_of(Reader(self._bucket, key, pin).read_all(), f"the plan of {id}")
            except (NotFound, Damaged):
                pass
        return plan_of(Reader(self._bucket, key).read_all(), f"the plan of {id}")

    def _download(self, id: ModelId, pinned: Pinned, progress: Progress) -> Download:
        return Download(self._bucket, id, self._layout.folder(id), pinned.objects, progress)

    def _verify_rest(self, id: ModelId, pinned: Pinned) -> list[Finding]:
        """The plan, and what lies in the version's folder but is not what the manifest means."""
        findings = []
        again = f"make it again by publishing the same files as {id}"
        try:
            self._read_plan(id, pinned.objects.get(plan_path(COMPILER), ""))
        except NotFound:
            findings.append(Finding("missing", f"{id} plan", again))
        except Damaged as error:
            findings.append(Finding("damaged", f"{id} plan", f"{error}; {again}"))
        folder = self._layout.folder(id)
        foreign = in_version(self._bucket.history(folder), folder, pinned)
        return findings + [Finding("orphaned", f"{id} {path}", what) for path, what in foreign]


def _newest_last(entry: Stamped) -> tuple[bool, float]:
    return entry.is_newest, entry.modified.timestamp()
