"""What is wrong with AWS, as a person reads it: one line, a way out, an exit code."""

from collections.abc import Iterator

import pytest

from modelcli.session import cloudformation_outputs
from modelregistry.errors import NotFound
from modelregistry.opening import open_registry
from tests.aws import Aws, aws
from tests.fakes import publish_all, savedmodel
from tests.unit.cli.deploying import Deploy

MISSING = {
    "s3://no-such-bucket/models?table={table}": "s3://no-such-bucket is not there (s3:",
    "s3://{bucket}/models?table=no-such-table": "table no-such-table is not there (dynamodb:",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A registry with two versions of `sample`, one for all of these tests."""
    with aws() as made:
        registry = open_registry(made.url)
        publish_all(registry, tmp_path_factory.mktemp("exports"), {"sample": 2})
        registry.aliases.close()
        yield made


@pytest.fixture
def live(deploy: Deploy, cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """That registry, with the files of version 1 in `exported`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(deploy.work / "cache"))
    savedmodel(deploy.work / "exported", "sample-1")
    deploy.environment["DEPLOY_REGISTRY"] = cloud.url
    return deploy


@pytest.mark.parametrize("url", MISSING)
@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "sample"),
        ("list",),
        ("list", "sample"),
        ("show", "sample:1"),
        ("diff", "sample:1", "sample:2"),
        ("promote", "sample", "1"),
        ("policy", "sample", "latest"),
        ("alias", "set", "sample", "canary", "1"),
        ("publish", "exported", "sample"),
        ("publish", "exported", "sample", "--dry-run"),
        ("verify",),
        ("gc",),
        ("delete", "sample:1"),
        ("copy", "sample:1", "HERE", "URL"),
        ("copy", "sample:1", "HERE", "URL", "--dry-run"),
        ("copy", "sample:1", "URL", "laptop"),
        ("predict", "sample", "-d", "exported/saved_model.pb"),
        ("serve", "--rest_api_port", "0"),
    ],
    ids=" ".join,
)
def test_a_bucket_or_table_that_is_not_there_is_one_line_before_any_work(
    live: Deploy, cloud: Aws, url: str, words: tuple[str, ...]
) -> None:
    missing = url.format(bucket=cloud.bucket, table=cloud.table)
    live.environment["DEPLOY_REGISTRY"] = missing
    result = live(*({"URL": missing, "HERE": cloud.url}.get(word, word) for word in words))
    assert (result.code, result.out) == (5, "")
    error, hint = result.err.splitlines()
    assert error.startswith(f"error: {MISSING[url]}")
    assert hint == "hint: check its name, the region and the account"
    assert live.compiler.compiled == []
    assert not (live.work / "laptop").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "there are no AWS credentials"),
        ({"AWS_DEFAULT_REGION": ""}, "no AWS region is set"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "cannot reach http://127.0.0.1:1"),
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
    ],
)
def test_no_access_to_aws_is_one_line_with_a_way_out(
    live: Deploy, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], says: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    result = live("status")
    assert (result.code, result.out) == (1, "")
    error, hint = result.err.splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith("hint: ")


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "stack", ["nowhere", "arn:aws:cloudformation:eu-west-3:123456789012:stack/nowhere/1"]
)
def test_a_stack_that_is_not_there_is_not_found(stack: str) -> None:
    with pytest.raises(NotFound, match=r"stack .*nowhere.* is not there"):
        cloudformation_outputs(stack)


def test_what_is_uploaded_is_told_where_there_is_an_upload(live: Deploy) -> None:
    # The same bytes as version 1: S3 copies every file.
    result = live.ok("publish", "exported", "sample", "9")
    assert result.out.splitlines()[-1].startswith("uploaded 0 B of ")
    (published,) = live.ok("publish", "exported", "sample", "10", "--json").json["publications"]
    assert (published["uploaded"], published["outcome"]) == (0, "published")
    assert published["bytes"] > 0
