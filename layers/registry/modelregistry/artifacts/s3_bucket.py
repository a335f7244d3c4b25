"""
The calls to S3 that a store is made of, each with its errors translated.

A key is a whole one, `PREFIX/m/1/saved_model.pb`. A version is a VersionId; an
empty one means whichever object is current.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..aws.clients import Clients
from ..aws.failures import calling, refusing
from ..errors import NotFound, RegistryError, Unavailable
from .s3_objects import Began, Body, Busy, Origin, Part, Stamped, Taken, Written, base64_of, code_of

_DELETED_AT_ONCE = 1000  # S3's limit


class Bucket:
    """
    Digests go along with what is written, so that S3 itself refuses what did not
    arrive as it was sent. Thread-safe.
    """

    def __init__(self, clients: Clients, name: str) -> None:
        self._clients = clients
        self.name = name

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def reading(self, key: str) -> AbstractContextManager[None]:
        """What translates the errors of reading a body."""
        return self._calling("GetObject", key)

    def open(self, key: str, version: str = "", start: int = 0, end: int | None = None) -> Body:
        """
        The object from byte `start` to before `end`, to be read. Raises NotFound.

        An object that ends before `start` has a body of nothing.
        """
        wanted: dict[str, Any] = {"Range": f"bytes={start}-{end - 1}"} if end else {}
        try:
            with self._calling("GetObject", key):
                answer = self._clients.s3.get_object(
                    Bucket=self.name, Key=key, **_at(version), **wanted
                )
        except Unavailable as error:
            if code_of(error) == "InvalidRange":
                return Body(_Nothing(), self.size(key, version))
            raise
        _, _, total = answer.get("ContentRange", "").rpartition("/")
        return Body(answer["Body"], int(total or answer["ContentLength"]))

    def size(self, key: str, version: str = "") -> int:
        """Raises NotFound."""
        return self._head(key, version)[0]

    def exists(self, key: str) -> bool:
        """Asked on the request path, as `folders` is."""
        try:
            with self._calling("HeadObject", key):
                self._clients.s3_looking.head_object(Bucket=self.name, Key=key)
        except NotFound:
            return False
        return True

    def checksum(self, key: str, version: str) -> tuple[int, str]:
        """
        Size in bytes and SHA-256 as S3 worked it out, base64; '' where it did not.

        Of an object that was made of parts it is the SHA-256 of their SHA-256s, `…-N`.
        """
        return self._head(key, version)

    def folders(self, prefix: str) -> list[str]:
        """The names directly below `prefix` that have something below them."""
        found = []
        with self._calling("ListObjectsV2"):
            pages = self._clients.s3_looking.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                found += [group["Prefix"] for group in page.get("CommonPrefixes", [])]
        return [key.removeprefix(prefix).rstrip("/") for key in found]

    def history(self, prefix: str) -> list[Stamped]:
        """Every object version and delete marker below `prefix`, the newest of a key first."""
        found = []
        with self._calling("ListObjectVersions"):
            pages = self._clients.s3.get_paginator("list_object_versions").paginate(
                Bucket=self.name, Prefix=prefix
            )
            for page in pages:
                found += [_stamped(entry) for entry in page.get("Versions", [])]
                found += [_stamped(marker, True) for marker in page.get("DeleteMarkers", [])]
        return sorted(found, key=lambda entry: (entry.key, not entry.is_newest))

    def now(self) -> datetime:
        """The time by S3's own clock, which is the one that stamps objects."""
        with self._calling("ListObjectsV2"):
            answer = self._clients.s3.list_objects_v2(Bucket=self.name, MaxKeys=1)
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return parsedate_to_datetime(date) if date else datetime.now(UTC)

    def put(self, key: str, data: bytes, sha256: str = "") -> Written:
        """Write an object; S3 checks the digest, in hex, if it is given."""
        with self._calling("PutObject", key):
            answer = self._clients.s3.put_object(
                Bucket=self.name, Key=key, Body=data, **_checked(sha256)
            )
        return _written(answer)

    def create(self, key: str, data: bytes) -> None:
        """
        Write an object where there is none. Raises Taken or Busy.

        Taken may mean one's own: the first reply was lost, and the call tried again.
        """
        try:
            with self._calling("PutObject", key):
                self._clients.s3.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=data,
                    ContentType="application/json",
                    IfNoneMatch="*",
                )
        except RegistryError as error:
            code = code_of(error)
            if code in {"PreconditionFailed", "412"}:
                raise Taken(f"{self.url(key)} is there already") from error
            if code in {"ConditionalRequestConflict", "409"}:
                raise Busy from error
            raise

    def copy(self, key: str, origin: Origin) -> Written:
        """Copy an object of at most 5 GB inside S3, which works its SHA-256 out anew."""
        with self._calling("CopyObject", key):
            answer = self._clients.s3.copy_object(
                Bucket=self.name,
                Key=key,
                CopySource=self._source(origin),
                ChecksumAlgorithm="SHA256",
            )
        return _written(answer)

    def begin(self, key: str) -> str:
        """Begin a multipart upload."""
        with self._calling("CreateMultipartUpload", key):
            answer = self._clients.s3.create_multipart_upload(
                Bucket=self.name, Key=key, ChecksumAlgorithm="SHA256"
            )
        return answer["UploadId"]

    def put_part(self, part: Part, data: bytes, sha256: str) -> str:
        """Returns the ETag that `complete` needs."""
        with self._calling("UploadPart", part.key):
            answer = self._clients.s3.upload_part(
                Bucket=self.name,
                Key=part.key,
                UploadId=part.upload,
                PartNumber=part.number,
                Body=data,
                **_checked(sha256),
            )
        return answer["ETag"]

    def copy_part(self, part: Part, origin: Origin, start: int, end: int) -> str:
        """Bytes `start` to before `end` of another object become a part."""
        with self._calling("UploadPartCopy", part.key):
            answer = self._clients.s3.upload_part_copy(
                Bucket=self.name,
                Key=part.key,
                UploadId=part.upload,
                PartNumber=part.number,
                CopySource=self._source(origin),
                CopySourceRange=f"bytes={start}-{end - 1}",
            )
        return answer["CopyPartResult"]["ETag"]

    def complete(self, key: str, upload: str, parts: Sequence[tuple[str, str]]) -> str:
        """
        Make an object of (ETag, SHA-256 in hex) of each part. Returns the version.

        S3 refuses where a part has another digest than is said here.
        """
        with self._calling("CompleteMultipartUpload", key):
            answer = self._clients.s3.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": number, "ETag": etag, "ChecksumSHA256": base64_of(sha256)}
                        for number, (etag, sha256) in enumerate(parts, 1)
                    ]
                },
            )
        return answer.get("VersionId", "")

    def abort(self, key: str, upload: str) -> None:
        """Forget a multipart upload; one that is not there any more is no error."""
        try:
            with self._calling("AbortMultipartUpload", key):
                self._clients.s3.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload)
        except RegistryError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    def begun(self, prefix: str) -> list[Began]:
        """The multipart uploads below `prefix` that are not complete."""
        with self._calling("ListMultipartUploads"):
            pages = self._clients.s3.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.name, Prefix=prefix
            )
            return [
                Began(entry["Key"], entry["UploadId"], entry["Initiated"])
                for page in pages
                for entry in page.get("Uploads", [])
            ]

    def delete(self, objects: Sequence[tuple[str, str]]) -> None:
        """Delete these (key, version) for good; what is not there any more is no error."""
        for first in range(0, len(objects), _DELETED_AT_ONCE):
            with self._calling("DeleteObjects"):
                answer = self._clients.s3.delete_objects(
                    Bucket=self.name,
                    Delete={
                        "Objects": [
                            {"Key": key, "VersionId": version}
                            for key, version in objects[first : first + _DELETED_AT_ONCE]
                        ],
                        "Quiet": True,
                    },
                )
            for error in answer.get("Errors", []):
                if error.get("Code") != "NoSuchVersion":
                    with self._calling("DeleteObjects", error.get("Key", "")):
                        refusing("DeleteObjects", error)

    def _head(self, key: str, version: str = "") -> tuple[int, str]:
        with self._calling("HeadObject", key):
            answer = self._clients.s3.head_object(
                Bucket=self.name, Key=key, ChecksumMode="ENABLED", **_at(version)
            )
        return answer["ContentLength"], answer.get("ChecksumSHA256", "")

    def _source(self, origin: Origin) -> Any:  # noqa: ANN401 - a TypedDict of botocore's
        return {"Bucket": self.name, "Key": origin.key, **_at(origin.version)}

    def _calling(self, call: str, key: str = "") -> AbstractContextManager[None]:
        arn = f"arn:aws:s3:::{self.name}/{key}" if key else f"arn:aws:s3:::{self.name}"
        return calling(f"s3:{call}", self.url(key).rstrip("/"), arn=arn)


class _Nothing:
    def read(self, amt: int) -> bytes:  # noqa: ARG002 - as its kind has it
        return b""

    def close(self) -> None:
        pass


def _at(version: str) -> dict[str, Any]:
    return {"VersionId": version} if version else {}


def _checked(sha256: str) -> dict[str, Any]:
    if not sha256:
        return {}
    return {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": base64_of(sha256)}


def _written(answer: Mapping[str, Any]) -> Written:
    return Written(answer.get("VersionId", ""), not answer["ResponseMetadata"]["RetryAttempts"])


def _stamped(entry: Mapping[str, Any], is_marker: bool = False) -> Stamped:
    return Stamped(
        entry["Key"],
        entry.get("VersionId", "null"),
        entry["LastModified"],
        bool(entry.get("IsLatest")),
        is_marker,
    )
