"""The stack's templates as data: read, resolved for parameters, transformed as AWS does it."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).parents[3]
STACK: Final = ROOT / "template.yaml"
MONITORING: Final = ROOT / "infra" / "monitoring.yaml"
GITHUB_ACTIONS: Final = ROOT / "infra" / "github-actions.yaml"
REGION: Final = "eu-central-1"
ABSENT: Final = object()

Template = dict[str, Any]


def load(path: Path) -> Template:
    """With short forms such as `!Ref` written out."""
    template: Template = yaml_parse(path.read_text())
    return template


def transformed(parameters: Mapping[str, str] | None = None) -> Template:
    """The stack's template after `sam package` and the SAM transform, as CloudFormation gets it."""
    template = load(STACK)
    resources = template["Resources"]
    resources["PredictFunction"]["Properties"]["ImageUri"] = (
        f"111122223333.dkr.ecr.{REGION}.amazonaws.com/images:predict"
    )
    resources["OnPublishFunction"]["Properties"]["CodeUri"] = "s3://artifacts/function"
    resources["RegistryLayer"]["Properties"]["ContentUri"] = "s3://artifacts/layer"
    resources["Monitoring"]["Properties"]["TemplateURL"] = (
        "https://s3.amazonaws.com/artifacts/monitoring"
    )
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        values = defaults(template) | dict(parameters or {})
        after: Template = transform(template, values, NoManagedPolicies())
    return json.loads(json.dumps(after))  # type: ignore[no-any-return]


class NoManagedPolicies:
    """What the transform asks for AWS's own policies. The stack names none."""

    def load(self) -> dict[str, str]:
        return {}


def defaults(template: Template) -> dict[str, Any]:
    return {
        name: parameter["Default"]
        for name, parameter in template["Parameters"].items()
        if "Default" in parameter
    }


class Resolved:
    """A template with its parameters chosen: conditions decided, and what they choose chosen."""

    def __init__(self, template: Template, **parameters: str) -> None:
        self._template = template
        self._parameters = defaults(template) | parameters

    def resources(self, kind: str = "") -> dict[str, Template]:
        """Those that the stack has, by their logical ids."""
        return {
            name: self.value(resource)
            for name, resource in self._template["Resources"].items()
            if kind in {"", resource["Type"]}
            and ("Condition" not in resource or self._holds(resource["Condition"]))
        }

    def value(self, node: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """`node` with `Ref` to parameters, `Fn::If` and `Fn::FindInMap` worked out."""
        match node:
            case {"Ref": "AWS::NoValue"}:
                found: Any = ABSENT
            case {"Ref": str(name)} if name in self._parameters:
                found = self._parameters[name]
            case {"Fn::If": [str(condition), yes, no]}:
                found = self.value(yes if self._holds(condition) else no)
            case {"Fn::FindInMap": [str(name), key, str(column)]}:
                found = self._template["Mappings"][name][self.value(key)][column]
            case dict():
                values = {key: self.value(child) for key, child in node.items()}
                found = {key: value for key, value in values.items() if value is not ABSENT}
            case list():
                found = [value for child in node if (value := self.value(child)) is not ABSENT]
            case _:
                found = node
        return found

    def _holds(self, condition: str) -> bool:
        return self._true(self._template["Conditions"][condition])

    def _true(self, node: Template) -> bool:
        match node:
            case {"Fn::Equals": [left, right]}:
                return str(self.value(left)) == str(self.value(right))
            case {"Fn::Not": [inner]}:
                return not self._true(inner)
            case {"Condition": str(name)}:
                return self._holds(name)
        raise AssertionError(f"no condition that this test understands: {node}")


def statements(template: Template) -> Iterator[tuple[str, Template]]:
    """Every statement of every policy in it, and whose policy that is."""
    for name, resource in template["Resources"].items():
        for document in _documents(resource):
            for statement in document["Statement"]:
                yield name, statement


def _documents(node: object) -> Iterator[Template]:
    if isinstance(node, dict):
        if "Statement" in node:
            yield node
        for child in node.values():
            yield from _documents(child)
    elif isinstance(node, list):
        for child in node:
            yield from _documents(child)


def listed(value: object) -> list[Any]:
    """What a policy may write as one thing or as a list of them."""
    return value if isinstance(value, list) else [value]


def wildcards(template: Template) -> list[tuple[str, str]]:
    """(whose, action) of what is granted on everything, or as more than one action."""
    found = []
    for name, statement in statements(template):
        if statement["Effect"] == "Deny":
            continue
        assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys(), name
        assert statement.get("Principal") not in ("*", {"AWS": "*"}), name
        everything = any(resource == "*" for resource in listed(statement.get("Resource")))
        found += [
            (name, action)
            for action in listed(statement["Action"])
            if everything or "*" in action or "?" in action
        ]
    return sorted(found)
