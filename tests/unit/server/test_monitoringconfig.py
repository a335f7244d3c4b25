import pytest

from modelregistry.errors import InvalidInput
from modelserver.monitoringconfig import read
from modelserver.settings import METRICS_PATH


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('prometheus_config { enable: true, path: "/metrics" }', "/metrics"),
        ("prometheus_config: { enable: true }", METRICS_PATH),
        ('prometheus_config { enable: false, path: "/metrics" }', ""),
        ('prometheus_config { path: "/metrics" }', ""),
        ("", ""),
        ("# nothing yet\n", ""),
    ],
)
def test_metrics_are_where_the_file_enables_them(text: str, path: str) -> None:
    assert path == read(text, "monitoring.config")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("prometheus_config {\n  enabled: true\n}", 'monitoring.config:2:3: .*"enabled"'),
        ("prometheus_config { enable: maybe }", "monitoring.config:1:29: "),
        ("prometheus_config {", "monitoring.config:1:"),
        ("prometheus_config { enable: true path: 'metrics' }", "must begin with /, not be 'metr"),
    ],
)
def test_a_bad_file_is_told_by_its_line_and_column(text: str, error: str) -> None:
    with pytest.raises(InvalidInput, match=error):
        read(text, "monitoring.config")
