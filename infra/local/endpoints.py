"""
S3 and DynamoDB on this machine, for a session: moto behind a socket that containers reach.

It listens on one address only: the Docker bridge's, which the host and its containers
share and nobody else reaches. Everything is in this process's memory.
"""

import ipaddress
import json
import logging
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
    url: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which AWS is what listens here, and nothing of the user's."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
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
    # Half a second to import, which a refusal before this should not cost.
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(address, port=0, verbose=False)
    try:
        server.start()
    except OSError as error:
        raise Refused(f"nothing can listen on {address}: {error.strerror}") from error
    host, port = server.get_host_and_port()
    made = Endpoints(f"http://{host}:{port}")
    try:
        _make_bucket_and_table(made)
        yield made
    finally:
        server.stop()


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
