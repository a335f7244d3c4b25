"""
Publishers to S3 that kill themselves as they are about to send a given request.

`python -m tests.support.mortal_s3 BUCKET PREFIX` reads lines `NUMBER SOURCE` from stdin and
forks a child for each: it publishes SOURCE as m:1, and dies at its request of that
number; 0 is never. The answer is a line: how it ended, and its requests.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.artifacts.s3 import S3Artifacts
from modelregistry.aws.clients import Clients
from modelregistry.manifest import Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.fakes import plan


def publish(store: S3Artifacts, source: Path, clients: Clients, point: int) -> list[str]:
    """Returns the requests that were made for it."""
    lock, calls = threading.Lock(), list[str]()

    def on_send(request: object, event_name: str, **_: object) -> None:
        with lock:
            calls.append(event_name.rpartition(".")[2])
            if len(calls) == point:
                os.kill(os.getpid(), signal.SIGKILL)

    clients.s3.meta.events.register("before-send.s3", on_send)
    manifest = Manifest(
        ModelId("m", 1), hash_files(source), "ann", "2026-11-22T09:30:00.000000Z", ""
    )
    store.put(manifest, plan(), source, UNWATCHED)
    return calls


def main(bucket: str, prefix: str) -> None:
    clients = Clients()
    store = S3Artifacts(clients, bucket, prefix, ArtifactCache(Path("unused"), 0))
    _ = clients.s3  # loads what each child would load again; no connection is open yet
    for line in sys.stdin:
        point, _, source = line.strip().partition(" ")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            calls = publish(store, Path(source), clients, int(point))
            os.write(writer, json.dumps(calls).encode())
            os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        with open(reader) as told:  # noqa: PTH123 - a descriptor has no path
            sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {told.read() or '[]'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
