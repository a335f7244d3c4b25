"""
One publish or one load, in a process of its own, which says how long it took and how much
memory.

    python -m bench.transfer WAY MODEL PLACE

MODEL is the directory of a SavedModel, PLACE a registry's URL or an empty directory. WAY is

publish     into the registry at PLACE; `compiling` are the seconds that its compiler took
copied      the floor of it: every file copied to PLACE and fsynced, and digested once
load        of version 1 from the registry at PLACE, as a server loads it, and one run
loaded      the floor of it: every file digested once, and TensorFlow's load and run alone
put         the floor of a publish into S3: one PutObject a file, and a digest
got         the floor of a load from there: one GetObject a file, a digest, and TensorFlow's load

A floor's client is there before the clock starts. That of a publish or a load is not: making
one is a part of what they take.

Prints JSON: seconds, bytes of the model, peak bytes of this process and of its children.
"""

import hashlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from modelregistry.aws.address import Address
from modelregistry.aws.clients import Clients
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.plan import Plan
from modelregistry.publishing import Publisher
from modelserver.compiler import SubprocessCompiler

ID = ModelId("sample", 1)


class TimedCompiler:
    """The one that `deploy publish` uses, and how long it took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def compile(self, directory: Path) -> Plan:
        began = time.perf_counter()
        plan = SubprocessCompiler().compile(directory)
        self.seconds = time.perf_counter() - began
        return plan


def publish(model: Path, place: str) -> Callable[[], dict[str, float]]:
    registry, compiler = open_registry(place, create=True), TimedCompiler()

    def work() -> dict[str, float]:
        Publisher(registry, compiler).publish(model, ID.model)
        return {"compiling": compiler.seconds}

    return work


def copied(model: Path, place: str) -> Callable[[], dict[str, float]]:
    def work() -> dict[str, float]:
        for path in _files(model):
            target = Path(place, path.relative_to(model))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            with target.open("rb") as file:
                os.fsync(file.fileno())
                hashlib.file_digest(file, "sha256")
        return {}

    return work


def load(_model: Path, place: str) -> Callable[[], dict[str, float]]:
    from modelserver.loading import loader
    from modelserver.runtime import Threads, library

    library.load()
    bring = loader(open_registry(place), Threads(1, 1), SubprocessCompiler())

    def work() -> dict[str, float]:
        bring(ID)
        return {}

    return work


def loaded(model: Path, place: str) -> Callable[[], dict[str, float]]:
    from modelserver.runtime import SavedModel, Threads, library

    library.load()
    plan = open_registry(place).artifacts.plan(ID)
    if plan is None:
        raise SystemExit("the model has no plan")

    def work() -> dict[str, float]:
        for path in _files(model):
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")
        SavedModel.load(model, plan, Threads(1, 1)).warm_up()
        return {}

    return work


def put(model: Path, place: str) -> Callable[[], dict[str, float]]:
    client, bucket = Clients().s3, Address.parse(place).bucket

    def work() -> dict[str, float]:
        for path in _files(model):
            data = path.read_bytes()
            hashlib.sha256(data).hexdigest()
            client.put_object(Bucket=bucket, Key=f"plain/{path.relative_to(model)}", Body=data)
        return {}

    return work


def got(model: Path, place: str) -> Callable[[], dict[str, float]]:
    load_it = loaded(model, place)
    client, bucket = Clients().s3, Address.parse(place).bucket

    def work() -> dict[str, float]:
        for path in _files(model):
            key = f"plain/{path.relative_to(model)}"
            client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return load_it()

    return work


WAYS = {
    "publish": publish,
    "copied": copied,
    "load": load,
    "loaded": loaded,
    "put": put,
    "got": got,
}


def main(way: str, model: Path, place: str) -> None:
    work = WAYS[way](model, place)
    before = _peak()
    began = time.perf_counter()
    said = work()
    said["seconds"] = time.perf_counter() - began
    said["bytes"] = sum(path.stat().st_size for path in _files(model))
    said["before"], said["peak"] = before, _peak()
    said["children"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _peak() -> int:
    """Of this process alone: `ru_maxrss` remembers that of the one it was started by."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("the system does not say how much memory a process has taken")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
