"""--stack: the registry that a CloudFormation stack names."""

import pytest

from modelregistry.aws.stack import StackOutputs
from tests.fakes import savedmodel
from tests.unit.cli.deploying import Deploy


@pytest.fixture
def staged(deploy: Deploy) -> Deploy:
    """A stack whose registry is a directory here, with a version of `sample`."""
    url = (deploy.work / "registry").as_uri()
    deploy.published({"sample": 1})
    deploy.stacks["staging"] = StackOutputs(url, None)
    deploy.environment.clear()
    return deploy


@pytest.mark.parametrize(
    "arguments", [("--stack", "staging", "status"), ("status", "--stack=staging")]
)
def test_a_stack_is_named_before_or_after_the_command(
    staged: Deploy, arguments: tuple[str, ...]
) -> None:
    place = staged.ok(*arguments, "--json").json["registry"]
    assert place == {
        "url": (staged.work / "registry").as_uri(),
        "reason": "of the stack staging, chosen by --stack",
        "exists": True,
    }


def test_the_environment_or_deploy_toml_names_a_stack(staged: Deploy) -> None:
    (staged.work / "deploy.toml").write_text('stack = "staging"\n')
    first, *_ = staged.ok("status").out.splitlines()
    toml = staged.work / "deploy.toml"
    assert first.endswith(f" (of the stack staging, chosen by {toml})")
    staged.environment["DEPLOY_STACK"] = "other"
    assert (staged("status").code, staged("status").err) == (5, "error: there is no stack other\n")


def test_a_stack_can_be_named_as_a_url_too(staged: Deploy) -> None:
    document = staged.ok("list", "--json", "--registry", "stack:staging").json
    assert document == {"models": [{"model": "sample", "versions": [1]}]}


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "--stack", "staging", "--registry", "r"),
        ("--stack", "staging", "--registry", "r", "status"),
        ("--stack", "staging", "status", "--registry", "r"),
        ("--registry", "r", "status", "--stack", "staging"),
    ],
)
def test_a_stack_and_a_registry_contradict_each_other(
    staged: Deploy, arguments: tuple[str, ...]
) -> None:
    result = staged(*arguments)
    assert result.code == 2
    assert result.err.startswith("error: --registry names 'r' and --stack the stack 'staging'\n")


@pytest.mark.parametrize("arguments", [("--help",), ("promote", "--help"), ("--version",)])
def test_a_stack_is_asked_only_when_a_command_runs(
    staged: Deploy, arguments: tuple[str, ...]
) -> None:
    assert staged("--stack", "nowhere", *arguments).code == 0


def test_a_stack_is_asked_once(staged: Deploy) -> None:
    asked: list[str] = []

    def count(stack: str) -> StackOutputs:
        asked.append(stack)
        return staged.stacks[stack]

    staged.outputs = count  # type: ignore[method-assign] # a fake that counts
    for arguments in (("status",), ("promote", "sample", "1"), ("gc", "--dry-run")):
        staged.ok(*arguments, "--stack", "staging")
    assert asked == ["staging"] * 3


def test_an_empty_name_is_bad_usage(staged: Deploy) -> None:
    result = staged("status", "--stack", "")
    assert (result.code, result.err.splitlines()[0]) == (2, "error: the stack's name is empty")


def test_a_server_can_be_a_stacks_api(staged: Deploy) -> None:
    (staged.work / "body.json").write_text("{}")
    without = staged("predict", "sample", "-d", "body.json", "--url", "stack:staging")
    assert (without.code, without.err.splitlines()[0]) == (5, "error: stack staging has no API")
    staged.stacks["staging"] = StackOutputs("file:///none", "http://127.0.0.1:1/")
    with_api = staged("predict", "sample", "-d", "body.json", "--url", "stack:staging")
    assert with_api.err.startswith("error: cannot reach http://127.0.0.1:1/v1/models/sample:pred")


def test_the_way_to_go_live_leads_to_the_stack_that_was_named(staged: Deploy) -> None:
    assert "deploy promote sample 1 --stack staging\n" in staged.ok("status", "--stack=staging").err
    savedmodel(staged.work / "better", "better")
    result = staged.ok("--stack", "staging", "publish", "better", "sample")
    assert result.err == "to go live: deploy promote sample 2 --stack staging\n"
