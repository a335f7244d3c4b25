"""
Adding requests to the files of a SavedModel that is about to be published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

from modelregistry.errors import InvalidInput, Refused
from modelregistry.manifest import MANIFEST
from modelserver.compiler import export, metagraph
from modelserver.wholefile import write_whole

from . import bodies, logs, records
from .files import JSON_LINES, MOST_RECORDS, PREDICTION_LOGS

Format = Literal["jsonl", "tfrecord"]


@dataclass(frozen=True)
class Body:
    """A request's body, and where it was found: `three.json`, `bodies.jsonl, line 3`."""

    where: str
    data: bytes


@dataclass(frozen=True)
class Recording:
    """What `file` of the model holds now, and how many of it are new."""

    file: str
    added: int
    total: int


def record(
    directory: Path,
    given: Sequence[Body],
    *,
    tags: Sequence[str] = ("serve",),
    form: Format = "jsonl",
    replace: bool = False,
) -> Recording:
    """
    Add the bodies to what the SavedModel in `directory` has recorded, or `replace` that.

    Nothing is run: publishing does. All or nothing, also where it is killed. Raises
    BadWarmup, naming the body that does not fit the signatures, Refused for a published
    version and for more than a file may hold, ModelRefused for what is no SavedModel, and
    InvalidInput where no body is given.
    """
    if (directory / MANIFEST).exists():
        raise Refused(
            f"{directory} is a published version, which never changes",
            hint="record into the SavedModel that it was made from, and publish that anew",
        )
    if not given:
        raise InvalidInput("no request is given", hint="an empty file holds none")
    signatures = metagraph.signatures(directory, export.meta_graph(directory, tags), [])
    found = [bodies.request(body.data, signatures, body.where) for body in given]
    if form == "jsonl":
        name = JSON_LINES
        held = [] if replace else _lines(directory / name)
        added = [_line(body.data) for body in given]
    else:
        name = PREDICTION_LOGS
        held = [] if replace else _framed(directory / name)
        added = [records.framed(logs.serialized(request, signatures)) for request in found]
    total = len(held) + len(added)
    if total > MOST_RECORDS:
        raise Refused(
            f"{name} would hold {total} requests, TensorFlow Serving takes {MOST_RECORDS}",
            hint="start over with --replace",
        )
    path, place = directory / name, directory.resolve()
    path.parent.mkdir(exist_ok=True)
    # Not in the SavedModel: whoever is killed here leaves nothing that is published with it.
    outside = None if path.is_symlink() else place.with_name(f".{place.name}.{path.name}.new")
    write_whole(path, b"".join([*held, *added]), unfinished=outside)
    return Recording(name, len(added), total)


def bodies_in(data: bytes, name: str) -> list[Body]:
    """
    The body in a file called `name`; or the bodies, one a line, if it is a `.jsonl`, or
    has several lines of which each is an object: in one body `}` is never followed by `{`.
    """
    lines = [line.strip() for line in data.split(b"\n") if line.strip()]
    objects = all(line[:1] == b"{" and line[-1:] == b"}" for line in lines)
    if name.endswith(".jsonl") or (objects and len(lines) > 1):
        return _numbered(data, name)
    return [Body(name, data)]


def _numbered(data: bytes, name: str) -> list[Body]:
    return [
        Body(f"{name}, line {number}", line)
        for number, line in enumerate(data.split(b"\n"), 1)
        if line.strip()
    ]


def _lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    return [_line(body.data) for body in _numbered(path.read_bytes(), JSON_LINES)]


def _line(body: bytes) -> bytes:
    """The body on one line. In JSON a line break is white space; in strings it is escaped."""
    return body.replace(b"\r", b" ").replace(b"\n", b" ").strip() + b"\n"


def _framed(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    read = records.read(BytesIO(path.read_bytes()), PREDICTION_LOGS)
    return [records.framed(each) for each in read]
