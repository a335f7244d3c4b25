"""
From a registry URL to a registry. The only place that knows which kinds there are.

`file:///home/me/registry`, or a plain path, is a directory with an SQLite file
in it. Relative paths are relative to the working directory.

`s3://BUCKET/PREFIX?table=NAME` is a prefix in a bucket and a DynamoDB table, both of
which a CloudFormation stack makes.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from .aliases.sqlite import SqliteAliasTable
from .artifacts.directory import MODELS, DirectoryArtifacts
from .aws.address import Address
from .aws.patience import PATIENT, Patience
from .errors import InvalidInput, NoRegistry, Unavailable
from .registry import Registry

if TYPE_CHECKING:
    from .artifacts.cache import ArtifactCache

ALIASES = "aliases.sqlite3"
CACHE_BYTES = 20 * 2**30  # what the user's cache of downloaded versions may take


def open_registry(
    url: str,
    *,
    create: bool = False,
    cache: "ArtifactCache | None" = None,
    patience: Patience = PATIENT,
) -> Registry:
    """
    The registry at `url`; with `create` it is made if it is not there.

    A registry in S3 is not looked at here, and never made: where bucket or table is
    missing, its first use raises NoRegistry. What is fetched from it goes to `cache`, by
    default the user's; `patience` is that of a look at its alias table.

    Raises InvalidInput for a URL of no known kind, NoRegistry where there is no
    registry, Unavailable where it cannot be made.
    """
    if _in_s3(url):
        return _open_in_s3(Address.parse(url), cache, patience)
    root = directory_of(url)
    if create:
        _make(root)
    elif not _exists(root / ALIASES):
        raise NoRegistry(
            f"there is no registry at {root}",
            hint="the first publish makes it: deploy publish PATH MODEL",
        )
    return Registry(DirectoryArtifacts(root), SqliteAliasTable(root / ALIASES), url=root.as_uri())


def canonical(url: str) -> str:
    """The URL in full, as `Registry.url` gives it. Opens nothing. Raises InvalidInput."""
    return Address.parse(url).url if _in_s3(url) else directory_of(url).as_uri()


def base_path(url: str, model: str) -> str:
    """Where the registry at `url` keeps the versions of `model`, as TensorFlow Serving names it."""
    if _in_s3(url):
        address = Address.parse(url)
        return "/".join(filter(None, ["s3:/", address.bucket, address.prefix, model]))
    return str(directory_of(url) / MODELS / model)


def directory_of(url: str) -> Path:
    """The absolute directory that `url` names. Raises InvalidInput for other URLs."""
    if "://" not in url and not url.startswith("file:"):
        if not url:
            raise InvalidInput("the registry URL is empty", hint="write file:///PATH")
        return _path(url)
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path:
        raise InvalidInput(
            f"{url!r} is not a registry URL this version knows",
            hint="write file:///absolute/path, a path, or s3://BUCKET/PREFIX?table=NAME",
        )
    if parts.query or parts.fragment:
        raise InvalidInput(f"{url!r} has a query or fragment, which a file:// registry has not")
    return _path(unquote(parts.path))


def _in_s3(url: str) -> bool:
    # With however many slashes: `s3:/bucket` is a slip, not a directory of that name.
    return url[:3].lower() == "s3:"


def _open_in_s3(address: Address, cache: "ArtifactCache | None", patience: Patience) -> Registry:
    # Here, so that a registry in a directory does not load what talks to AWS.
    from .aliases.dynamodb import DynamoAliasTable  # noqa: PLC0415
    from .artifacts.cache import ArtifactCache  # noqa: PLC0415
    from .artifacts.s3 import S3Artifacts  # noqa: PLC0415
    from .aws.clients import Clients  # noqa: PLC0415
    from .aws.items import Items  # noqa: PLC0415

    clients = Clients(address.region, patience=patience)
    if cache is None:
        cache = ArtifactCache(_user_cache(), CACHE_BYTES)
    return Registry(
        S3Artifacts(clients, address.bucket, address.prefix, cache),
        DynamoAliasTable(Items(address.table, clients)),
        url=address.url,
    )


def _user_cache() -> Path:
    """Where the XDG base directory specification puts it."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else _path("~/.cache")) / "lambda-serving"


def _path(text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidInput(f"{text!r} names the home of nobody here") from error
    if "\0" in text:
        raise InvalidInput(f"{text!r} cannot be a path")
    return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise Unavailable(f"cannot look into {path.parent}: {error.strerror}") from error


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        SqliteAliasTable.create(root / ALIASES)
    except OSError as error:
        raise Unavailable(f"cannot make a registry at {root}: {error.strerror}") from error
