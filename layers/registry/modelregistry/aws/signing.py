"""
Signing requests to a stack's API with AWS Signature Version 4.

API Gateway and Lambda function URLs with IAM as their authorizer want it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import InvalidInput
from .clients import Clients

_API = re.compile(
    r"[^.]+\.execute-api(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)
_FUNCTION = re.compile(r"[^.]+\.lambda-url\.([a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn)")


@dataclass(frozen=True)
class Scope:
    """What a signature is good for: one service in one region."""

    service: str
    region: str


def scope_of(url: str) -> Scope | None:
    """The scope that the host of `url` names, or None for a host of no AWS service known here."""
    host = (urlsplit(url).hostname or "").lower()
    if found := _API.fullmatch(host):
        return Scope("execute-api", found[1])
    if found := _FUNCTION.fullmatch(host):
        return Scope("lambda", found[1])
    return None


def signed_headers(
    method: str,
    url: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    scope: Scope | None = None,
    clients: Clients | None = None,
) -> dict[str, str]:
    """
    The headers to add to the request: `Authorization`, `X-Amz-Date` and their like.

    The URL must go out exactly as it is given, escapes and all, and `headers`, which
    are signed too, with it. A host of one's own needs a `scope`; its header `Host` is
    the URL's.

    Raises InvalidInput where the scope is not known, Unavailable without credentials.
    """
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - see the package
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415

    scope = scope or scope_of(url)
    if scope is None:
        raise InvalidInput(
            f"{url!r} does not say for which service and region to sign",
            hint="name them, for example execute-api and eu-central-1",
        )
    credentials = (clients or Clients(scope.region)).credentials()
    request = AWSRequest(method=method.upper(), url=url, data=body, headers=dict(headers or {}))
    SigV4Auth(credentials, scope.service, scope.region).add_auth(request)
    given = {name.lower() for name in headers or {}}
    return {name: value for name, value in request.headers.items() if name.lower() not in given}
