"""
What a models.config says of a registry's models, and no more than that.

The file itself, a text-format `ModelServerConfig`, is read and written elsewhere: this
knows no protobuf.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .aliases.state import Policy

LATEST = Policy("latest")


@dataclass(frozen=True)
class ModelConfig:
    """
    One `config` of a `model_config_list`.

    `base_path` is where the version directories lie, as written. `labels` are
    `version_labels`: version by label, each of which is an alias here. Upstream's default
    policy is `latest` with one version.
    """

    name: str
    base_path: str
    policy: Policy = LATEST
    labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
