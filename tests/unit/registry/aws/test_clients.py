"""Clients go where the environment says, and say what is missing there."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelregistry.aws.clients import Clients
from modelregistry.errors import Unavailable
from tests.aws import Aws, environment, variables
from tests.support.endpoints import Faulty

NOWHERE = "http://127.0.0.1:1"


def test_every_service_goes_to_the_endpoint_of_the_environment(on_aws: Aws) -> None:
    clients = Clients()
    clients.s3.put_object(Bucket=on_aws.bucket, Key="a", Body=b"1")
    assert clients.s3.get_object(Bucket=on_aws.bucket, Key="a")["Body"].read() == b"1"
    assert (
        clients.dynamodb.describe_table(TableName=on_aws.table)["Table"]["TableName"]
        == on_aws.table
    )
    assert clients.cloudformation.describe_stacks()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("s3", "AWS_ENDPOINT_URL_S3"),
        ("dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"),
        ("cloudformation", "AWS_ENDPOINT_URL_CLOUDFORMATION"),
    ],
)
def test_a_service_can_have_an_endpoint_of_its_own(service: str, variable: str) -> None:
    with environment({**variables(NOWHERE), variable: "http://localhost:9"}):
        client = getattr(Clients(), service)
        assert client.meta.endpoint_url == "http://localhost:9"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_bucket_at_an_endpoint_of_ones_own_is_a_path(
    in_between: Faulty, on_aws: Aws, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{in_between.server_port}")
    url = Clients().s3.generate_presigned_url(
        "get_object", Params={"Bucket": on_aws.bucket, "Key": "a/b"}
    )
    assert url.startswith(f"http://{host}:{in_between.server_port}/{on_aws.bucket}/a/b?")
    assert Clients().s3.list_objects_v2(Bucket=on_aws.bucket)["KeyCount"] == 0
    assert in_between.asked == 1


def test_on_aws_itself_a_bucket_is_a_host() -> None:
    settings = variables(NOWHERE)
    del settings["AWS_ENDPOINT_URL"]
    with environment(settings):
        url = Clients().s3.generate_presigned_url(
            "get_object", Params={"Bucket": "b0b", "Key": "k"}
        )
    assert url.startswith("https://b0b.s3.")


@pytest.mark.parametrize(
    ("settings", "given", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, None, "eu-west-1"),
        ({"AWS_REGION": "eu-west-2"}, None, "eu-west-2"),
        ({"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, None, "eu-west-2"),
        ({"AWS_REGION": "eu-west-2"}, "us-east-1", "us-east-1"),
    ],
)
def test_the_region_is_the_given_one_or_the_environments(
    settings: dict[str, str], given: str | None, region: str
) -> None:
    everything = {**variables(NOWHERE), **settings}
    if "AWS_DEFAULT_REGION" not in settings:
        del everything["AWS_DEFAULT_REGION"]
    with environment(everything):
        clients = Clients(given)
        assert clients.region == region
        assert clients.dynamodb.meta.region_name == region


def test_the_region_of_a_profile_counts(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = ap-south-1\n")
    settings = {**variables(NOWHERE), "AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "work"}
    del settings["AWS_DEFAULT_REGION"]
    with environment(settings):
        assert Clients().region == "ap-south-1"


def test_a_missing_region_is_one_line_with_the_way_out() -> None:
    settings = variables(NOWHERE)
    del settings["AWS_DEFAULT_REGION"]
    with environment(settings), pytest.raises(Unavailable, match="no AWS region is set") as caught:
        _ = Clients().s3
    assert "AWS_REGION" in caught.value.hint
    assert "region=" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"AWS_PROFILE": "nobody"}, r"The config profile \(nobody\) could not be found"),
        ({"AWS_ACCESS_KEY_ID": ""}, "there are no AWS credentials"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "there are no AWS credentials, or half of them"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_one_line(
    change: dict[str, str], sentence: str
) -> None:
    with (
        environment({**variables(NOWHERE), **change}),
        pytest.raises(Unavailable, match=sentence) as caught,
    ):
        Clients().credentials()
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_an_empty_endpoint_is_none(service: str) -> None:
    with environment(variables("")):
        url = getattr(Clients(), service).meta.endpoint_url
    assert url == f"https://{service}.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("endpoint", ["localhost:4566", "http://", "http://a b"])
def test_an_endpoint_that_is_no_url_is_one_line(endpoint: str) -> None:
    with environment(variables(endpoint)), pytest.raises(Unavailable, match=endpoint) as caught:
        _ = Clients().s3
    assert "AWS_ENDPOINT_URL" in caught.value.hint


def test_whether_there_are_credentials_can_be_asked() -> None:
    settings = variables(NOWHERE)
    with environment(settings):
        assert Clients().has_credentials()
    del settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
    with environment(settings):
        assert not Clients().has_credentials()


def test_a_client_is_made_once_for_all_threads(on_aws: Aws) -> None:
    clients = Clients()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: id(clients.dynamodb), range(8)))
    assert len(set(made)) == 1


def test_closed_clients_connect_again(on_aws: Aws) -> None:
    clients = Clients()
    clients.close()
    for _ in range(2):
        assert clients.s3.list_objects_v2(Bucket=on_aws.bucket)["KeyCount"] == 0
        clients.close()


def test_naming_clients_loads_nothing() -> None:
    program = (
        "import sys\n"
        "from modelregistry.aliases.dynamodb import DynamoAliasTable\n"
        "from modelregistry.aws.clients import Clients\n"
        "from modelregistry.aws.items import Items\n"
        "from modelregistry.aws.signing import scope_of\n"
        "from modelregistry.aws.stack import stack_outputs\n"
        "DynamoAliasTable(Items('table', Clients()))\n"
        "print(*sys.modules)"
    )
    child = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert {"boto3", "botocore", "s3transfer", "urllib3"} & set(child.stdout.split()) == set()
