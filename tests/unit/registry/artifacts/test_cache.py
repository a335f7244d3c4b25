"""The download cache: whole or absent, within its size, never from under who uses it."""

import multiprocessing
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier, Event

import pytest

from modelregistry.artifacts.cache import ArtifactCache, Wanted
from modelregistry.errors import Damaged, Unavailable
from modelregistry.manifest import Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.fakes import contents

MB = 1_000_000
ROOM = 100 * MB


class Origin:
    """Versions to be downloaded, each file of its own bytes, and what was asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.brought: list[str] = []

    def version(self, number: int, files: dict[str, bytes]) -> Manifest:
        for name, data in files.items():
            path = self._place(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        entries = hash_files(self._place(number))
        return Manifest(ModelId("m", number), entries, "ann", "2026-11-22T09:30:00.000000Z", "")

    def bring(self, manifest: Manifest) -> Callable[..., None]:
        def bring(wanted: Sequence[Wanted], whole: Callable[[Wanted], None]) -> None:
            for item in wanted:
                assert item.path.stat().st_size == item.file.size
                item.path.write_bytes(
                    (self._place(manifest.id.version) / item.file.path).read_bytes()
                )
                self.brought.append(item.file.path)
                whole(item)

        return bring

    def _place(self, number: int) -> Path:
        return self._directory / str(number)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache"


def use(cache: ArtifactCache, origin: Origin, manifest: Manifest) -> dict[str, bytes]:
    with cache.lease(manifest, origin.bring(manifest), UNWATCHED) as place:
        return contents(place)


def kept(directory: Path) -> int:
    """Bytes of everything in the cache, however it is named."""
    found = {p.stat().st_ino: p.stat().st_size for p in directory.rglob("*") if p.is_file()}
    return sum(found.values())


def test_a_lease_has_exactly_the_files_of_the_version(origin: Origin, directory: Path) -> None:
    files = {"saved_model.pb": b"graph", "variables/äöü": b"weights", "assets/empty": b""}
    manifest = origin.version(1, files)
    cache = ArtifactCache(directory, ROOM)
    with cache.lease(manifest, origin.bring(manifest), UNWATCHED) as place:
        assert contents(place) == files
        assert place.parts[-2:] == ("m", "1")
    assert not place.exists()


def test_what_is_here_is_not_brought_again(origin: Origin, directory: Path) -> None:
    one = origin.version(1, {"graph": b"same", "weights": b"one"})
    two = origin.version(2, {"graph": b"same", "weights": b"two"})
    for manifest in (one, one, two, one):
        use(ArtifactCache(directory, ROOM), origin, manifest)
    assert origin.brought == ["graph", "weights", "weights"]


def test_only_its_owner_may_look_into_it(origin: Origin, directory: Path) -> None:
    use(ArtifactCache(directory, ROOM), origin, origin.version(1, {"a": b"1"}))
    for path in (directory, directory / "blobs", directory / "leases"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_what_was_not_used_for_longest_goes_first(origin: Origin, directory: Path) -> None:
    cache = ArtifactCache(directory, 3 * MB)
    versions = [origin.version(n, {f"f{n}": bytes([n]) * MB}) for n in range(1, 5)]
    for age, manifest in enumerate(versions[:3]):
        use(cache, origin, manifest)
        os.utime(directory / "blobs" / manifest.files[0].sha256, (age, age))
    use(cache, origin, versions[0])
    use(cache, origin, versions[3])
    assert kept(directory) == 3 * MB
    origin.brought.clear()
    for manifest in (versions[0], versions[2], versions[3]):
        use(cache, origin, manifest)
    assert origin.brought == []


def test_a_smaller_limit_is_kept_to_at_the_next_use(origin: Origin, directory: Path) -> None:
    versions = [origin.version(n, {f"f{n}": bytes([n]) * MB}) for n in range(1, 5)]
    for manifest in versions:
        use(ArtifactCache(directory, ROOM), origin, manifest)
    use(ArtifactCache(directory, 2 * MB), origin, versions[3])
    assert kept(directory) <= 2 * MB


def test_a_version_larger_than_the_cache_is_refused_with_both_sizes(
    origin: Origin, directory: Path
) -> None:
    manifest = origin.version(1, {"a": bytes(2 * MB), "b": bytes(MB)})
    with pytest.raises(Unavailable, match=r"m:1 has 3\.0 MB, .* may hold 2\.5 MB") as caught:
        use(ArtifactCache(directory, 5 * MB // 2), origin, manifest)
    assert "CACHE_MB" in caught.value.hint
    assert origin.brought == []
    assert kept(directory) == 0


def test_what_is_in_use_stays_and_is_said_to_be_in_the_way(origin: Origin, directory: Path) -> None:
    one = origin.version(1, {"a": b"1" * MB})
    two = origin.version(2, {"b": b"2" * MB})
    cache = ArtifactCache(directory, 3 * MB // 2)
    with cache.lease(one, origin.bring(one), UNWATCHED) as place:
        with pytest.raises(Unavailable, match=r"1\.0 MB are in use"):
            use(ArtifactCache(directory, 3 * MB // 2), origin, two)
        assert contents(place) == {"a": b"1" * MB}
    assert use(cache, origin, two) == {"b": b"2" * MB}
    assert kept(directory) == MB


@pytest.mark.parametrize("harm", ["flipped", "cut", "gone", "a directory"])
def test_a_file_that_was_tampered_with_is_brought_again(
    origin: Origin, directory: Path, harm: str
) -> None:
    cache, manifest = ArtifactCache(directory, ROOM), origin.version(1, {"a": b"12345", "b": b"6"})
    use(cache, origin, manifest)
    blob = directory / "blobs" / manifest.files[0].sha256
    data = blob.read_bytes()
    blob.unlink()
    if harm == "a directory":
        blob.mkdir()
    elif harm != "gone":
        blob.write_bytes({"flipped": b"?" + data[1:], "cut": data[:-1]}[harm])
    assert use(cache, origin, manifest) == {"a": b"12345", "b": b"6"}
    assert origin.brought == ["a", "b", "a"]


def test_a_failed_download_leaves_only_what_is_whole(origin: Origin, directory: Path) -> None:
    cache, manifest = ArtifactCache(directory, ROOM), origin.version(1, {"a": b"1", "b": b"2"})

    def half(wanted: Sequence[Wanted], whole: Callable[[Wanted], None]) -> None:
        wanted[0].path.write_bytes(b"1")
        whole(wanted[0])
        wanted[1].path.write_bytes(b"?")
        raise Damaged("the second")

    with pytest.raises(Damaged), cache.lease(manifest, half, UNWATCHED):
        pass
    assert list(contents(directory / "blobs").values()) == [b"1"]
    assert contents(directory / "leases") == {}
    assert use(cache, origin, manifest) == {"a": b"1", "b": b"2"}
    assert origin.brought == ["b"]


KILLED = """
import os, signal, sys
from pathlib import Path
from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.manifest import Manifest
from modelregistry.progress import UNWATCHED

def bring(wanted, whole):
    for item in wanted:
        item.path.write_bytes(b"?" * item.file.size)
    os.kill(os.getpid(), signal.SIGKILL)

manifest = Manifest.from_bytes(sys.stdin.buffer.read(), "stdin")
with ArtifactCache(Path(sys.argv[1]), 100_000_000).lease(manifest, bring, UNWATCHED):
    pass
"""


def test_a_download_that_was_killed_is_never_taken_for_whole_and_its_room_is_free_again(
    origin: Origin, directory: Path
) -> None:
    manifest = origin.version(1, {"a": b"1" * MB})
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(directory)], input=manifest.to_bytes(), check=False
    )
    assert killed.returncode < 0
    assert kept(directory) == MB
    assert use(ArtifactCache(directory, MB), origin, manifest) == {"a": b"1" * MB}
    assert kept(directory) == MB


def test_threads_that_share_a_small_cache_all_get_whole_files(
    origin: Origin, directory: Path
) -> None:
    versions = [
        origin.version(n, {"same": b"s" * 1000, "own": bytes([n]) * 1000}) for n in range(1, 9)
    ]
    cache, start = ArtifactCache(directory, 20_000), Barrier(8)

    def work(n: int) -> None:
        start.wait(60)
        for turn in range(10):
            manifest = versions[(n + turn) % 8]
            found = use(cache, origin, manifest)
            assert found == {"same": b"s" * 1000, "own": bytes([manifest.id.version]) * 1000}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert kept(directory) <= 20_000


def churn(
    directory: Path, source: Path, start: "Barrier", results: "multiprocessing.Queue[str]"
) -> None:
    """The life of a process that shares the cache: five versions, again and again."""
    origin, cache = Origin(source), ArtifactCache(directory, 5000)
    versions = [origin.version(n, {"f": bytes([n]) * 1000}) for n in range(1, 6)]
    start.wait(60)
    problem = ""
    for turn in range(40):
        manifest = versions[turn % 5]
        found = use(cache, origin, manifest)
        if found != {"f": bytes([manifest.id.version]) * 1000}:
            problem = f"turn {turn}: {found}"
    results.put(problem)


def test_processes_that_share_a_small_cache_all_get_whole_files(
    directory: Path, tmp_path: Path
) -> None:
    processes = multiprocessing.get_context("spawn")
    start, results = processes.Barrier(3), processes.Queue()
    workers = [
        processes.Process(target=churn, args=(directory, tmp_path / str(n), start, results))
        for n in range(3)
    ]
    for worker in workers:
        worker.start()
    assert [results.get(timeout=60) for _ in workers] == ["", "", ""]
    for worker in workers:
        worker.join()
    assert kept(directory) <= 5000
    assert contents(directory / "leases") == {}


def test_a_lease_outlives_what_is_removed_by_hand(origin: Origin, directory: Path) -> None:
    manifest = origin.version(1, {"a": b"1"})
    cache = ArtifactCache(directory, ROOM)
    with cache.lease(manifest, origin.bring(manifest), UNWATCHED) as place:
        for blob in (directory / "blobs").iterdir():
            blob.unlink()
        assert contents(place) == {"a": b"1"}


def test_a_place_that_cannot_be_made_is_named(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="file"):
        use(ArtifactCache(tmp_path / "file" / "cache", ROOM), origin, origin.version(1, {"a": b""}))


def test_two_downloads_of_one_file_at_once_both_come_through(
    origin: Origin, directory: Path
) -> None:
    manifest = origin.version(1, {"a": b"1" * 1000})
    cache, inside, go_on = ArtifactCache(directory, ROOM), Event(), Event()

    def slow(wanted: Sequence[Wanted], whole: Callable[[Wanted], None]) -> None:
        inside.set()
        assert go_on.wait(60)
        origin.bring(manifest)(wanted, whole)

    with ThreadPoolExecutor(1) as pool, ExitStack() as held:
        first = pool.submit(lambda: held.enter_context(cache.lease(manifest, slow, UNWATCHED)))
        assert inside.wait(60)
        assert use(cache, origin, manifest) == {"a": b"1" * 1000}
        go_on.set()
        assert contents(first.result()) == {"a": b"1" * 1000}
    assert kept(directory) == 1000
