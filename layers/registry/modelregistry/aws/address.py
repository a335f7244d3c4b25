"""
Where a registry on AWS is: `s3://BUCKET/PREFIX?table=NAME`, and `&region=REGION`.

A program that reads such a URL loads nothing for it but this.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ..errors import InvalidInput

_HINT = "write 's3://BUCKET/PREFIX?table=NAME', with &region=REGION where it is not the usual one"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")
# A key has 1,024 bytes: room for the model, the version and the paths of a SavedModel.
_MAX_PREFIX_BYTES = 512


@dataclass(frozen=True)
class Address:
    """`prefix` has no slash at its ends and may be empty; `region` None is the environment's."""

    bucket: str
    prefix: str
    table: str
    region: str | None = None

    def __post_init__(self) -> None:
        _must_match(_BUCKET, self.bucket, "a bucket")
        _must_match(_TABLE, self.table, "a table")
        if self.region is not None:
            _must_match(_REGION, self.region, "a region")
        steps = self.prefix.split("/") if self.prefix else []
        if (
            any(step in {"", ".", ".."} for step in steps)
            or not self.prefix.isprintable()
            or len(self.prefix.encode(errors="replace")) > _MAX_PREFIX_BYTES
        ):
            raise InvalidInput(
                f"{self.prefix!r} cannot be the prefix of a registry",
                hint=f"up to {_MAX_PREFIX_BYTES} bytes, no empty step, no '.' and no '..'",
            )

    @classmethod
    def parse(cls, url: str) -> "Address":
        """
        Read a URL, strictly. Raises InvalidInput.

        >>> Address.parse("s3://bucket/a/b/?table=aliases")
        Address(bucket='bucket', prefix='a/b', table='aliases', region=None)
        """
        try:
            parts = urlsplit(url)
            query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError as error:
            raise InvalidInput(f"{url!r} is not a URL: {error}", hint=_HINT) from error
        if parts.scheme != "s3" or parts.fragment or not url.isprintable():
            raise InvalidInput(f"{url!r} is not the URL of a registry in S3", hint=_HINT)
        settings = dict(query)
        if unknown := sorted(settings.keys() - {"table", "region"}):
            raise InvalidInput(f"{url!r} says {unknown[0]!r}, which is not known", hint=_HINT)
        if len(settings) != len(query):
            raise InvalidInput(f"{url!r} says the same thing twice", hint=_HINT)
        if "table" not in settings:
            raise InvalidInput(f"{url!r} names no table", hint=f"{_HINT}; mind the shell's quotes")
        prefix = unquote(parts.path).removeprefix("/").removesuffix("/")
        return cls(parts.netloc, prefix, settings["table"], settings.get("region"))

    @property
    def url(self) -> str:
        """The one way to write it."""
        region = {"region": self.region} if self.region else {}
        path = f"/{quote(self.prefix, safe='/~')}" if self.prefix else ""
        return f"s3://{self.bucket}{path}?{urlencode({'table': self.table, **region})}"


def _must_match(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise InvalidInput(f"{text!r} cannot name {what}", hint=_HINT)
