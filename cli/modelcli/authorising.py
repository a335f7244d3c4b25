"""
Who asks: what an endpoint wants to see before it answers.

An API or a function URL on AWS is asked with a request signed by SigV4 where there
are credentials to sign with. A header of one's own, a JWT mostly, takes the place of
the signature. Nothing here is ever printed: neither is a header's value, nor is what
a signature was made with.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from modelregistry.aws.clients import Clients
from modelregistry.aws.signing import Scope, scope_of, signed_headers
from modelregistry.errors import InvalidInput

Auth = Literal["auto", "iam", "none"]

_CUSTOM = "execute-api"  # a domain of one's own stands before an API, as a rule

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# The connection makes these itself.
_RESERVED = {"connection", "content-length", "host", "transfer-encoding"}

_TOKEN = "if it wants a token: -H 'Authorization: Bearer TOKEN'"  # noqa: S105 - a placeholder
_IAM = "if it wants AWS credentials: --auth iam"
_SIGN_IN = "aws sso login, AWS_PROFILE or AWS_ACCESS_KEY_ID"
_PERMISSIONS = {
    "execute-api": "execute-api:Invoke on this API",
    "lambda": "lambda:InvokeFunctionUrl and lambda:InvokeFunction on this function",
}


@dataclass(frozen=True)
class Authorized:
    """
    The headers to send, and what they are: a `header` of the caller's own, a
    signature for `service`, or nothing, as there are `no credentials` or it was not
    wanted.
    """

    headers: Mapping[str, str]
    by: Literal["header", "signature", "no credentials", "nothing"]
    service: str = ""

    def hint(self, status: int, said: str) -> str:
        """The way out, where a server `said` no with this status; '' for any other no."""
        if status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return ""
        if self.by == "header":
            return "the Authorization header was sent: has its token expired? Is this its audience?"
        if self.by == "no credentials":
            return f"it was not signed, as there are no AWS credentials: {_SIGN_IN}; {_TOKEN}"
        if self.by == "nothing":
            return f"it was not signed; {_IAM}; {_TOKEN}"
        return _why_signed_in_vain(said.lower(), self.service)


def authorized(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    auth: Auth,
    clients: Callable[[str | None], Clients] = Clients,
) -> Authorized:
    """
    What to send with `body` to `url` beside `headers`, whose names are in lower case.
    `clients` gives those of a region, or of the environment's.

    Raises InvalidInput where a header and `--auth iam` contradict each other, and
    Unavailable where credentials cannot be had that a signature needs.
    """
    if "authorization" in headers:
        if auth == "iam":
            raise InvalidInput("--auth iam makes the Authorization header that -H gives as well")
        return Authorized(headers, "header")
    scope = scope_of(url)
    if auth == "none" or (auth == "auto" and scope is None):
        return Authorized(headers, "nothing")
    aws = clients(scope.region if scope else None)
    if auth == "auto" and not aws.has_credentials():
        return Authorized(headers, "no credentials")
    scope = scope or Scope(_CUSTOM, aws.region)
    signature = signed_headers("POST", url, body, headers, scope=scope, clients=aws)
    return Authorized({**headers, **signature}, "signature", scope.service)


def read_headers(written: Iterable[str]) -> dict[str, str]:
    """
    `NAME: VALUE`s, as curl takes them, by name in lower case. Raises InvalidInput,
    which shows no value: it may be a secret.
    """
    headers: dict[str, str] = {}
    for line in written:
        name, colon, value = line.partition(":")
        if not (colon and _NAME.fullmatch(name.strip())):
            raise InvalidInput("a header has no name", hint="write -H 'NAME: VALUE'")
        name, value = name.strip().lower(), value.strip()
        if name in _RESERVED:
            raise InvalidInput(f"the header {name!r} cannot be chosen")
        if not (value.isascii() and value.isprintable()):
            raise InvalidInput(f"the header {name!r} has a character that no header can have")
        headers[name] = value
    return headers


def _why_signed_in_vain(said: str, service: str) -> str:
    if "security token" in said:
        return f"these AWS credentials have expired, or are for another partition: {_SIGN_IN}"
    if "signature expired" in said or "not yet current" in said:
        return "is this machine's clock right? A signature is good for five minutes"
    if "signature" in said or "scoped" in said:
        return "is the secret access key right, and is AWS_REGION the region of the API?"
    return f"it was signed: do your AWS credentials allow {_PERMISSIONS[service]}? {_TOKEN}"
