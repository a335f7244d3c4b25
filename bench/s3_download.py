"""
How fast a version comes out of S3, verified: our download beside boto3's two.

    python -m bench.s3_download [--megabytes 400] [--rounds 5]

Each way brings one file from a server on this machine into a file, and knows at the end
that its SHA-256 is right: ours while the bytes arrive, the others by reading the file
again, as they have no digest of what they fetch to compare with. In a process of its own,
in turn, from the page cache. `import` is what the way costs a cold start beyond botocore.

boto3's CRT transfer is taken from SAM's environment (`make sam`), which brings awscrt.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).parents[1]
SAM_PYTHON = CHECKOUT / ".venv-sam/bin/python"
MB = 1_000_000
PART = 16 * 1024 * 1024
THREADS = 8
BUCKET, KEY = "bucket", "models/m/1/file"


@dataclass(frozen=True)
class Job:
    """Fetch `size` bytes from `endpoint` to `target`; SHA-256 of the whole, then of its parts."""

    endpoint: str
    size: int
    target: Path
    digests: tuple[str, ...]


def here(job: Job) -> Callable[[], None]:
    from modelregistry.artifacts.cache import Wanted
    from modelregistry.artifacts.s3_bucket import Bucket
    from modelregistry.artifacts.s3_download import Download
    from modelregistry.aws.clients import Clients
    from modelregistry.manifest import FileEntry
    from modelregistry.names import ModelId
    from modelregistry.progress import UNWATCHED

    os.environ["AWS_ENDPOINT_URL"] = job.endpoint
    file = FileEntry("file", job.size, job.digests[0], job.digests[1:])
    download = Download(Bucket(Clients(), BUCKET), ModelId("m", 1), "models/m/1/", {}, UNWATCHED)
    job.target.touch()
    os.truncate(job.target, job.size)
    return lambda: download.bring([Wanted(file, job.target)], lambda _: None)


def boto3_threads(job: Job) -> Callable[[], None]:
    import boto3
    from boto3.s3.transfer import TransferConfig

    client = boto3.client("s3", endpoint_url=job.endpoint)
    config = TransferConfig(
        multipart_chunksize=PART, max_concurrency=THREADS, preferred_transfer_client="classic"
    )

    def run() -> None:
        client.download_file(BUCKET, KEY, str(job.target), Config=config)
        _verify(job)

    return run


def boto3_crt(job: Job) -> Callable[[], None]:
    import botocore.session
    from s3transfer.crt import (
        BotocoreCRTCredentialsWrapper,
        BotocoreCRTRequestSerializer,
        CRTTransferManager,
        create_s3_crt_client,
    )

    session = botocore.session.get_session()
    serializer = BotocoreCRTRequestSerializer(
        session, {"endpoint_url": job.endpoint, "region_name": "eu-central-1"}
    )
    wrapper = BotocoreCRTCredentialsWrapper(session.get_credentials())
    client = create_s3_crt_client(
        "eu-central-1", wrapper.to_crt_credentials_provider(), part_size=PART, use_ssl=False
    )
    manager = CRTTransferManager(client, serializer)

    def run() -> None:
        manager.download(BUCKET, KEY, str(job.target)).result()
        _verify(job)

    return run


WAYS = {"here": here, "boto3, threads": boto3_threads, "boto3, CRT": boto3_crt}
IMPORTS = {
    "here": "modelregistry.artifacts.s3_download",
    "boto3, threads": "boto3.s3.transfer",
    "boto3, CRT": "s3transfer.crt",
}


def _verify(job: Job) -> None:
    with job.target.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != job.digests[0]:
            raise SystemExit("damaged")


def child(way: str, job: Job) -> None:
    import botocore.session

    botocore.session.get_session().create_client("s3", endpoint_url=job.endpoint)
    started = time.perf_counter()
    __import__(IMPORTS[way])
    imported = time.perf_counter()
    run = WAYS[way](job)
    ready = time.perf_counter()
    run()
    done = time.perf_counter()
    print(json.dumps({"import": imported - started, "seconds": done - ready}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    file: Path

    def do_HEAD(self) -> None:
        self._head(200, self.file.stat().st_size)

    def do_GET(self) -> None:
        size = self.file.stat().st_size
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        start, end = (int(found[1]), int(found[2] or size - 1) + 1) if found else (0, size)
        end = min(end, size)
        self._head(206 if found else 200, end - start, f"bytes {start}-{end - 1}/{size}")
        self.wfile.flush()
        with self.file.open("rb") as file:
            while start < end:
                start += os.sendfile(self.connection.fileno(), file.fileno(), start, end - start)

    def _head(self, status: int, length: int, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        if status == 206:
            self.send_header("Content-Range", content_range)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(file: Path) -> Iterator[str]:
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        _Handler.file = file
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        os.write(writer, str(server.server_port).encode())
        os.close(writer)
        server.serve_forever()
    os.close(writer)
    try:
        yield f"http://127.0.0.1:{os.read(reader, 8).decode()}"
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs=5)
    arguments = parser.parse_args()
    if arguments.child:
        way, endpoint, size, target, digests = arguments.child
        child(way, Job(endpoint, int(size), Path(target), tuple(json.loads(digests))))
        return
    if not SAM_PYTHON.exists():
        raise SystemExit("boto3's CRT transfer is measured in SAM's environment: make sam")
    with tempfile.TemporaryDirectory() as place:
        file, size = Path(place, "file"), arguments.megabytes * MB
        data = os.urandom(size)
        file.write_bytes(data)
        parts = [data[at : at + PART] for at in range(0, size, PART)]
        digests = [hashlib.sha256(part).hexdigest() for part in (data, *parts)]
        del data, parts
        with serving(file) as endpoint:
            results = measure(endpoint, size, Path(place), digests, arguments.rounds)
    print(f"{arguments.megabytes} MB, {os.cpu_count()} CPUs, median of {arguments.rounds}\n")
    print("| way | MB/s, verified | spread | import |\n| --- | --- | --- | --- |")
    for way, rows in results.items():
        rates = sorted(arguments.megabytes / row["seconds"] for row in rows)
        spread = f"{rates[0]:.0f} to {rates[-1]:.0f}"
        imports = median(row["import"] for row in rows) * 1000
        print(f"| {way} | {median(rates):.0f} | {spread} | {imports:.0f} ms |")


def measure(
    endpoint: str, size: int, place: Path, digests: list[str], rounds: int
) -> dict[str, list[dict[str, float]]]:
    results: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
    }
    for number in range(rounds + 1):  # the first does not count: it reads code from disk
        for way in WAYS:
            python = sys.executable if way == "here" else str(SAM_PYTHON)
            target = place / f"target {way} {number}"
            given = (way, endpoint, str(size), str(target), json.dumps(digests))
            done = subprocess.run(
                [python, __file__, "--child", *given],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(done.stderr)
            if number:
                results[way].append(json.loads(done.stdout))
            target.unlink()
    return results


if __name__ == "__main__":
    main()
