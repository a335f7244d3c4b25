import pytest

from modelregistry.names import ModelId
from tests.fakes import FakeCompiler, savedmodel
from tests.unit.cli.deploying import Deploy


def test_the_first_publish_makes_the_registry_and_version_1(deploy: Deploy) -> None:
    savedmodel(deploy.work / "exported")
    result = deploy.ok("publish", "exported", "sample", "-m", "the first")
    assert result.out == "sample:1 published: 3 files, 1.4 kB\n"
    assert "note: making the registry file://" in result.err
    assert "to go live: deploy promote sample 1" in result.err
    assert deploy.registry().artifacts.manifest(ModelId("sample", 1)).message == "the first"


def test_a_directory_of_versions_is_published_under_its_own_numbers(deploy: Deploy) -> None:
    for number in ("1", "3", "12"):
        savedmodel(deploy.work / "my_model" / number, number)
    (deploy.work / "my_model" / "notes").mkdir()
    result = deploy.ok("publish", "my_model", "sample", "--json")
    assert [one["version"] for one in result.json["publications"]] == [1, 3, 12]
    assert deploy.registry().versions("sample") == [1, 3, 12]


def test_publishing_the_same_bytes_again_is_a_no_op_that_says_so(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    before = deploy.everything()
    result = deploy.ok("publish", "exports/sample", "sample")
    assert result.out == ""
    assert result.err.startswith("nothing to publish: sample:1 is published already")
    assert deploy.everything() == before


def test_a_number_that_other_bytes_have_is_refused(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    savedmodel(deploy.work / "other", "other")
    result = deploy("publish", "other", "sample", "1")
    assert result.code == 4
    assert "error: sample:1 exists with other bytes" in result.err
    assert "the next free number is 2" in result.err


def test_a_version_directory_without_a_number_gets_the_next_one_and_is_told(
    deploy: Deploy,
) -> None:
    savedmodel(deploy.work / "my_model" / "7")
    result = deploy.ok("publish", "my_model/7", "sample")
    assert result.out.startswith("sample:1 published")
    assert "to keep the directory's own number: deploy publish my_model/7 sample 7" in result.err


def test_a_version_directory_that_gets_its_own_number_needs_no_note(deploy: Deploy) -> None:
    savedmodel(deploy.work / "my_model" / "1")
    assert "own number" not in deploy.ok("publish", "my_model/1", "sample").err


def test_a_dry_run_checks_everything_and_writes_nothing(deploy: Deploy) -> None:
    savedmodel(deploy.work / "exported")
    result = deploy.ok("publish", "exported", "sample", "--dry-run")
    assert result.out == "sample:1 would be published: 3 files, 1.4 kB\n"
    assert deploy.compiler.compiled != []
    assert not (deploy.work / "registry").exists()


def test_a_dry_run_of_a_refused_model_is_refused(deploy: Deploy) -> None:
    savedmodel(deploy.work / "exported")
    deploy.compiler = FakeCompiler(refusal="op 'Foo' is unknown")
    result = deploy("publish", "exported", "sample", "--dry-run")
    assert (result.code, result.out) == (4, "")
    assert result.err == "error: op 'Foo' is unknown\n"


def test_a_deleted_version_of_a_directory_of_versions_is_left_out(deploy: Deploy) -> None:
    deploy.published({"sample": 2})
    deploy.ok("delete", "sample:1")
    result = deploy.ok("publish", "exports/sample", "sample")
    assert "note: exports/sample/1 is left out: sample:1 was deleted" in result.err
    assert deploy("publish", "exports/sample", "sample", "1").code == 4


def test_what_was_published_before_a_refusal_is_told_and_stays(deploy: Deploy) -> None:
    deploy.published({"sample": 2})
    savedmodel(deploy.work / "exports" / "sample" / "2", "retrained")
    savedmodel(deploy.work / "exports" / "sample" / "3", "3")
    result = deploy("publish", "exports/sample", "sample", "--json")
    assert result.code == 4
    assert [p["outcome"] for p in result.json["publications"]] == ["identical"]
    assert deploy.registry().versions("sample") == [1, 2]


def test_the_version_policy_acts_and_is_told(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    deploy.ok("promote", "sample", "1")
    deploy.ok("policy", "sample", "latest")
    savedmodel(deploy.work / "better", "better")
    result = deploy.ok("publish", "better", "sample")
    assert "the version policy wrote sample revision 3: stable: 1 → 2" in result.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nowhere", "sample"), 5),
        (("exported", "../escape"), 2),
        (("exported", "a/b"), 2),
        (("exported", "sample", "0"), 2),
        (("exported", "sample", "one"), 2),
        (("my_model", "sample", "9"), 2),
    ],
)
def test_what_cannot_be_published_makes_no_registry(
    deploy: Deploy, arguments: tuple[str, ...], code: int
) -> None:
    savedmodel(deploy.work / "exported")
    savedmodel(deploy.work / "my_model" / "1")
    assert deploy("publish", *arguments).code == code
    assert not (deploy.work / "registry").exists()


def test_tags_are_the_compilers_in_either_spelling(deploy: Deploy) -> None:
    savedmodel(deploy.work / "exported")
    for given, tags in [
        ((), ("serve",)),
        (("--saved_model_tags", "serve, gpu"), ("serve", "gpu")),
        (("--saved-model-tags=train",), ("train",)),
    ]:
        deploy.ok("publish", "exported", "sample", "--dry-run", *given)
        assert tags == deploy.tags


def test_an_empty_tag_is_a_usage_error(deploy: Deploy) -> None:
    savedmodel(deploy.work / "exported")
    result = deploy("publish", "exported", "sample", "--saved-model-tags", "serve,")
    assert (2, ()) == (result.code, deploy.tags)
    assert "'serve,' names an empty tag" in result.err


def test_other_tags_for_the_same_bytes_are_told_that_the_plan_stays(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    result = deploy.ok("publish", "exports/sample/1", "sample", "1", "--saved-model-tags", "train")
    assert "warning: sample:1 was published for the tags serve: for others, publish" in result.err
    same = deploy.ok("publish", "exports/sample/1", "sample", "1")
    assert "published for the tags" not in same.err
