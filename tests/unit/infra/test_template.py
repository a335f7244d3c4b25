"""What must never vanish from the stack, whatever else is changed in it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from modelregistry.aws.address import Address
from modelserver.settings import LambdaSettings
from tests.unit.infra.templates import (
    GITHUB_ACTIONS,
    MONITORING,
    REGION,
    ROOT,
    STACK,
    Resolved,
    Template,
    listed,
    load,
    statements,
    transformed,
    wildcards,
)

XRAY = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
FUNCTIONS = ["PredictRole", "OnPublishRole"]
AUTH = {"IAM": "AWS_IAM", "JWT": "JWT", "NONE": "NONE"}


@pytest.fixture(scope="module")
def template() -> Template:
    return load(STACK)


@pytest.fixture(scope="module")
def deployed() -> Template:
    """As CloudFormation gets it."""
    return transformed()


def properties(template: Template, name: str) -> Any:  # noqa: ANN401 - JSON
    return template["Resources"][name]["Properties"]


def granted(template: Template, role: str) -> list[Template]:
    found = [statement for name, statement in statements(template) if name == role]
    return [statement for statement in found if statement["Action"] != "sts:AssumeRole"]


def actions(statements: list[Template]) -> set[str]:
    return {action for statement in statements for action in listed(statement["Action"])}


class TestRegistry:
    @pytest.mark.parametrize("name", ["ModelBucket", "AliasTable"])
    def test_outlives_the_stack(self, deployed: Template, name: str) -> None:
        resource = deployed["Resources"][name]
        assert ("Retain", "Retain") == (
            resource["DeletionPolicy"],
            resource["UpdateReplacePolicy"],
        )

    def test_the_bucket_keeps_every_object_version_for_good(self, deployed: Template) -> None:
        bucket = properties(deployed, "ModelBucket")
        assert {"Status": "Enabled"} == bucket["VersioningConfiguration"]
        # A manifest pins VersionIds, noncurrent ones too: a rule may only end unfinished uploads.
        for rule in bucket["LifecycleConfiguration"]["Rules"]:
            assert {"Id", "Status", "AbortIncompleteMultipartUpload"} == rule.keys()

    def test_the_bucket_is_encrypted(self, deployed: Template) -> None:
        (rule,) = properties(deployed, "ModelBucket")["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        assert {"SSEAlgorithm": "AES256"} == rule["ServerSideEncryptionByDefault"]

    def test_nothing_in_the_bucket_can_be_made_public(self, deployed: Template) -> None:
        assert {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        } == properties(deployed, "ModelBucket")["PublicAccessBlockConfiguration"]

    def test_the_bucket_is_reached_over_tls_alone(self, deployed: Template) -> None:
        policy = properties(deployed, "ModelBucketPolicy")
        assert {"Ref": "ModelBucket"} == policy["Bucket"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        bucket = {"Fn::GetAtt": ["ModelBucket", "Arn"]}
        assert {
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, {"Fn::Sub": "${ModelBucket.Arn}/*"}],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        } == statement

    def test_the_bucket_tells_eventbridge(self, deployed: Template) -> None:
        assert {"EventBridgeConfiguration": {"EventBridgeEnabled": True}} == properties(
            deployed, "ModelBucket"
        )["NotificationConfiguration"]

    def test_the_table_is_paid_for_by_use_backed_up_and_encrypted(self, deployed: Template) -> None:
        table = properties(deployed, "AliasTable")
        assert "PAY_PER_REQUEST" == table["BillingMode"]
        assert {"PointInTimeRecoveryEnabled": True} == table["PointInTimeRecoverySpecification"]
        assert {"SSEEnabled": True} == table["SSESpecification"]
        assert table["DeletionProtectionEnabled"] is True

    def test_the_table_s_keys_are_those_of_the_log(self, deployed: Template) -> None:
        table = properties(deployed, "AliasTable")
        assert [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ] == table["KeySchema"]


class TestAccess:
    def test_iam_is_the_default(self, template: Template) -> None:
        assert "IAM" == template["Parameters"]["AuthType"]["Default"]
        assert [*AUTH] == template["Parameters"]["AuthType"]["AllowedValues"]

    @pytest.mark.parametrize(("kind", "expected"), AUTH.items())
    def test_every_request_passes_the_one_authorizer(self, kind: str, expected: str) -> None:
        chosen = {"AuthType": kind, "JwtIssuer": "https://issuer", "JwtAudience": "models"}
        stack = Resolved(transformed(chosen), **chosen)
        (route,) = stack.resources("AWS::ApiGatewayV2::Route").values()
        assert "$default" == route["Properties"]["RouteKey"]
        assert expected == route["Properties"]["AuthorizationType"]
        authorizers = stack.resources("AWS::ApiGatewayV2::Authorizer")
        if kind == "JWT":
            assert {"Ref": "JwtAuthorizer"} == route["Properties"]["AuthorizerId"]
            settings = authorizers["JwtAuthorizer"]["Properties"]["JwtConfiguration"]
            audience = {"Fn::Split": [",", "models"]}
            assert {"Issuer": "https://issuer", "Audience": audience} == settings
        else:
            assert not authorizers

    def test_jwt_without_an_issuer_or_an_audience_is_no_stack(self, template: Template) -> None:
        rule = template["Rules"]["JwtHasIssuerAndAudience"]
        assert {"Fn::Equals": [{"Ref": "AuthType"}, "JWT"]} == rule["RuleCondition"]
        assert 2 == len(rule["Assertions"])

    def test_only_this_api_may_invoke_the_function(self, deployed: Template) -> None:
        permissions = Resolved(deployed).resources("AWS::Lambda::Permission")
        found = {name: each["Properties"] for name, each in permissions.items()}
        for permission in found.values():
            assert "SourceArn" in permission
        assert {"PredictApiPermission", "OnPublishFunctionManifestCreatedPermission"} == set(found)
        assert "${PredictApi}/*/$default" in str(found["PredictApiPermission"]["SourceArn"])

    def test_a_function_url_is_there_on_request_and_for_iam_alone(self, deployed: Template) -> None:
        assert not Resolved(deployed).resources("AWS::Lambda::Url")
        (url,) = Resolved(deployed, FunctionUrl="yes").resources("AWS::Lambda::Url").values()
        assert "AWS_IAM" == url["Properties"]["AuthType"]

    def test_the_api_is_throttled_and_logs_every_access(self, deployed: Template) -> None:
        stage = properties(deployed, "PredictStage")
        assert stage["DefaultRouteSettings"].keys() >= {
            "ThrottlingRateLimit",
            "ThrottlingBurstLimit",
        }
        line = json.loads(stage["AccessLogSettings"]["Format"])
        assert {"$context.requestId", "$context.status", "$context.identity.userArn"} <= {
            *line.values()
        }


class TestRoles:
    def test_nothing_is_granted_by_wildcard_but_x_ray(self, deployed: Template) -> None:
        expected = sorted((role, action) for role in FUNCTIONS for action in XRAY)
        assert expected == wildcards(deployed)

    def test_no_role_has_a_policy_of_aws_s_making(self, deployed: Template) -> None:
        roles = Resolved(deployed).resources("AWS::IAM::Role")
        assert {*FUNCTIONS, "CodeDeployRole"} == set(roles)
        for role in roles.values():
            assert "ManagedPolicyArns" not in role["Properties"]

    def test_a_boundary_holds_every_role(self, deployed: Template) -> None:
        arn = "arn:aws:iam::111122223333:policy/boundary"
        roles = Resolved(deployed, PermissionsBoundary=arn).resources("AWS::IAM::Role")
        assert {arn} == {role["Properties"]["PermissionsBoundary"] for role in roles.values()}

    @pytest.mark.parametrize("role", FUNCTIONS)
    def test_neither_function_may_write_artifacts(self, deployed: Template, role: str) -> None:
        s3 = [s for s in granted(deployed, role) if "s3:" in str(s["Action"])]
        assert {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"} == actions(s3)
        for statement in s3:
            if "s3:ListBucket" in listed(statement["Action"]):
                assert {"Fn::GetAtt": ["ModelBucket", "Arn"]} == statement["Resource"]
                # IfExists: a GET of one object names no prefix, and shall be told 404.
                assert {"StringLikeIfExists": {"s3:prefix": "models/*"}} == statement["Condition"]
            else:
                assert {"Fn::Sub": "${ModelBucket.Arn}/models/*"} == statement["Resource"]

    @pytest.mark.parametrize(
        ("role", "written", "keys"),
        [
            ("PredictRole", {"dynamodb:PutItem", "dynamodb:UpdateItem"}, ["live#*", "fence#*"]),
            ("OnPublishRole", {"dynamodb:PutItem"}, ["model#*", "models"]),
        ],
    )
    def test_a_function_writes_only_its_own_keys(
        self, deployed: Template, role: str, written: set[str], keys: list[str]
    ) -> None:
        reads = {"dynamodb:Query", "dynamodb:GetItem"}
        table = [s for s in granted(deployed, role) if "dynamodb:" in str(s["Action"])]
        assert reads | written == actions(table)
        for statement in table:
            assert {"Fn::GetAtt": ["AliasTable", "Arn"]} == statement["Resource"]
            if {*listed(statement["Action"])} & written:
                assert {
                    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys},
                    "Null": {"dynamodb:LeadingKeys": "false"},
                } == statement["Condition"]


class TestPredict:
    def test_is_given_what_it_reads(self, template: Template) -> None:
        asked = Asked()
        LambdaSettings.from_environment(asked)
        others = {
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",  # Lambda's to set
            "LAMBDA_TASK_ROOT",
            "AWS_SAM_LOCAL",  # sam local's
            "POWERTOOLS_TRACE_DISABLED",  # a person's, for a while
            "TMPDIR",
        }
        variables = properties(template, "PredictFunction")["Environment"]["Variables"]
        assert asked.names - others == set(variables) - {"AWS_ENDPOINT_URL"}

    @pytest.mark.parametrize("parameters", [{}, {"MemoryBudget": "700", "Models": "a, b"}])
    def test_understands_what_it_is_given(
        self, template: Template, parameters: dict[str, str]
    ) -> None:
        variables = Resolved(template, **parameters).resources()["PredictFunction"]["Properties"][
            "Environment"
        ]["Variables"]
        url = variables["REGISTRY_URL"]["Fn::Sub"].replace("${ModelBucket}", "bucket")
        environment = {
            **{name: str(value) for name, value in variables.items()},
            "REGISTRY_URL": url.replace("${AliasTable}", "aliases"),
        }
        settings = LambdaSettings.from_environment(environment)
        assert Address("bucket", "models", "aliases") == Address.parse(settings.registry_url)
        assert (("a", "b") if parameters else ()) == settings.models

    def test_the_cache_is_always_smaller_than_tmp(self, template: Template) -> None:
        sizes = template["Parameters"]["TmpSize"]["AllowedValues"]
        cache = template["Mappings"]["CacheMb"]
        assert sizes == [*cache]
        for size in sizes:
            assert 0.85 * int(size) < int(cache[size]["Size"]) < int(size)

    def test_answers_before_lambda_and_the_api_give_up(self, template: Template) -> None:
        parameters = template["Parameters"]
        assert parameters["RequestTimeout"]["Default"] < parameters["Timeout"]["Default"] <= 30

    def test_new_code_is_tried_on_some_requests_and_taken_back_by_alarms(
        self, deployed: Template
    ) -> None:
        (group,) = Resolved(deployed).resources("AWS::CodeDeploy::DeploymentGroup").values()
        settings = group["Properties"]
        assert "Canary10Percent5Minutes" in str(settings["DeploymentConfigName"])
        assert settings["AlarmConfiguration"]["Enabled"] is True
        assert 2 == len(settings["AlarmConfiguration"]["Alarms"])
        assert "DEPLOYMENT_STOP_ON_ALARM" in settings["AutoRollbackConfiguration"]["Events"]
        alias = deployed["Resources"]["PredictFunctionAliaslive"]
        assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]

    def test_concurrency_is_reserved_and_provisioned_on_request(self, deployed: Template) -> None:
        plain = Resolved(deployed).resources()
        assert "ReservedConcurrentExecutions" not in plain["PredictFunction"]["Properties"]
        assert "ProvisionedConcurrencyConfig" not in plain["PredictFunctionAliaslive"]["Properties"]
        chosen = Resolved(deployed, ReservedConcurrency="0", ProvisionedConcurrency="2").resources()
        assert "0" == chosen["PredictFunction"]["Properties"]["ReservedConcurrentExecutions"]
        assert "ProvisionedConcurrencyConfig" in chosen["PredictFunctionAliaslive"]["Properties"]


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(REGISTRY_URL="s3://bucket/models?table=aliases")
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        self.names.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


class TestOnPublish:
    def test_hears_of_every_manifest_in_the_bucket(self, deployed: Template) -> None:
        rule = properties(deployed, "OnPublishFunctionManifestCreated")
        assert {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [{"Ref": "ModelBucket"}]},
                "object": {"key": [{"suffix": "/manifest.json"}]},
            },
        } == rule["EventPattern"]

    def test_no_event_is_lost(self, deployed: Template) -> None:
        queue = {"Fn::GetAtt": ["UnhandledEvents", "Arn"]}
        (target,) = properties(deployed, "OnPublishFunctionManifestCreated")["Targets"]
        assert {"Arn": queue} == target["DeadLetterConfig"]
        config = properties(deployed, "OnPublishFunctionEventInvokeConfig")
        assert {"OnFailure": {"Destination": queue}} == config["DestinationConfig"]
        assert properties(deployed, "UnhandledEvents")["SqsManagedSseEnabled"] is True

    def test_stands_on_the_layer(self, deployed: Template) -> None:
        (layer,) = properties(deployed, "OnPublishFunction")["Layers"]
        assert "AWS::Lambda::LayerVersion" == deployed["Resources"][layer["Ref"]]["Type"]


@pytest.mark.parametrize("function", ["PredictFunction", "OnPublishFunction"])
def test_both_functions_are_traced_and_their_logs_end(deployed: Template, function: str) -> None:
    found = properties(deployed, function)
    assert {"Mode": "Active"} == found["TracingConfig"]
    group = properties(deployed, found["LoggingConfig"]["LogGroup"]["Ref"])
    assert {"Ref": "LogRetention"} == group["RetentionInDays"]


def test_the_outputs_are_what_the_command_line_looks_for(template: Template) -> None:
    outputs = template["Outputs"]
    assert {"Bucket", "Prefix", "Table", "Region", "RegistryUrl", "ApiUrl"} <= outputs.keys()
    url = outputs["RegistryUrl"]["Value"]["Fn::Sub"]
    for name, text in {
        "${ModelBucket}": "bucket",
        "${AliasTable}": "aliases",
        "${AWS::Region}": REGION,
    }.items():
        url = url.replace(name, text)
    assert Address("bucket", "models", "aliases", REGION) == Address.parse(url)


def test_sam_local_finds_the_api_before_a_function(template: Template) -> None:
    # It reads SAM's own kind of API or this one, whichever the first of these is.
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    first = next(k for k in kinds if k.startswith(("AWS::Serverless::", "AWS::ApiGateway")))
    assert first.startswith("AWS::ApiGatewayV2::")


def test_sam_deploys_it_without_a_flag() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["deploy"]
    asked = set(settings["parameters"]["capabilities"].split())
    assert {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"} == asked


def test_every_parameter_is_documented(template: Template) -> None:
    text = (ROOT / "docs" / "aws.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(template["Parameters"]) == documented


@pytest.mark.parametrize("path", [STACK, MONITORING, GITHUB_ACTIONS], ids=lambda path: path.name)
def test_cfn_lint_has_nothing_to_say(path: Path) -> None:
    assert "" == lint(path)


def test_cfn_lint_has_nothing_to_say_after_the_transform(
    deployed: Template, tmp_path: Path
) -> None:
    path = tmp_path / "transformed.json"
    path.write_text(json.dumps(deployed))
    assert "" == lint(path)


def lint(path: Path) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", REGION, "--", path],
        cwd=ROOT,
        env=os.environ | {"AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_policies_in_the_documentation_are_policies_and_grant_no_wildcard() -> None:
    text = (ROOT / "docs" / "aws.md").read_text()
    found = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert 4 == len(found)
    for document in found:
        assert [] == wildcards({"Resources": {"documented": json.loads(document)}})
