"""
S3 and DynamoDB for what is measured: moto behind a socket, in a process of its own.

    python -m bench.endpoints

Prints the port, and takes orders as lines of JSON, `{"table", "items"}`: items that are put
straight into moto's own table, which takes 100,000 in a few seconds. It runs until its
input ends, on another core than what is measured.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from modelregistry.aws.clients import Clients

from .processes import CORE, confined

REGION: Final = "eu-central-1"
BUCKET = "bench"
_AT_ONCE = 1000


@dataclass(frozen=True)
class Aws:
    """One versioned bucket; a table for each registry in it."""

    port: int
    orders: IO[str]
    replies: IO[str]

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs in its environment to come here."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }

    def registry(self, name: str) -> str:
        """The URL of a new, empty registry."""
        self._do({"make": name})
        return f"s3://{BUCKET}/{name}?table={name}"

    def fill(self, table: str, items: Iterable[Mapping[str, str]]) -> None:
        """Put `items` into `table`, past HTTP."""
        waiting: list[Mapping[str, str]] = []
        for item in items:
            waiting.append(item)
            if len(waiting) == _AT_ONCE:
                self._do({"table": table, "items": waiting})
                waiting = []
        self._do({"table": table, "items": waiting})

    def _do(self, order: Mapping[str, object]) -> None:
        self.orders.write(json.dumps(order) + "\n")
        self.orders.flush()
        if self.replies.readline() != "done\n":
            raise RuntimeError("moto's process ended")


@contextmanager
def aws() -> Iterator[Aws]:
    """For the duration, this process and its children find AWS there."""
    with confined((os.sched_getaffinity(0) - {CORE}) or {CORE}):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.endpoints"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("moto's process has no pipes")
        made = Aws(int(process.stdout.readline()), process.stdin, process.stdout)
        before = dict(os.environ)
        os.environ.update(made.variables)
        try:
            yield made
        finally:
            os.environ.clear()
            os.environ.update(before)
            process.stdin.close()


def main() -> None:
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    os.environ.update(Aws(port, sys.stdout, sys.stdin).variables)
    clients = Clients()
    clients.s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    clients.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    print(port, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "make" in order:
            _make_table(clients, order["make"])
        else:
            _put(order["table"], order["items"])
        print("done", flush=True)
    os._exit(0)


def _make_table(clients: Clients, name: str) -> None:
    keys = ("pk", "HASH"), ("sk", "RANGE")
    clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],  # type: ignore[typeddict-item] # literals
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )


def _put(table: str, items: list[dict[str, str]]) -> None:
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.dynamodb.models import dynamodb_backends

    found: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table]
    for item in items:
        found.put_item({name: {"S": value} for name, value in item.items()})


if __name__ == "__main__":
    main()
