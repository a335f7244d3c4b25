"""
The two files in a SavedModel that say how to warm it up.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from modelregistry.plan import Signature
from modelserver.errors import BadWarmup

from . import bodies, records
from .logs import Defaults, Logs
from .requests import Request

JSON_LINES = "assets.extra/warmup.jsonl"
PREDICTION_LOGS = "assets.extra/tf_serving_warmup_requests"
MOST_RECORDS = 1000  # upstream's, for each file


def requests(
    directory: Path, signatures: Mapping[str, Signature], defaults: Defaults
) -> Iterator[Request]:
    """
    What the SavedModel in `directory` has recorded, in order: TensorFlow Serving's file first.

    Raises BadWarmup where it comes to something that it cannot use. Nothing is read
    ahead, so that what is wrong with one request is said before what is wrong with the next.
    """
    logged = _logged(directory, signatures, defaults)
    yield from _counted(directory, PREDICTION_LOGS, "record", logged)
    yield from _counted(directory, JSON_LINES, "line", _lines(directory, signatures))


def _counted(
    directory: Path, name: str, unit: str, groups: Iterator[list[Request]]
) -> Iterator[Request]:
    for number, group in enumerate(groups, 1):
        yield from group
        if number > MOST_RECORDS:  # upstream, too, runs one more than it takes
            where = f"{name}, {unit} {number}"
            reason = f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) at "
            raise BadWarmup(where, "INVALID_ARGUMENT", reason + str(directory / name))


def _logged(
    directory: Path, signatures: Mapping[str, Signature], defaults: Defaults
) -> Iterator[list[Request]]:
    path = directory / PREDICTION_LOGS
    if not _is_there(path, PREDICTION_LOGS):
        return
    logs = Logs(signatures, defaults)
    with path.open("rb") as file:
        for number, record in enumerate(records.read(file, PREDICTION_LOGS), 1):
            where = f"{PREDICTION_LOGS}, record {number}"
            yield list(logs.requests(record, where, str(path)))


def _lines(directory: Path, signatures: Mapping[str, Signature]) -> Iterator[list[Request]]:
    path = directory / JSON_LINES
    if not _is_there(path, JSON_LINES):
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield [bodies.request(line, signatures, f"{JSON_LINES}, line {number}")]


def _is_there(path: Path, name: str) -> bool:
    if path.is_dir():
        raise BadWarmup(name, "INVALID_ARGUMENT", f"{path} is a directory")
    return path.exists()
