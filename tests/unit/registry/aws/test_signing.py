"""
Signatures of requests to a stack's API, checked by the algorithm as AWS documents it:
`canonical request → string to sign → key by key → signature`.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from modelregistry.aws.signing import Scope, scope_of, signed_headers
from modelregistry.errors import InvalidInput, Unavailable
from tests.aws import environment, variables

API = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"
SECRET = variables("")["AWS_SECRET_ACCESS_KEY"]


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    with environment(variables("http://127.0.0.1:1")):
        yield


def signature(
    secret: str, scope: str, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> str:
    """
    What the documentation makes of a request. `scope` is DATE/REGION/SERVICE/aws4_request;
    `headers` are those that are signed, their names in lower case.
    """
    parts = urlsplit(url)
    query = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            method,
            # Each step of the path is encoded once more than on the wire.
            "/".join(quote(step, safe="~") for step in parts.path.split("/")) or "/",
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(value.split())}" for name, value in sorted(headers.items())),
            "",
            ";".join(sorted(headers)),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def test_the_check_itself_agrees_with_amazons_example() -> None:
    """`get-vanilla` of the test suite that AWS published for signature version 4."""
    assert (
        signature(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "20150830/us-east-1/service/aws4_request",
            "GET",
            "https://example.amazonaws.com/",
            {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"},
            b"",
        )
        == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("body", [b"", b'{"instances": [1.5, "\xc3\xa9"]}', bytes(range(256))])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1/models/sample:predict",
        "/v1/models/sample/labels/a%2Fb:predict",
        "/v1/models/sample/versions/2:predict",
        "/v1/models/r%C3%A9sum%C3%A9",
        "/v1/models/a%20b/metadata",
        "/v1/models?b=2&a=1&a=%2F%2B%20x&empty=",
        "/stage/v1/models/-_.~",
    ],
)
def test_a_request_is_signed_as_it_goes_out(method: str, path: str, body: bytes) -> None:
    sent = {"Content-Type": "application/json"}
    added = signed_headers(method, API + path, body, sent)
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"
        r"(\d{8}/eu-central-1/execute-api/aws4_request), "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        added["Authorization"],
    )
    assert found
    everything = {name.lower(): value for name, value in {**sent, **added}.items()}
    everything["host"] = "a1b2c3.execute-api.eu-central-1.amazonaws.com"
    signed = {name: everything[name] for name in found[2].split(";")}
    assert {"host", "x-amz-date", "content-type"} <= signed.keys()
    assert signature(SECRET, found[1], method, API + path, signed, body) == found[3]


def test_what_was_given_is_not_given_back() -> None:
    added = signed_headers("post", API, b"{}", {"content-type": "application/json"})
    assert sorted(added) == ["Authorization", "X-Amz-Date"]


def test_a_session_token_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the token")
    added = signed_headers("GET", API)
    assert added["X-Amz-Security-Token"] == "the token"
    assert "x-amz-security-token" in added["Authorization"]


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("a1b2.execute-api.eu-central-1.amazonaws.com", Scope("execute-api", "eu-central-1")),
        ("A1B2.Execute-Api.eu-central-1.amazonaws.com", Scope("execute-api", "eu-central-1")),
        ("a1b2.execute-api.eu-central-1.amazonaws.com:443", Scope("execute-api", "eu-central-1")),
        ("a1b2.execute-api.cn-north-1.amazonaws.com.cn", Scope("execute-api", "cn-north-1")),
        ("a1b2.execute-api.eu-west-1.api.aws", Scope("execute-api", "eu-west-1")),
        ("x9.lambda-url.us-gov-west-1.on.aws", Scope("lambda", "us-gov-west-1")),
        ("localhost:3000", None),
        ("models.example.com", None),
        ("execute-api.eu-central-1.amazonaws.com", None),
        ("a.execute-api.eu-central-1.amazonaws.com.evil.com", None),
        ("a.execute-api.eu-central-1.amazonaws.community", None),
    ],
)
def test_the_host_says_for_what_to_sign(host: str, scope: Scope | None) -> None:
    assert scope_of(f"https://{host}/v1/models") == scope


def test_a_host_of_ones_own_needs_to_be_told() -> None:
    url = "https://models.example.com/v1/models/sample:predict"
    with pytest.raises(InvalidInput, match="for which service"):
        signed_headers("POST", url, b"{}")
    added = signed_headers("POST", url, b"{}", scope=Scope("execute-api", "eu-west-3"))
    assert "/eu-west-3/execute-api/aws4_request" in added["Authorization"]


def test_without_credentials_nothing_is_signed() -> None:
    settings = variables("http://127.0.0.1:1")
    del settings["AWS_ACCESS_KEY_ID"]
    with environment(settings), pytest.raises(Unavailable, match="no AWS credentials") as caught:
        signed_headers("GET", API)
    assert "AWS_PROFILE" in caught.value.hint
