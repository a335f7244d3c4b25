"""
TensorFlow Serving's models.config: a `ModelServerConfig` in protobuf's text format.

    model_config_list {
      config {
        name: "sample"
        base_path: "/models/sample"
        model_platform: "tensorflow"
        model_version_policy { specific { versions: 1 versions: 2 } }
        version_labels { key: "stable" value: 1 }
      }
    }

protobuf is imported at the first use: neither `deploy --help` nor a cold start pays for it.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from modelregistry.aliases.state import Policy
from modelregistry.configuration import LATEST, ModelConfig
from modelregistry.errors import InvalidInput
from modelregistry.names import alias_name, model_name

from .protobuf import messages
from .textformat import Node, parse, walk

PLATFORM = "tensorflow"

# `config/model_server_config.proto` and what it imports.
_MESSAGES = {
    "ModelServerConfig": """
        oneof config: ModelConfigList model_config_list = 1
        oneof config: Any custom_model_config = 2
    """,
    "ModelConfigList": "repeated ModelConfig config = 1",
    "ModelConfig": """
        string name = 1
        string base_path = 2
        ModelType model_type = 3
        string model_platform = 4
        LoggingConfig logging_config = 6
        ServableVersionPolicy model_version_policy = 7
        map<string, int64> version_labels = 8
    """,
    "enum ModelType": "MODEL_TYPE_UNSPECIFIED = 0 TENSORFLOW = 1 OTHER = 2",
    "ServableVersionPolicy": """
        oneof policy_choice: ServableVersionPolicy.Latest latest = 100
        oneof policy_choice: ServableVersionPolicy.All all = 101
        oneof policy_choice: ServableVersionPolicy.Specific specific = 102
    """,
    "ServableVersionPolicy.Latest": "uint32 num_versions = 1",
    "ServableVersionPolicy.All": "",
    "ServableVersionPolicy.Specific": "repeated int64 versions = 1",
    "LoggingConfig": """
        LogCollectorConfig log_collector_config = 1
        SamplingConfig sampling_config = 2
    """,
    "LogCollectorConfig": """
        string type = 1
        string filename_prefix = 2
    """,
    "SamplingConfig": """
        double sampling_rate = 1
        int32 attributes = 2
    """,
    "Any": """
        string type_url = 1
        bytes value = 2
    """,
}
_MODEL_TYPES = {1: "tensorflow", 2: "other"}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class SaysNothing(InvalidInput):
    """No model_config_list, not even an empty one: the file is empty, or only half written."""


def read(text: str, where: str) -> tuple[ModelConfig, ...]:
    """
    What `text` says of each model, in its order. `where` names the file in errors.

    Raises InvalidInput, beginning with `where:line:column`, both counted from 1; SaysNothing
    if that is what the text does.
    """
    message = _kind()()
    parse(text, message, where)
    if message.WhichOneof("config") is None:
        raise SaysNothing(f"{where} has no model_config_list")
    return tuple(_checked(message, walk(text), where))


def write(configs: Iterable[ModelConfig]) -> str:
    """The file that says `configs`; `read` reads it back equal."""
    message = _kind()()
    message.model_config_list.SetInParent()
    for config in configs:
        written = message.model_config_list.config.add()
        written.name = config.name
        written.base_path = config.base_path
        written.model_platform = PLATFORM
        _write_policy(written.model_version_policy, config.policy)
        for label, version in config.labels.items():
            written.version_labels[label] = version
    return str(import_module("google.protobuf.text_format").MessageToString(message, as_utf8=True))


def _checked(message: Any, root: Node, where: str) -> Iterator[ModelConfig]:  # noqa: ANN401 - a message
    with _located(where, root.child("custom_model_config")):
        if message.HasField("custom_model_config"):
            raise InvalidInput(
                "custom_model_config cannot be served", hint="write a model_config_list"
            )
    nodes = [node for group in root.named("model_config_list") for node in group.named("config")]
    seen: set[str] = set()
    for config, node in zip(message.model_config_list.config, nodes, strict=True):
        with _located(where, node.child("name")):
            if config.name in seen:
                raise InvalidInput(f"model {config.name!r} is listed more than once")
        seen.add(config.name)
        yield _config(config, node, where)


def _config(config: Any, node: Node, where: str) -> ModelConfig:  # noqa: ANN401 - a message
    with _located(where, node.child("name")):
        model_name(config.name)
    with _located(where, node.child("base_path")):
        if not (config.base_path.startswith("/") or _URI.match(config.base_path)):
            raise InvalidInput(
                f"the base_path of {config.name!r} must be an absolute path or a URI,"
                f" not {config.base_path!r}"
            )
    with _located(where, node.child("model_type" if config.model_type else "model_platform")):
        _check_platform(config)
    specific = node.child("model_version_policy").child("specific")
    listed = config.model_version_policy.specific.versions
    for version, place in zip(listed, specific.named("versions"), strict=True):
        with _located(where, place):
            _check_version(version)
    policy = _policy(config.model_version_policy)
    for label, version in config.version_labels.items():
        with _located(where, _entry(node, label)):
            alias_name(label)
            _check_version(version)
    labels = MappingProxyType(dict(sorted(config.version_labels.items())))
    return ModelConfig(config.name, config.base_path, policy, labels)


def _check_platform(config: Any) -> None:  # noqa: ANN401 - a message
    """`model_type` is what `model_platform` was called before; upstream takes either."""
    if config.model_type and config.model_platform:
        raise InvalidInput(
            f"{config.name!r} has both a model_type, which is deprecated, and a model_platform",
            hint="leave out model_type",
        )
    platform = config.model_platform or _MODEL_TYPES.get(config.model_type, "")
    if not platform:
        raise InvalidInput(
            f"{config.name!r} has no model_platform", hint=f'write model_platform: "{PLATFORM}"'
        )
    if platform != PLATFORM:
        raise InvalidInput(
            f"{config.name!r} requests the platform {platform!r}",
            hint=f"{PLATFORM!r} is the only one that is served",
        )


def _policy(message: Any) -> Policy:  # noqa: ANN401 - a message
    kind = message.WhichOneof("policy_choice")
    if kind == "all":
        return Policy("all")
    if kind == "specific":
        return Policy("specific", versions=tuple(sorted(set(message.specific.versions))))
    # What is not set is 0, and 0 means 1 upstream.
    return Policy("latest", num_versions=message.latest.num_versions or LATEST.num_versions)


def _check_version(version: int) -> None:
    """0 is a version for TensorFlow Serving, and so for a directory that is served in place."""
    if version < 0:
        raise InvalidInput(f"{version} is not a version number")


def _entry(node: Node, label: str) -> Node:
    """Where `label` is set, as far as it is written without escapes."""
    entries = node.named("version_labels")
    return next((e for e in entries if e.child("key").written[1:-1] == label), entries[0])


@contextmanager
def _located(where: str, node: Node) -> Iterator[None]:
    """What is wrong in here is wrong at `node`."""
    try:
        yield
    except InvalidInput as error:
        place = f"{where}:{node.line}:{node.column}"
        raise InvalidInput(f"{place}: {error}", hint=error.hint) from error


def _write_policy(message: Any, policy: Policy) -> None:  # noqa: ANN401 - a message
    if policy.kind == "latest":
        message.latest.num_versions = policy.num_versions
    elif policy.kind == "all":
        message.all.SetInParent()
    else:
        message.specific.SetInParent()
        message.specific.versions.extend(policy.versions)


@cache
def _kind() -> type[Any]:
    return messages("tensorflow.serving", _MESSAGES)["ModelServerConfig"]
