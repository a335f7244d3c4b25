"""
AWS on this machine: moto behind a real socket, in the process that runs the tests.

One server serves them all; each `aws()` has a bucket and a table of its own. Child
processes reach it through the environment that `aws()` sets, or through `variables`.
"""

import http.client
import io
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from werkzeug.serving import ThreadedWSGIServer

from infra.local.atomic import moto

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

REGION: Final = "eu-central-1"
PREFIX = "models"

Accepted = socket.socket | tuple[bytes, socket.socket]  # as `socketserver` types it


class Listener(ThreadedWSGIServer):
    """Knows its connections, so that closing it is what an outage looks like."""

    def __init__(self, port: int, app: "WSGIApplication") -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler

        super().__init__("127.0.0.1", port, app, handler=MotoRequestHandler)
        self.connections: set[socket.socket] = set()

    def process_request(self, request: Accepted, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Accepted) -> None:
        assert isinstance(request, socket.socket)
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what these tests are about."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Server:
    """S3, DynamoDB and CloudFormation on one port, which stays the same when it starts again."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._app = moto()
        self._listener: Listener | None = None
        self._port = 0
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, if it does not. The data are those from before."""
        if self._listener is None:
            self._listener = self._bound()
            self._port = self._listener.server_port
            run = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
            run.start()

    def _bound(self) -> Listener:
        """On a port that was let go of a moment ago the kernel may still say that it is in use."""
        for _ in range(100):
            with redirect_stderr(io.StringIO()), suppress(SystemExit):  # werkzeug's way to say so
                return Listener(self._port, self._app)
            time.sleep(0.02)
        raise AssertionError(f"port {self._port} stays in use")

    def stop(self) -> None:
        """Refuse connections and cut those there are. The data stay."""
        if self._listener is not None:
            self._listener.close()
        self._listener = None


@dataclass(frozen=True)
class Aws:
    """
    One bucket, versioned, and one table, as the stack makes them; both empty.

    The clients are plain boto3, for a test to arrange or to look at what is there.
    """

    server: Server
    bucket: str
    table: str
    region: str = REGION
    prefix: str = PREFIX

    @property
    def url(self) -> str:
        """The registry in them."""
        return f"s3://{self.bucket}/{self.prefix}?table={self.table}"

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs in its environment to come here."""
        return variables(self.endpoint, self.region)

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    @property
    def s3(self) -> "S3Client":
        found: S3Client = _client("s3", self.endpoint)
        return found

    @property
    def dynamodb(self) -> "DynamoDBClient":
        found: DynamoDBClient = _client("dynamodb", self.endpoint)
        return found

    @property
    def cloudformation(self) -> "CloudFormationClient":
        found: CloudFormationClient = _client("cloudformation", self.endpoint)
        return found


@contextmanager
def aws() -> Iterator[Aws]:
    """An `Aws` of its own; for the duration, this process and its children talk to it."""
    server = _server()
    server.start()
    unique = uuid.uuid4().hex[:12]
    made = Aws(server, bucket=f"bucket-{unique}", table=f"table-{unique}")
    make_bucket(made)
    make_table(made.dynamodb, made.table)
    with environment(made.variables):
        try:
            yield made
        finally:
            server.start()


@contextmanager
def permitted(made: Aws, *statements: Mapping[str, object]) -> Iterator[None]:
    """
    Whoever asks AWS now may do what these statements of a policy allow, and nothing else.

    It is moto that enforces them: actions and resources, few conditions. The plain clients
    of an `Aws` are nobody meanwhile.
    """
    iam = _client("iam", made.endpoint)
    user = f"user-{uuid.uuid4().hex}"
    iam.create_user(UserName=user)
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=user, PolicyName="only", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    theirs = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    before = _ask_without_permission(made, "0")
    try:
        with environment({**made.variables, **theirs}):
            yield
    finally:
        _ask_without_permission(made, before)


def make_table(dynamodb: "DynamoDBClient", name: str) -> None:
    """A table with the keys of the design."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def variables(endpoint: str, region: str = REGION) -> dict[str, str]:
    """The environment in which AWS is what listens at `endpoint`, and nothing of the user's."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


@contextmanager
def environment(set_to: Mapping[str, str]) -> Iterator[None]:
    """`set_to` in place of every AWS variable there is, and put back afterwards."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(set_to)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _ask_without_permission(made: Aws, count: str) -> str:
    """How many requests from now on moto answers unasked. Returns what it was before."""
    connection = http.client.HTTPConnection(urlsplit(made.endpoint).netloc)
    with closing(connection):
        connection.request("POST", "/moto-api/reset-auth", count)
        answer = json.loads(connection.getresponse().read())
    return str(answer["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"])


@cache
def _server() -> Server:
    return Server()


@cache
def _client(service: str, endpoint: str) -> Any:  # noqa: ANN401 - each caller knows which it asked for
    import boto3

    with environment(variables(endpoint)):
        return boto3.session.Session().client(service)  # type: ignore[call-overload]


def make_bucket(made: Aws) -> None:
    made.s3.create_bucket(
        Bucket=made.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    made.s3.put_bucket_versioning(Bucket=made.bucket, VersioningConfiguration={"Status": "Enabled"})
