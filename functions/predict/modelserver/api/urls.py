"""
What a URL asks for.

The two patterns are TensorFlow Serving's (`model_servers/http_rest_api_util.cc`):
matched whole and without regard to case, names percent-decoded afterwards. The
verb itself must be in lower case; a `/METADATA` in capitals asks for the status.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from modelregistry.names import MAX_VERSION
from modelserver.errors import InvalidRequest

_POST = re.compile(
    r"/v1/models/(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r":(?P<verb>classify|regress|predict)",
    re.IGNORECASE,
)
_GET = re.compile(
    r"/v1/models(?:/(?P<model>[^/:]+))?"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?:/(?P<verb>metadata))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Target:
    """
    A model, and the version or label in the URL; `model` is '' where it names none.

    `verb` is `predict`, `classify`, `regress`, `metadata`, or '' for the status.
    """

    model: str
    version: int | None
    label: str | None
    verb: str


EVERYTHING = Target("", None, None, "")
"""`GET /v1/models`: no model in particular. Upstream has no answer to it."""


def parse(method: str, path: str) -> Target:
    """
    Take a raw (percent-encoded) path apart. Raises InvalidRequest as upstream words it.

    >>> parse("POST", "/v1/models/sample/versions/1:predict")
    Target(model='sample', version=1, label=None, verb='predict')
    """
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise InvalidRequest(f"Malformed request: {method} {path}")
    verb = match["verb"] or ""
    if method == "POST" and verb != verb.lower():
        raise InvalidRequest(f"Malformed request: {method} {path}")
    return Target(
        model=_name(match["model"]) or "",
        version=_version(match["version"]),
        label=_name(match["label"]),
        verb=verb if verb == verb.lower() else "",
    )


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    # By length first: int() refuses, or takes long over, thousands of digits.
    significant = digits.lstrip("0") or "0"
    if len(significant) > 19 or int(significant) > MAX_VERSION:
        raise InvalidRequest(f"Failed to convert version: {digits[:40]} to numeric.")
    return int(significant)


def _name(text: str | None) -> str | None:
    return None if text is None else unquote(text, errors="replace")
