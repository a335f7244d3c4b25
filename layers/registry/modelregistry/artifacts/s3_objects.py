"""What the calls to S3 take and give, and what their failures mean."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..errors import RegistryError


@dataclass(frozen=True)
class Stamped:
    """One object version, or a delete marker in its place."""

    key: str
    version: str
    modified: datetime
    is_newest: bool
    is_marker: bool = False


@dataclass(frozen=True)
class Began:
    """A multipart upload that is not complete."""

    key: str
    upload: str
    at: datetime


@dataclass(frozen=True)
class Origin:
    """An object to copy from."""

    key: str
    version: str = ""


@dataclass(frozen=True)
class Part:
    """One part of a multipart upload; `number` counts from 1."""

    key: str
    upload: str
    number: int


@dataclass(frozen=True)
class Written:
    """
    The VersionId of a new object. Not `once`: S3 was asked again after a reply was lost, and
    may have one more like it.
    """

    version: str
    once: bool


class Stream(Protocol):
    """The body of an answer."""

    def read(self, amt: int) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Body:
    """What a GET answered. The whole object has `total` bytes."""

    stream: Stream
    total: int


class Taken(Exception):
    """A create-only write found something there."""


class Busy(Exception):
    """A create-only write met another one; nothing was decided."""


def code_of(error: RegistryError) -> str:
    """S3's short name for what led to `error`, such as `NoSuchKey`; '' where it said nothing."""
    return str(_answer(error).get("Error", {}).get("Code", ""))


def was_refused(error: RegistryError) -> bool:
    """
    Whether S3 certainly has not done what it was asked for. It may have where nothing was
    heard of it, and where it said no only when it was asked again.
    """
    told = _answer(error).get("ResponseMetadata", {})
    return 400 <= int(told.get("HTTPStatusCode", 0)) < 500 and not told.get("RetryAttempts")


def base64_of(sha256: str) -> str:
    """A digest in hex, as S3 writes it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _answer(error: RegistryError) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(error.__cause__, "response", None) or {}
    return answer
