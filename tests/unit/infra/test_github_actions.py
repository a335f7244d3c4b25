"""What a workflow may become, and that neither it nor what it deploys can become more."""

import json
from typing import Any

import pytest

from tests.unit.infra.templates import (
    GITHUB_ACTIONS,
    STACK,
    Template,
    listed,
    load,
    statements,
    transformed,
    wildcards,
)

# What AWS gives no resource: see the comment at the head of the template.
UNNAMEABLE = {
    "Boundary": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    "DeployRole": ["ecr:GetAuthorizationToken"],
    "RolesPolicy": [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ],
}
MOST_OF_A_MANAGED_POLICY = 6144  # characters, white space not counted


@pytest.fixture(scope="module")
def template() -> Template:
    return load(GITHUB_ACTIONS)


def test_everything_has_a_name_but_what_has_none(template: Template) -> None:
    assert wildcards(template) == [
        (name, action) for name, actions in UNNAMEABLE.items() for action in actions
    ]


def test_one_branch_of_one_repository_becomes_the_role(template: Template) -> None:
    role = template["Resources"]["DeployRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert "sts:AssumeRoleWithWebIdentity" == statement["Action"]
    assert {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "Fn::Sub": "repo:${Repository}:ref:refs/heads/${Branch}"
            },
        }
    } == statement["Condition"]


def test_every_role_that_a_deployment_makes_is_within_the_boundary(template: Template) -> None:
    found = [
        statement
        for _, statement in statements(template)
        if {"iam:CreateRole", "iam:PutRolePolicy"} & {*listed(statement["Action"])}
    ]
    for statement in found:
        assert {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "Boundary"}}} == statement[
            "Condition"
        ]
    assert found


def test_no_deployment_takes_a_boundary_away_or_attaches_a_policy(template: Template) -> None:
    granted = {action for _, each in statements(template) for action in listed(each["Action"])}
    assert not granted & {
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
    }


def test_no_deployment_can_delete_the_registry(template: Template) -> None:
    granted = {action for _, each in statements(template) for action in listed(each["Action"])}
    assert not granted & {"s3:DeleteBucket", "dynamodb:DeleteTable", "dynamodb:DeleteItem"}


def test_the_boundary_lets_the_stack_s_roles_do_their_work(template: Template) -> None:
    deployed = transformed()
    roles = {
        name for name, each in deployed["Resources"].items() if each["Type"] == "AWS::IAM::Role"
    }
    needed = actions(deployed, roles) - {"sts:AssumeRole"}
    assert needed == actions(template, {"Boundary"})


def test_cloudformation_may_pass_exactly_the_stack_s_roles(template: Template) -> None:
    kinds = load(STACK)["Resources"].items()
    roles = {name for name, each in kinds if each["Type"] == "AWS::IAM::Role"}
    (passing,) = [
        each
        for name, each in statements(template)
        if name == "RolesPolicy" and "iam:PassRole" in listed(each["Action"])
    ]
    assert {f"role/${{StackName}}-{name}-*" for name in roles} == {
        resource["Fn::Sub"].split(":")[-1] for resource in passing["Resource"]
    }


@pytest.mark.parametrize("name", ["StackPolicy", "RolesPolicy", "Boundary"])
def test_a_policy_fits_into_what_iam_takes(template: Template, name: str) -> None:
    document = template["Resources"][name]["Properties"]["PolicyDocument"]
    text = json.dumps(filled_in(document), separators=(",", ":"))
    assert len(text) < MOST_OF_A_MANAGED_POLICY


def actions(template: Template, owners: set[str]) -> set[str]:
    return {
        action
        for name, each in statements(template)
        if name in owners
        for action in listed(each["Action"])
    }


def filled_in(node: object) -> Any:  # noqa: ANN401 - JSON
    """With names as long as they can be, in place of what CloudFormation fills in."""
    long = {
        "AWS::Partition": "aws-us-gov",
        "AWS::Region": "ap-southeast-2",
        "AWS::AccountId": "1" * 12,
        "StackName": "s" * 24,
        "Artifacts.Arn": "a" * 75,
    }
    match node:
        case {"Fn::Sub": str(text)}:
            for name, value in long.items():
                text = text.replace(f"${{{name}}}", value)
            assert "$" not in text
            return text
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return "a" * 90
        case dict():
            return {key: filled_in(child) for key, child in node.items()}
        case list():
            return [filled_in(child) for child in node]
    return node
