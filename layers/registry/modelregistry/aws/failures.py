"""
What goes wrong with AWS, as the registry's errors: one line each.

It names the call, the resource and, where something is not permitted, the missing
permission. It quotes no header and no credential.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import NoRegistry, NotFound, RegistryError, Unavailable
from .retries import FAILED, THROTTLED


@contextmanager
def calling(call: str, resource: str, *, arn: str = "") -> Iterator[None]:
    """
    What botocore raises inside leaves as the registry's error, chained.

    `call` is `dynamodb:Query`, `resource` what a person calls it ("table aliases"),
    `arn` what a policy would have to name. Raises NotFound where the service says
    that the resource is not there, NoRegistry where it is the bucket or the table,
    Unavailable for everything else.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translated(error, call, resource, arn=arn) from error


def refusing(operation: str, error: Mapping[str, object]) -> NoReturn:
    """Raise, for `calling`, an error that an answer held, as a call that failed raises its own."""
    answer: Any = {"Error": {**error}}
    raise ClientError(answer, operation)


def translated(
    error: BotoCoreError | ClientError, call: str, resource: str, *, arn: str = ""
) -> RegistryError:
    """`error` as the registry says it."""
    where = f"{call} on {resource}" if resource else call
    if not isinstance(error, ClientError):
        return _unanswered(error, where)
    code, said = code_of(error), _one_line(error.response.get("Error", {}).get("Message", ""))
    if code in _MISSING or (code in _MISSING_BY_WORD and said.endswith(_MISSING_BY_WORD[code])):
        if code == "NoSuchBucket":
            resource = "/".join(resource.split("/")[:3])  # not the object that was asked for
        return (NoRegistry if code in _NOWHERE else NotFound)(
            f"{resource} is not there ({call}: {code})",
            hint="check its name, the region and the account",
        )
    if code in _DENIED:
        return _denied(said, call, where, arn)
    status = status_of(error)
    for answer in _ANSWERS:
        if code in answer.codes or status in answer.statuses:
            return Unavailable(f"{answer.sentence} ({where}: {code or status})", hint=answer.hint)
    return Unavailable(f"{where} was refused ({code}): {said}" if said else f"{where}: {code}")


def code_of(error: ClientError) -> str:
    """The service's short name for what is wrong, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status of the answer; 0 where there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


class _Answer(NamedTuple):
    """What the service says by any of `codes`, or by an HTTP status of `statuses`."""

    codes: frozenset[str]
    statuses: range
    sentence: str
    hint: str


class _Silence(NamedTuple):
    """Why no answer came. The sentence may say `{where}`, `{endpoint}` and `{error}`."""

    kinds: tuple[type[BotoCoreError], ...]
    sentence: str
    hint: str


_NEVER = range(0)
_NETWORK = "check the network, the region and AWS_ENDPOINT_URL"
_WHO_AM_I = "see who you are with: aws sts get-caller-identity"

# No bucket, no table. Of S3 a HEAD request is told no more than that something is missing.
_NOWHERE = frozenset({"NoSuchBucket", "ResourceNotFoundException"})
_MISSING = _NOWHERE | {"404", "NoSuchKey", "NoSuchVersion"}
# Codes that mean much else. A VersionId of another kind of S3 is one that S3 cannot even read.
_MISSING_BY_WORD = {
    "ValidationError": "does not exist",
    "InvalidArgument": "Invalid version id specified",
}
_DENIED = frozenset(
    {
        "403",  # all that a HEAD request is told
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "Forbidden",
        "UnauthorizedOperation",
    }
)
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_UNKNOWN = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_ANSWERS = (
    _Answer(
        _EXPIRED,
        _NEVER,
        "the AWS credentials have expired",
        "get new ones: aws sso login, or export fresh keys",
    ),
    _Answer(_UNKNOWN, _NEVER, "AWS does not accept the credentials", _WHO_AM_I),
    _Answer(
        frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"}),
        _NEVER,
        "AWS says that this machine's clock is wrong",
        "set the clock",
    ),
    _Answer(
        THROTTLED,
        range(429, 430),
        "AWS throttles this call, and did so until time was up",
        "try again in a minute; if it stays so, ask AWS for a higher quota",
    ),
    _Answer(
        FAILED,
        range(500, 600),
        "AWS failed to answer, and did so until time was up",
        "try again in a minute",
    ),
)
# The first that fits.
_SILENCES = (
    _Silence(
        (aws.NoCredentialsError, aws.PartialCredentialsError),
        "there are no AWS credentials, or half of them ({where})",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    _Silence(
        (aws.CredentialRetrievalError, aws.TokenRetrievalError, aws.SSOError),
        "the AWS credentials cannot be had ({where}): {error}",
        "sign in again: aws sso login",
    ),
    _Silence((aws.ProfileNotFound,), "{error}", "see them: aws configure list-profiles"),
    _Silence((aws.NoRegionError,), "no AWS region is set ({where})", "set AWS_REGION"),
    _Silence(
        (aws.ReadTimeoutError, aws.ConnectTimeoutError),
        "{where} got no answer in time from {endpoint}",
        _NETWORK,
    ),
    _Silence(
        (aws.SSLError,),
        "{where} found no trusted TLS connection to {endpoint}: {error}",
        "AWS_CA_BUNDLE names the certificates of a proxy of your own",
    ),
    _Silence((aws.ProxyConnectionError,), "{where}: {error}", "see HTTPS_PROXY and NO_PROXY"),
    _Silence(
        (aws.ConnectionError, aws.HTTPClientError), "{where} cannot reach {endpoint}", _NETWORK
    ),
    _Silence((BotoCoreError,), "{where}: {error}", ""),
)

# Calls whose permission has another name than they.
_PERMISSIONS = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",  # it is always told which
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:UploadPart": "s3:PutObject",
    "s3:UploadPartCopy": "s3:PutObject",
}
_SAID = re.compile(r"not authorized to perform: ([\w-]+:\w+)(?: on resource: \"?([^\s\"]+)\"?)?")


def _denied(said: str, call: str, where: str, arn: str) -> RegistryError:
    """AWS names the permission and the resource in most refusals, and knows best."""
    found = _SAID.search(said)
    permission = found[1] if found else _PERMISSIONS.get(call, call)
    target = (found[2] if found else None) or arn
    missing = f"{permission} on {target}" if target else permission
    return Unavailable(
        f"no permission for {where}: {missing} is missing",
        hint=f"have it allowed; {_WHO_AM_I}",
    )


def _unanswered(error: BotoCoreError, where: str) -> RegistryError:
    silence = next(silence for silence in _SILENCES if isinstance(error, silence.kinds))
    sentence = silence.sentence.format(
        where=where, endpoint=_endpoint(error), error=_one_line(error)
    )
    return Unavailable(sentence, hint=silence.hint)


def _endpoint(error: BotoCoreError) -> str:
    """Scheme, host and port: a query may carry a signature."""
    parts = urlsplit(str(error.kwargs.get("endpoint_url", "")))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "the endpoint"


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
