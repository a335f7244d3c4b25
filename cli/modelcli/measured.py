"""What a running server says of a model: who got what, and what it cannot load."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from modelregistry.errors import InvalidInput

from .asking import read
from .failures import Failed

METRICS_PATH = "/monitoring/prometheus/metrics"
_FAMILY = "lambda_serving_alias_requests_total"
_SAMPLE = re.compile(rf"{_FAMILY}{{(?P<labels>[^}}]*)}} (?P<value>[0-9.e+]+)")
_LABEL = re.compile(r'(?P<name>[a-z_]+)="(?P<value>[^"\\]*)"')


@dataclass
class Measured:
    """
    Requests by alias and version since the `revisions` that the server routes them by, and
    `refused`, the versions that it cannot load, with the reason.
    """

    requests: dict[str, Counter[int]] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def measured(url: str, model: str, timeout: float = 10) -> Measured:
    """Ask the server at `url`. Raises InvalidInput for another kind of URL, and Failed."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInput(f"{url!r} is not a server's URL", hint="write http://localhost:8501")
    base = url.rstrip("/")
    try:
        page = read(base + METRICS_PATH, timeout).decode("utf-8", "replace")
    except Failed as error:
        if error.code != 5:
            raise
        raise Failed(
            f"{url} has no metrics at {METRICS_PATH}",
            code=5,
            hint="they are a local server's, unless its --monitoring_config_file says otherwise",
        ) from error
    found = _counted(page, model)
    found.refused = _refused(read(f"{base}/v1/models/{model}", timeout))
    return found


def _counted(page: str, model: str) -> Measured:
    found = Measured()
    for sample in _SAMPLE.finditer(page):
        labels = {label["name"]: label["value"] for label in _LABEL.finditer(sample["labels"])}
        if labels.get("model") == model:
            alias = labels["alias"]
            counted = found.requests.setdefault(alias, Counter())
            counted[int(labels["version"])] += int(float(sample["value"]))
            found.revisions[alias] = int(labels["revision"])
    return found


def _refused(document: bytes) -> dict[int, str]:
    try:
        return {
            int(one["version"]): str(one["status"]["error_message"])
            for one in json.loads(document)["model_version_status"]
            if one["state"] == "END"
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"the server's status is not TensorFlow Serving's: {error}") from error
