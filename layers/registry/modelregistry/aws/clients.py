"""
Clients of the three services that a registry needs, made when they are first used.

Endpoints, credentials and proxies come from where every AWS tool looks for them:
AWS_ENDPOINT_URL and its kind, AWS_PROFILE, the container's role. S3 at an endpoint
of one's own is addressed by path, so that it needs no name per bucket.
"""

import threading
from typing import TYPE_CHECKING, Any

from ..errors import Unavailable
from .connections import CLOCKS, Clocks, FreshConnections
from .patience import PATIENT, Patience

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import botocore.session
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# As many transfers as S3 clients may run at a time without waiting for a connection.
MAX_CONNECTIONS = 32


class Clients:
    """
    Cheap to construct; botocore is loaded, and a session made, at the first use.

    `patience` is for the table and for looking into the bucket, which may be asked on the
    request path; transfers and CloudFormation always take PATIENT. `clocks`, monotonic and
    wall, tell how long connections were idle. Thread-safe; clients are shared.
    """

    def __init__(
        self,
        region: str | None = None,
        *,
        patience: Patience = PATIENT,
        clocks: Clocks = CLOCKS,
    ) -> None:
        self._region = region
        self._patience = patience
        self._clocks = clocks
        self._lock = threading.RLock()
        self._session: botocore.session.Session | None = None
        self._clients: dict[tuple[str, Patience], Any] = {}

    @property
    def s3(self) -> "S3Client":
        found: S3Client = self._client("s3", PATIENT)
        return found

    @property
    def s3_looking(self) -> "S3Client":
        """For what is asked on the request path, and carries next to nothing."""
        found: S3Client = self._client("s3", self._patience)
        return found

    @property
    def dynamodb(self) -> "DynamoDBClient":
        found: DynamoDBClient = self._client("dynamodb", self._patience)
        return found

    @property
    def cloudformation(self) -> "CloudFormationClient":
        found: CloudFormationClient = self._client("cloudformation", PATIENT)
        return found

    @property
    def region(self) -> str:
        """The region that was given, or that the environment or profile names."""
        with self._lock:
            if self._region is None:
                with _failures():
                    self._region = self._open().get_config_variable("region")
            if not self._region:
                raise Unavailable(
                    "no AWS region is set",
                    hint="add &region=REGION to the registry's URL, or set AWS_REGION",
                )
            return self._region

    def has_credentials(self) -> bool:
        """Whether there are any. Raises Unavailable where half of them are missing."""
        return self._credentials() is not None

    def credentials(self) -> "ReadOnlyCredentials":
        """What requests are signed with now. Raises Unavailable where there are none."""
        from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - see the package

        with _failures():
            found = self._credentials()
            if found is None:
                raise NoCredentialsError
            return found.get_frozen_credentials()

    def close(self) -> None:
        """Close idle connections. The clients connect again when they are used."""
        with self._lock:
            clients = list(self._clients.values())
        for client in clients:
            client.close()

    def _credentials(self) -> "Credentials | None":
        with self._lock, _failures():
            return self._open().get_credentials()

    def _client(self, service: str, patience: Patience) -> Any:  # noqa: ANN401 - typed above
        with self._lock:
            if (service, patience) not in self._clients:
                self._clients[service, patience] = self._make(service, patience)
            return self._clients[service, patience]

    def _make(self, service: str, patience: Patience) -> Any:  # noqa: ANN401 - typed above
        from botocore.config import Config  # noqa: PLC0415 - see the package

        from .retries import Retries  # noqa: PLC0415

        region = self.region
        config = Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            max_pool_connections=MAX_CONNECTIONS,
            retries={"total_max_attempts": 1, "mode": "standard"},  # `Retries` does it
            tcp_keepalive=True,
            user_agent_extra="lambda-serving",
        )
        try:
            with _failures():
                client = self._open().create_client(service, region_name=region, config=config)
        except ValueError as error:  # all that botocore says of an endpoint that is no URL
            raise Unavailable(
                f"no client of {service} can be made: {error}",
                hint="AWS_ENDPOINT_URL wants a whole URL, such as http://127.0.0.1:4566",
            ) from error
        Retries(patience).attach(client)
        FreshConnections(client, clocks=self._clocks).attach()
        return client

    def _open(self) -> "botocore.session.Session":
        if self._session is None:
            import botocore.session  # noqa: PLC0415 - see the package

            # botocore alone of all SDKs does not know AWS_REGION.
            region = ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)
            self._session = botocore.session.Session(session_vars={"region": region})
        return self._session


def _failures() -> "AbstractContextManager[None]":
    from .failures import calling  # noqa: PLC0415 - see the package

    return calling("the AWS configuration", "")
