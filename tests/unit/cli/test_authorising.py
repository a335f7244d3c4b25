"""predict --url before a guard: what is signed, with what, and what is said when it is refused."""

import json
import os
from collections.abc import Iterator, Mapping

import pytest

from modelcli.authorising import Auth, Authorized, authorized, read_headers
from modelregistry.errors import InvalidInput, Unavailable
from tests.aws import environment
from tests.unit.cli.deploying import Deploy, Result
from tests.unit.cli.guarding import KEY_ID, REGION, SECRET, TOKEN, Guard, guarded, wrong_signature

API = "https://abc123.execute-api.eu-west-1.amazonaws.com/prod"
FUNCTION = "https://abc123.lambda-url.us-east-2.on.aws/"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
    "AWS_DEFAULT_REGION": REGION,
}
NOBODY = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def nobody() -> Iterator[None]:
    """There are no AWS credentials."""
    with environment(NOBODY):
        yield


@pytest.fixture
def somebody() -> Iterator[None]:
    """There are temporary ones, as after signing in."""
    with environment(NOBODY | CREDENTIALS):
        yield


@pytest.fixture
def guard() -> Iterator[Guard]:
    with guarded() as found:
        yield found


def ask(deploy: Deploy, guard: Guard, *flags: str, model: str = "sample") -> Result:
    (deploy.work / "body.json").write_text('{"instances": [1.0]}')
    result = deploy("predict", model, "-d", "body.json", "--url", guard.url, *flags)
    for secret in (SECRET, TOKEN, "s3cret"):
        assert secret not in result.out + result.err
    return result


def to(url: str, auth: Auth = "auto", headers: Mapping[str, str] | None = None) -> Authorized:
    return authorized(url, b"{}", headers or {}, auth)


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("model", ["sample", "sample:2", "sample@canary", "a.b_c-d"])
def test_a_signed_request_passes_a_guard_that_verifies_it(
    deploy: Deploy, guard: Guard, model: str
) -> None:
    guard.refuse = wrong_signature
    result = ask(deploy, guard, "--auth", "iam", model=model)
    assert (result.code, json.loads(result.out)) == (0, {"predictions": [2.0]})
    (asked,) = guard.asked
    assert asked.headers["x-amz-security-token"] == TOKEN
    assert f"/{REGION}/execute-api/aws4_request" in asked.headers["authorization"]


@pytest.mark.usefixtures("somebody")
def test_a_header_of_ones_own_is_sent_and_signed(deploy: Deploy, guard: Guard) -> None:
    guard.refuse = wrong_signature
    assert ask(deploy, guard, "--auth", "iam", "-H", "X-Routing-Key:  ann ").code == 0
    assert guard.asked[0].headers["x-routing-key"] == "ann"


@pytest.mark.usefixtures("somebody")
def test_the_guard_of_these_tests_refuses_what_was_signed_with_another_secret(
    deploy: Deploy, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.refuse = wrong_signature
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    result = ask(deploy, guard, "--auth", "iam")
    assert result.code == 1
    assert result.err == (
        f"error: {guard.url}/v1/models/sample:predict answered 403 Forbidden:"
        " The request signature we calculated does not match\n"
        "hint: is the secret access key right, and is AWS_REGION the region of the API?\n"
    )


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize(
    ("url", "service", "scope"),
    [
        (API, "execute-api", "/eu-west-1/execute-api/aws4_request"),
        (FUNCTION, "lambda", "/us-east-2/lambda/aws4_request"),
    ],
)
def test_what_is_on_aws_is_signed_unasked_for_its_own_service_and_region(
    url: str, service: str, scope: str
) -> None:
    found = to(url)
    assert (found.by, found.service) == ("signature", service)
    assert scope in found.headers["Authorization"]


@pytest.mark.usefixtures("somebody")
def test_what_is_not_on_aws_is_not_signed_unasked(deploy: Deploy, guard: Guard) -> None:
    assert ask(deploy, guard).code == 0
    assert "authorization" not in guard.asked[0].headers


@pytest.mark.usefixtures("somebody")
def test_none_never_signs() -> None:
    assert to(API, "none") == Authorized({}, "nothing")


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("url", [API, FUNCTION, "https://models.example.com"])
def test_a_token_takes_the_place_of_the_signature(url: str) -> None:
    headers = {"authorization": "Bearer s3cret"}
    assert to(url, headers=headers) == Authorized(headers, "header")


@pytest.mark.usefixtures("somebody")
def test_a_token_and_a_signature_contradict_each_other(deploy: Deploy, guard: Guard) -> None:
    result = ask(deploy, guard, "--auth", "iam", "-H", "Authorization: Bearer s3cret")
    assert (result.code, guard.asked) == (2, [])
    assert result.err.startswith("error: --auth iam makes the Authorization header that -H gives")


@pytest.mark.usefixtures("nobody")
def test_without_credentials_nothing_is_signed_unasked() -> None:
    assert to(API) == Authorized({}, "no credentials")


@pytest.mark.usefixtures("nobody")
def test_without_credentials_a_signature_that_was_asked_for_is_an_error() -> None:
    with pytest.raises(Unavailable, match="no AWS credentials"):
        to(API, "iam")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("by", "service", "said", "hint"),
    [
        ("header", "", "Unauthorized", "the Authorization header was sent: has its token expired"),
        ("no credentials", "", "Forbidden", "it was not signed, as there are no AWS credentials:"),
        ("nothing", "", "Forbidden", "it was not signed; if it wants AWS credentials: --auth iam"),
        ("signature", "lambda", "Forbidden", "it was signed: do your AWS credentials allow lambda"),
        (
            "signature",
            "execute-api",
            "The security token included in the request is expired",
            "these AWS credentials have expired",
        ),
        (
            "signature",
            "execute-api",
            "Signature expired: 20261122T093000Z is now earlier than 20261122T093500Z",
            "is this machine's clock right?",
        ),
    ],
)
def test_who_is_refused_is_told_what_was_sent_and_what_may_be_missing(
    status: int, by: str, service: str, said: str, hint: str
) -> None:
    found = Authorized({}, by, service)  # type: ignore[arg-type] # a column of this table
    assert found.hint(status, said).startswith(hint)
    assert found.hint(500, said) == ""


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, b'{"message":"Unauthorized"}', "answered 401 Unauthorized"),
        (403, b'{"message":"Forbidden"}', "answered 403 Forbidden"),
        (403, b'{"Message":"Forbidden. For troubleshooting"}', ": Forbidden. For troubleshooting"),
        (
            403,
            b'{"message":"does not match.\\n\\nx-amz-security-token:s3cret"}',
            ": does not match.",
        ),
        (403, b"<html>", "answered 403 Forbidden"),
        (403, b'{"message":null}', "answered 403 Forbidden"),
        (403, b'{"message":""}', "answered 403 Forbidden"),
        (503, b'{"message":"Service Unavailable"}', "answered 503 Service Unavailable"),
    ],
)
def test_a_refusal_is_one_line_that_repeats_no_credential(
    deploy: Deploy, guard: Guard, status: int, body: bytes, sentence: str
) -> None:
    guard.status, guard.body = status, body
    result = ask(deploy, guard, "-H", "Authorization: Bearer s3cret")
    assert result.code == 1
    first, *rest = result.err.splitlines()
    assert first.startswith("error: ")
    assert first.endswith(sentence)
    assert len(rest) == (1 if status < 500 else 0)


def test_a_token_is_sent_as_it_was_given(deploy: Deploy, guard: Guard) -> None:
    assert ask(deploy, guard, "-H", "Authorization: Bearer s3cret").code == 0
    assert guard.asked[0].headers["authorization"] == "Bearer s3cret"
    assert guard.asked[0].headers["content-type"] == "application/json"


def test_a_redirect_is_told_and_hands_the_token_to_nobody(deploy: Deploy, guard: Guard) -> None:
    guard.status, guard.headers = 302, {"location": guard.url + "/elsewhere"}
    result = ask(deploy, guard, "-H", "Authorization: Bearer s3cret")
    assert (result.code, len(guard.asked)) == (1, 1)
    assert f"hint: it points to {guard.url}/elsewhere" in result.err


@pytest.mark.parametrize(
    "header", ["s3cret", ": s3cret", "a b: s3cret", "X: s3cret\nY: z", "X: s3crét", "Host: s3cret"]
)
def test_what_is_no_header_is_bad_usage_and_not_repeated(
    deploy: Deploy, guard: Guard, header: str
) -> None:
    result = ask(deploy, guard, "-H", header)
    assert (result.code, guard.asked) == (2, [])


def test_a_later_header_of_the_same_name_counts() -> None:
    assert read_headers(["X: 1", "x:2", "Y:"]) == {"x": "2", "y": ""}


@pytest.mark.parametrize("flags", [("-H", "X: 1"), ("--auth", "iam")])
def test_what_is_for_a_server_means_nothing_without_one(
    deploy: Deploy, flags: tuple[str, ...]
) -> None:
    (deploy.work / "body.json").write_text("{}")
    result = deploy("predict", "sample", "-d", "body.json", *flags)
    assert result.code == 2
    assert "they mean nothing without --url" in result.err


def test_a_password_in_a_url_is_refused_and_not_repeated(deploy: Deploy, guard: Guard) -> None:
    guard.url = "http://ann:s3cret@127.0.0.1:1"
    assert ask(deploy, guard).code == 2


def test_the_contradiction_is_found_before_credentials_are_looked_for() -> None:
    with pytest.raises(InvalidInput):
        to(API, "iam", {"authorization": "Bearer s3cret"})
