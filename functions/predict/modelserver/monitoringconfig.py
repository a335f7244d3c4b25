"""TensorFlow Serving's monitoring.config: a `MonitoringConfig` in protobuf's text format."""

from functools import cache
from typing import Any

from modelregistry.errors import InvalidInput

from .protobuf import messages
from .settings import METRICS_PATH
from .textformat import parse

_MESSAGES = {
    "MonitoringConfig": "PrometheusConfig prometheus_config = 1",
    "PrometheusConfig": """
        bool enable = 1
        string path = 2
    """,
}


def read(text: str, where: str) -> str:
    """
    The path that metrics are to be at; '' where `text` does not enable them.

    Raises InvalidInput, beginning with `where`, which names the file.
    """
    message = _kind()()
    parse(text, message, where)
    prometheus = message.prometheus_config
    path = str(prometheus.path) or METRICS_PATH
    if not path.startswith("/"):
        raise InvalidInput(f"{where}: the path of the metrics must begin with /, not be {path!r}")
    return path if prometheus.enable else ""


@cache
def _kind() -> type[Any]:
    return messages("tensorflow.serving", _MESSAGES)["MonitoringConfig"]
