from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.changes import kept, whole
from modelregistry.aliases.revision import Change, Revision
from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.state import Alias, Policy, State, parse_shares, route
from modelregistry.configuration import LATEST, ModelConfig, export, propose
from modelregistry.deletion import execute, propose_delete
from modelregistry.errors import NotFound, Refused
from modelregistry.names import HIGHEST, ModelId
from modelregistry.registry import Registry
from modelregistry.segments import propose_pinned, propose_route
from modelserver import modelsconfig
from tests.fakes import EPOCH, memory_registry, publish_all

VERSIONS = range(1, 5)


def place(model: str) -> str:
    return f"/models/{model}"


def config(
    name: str = "sample", policy: Policy = LATEST, labels: Mapping[str, int] | None = None
) -> ModelConfig:
    return ModelConfig(name, place(name), policy, MappingProxyType(dict(labels or {})))


def specific(*versions: int) -> Policy:
    return Policy("specific", versions=versions)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = memory_registry(tmp_path / "cache")
    publish_all(found, tmp_path, {"sample": 4, "other": 1})
    return found


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Versions 1 to 4 of `sample`, for tests that bring a log of their own."""
    directory = tmp_path_factory.mktemp("published")
    found = memory_registry(directory / "cache")
    publish_all(found, directory, {"sample": len(VERSIONS)})
    return found


def in_state(published: Registry, state: State) -> Registry:
    found = memory_registry(Path("unused"))
    found.artifacts = published.artifacts
    found.aliases.append(Revision("sample", 1, state, Change("1", "test", "ann", EPOCH)))
    return found


def promote(registry: Registry, version: int, alias: str = "stable") -> None:
    registry.commit(registry.propose_promote(ModelId("sample", version), alias))


def apply(registry: Registry, *configs: ModelConfig) -> list[str]:
    """What changes, a phrase each."""
    plan = propose(registry, configs, place)
    for proposal in plan.changes:
        registry.commit(proposal)
    return [difference for proposal in plan.changes for difference in proposal.differences()]


def test_labels_policy_and_default_are_one_revision(registry: Registry) -> None:
    promote(registry, 1)
    promote(registry, 2, "old")
    assert [
        "canary: unset → 4",
        "old: 2 → unset",
        "stable: 1 → 3",
        "default: stable → highest",
        "policy: none → specific 3 4",
    ] == apply(registry, config(policy=specific(3, 4), labels={"stable": 3, "canary": 4}))
    newest = registry.newest("sample")
    assert newest is not None
    assert (3, "apply") == (newest.number, newest.change.action)
    assert ModelId("sample", 4) == registry.resolve("sample")


def test_the_same_file_again_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    file = config(policy=specific(1), labels={"stable": 1})
    apply(registry, file)
    assert [] == apply(registry, file)
    publish_all(registry, tmp_path, {"sample": 5})  # which the policy takes note of
    assert [] == apply(registry, file)


def test_putting_the_older_version_back_rolls_back(registry: Registry) -> None:
    """Step 8 of the tutorial."""
    apply(registry, config(policy=specific(2)))
    assert ModelId("sample", 2) == registry.resolve("sample")
    assert ["policy: specific 2 → specific 1"] == apply(registry, config(policy=specific(1)))
    assert ModelId("sample", 1) == registry.resolve("sample")


def test_how_many_are_latest_is_a_change_that_is_seen(registry: Registry) -> None:
    apply(registry, config())
    assert ["policy: latest → latest 2"] == apply(
        registry, config(policy=Policy("latest", num_versions=2))
    )


def test_what_is_lost_or_answers_differently_is_said(registry: Registry) -> None:
    registry.commit(registry.propose_set("sample", "canary", parse_shares(["1@90", "2@10"])))
    promote(registry, 1)
    (proposal,) = propose(registry, [config(labels={"stable": 1})], place).proposals
    assert (
        "the weights of 'canary' (1@90 2@10) are dropped: a label means one version",
        "requests that name no version: 1 → 4",
    ) == proposal.notes


def test_what_keeps_numbers_from_being_asked_for_has_no_words_in_the_format(
    registry: Registry,
) -> None:
    promote(registry, 1)
    registry.commit(propose_pinned(registry, "sample", "routed"))
    with pytest.raises(Refused, match=r"sample: a number reaches only .*\(pinned: routed\)"):
        export(registry, place)


def test_rules_have_no_words_in_the_format(registry: Registry) -> None:
    promote(registry, 1)
    when = [parse_condition("x-tier=gold")]
    registry.commit(propose_route(registry, "sample", "stable", when, whole(2).routes))
    with pytest.raises(Refused, match="sample: alias 'stable' has rules: x-tier=gold → 2"):
        export(registry, place)
    (proposal,) = propose(registry, [config(labels={"stable": 1})], place).proposals
    assert "the rules of 'stable' are dropped: a label means one version" in proposal.notes
    assert "stable without: x-tier=gold → 2" in proposal.differences()


def test_who_moves_stable_is_told_when_that_moves_nobody(registry: Registry) -> None:
    promote(registry, 1)
    assert () == registry.propose_promote(ModelId("sample", 2), "stable").notes
    apply(registry, config(labels={"stable": 2}))
    for proposal in (
        registry.propose_promote(ModelId("sample", 3), "stable"),
        registry.propose_rollback("sample", "stable"),
    ):
        (note,) = proposal.notes
        assert "not to 'stable'; to change that: deploy alias default sample stable" in note
    assert () == registry.propose_promote(ModelId("sample", 3), "canary").notes


def test_models_that_are_not_in_the_file_are_left_alone(registry: Registry) -> None:
    plan = propose(registry, [config()], place)
    assert ("other",) == plan.left
    assert [p.model for p in plan.changes] == ["sample"]


def test_everything_that_is_wrong_is_said_and_nothing_is_written(registry: Registry) -> None:
    execute(registry, propose_delete(registry, "sample", [2]))
    before = registry.newest("sample")
    wrong = [
        config(policy=specific(1, 2, 9), labels={"canary": 7}),
        ModelConfig("other", "/a/b"),
        config("missing"),
    ]
    with pytest.raises(Refused) as refused:
        propose(registry, wrong, place)
    assert [
        "nothing was changed, as the file cannot be applied:",
        "sample: the policy names version 2: sample:2 was deleted and never comes back",
        "sample: the label 'canary' names version 7: sample:7 is not published",
        "sample: the policy names version 9: sample:9 is not published",
        "other: its base_path '/a/b' is outside of this registry, where it is /models/other",
        "missing: no version of it is published",
    ] == str(refused.value).splitlines()
    assert "deploy publish" in refused.value.hint
    assert before == registry.newest("sample")


def test_a_version_may_be_missing_that_the_policy_names_already(registry: Registry) -> None:
    registry.commit(registry.propose_policy("sample", specific(1, 9)))
    assert ["default: stable → highest"] == apply(registry, config(policy=specific(1, 9)))
    with pytest.raises(Refused, match="sample:8 is not published"):
        propose(registry, [config(policy=specific(1, 8))], place)


@pytest.mark.parametrize(
    "written", ["/models/sample/", "file:///models/sample", "/models/../models/sample"]
)
def test_a_base_path_is_the_same_however_it_is_written(registry: Registry, written: str) -> None:
    assert propose(registry, [ModelConfig("sample", written)], place).changes


def test_a_prefix_in_s3_is_another_place_than_a_longer_one(registry: Registry) -> None:
    def in_s3(model: str) -> str:
        return f"s3://bucket/{model}"

    assert propose(registry, [ModelConfig("sample", "s3://bucket/sample/")], in_s3).changes
    for written in ("s3://bucket/sample2", "s3://other/sample", "/sample"):
        with pytest.raises(Refused, match="outside of this registry"):
            propose(registry, [ModelConfig("sample", written)], in_s3)


def test_an_export_says_labels_policy_and_place(registry: Registry) -> None:
    written = config(policy=specific(1, 3), labels={"canary": 3, "stable": 1})
    apply(registry, written)
    exported = export(registry, place)
    assert ((written,), ("other",), ()) == (exported.configs, exported.left, exported.ahead)


def test_what_the_format_cannot_say_is_refused_by_name(registry: Registry) -> None:
    registry.commit(registry.propose_set("sample", "canary", parse_shares(["1@90", "2@10"])))
    with pytest.raises(Refused) as refused:
        export(registry, place)
    assert [
        "a models.config cannot say what is live here:",
        "sample: alias 'canary' has weights: 1@90 2@10",
        "sample: its default 'stable' is not set: requests that name no version are refused",
    ] == str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("policy", "stable", "canary", "said"),
    [
        (None, 2, None, specific(2)),
        (None, 2, 1, specific(1, 2)),
        (None, 2, 4, specific(2)),
        (LATEST, 4, None, LATEST),
        (LATEST, 2, None, specific(2)),  # somebody rolled back: the policy would undo it
        (specific(1, 3), 3, None, specific(1, 3)),
        (Policy("all"), 4, None, specific(4)),  # publishing would move it upstream, not here
    ],
)
def test_a_default_alias_is_said_by_the_policy(
    registry: Registry, policy: Policy | None, stable: int, canary: int | None, said: Policy
) -> None:
    promote(registry, stable)
    if canary:
        promote(registry, canary, "canary")
    registry.commit(registry.propose_policy("sample", policy))
    exported = export(registry, place)
    assert [said] == [config.policy for config in exported.configs]
    assert (("sample@canary",) if canary == 4 else ()) == exported.ahead


aliases = st.dictionaries(
    st.sampled_from(["stable", "canary", "a.b-C_1"]), st.sampled_from(VERSIONS).map(whole)
).map(MappingProxyType)
policies = st.one_of(
    st.integers(1, 3).map(lambda n: Policy("latest", num_versions=n)),
    st.just(Policy("all")),
    st.sets(st.sampled_from(VERSIONS)).map(lambda versions: specific(*sorted(versions))),
)
no_policy: st.SearchStrategy[Policy | None] = st.none()
weighted = st.just(route([(1, 50), (2, 50)]))


def through_a_file(registry: Registry) -> tuple[ModelConfig, ...]:
    text = modelsconfig.write(export(registry, place).configs)
    return modelsconfig.read(text, "models.config")


@given(aliases, policies)
def test_an_export_reads_back_to_the_same_state(
    published: Registry, aliases: Mapping[str, Alias], policy: Policy
) -> None:
    registry = in_state(published, State(aliases=aliases, default=HIGHEST, policy=policy))
    assert [] == apply(registry, *through_a_file(registry))
    assert 1 == getattr(registry.newest("sample"), "number", None)


@given(aliases.filter(lambda found: "stable" in found), policies | no_policy)
def test_an_export_of_a_default_alias_reads_back_to_the_same_answers(
    published: Registry, aliases: Mapping[str, Alias], policy: Policy | None
) -> None:
    registry = in_state(published, State(aliases=aliases, policy=policy))
    was = registry.resolve("sample")
    apply(registry, *through_a_file(registry))
    assert (was, aliases) == (registry.resolve("sample"), registry.state("sample").aliases)
    assert [] == apply(registry, *through_a_file(registry))


@given(st.dictionaries(st.sampled_from(["stable", "canary"]), weighted | st.just(whole(1))))
def test_an_export_never_loses_weights(published: Registry, aliases: dict[str, Alias]) -> None:
    registry = in_state(published, State(aliases=MappingProxyType(aliases), default=HIGHEST))
    if all(len(alias.routes) == 1 for alias in aliases.values()):
        assert len(export(registry, place).configs) == 1
    else:
        with pytest.raises(Refused, match="has weights: 1@50 2@50"):
            export(registry, place)


@given(policies)
def test_what_answers_is_what_the_policy_keeps(published: Registry, policy: Policy) -> None:
    registry = in_state(published, State())
    apply(registry, config(policy=policy))
    if expected := kept(policy, VERSIONS):
        assert ModelId("sample", expected[-1]) == registry.resolve("sample")
    else:
        with pytest.raises(NotFound):
            registry.resolve("sample")
