"""What a running server says of a model: who got what, and what it cannot load."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from modelregistry.names import HIGHEST

from .asking import read, server_url
from .failures import Failed

METRICS_PATH = "/monitoring/prometheus/metrics"
_REQUESTS = "lambda_serving_alias_requests_total"
_REVISION = "lambda_serving_alias_revision"
_SAMPLE = re.compile(
    rf"^(?P<family>{_REQUESTS}|{_REVISION}){{(?P<labels>[^}}]*)}} (?P<value>[0-9.e+]+)",
    re.MULTILINE,
)
_LABEL = re.compile(r'(?P<name>[a-z_]+)="(?P<value>[^"\\]*)"')


@dataclass
class Measured:
    """
    The `revisions` that the server answers aliases by, `requests` since then by alias and
    version, and `refused`, the versions that it cannot load, with the reason.
    """

    requests: dict[str, Counter[int]] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def measured(url: str, model: str, timeout: float = 10) -> Measured:
    """Ask the server at `url`. Raises InvalidInput for another kind of URL, and Failed."""
    base = server_url(url)
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
    """Requests of an earlier revision tell nothing of what the server answers by now."""
    found = Measured()
    counted = []
    for sample in _SAMPLE.finditer(page):
        labels = {label["name"]: label["value"] for label in _LABEL.finditer(sample["labels"])}
        if labels.get("model") != model or labels["alias"] == HIGHEST:
            continue
        if sample["family"] == _REVISION:
            found.revisions[labels["alias"]] = int(float(sample["value"]))
        else:
            counted.append((labels, int(float(sample["value"]))))
    for labels, requests in counted:
        if int(labels["revision"]) == found.revisions.get(labels["alias"]):
            of_alias = found.requests.setdefault(labels["alias"], Counter())
            of_alias[int(labels["version"])] += requests
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
