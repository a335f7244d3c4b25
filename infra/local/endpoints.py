"""
S3 and DynamoDB on this machine, for a session: moto behind a socket that containers reach.

It listens on one address only: the Docker bridge's, which the host and its containers
share and nobody else reaches. Everything is in this process's memory.
"""

import ipaddress
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from .engine import Refused, docker

REGION: Final = "eu-central-1"
NAME: Final = "lambda-serving-local"  # of the bucket and of the table
REGISTRY: Final = f"s3://{NAME}/models?table={NAME}"


@dataclass(frozen=True)
class Endpoints:
    address: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs in its environment to come here."""
        direct = ",".join(filter(None, (self.address, os.environ.get("NO_PROXY"))))
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": direct,
            "no_proxy": direct,  # wins where both are set
        }


def bridge_address() -> str:
    """The address under which containers reach this machine."""
    configured = "{{json .IPAM.Config}}"
    networks = json.loads(docker("network", "inspect", "bridge", "--format", configured))
    for network in networks or ():
        subnet = ipaddress.ip_network(network["Subnet"])
        if subnet.version == 4:
            # Engines before 23 say the gateway only of networks that they found, not made.
            return str(network.get("Gateway") or subnet[1])
    raise Refused("Docker's network 'bridge' has no IPv4 subnet: containers cannot reach the host")


@contextmanager
def endpoints(address: str) -> Iterator[Endpoints]:
    """S3 and DynamoDB at a free port of `address`, with the bucket and the table, both empty."""
    check_address(address)
    # Half a second to import, which a refusal before this should not cost.
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    from .atomic import moto  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(address, 0, moto(), threaded=True, request_handler=MotoRequestHandler)
    listening = threading.Thread(target=server.serve_forever, daemon=True)
    listening.start()
    try:
        made = Endpoints(address, server.server_port)
        _make_bucket_and_table(made)
        yield made
    finally:
        server.shutdown()
        listening.join()
        server.server_close()


def check_address(address: str) -> None:
    """
    Raise `Refused` unless a server can listen on `address`.

    werkzeug's would print so, and end the program.
    """
    try:
        socket.create_server((address, 0)).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise Refused(
            f"nothing can listen on {address}, Docker's bridge ({reason}): the engine must run"
            " on this very machine, and as root: not Docker Desktop, not rootless"
        ) from error


def _make_bucket_and_table(made: Endpoints) -> None:
    import boto3  # noqa: PLC0415 - as above

    session = boto3.session.Session(
        aws_access_key_id=made.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=made.variables["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    s3 = session.client("s3", endpoint_url=made.url)
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    dynamodb = session.client("dynamodb", endpoint_url=made.url)
    dynamodb.create_table(
        TableName=NAME,
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
