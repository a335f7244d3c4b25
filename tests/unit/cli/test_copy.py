"""copy: a version goes from one registry to another, and its screen."""

from pathlib import Path

import pytest

from modelcli.failures import Failed
from modelregistry.aws.stack import StackOutputs
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.plan import Compiler
from tests.fakes import contents, savedmodel
from tests.unit.cli.deploying import Deploy

ID = ModelId("sample", 2)


@pytest.fixture
def laptop(deploy: Deploy) -> Deploy:
    """Two versions in `registry`, stable at 2; nothing in `staging` yet."""
    deploy.published({"sample": 2})
    deploy.ok("promote", "sample", "2")
    return deploy


def versions(place: Path) -> list[int]:
    registry = open_registry(str(place))
    found = registry.versions("sample")
    registry.aliases.close()
    return found


def test_a_version_is_copied_and_the_way_to_make_it_live_is_told(laptop: Deploy) -> None:
    result = laptop.ok("copy", "sample:2", "registry", "staging")
    assert result.out == "sample:2 copied: 3 files, 1.2 kB\n"
    assert result.err == (
        f"note: making the registry {(laptop.work / 'staging').as_uri()} (named as TO)\n"
        "to go live: deploy promote sample 2 --registry staging\n"
    )
    here = contents(laptop.work / "registry" / "models" / "sample" / "2")
    assert contents(laptop.work / "staging" / "models" / "sample" / "2") == here
    assert versions(laptop.work / "staging") == [2]


@pytest.mark.parametrize("named", ["sample", "sample@stable"])
def test_what_an_alias_means_where_it_comes_from_is_copied(laptop: Deploy, named: str) -> None:
    assert laptop.ok("copy", named, "registry", "staging").out.startswith("sample:2 copied")


def test_copied_again_there_is_nothing_to_copy(laptop: Deploy) -> None:
    laptop.ok("copy", "sample:2", "registry", "staging")
    again = laptop.ok("copy", "sample:2", "registry", "staging")
    assert again.out == ""
    assert again.err == (
        f"nothing to copy: sample:2 is in {(laptop.work / 'staging').as_uri()} already"
        " and holds these very files\n"
    )


def test_a_dry_run_makes_nothing(laptop: Deploy) -> None:
    result = laptop.ok("copy", "sample:2", "registry", "staging", "--dry-run")
    assert (result.out, result.err) == ("sample:2 would be copied: 3 files, 1.2 kB\n", "")
    assert not (laptop.work / "staging").exists()
    document = laptop.ok("copy", "sample:2", "registry", "staging", "--dry-run", "--json").json
    assert (document["dry_run"], document["outcome"]) == (True, "checked")


def test_the_document_says_what_went_where(laptop: Deploy) -> None:
    result = laptop.ok("copy", "sample:2", "registry", "staging", "--json")
    size = open_registry(str(laptop.work / "registry")).artifacts.manifest(ID).size
    assert result.json == {
        "model": "sample",
        "version": 2,
        "from": (laptop.work / "registry").as_uri(),
        "to": (laptop.work / "staging").as_uri(),
        "dry_run": False,
        "outcome": "copied",
        "files": 3,
        "bytes": size,
        "uploaded": size,
        "notes": [],
        "revision": None,
    }


def test_other_bytes_there_are_refused(laptop: Deploy) -> None:
    source = savedmodel(laptop.work / "other", "other")
    laptop.ok("publish", str(source), "sample", "2", "--registry", "staging")
    result = laptop("copy", "sample:2", "registry", "staging")
    assert (result.code, result.out) == (4, "")
    assert "error: sample:2 exists in file://" in result.err
    assert "hint: a version never changes" in result.err


def test_the_policy_there_acts_is_told_and_says_where_it_came_from(laptop: Deploy) -> None:
    laptop.ok("copy", "sample:1", "registry", "staging")
    laptop.ok("policy", "sample", "latest", "--registry", "staging")
    result = laptop.ok("copy", "sample:2", "registry", "staging", "-m", "tested")
    assert result.err == "note: the version policy wrote sample revision 2: stable: unset → 2\n"
    shown = laptop.ok("history", "sample", "-n", "1", "--json", "--registry", "staging").json
    came_from = (laptop.work / "registry").as_uri()
    message = shown["revisions"][0]["change"]["message"]
    assert message == f"tested (copied from {came_from})"


def test_stacks_can_be_named_on_both_sides(laptop: Deploy) -> None:
    for name, place in (("staging", "registry"), ("production", "production")):
        laptop.stacks[name] = StackOutputs((laptop.work / place).as_uri())
    result = laptop.ok("copy", "sample:2", "stack:staging", "stack:production")
    assert result.err.endswith("to go live: deploy promote sample 2 --stack production\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("sample:3", "registry", "staging"), 5, "sample:3 is not published"),
        (("other:1", "registry", "staging"), 5, "other:1 is not published"),
        (("sample@canary", "registry", "staging"), 5, "sample has no alias 'canary'"),
        (("sample:2", "nowhere", "staging"), 5, "there is no registry at "),
        (("sample:2", "http://registry", "staging"), 2, "is not a registry URL"),
        (("sample:2", "registry", "http://staging"), 2, "is not a registry URL"),
        (("sample:2", "registry", "stack:none"), 5, "there is no stack none"),
        (("sample:two", "registry", "staging"), 2, "'two' is not a version number"),
        (("sample:2", "registry"), 2, "Missing argument 'TO'"),
    ],
)
def test_what_cannot_be_copied_makes_no_registry(
    laptop: Deploy, arguments: tuple[str, ...], code: int, says: str
) -> None:
    result = laptop("copy", *arguments)
    assert result.code == code
    assert says in result.err
    assert not (laptop.work / "staging").exists()


@pytest.mark.parametrize("flags", [("--registry", "r"), ("--stack", "s")])
def test_no_third_registry_can_be_named(laptop: Deploy, flags: tuple[str, ...]) -> None:
    result = laptop(*flags, "copy", "sample:2", "registry", "staging")
    assert result.code == 2
    assert result.err.startswith("error: copy takes its two registries as FROM and TO")


def test_without_tensorflow_only_a_lost_plan_is_in_the_way(laptop: Deploy) -> None:
    def without() -> Compiler:
        raise Failed("publishing needs numpy, which is not installed")

    laptop.compiler_from = without
    laptop.ok("copy", "sample:1", "registry", "staging")
    (laptop.work / "registry/models/sample/2/compiled/1/plan.json").unlink()
    result = laptop("copy", "sample:2", "registry", "staging")
    assert (result.code, result.err) == (
        1,
        "error: publishing needs numpy, which is not installed\n",
    )
    assert versions(laptop.work / "staging") == [1]
