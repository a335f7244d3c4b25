"""
What lets pages of other sites ask: TensorFlow Serving's headers, and its answer to the
question that a browser sends ahead.
"""

from collections.abc import Mapping
from types import MappingProxyType

# `--rest_api_enable_cors_support` puts these on every answer.
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST, GET",
        "access-control-allow-headers": "Content-Type",
    }
)


def preflight(origin: str) -> int:
    """The status of the answer to OPTIONS, whose body is empty, with the headers or without."""
    return 200 if "http://" in origin or "https://" in origin else 400
