import pytest

from modelserver.api.urls import Target, parse
from modelserver.errors import InvalidRequest


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/v1/models/m:predict", Target("m", None, None, "predict")),
        ("POST", "/v1/models/m/versions/2:predict", Target("m", 2, None, "predict")),
        ("POST", "/v1/models/m/versions/002:predict", Target("m", 2, None, "predict")),
        ("POST", "/v1/models/m/labels/stable:regress", Target("m", None, "stable", "regress")),
        ("POST", "/V1/Models/M:classify", Target("M", None, None, "classify")),
        ("GET", "/v1/models", Target("", None, None, "")),
        ("GET", "/v1/models/m", Target("m", None, None, "")),
        ("GET", "/v1/models/m/versions/9223372036854775807", Target("m", 2**63 - 1, None, "")),
        ("GET", "/v1/models/m/versions/1/metadata", Target("m", 1, None, "metadata")),
        ("GET", "/v1/models/m/labels/a%2Fb/metadata", Target("m", None, "a/b", "metadata")),
        ("GET", "/v1/models/m/METADATA", Target("m", None, None, "")),
        ("GET", "/v1/models/a+b%20c", Target("a+b c", None, None, "")),
        ("GET", "/v1/models/metadata", Target("metadata", None, None, "")),
    ],
)
def test_a_url_names_a_model_and_a_version_or_label(method: str, path: str, target: Target) -> None:
    assert target == parse(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/foo"),
        ("GET", "/v1/models/m:predict"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/m/predict"),
        ("POST", "/v1/models/m:PREDICT"),
        ("POST", "/v1/models/m:predict/"),
        ("POST", "/v1/models/m/versions/1/labels/a:predict"),
        ("POST", "/v1/models/m/versions/:predict"),
        ("POST", "/v1/models/m/versions/-1:predict"),
        ("POST", "/v1/models/m/versions/1a:predict"),
        ("POST", "/v1/models/m/versions/\u0661:predict"),
        ("PUT", "/v1/models/m:predict"),
        ("HEAD", "/v1/models/m"),
        ("GET", "/v1/models/"),
    ],
)
def test_anything_else_is_a_malformed_request(method: str, path: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse(method, path)
    assert f"Malformed request: {method} {path}" == str(refusal.value)


@pytest.mark.parametrize("digits", ["9223372036854775808", "9" * 5000])
def test_a_version_beyond_int64_is_refused_in_words(digits: str) -> None:
    with pytest.raises(
        InvalidRequest, match=r"^Failed to convert version: 9\d{18,39} to numeric\.$"
    ):
        parse("GET", f"/v1/models/m/versions/{digits}")
