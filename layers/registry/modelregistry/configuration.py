"""
What a models.config says of a registry's models, put into force and read back.

The file itself, a text-format `ModelServerConfig`, is read and written elsewhere: this
knows no protobuf. `place` says where the versions of a model lie, as a `base_path`.

A plan is made first, of the whole file, and shows what is wrong with it or what it would
change. Carrying it out is one commit a model.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from .aliases import changes
from .aliases.state import Policy, State
from .errors import Damaged, NotFound, Refused
from .names import HIGHEST, ModelId
from .registry import EMPTY, Proposal, Registry

LATEST = Policy("latest")
APPLY = "apply"  # the action of the revisions that a file makes

Place = Callable[[str], str]


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


@dataclass(frozen=True)
class Configuration:
    """
    What a file does to a registry: a proposal for each of its models, in its order, some
    of which may change nothing. The models `left` are not in the file; they stay as they are.
    """

    proposals: tuple[Proposal, ...]
    left: tuple[str, ...]

    @property
    def changes(self) -> tuple[Proposal, ...]:
        return tuple(proposal for proposal in self.proposals if not proposal.is_noop)


@dataclass(frozen=True)
class Exported:
    """
    What a file would say of a registry. It says nothing of the models `left`, which have no
    alias and so answer nobody yet. The labels `ahead` name versions that the policy does not
    keep: they answer here, and TensorFlow Serving would refuse them.
    """

    configs: tuple[ModelConfig, ...]
    left: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()


def propose(registry: Registry, configs: Iterable[ModelConfig], place: Place) -> Configuration:
    """
    What it takes for each model to be as its config says.

    Its aliases are the labels and no others, its default is `highest`, its policy the one
    that is written. Raises Refused, with everything that is wrong, if anything is.
    """
    proposals: list[Proposal] = []
    problems: list[str] = []
    for config in configs:
        base = registry.newest(config.name)
        state = base.state if base else EMPTY
        published = registry.versions(config.name, state)
        found = list(_problems(registry, config, state, published, place(config.name)))
        problems += [f"{config.name}: {problem}" for problem in found]
        if not found:
            after = _configured(state, config, published)
            notes = tuple(_lost(state, after, published))
            proposals.append(Proposal(config.name, APPLY, base, after, notes))
    if problems:
        raise Refused(
            "\n".join(["nothing was changed, as the file cannot be applied:", *problems]),
            hint=f"versions come into {registry.url} with: deploy publish PATH MODEL",
        )
    named = {proposal.model for proposal in proposals}
    return Configuration(tuple(proposals), tuple(m for m in registry.models() if m not in named))


def export(registry: Registry, place: Place) -> Exported:
    """
    The configs that say what the registry does, by name of the model.

    They say its default only as upstream does, by the policy: a default alias becomes
    `specific`, with the versions of the aliases up to its own, unless the policy chooses that
    version anyway. Raises Refused, with everything that a models.config has no words for.
    """
    configs: list[ModelConfig] = []
    left: list[str] = []
    ahead: list[str] = []
    problems: list[str] = []
    for model in registry.models():
        state = registry.state(model)
        if state.default != HIGHEST and not state.aliases:
            left.append(model)
            continue
        if found := list(_unsayable(state)):
            problems += [f"{model}: {problem}" for problem in found]
            continue
        published = registry.versions(model, state)
        policy = _policy(state, published)
        labels = {name: max(alias.versions()) for name, alias in sorted(state.aliases.items())}
        kept = changes.kept(policy, published)
        ahead += [f"{model}@{name}" for name, version in labels.items() if version not in kept]
        configs.append(ModelConfig(model, place(model), policy, MappingProxyType(labels)))
    if problems:
        raise Refused(
            "\n".join(["a models.config cannot say what is live here:", *problems]),
            hint="a label of a models.config means one version, and its default is the highest",
        )
    return Exported(tuple(configs), tuple(left), tuple(ahead))


def _problems(
    registry: Registry, config: ModelConfig, state: State, published: list[int], place: str
) -> Iterator[str]:
    if not _same_place(config.base_path, place):
        yield f"its base_path {config.base_path!r} is outside of this registry, where it is {place}"
        return
    if not published:
        yield "no version of it is published"
        return
    wanted = {version: f"the label {name!r}" for name, version in config.labels.items()}
    if config.policy != state.policy:
        wanted |= dict.fromkeys(config.policy.versions, "the policy")
    for version, by in sorted(wanted.items()):
        if version in state.versions():
            continue  # it was looked at when it was routed to, and cannot have gone since
        try:
            registry.published(ModelId(config.name, version), state)
        except (NotFound, Damaged) as error:
            yield f"{by} names version {version}: {error}"


def _same_place(written: str, place: str) -> bool:
    written = written.removeprefix("file://")
    if written.startswith("/") and place.startswith("/"):
        return os.path.realpath(written) == os.path.realpath(place)
    return written.rstrip("/") == place


def _configured(state: State, config: ModelConfig, published: list[int]) -> State:
    aliases = {name: changes.whole(version) for name, version in config.labels.items()}
    after = replace(state, aliases=MappingProxyType(aliases), default=HIGHEST)
    # Set again, a policy would begin anew at the versions of now: a change without a difference.
    return (
        after
        if state.policy == config.policy
        else changes.set_policy(after, config.policy, published)
    )


def _lost(before: State, after: State, published: list[int]) -> Iterator[str]:
    """What a person would want to know that the differences do not say plainly."""
    for name, alias in sorted(before.aliases.items()):
        if len(alias.routes) > 1:
            yield f"the weights of {name!r} ({alias}) are dropped: a label means one version"
        if alias.rules:
            yield f"the rules of {name!r} are dropped: a label means one version"
    yield from changes.moved(before, after, published)


def _unsayable(state: State) -> Iterator[str]:
    for name, alias in sorted(state.aliases.items()):
        if len(alias.routes) > 1:
            yield f"alias {name!r} has weights: {alias}"
        if alias.rules:
            yield f"alias {name!r} has rules: {'; '.join(map(str, alias.rules))}"
    if state.pinned != "any":
        yield "a number reaches only versions that an alias routes to (pinned: routed)"
    if state.default != HIGHEST and state.default not in state.aliases:
        yield f"its default {state.default!r} is not set: requests that name no version are refused"


def _policy(state: State, published: list[int]) -> Policy:
    """The policy under which the highest version is what the default means."""
    if state.default == HIGHEST:
        return state.policy or LATEST
    (default,) = state.aliases[state.default].versions()
    policy = state.policy
    if (
        policy
        and policy.kind != "all"
        and default == max(changes.kept(policy, published), default=0)
    ):
        return policy
    return Policy("specific", versions=tuple(v for v in sorted(state.versions()) if v <= default))
