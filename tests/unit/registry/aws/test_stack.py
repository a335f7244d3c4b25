"""What a stack made is read from its outputs."""

import json
from collections.abc import Mapping

import pytest

from modelregistry.aws.stack import StackOutputs, stack_outputs
from modelregistry.errors import InvalidInput, NotFound, Unavailable
from tests.aws import Aws
from tests.support.endpoints import Faulty, answers


def make_stack(on_aws: Aws, outputs: Mapping[str, str]) -> str:
    """A stack of one topic and `outputs`. Returns its name."""
    name = f"stack-{on_aws.table}"
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    on_aws.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    return name


def test_the_registry_and_the_api_of_a_stack(on_aws: Aws) -> None:
    name = make_stack(
        on_aws,
        {
            "Bucket": "not-this-one",
            "Prefix": "nor-this",
            "Table": "nor-that",
            "Region": on_aws.region,
            "RegistryUrl": on_aws.url,
            "ApiUrl": "https://a1.execute-api.eu-central-1.amazonaws.com",
        },
    )
    assert stack_outputs(name) == StackOutputs(
        f"{on_aws.url}&region={on_aws.region}", "https://a1.execute-api.eu-central-1.amazonaws.com"
    )


def test_bucket_and_table_make_a_registry_as_well(on_aws: Aws) -> None:
    name = make_stack(on_aws, {"Bucket": "bucket", "Prefix": "models/", "Table": "aliases"})
    assert stack_outputs(name) == StackOutputs(
        "s3://bucket/models?table=aliases&region=eu-central-1", None
    )


def test_a_stack_of_another_region_is_found_there(on_aws: Aws) -> None:
    name = make_stack(on_aws, {"Bucket": "bucket", "Table": "aliases"})
    with pytest.raises(NotFound):
        stack_outputs(name, "us-west-2")
    assert stack_outputs(name, on_aws.region).registry_url.endswith(f"region={on_aws.region}")


def test_the_region_of_the_outputs_counts_wherever_the_stack_is(on_aws: Aws) -> None:
    name = make_stack(on_aws, {"Bucket": "bucket", "Table": "aliases", "Region": "eu-west-1"})
    assert stack_outputs(name).registry_url == "s3://bucket?table=aliases&region=eu-west-1"


def test_a_stack_that_is_not_there_is_named(on_aws: Aws) -> None:
    with pytest.raises(NotFound, match="stack no-such-stack is not there") as caught:
        stack_outputs("no-such-stack")
    assert "region" in caught.value.hint


def test_a_stack_without_a_registry_says_what_it_lacks(on_aws: Aws) -> None:
    name = make_stack(on_aws, {"Bucket": "bucket", "ApiUrl": "https://example.com"})
    with pytest.raises(NotFound, match="has no output RegistryUrl, nor Bucket and Table"):
        stack_outputs(name)


def test_an_output_that_is_no_registry_is_not_passed_on(on_aws: Aws) -> None:
    name = make_stack(on_aws, {"RegistryUrl": "https://example.com"})
    with pytest.raises(InvalidInput, match="is not the URL of a registry in S3"):
        stack_outputs(name)


def test_a_missing_permission_is_named(in_between: Faulty) -> None:
    in_between.faults += [answers(403, "AccessDenied", "no")]
    with pytest.raises(Unavailable) as caught:
        stack_outputs("prod")
    assert str(caught.value) == (
        "no permission for cloudformation:DescribeStacks on stack prod:"
        " cloudformation:DescribeStacks on"
        " arn:aws:cloudformation:eu-central-1:*:stack/prod/* is missing"
    )
