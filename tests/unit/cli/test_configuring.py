"""deploy apply and deploy export: TensorFlow Serving's models.config and a registry."""

import io
import json

import pytest

from modelregistry.names import ModelId
from modelregistry.registry import Proposal, Registry
from tests.unit.cli.deploying import Deploy


def config(deploy: Deploy, name: str, rest: str = "", base_path: str = "") -> str:
    place = base_path or str(deploy.work / "registry" / "models" / name)
    return (
        f'  config {{\n    name: "{name}"\n    base_path: "{place}"\n'
        f'    model_platform: "tensorflow"\n    {rest}\n  }}\n'
    )


def write(deploy: Deploy, *configs: str, to: str = "models.config") -> str:
    text = "".join(["model_config_list {\n", *configs, "}\n"])
    (deploy.work / to).write_text(text)
    return to


@pytest.fixture
def file(deploy: Deploy) -> str:
    """`sample` pinned to version 1 with two labels, `other` as it comes."""
    deploy.published({"sample": 2, "other": 1, "third": 1})
    pinned = """model_version_policy { specific { versions: 1 versions: 2 } }
    version_labels { key: "stable" value: 1 }
    version_labels { key: "canary" value: 2 }"""
    return write(deploy, config(deploy, "sample", pinned), config(deploy, "other"))


def test_a_file_becomes_one_revision_a_model(deploy: Deploy, file: str) -> None:
    deploy.ok("promote", "sample", "2")
    result = deploy.ok("apply", file, "-m", "as agreed")
    assert (
        "sample revision 2: canary unset → 2; stable 2 → 1; default stable → highest;"
        " policy none → specific 1 2\n"
        "other revision 1: default stable → highest; policy none → latest\n"
    ) == result.out
    assert "note: other: requests that name no version: nothing → 1\n" in result.err
    assert "note: left as they are, not in models.config: third\n" in result.err
    newest = deploy.registry().newest("sample")
    assert newest is not None
    assert ("apply", "as agreed") == (newest.change.action, newest.change.message)


def test_a_dry_run_shows_the_plan_and_writes_nothing(deploy: Deploy, file: str) -> None:
    deploy.ok("alias", "set", "sample", "canary", "1@90", "2@10")
    before = deploy.everything()
    result = deploy.ok("apply", "--dry-run", file)
    assert (
        "would write sample revision 2: canary 1@90 2@10 → 2; stable unset → 1;"
        " default stable → highest; policy none → specific 1 2\n"
        "would write other revision 1: default stable → highest; policy none → latest\n"
    ) == result.out
    assert "the weights of 'canary' (1@90 2@10) are dropped" in result.err
    assert before == deploy.everything()


def test_applying_it_again_says_that_there_is_nothing_to_do(deploy: Deploy, file: str) -> None:
    deploy.ok("apply", file)
    before = deploy.everything()
    result = deploy.ok("apply", file)
    assert ("", "nothing to change: everything is as models.config says") == (
        result.out,
        result.err.splitlines()[0],
    )
    assert before == deploy.everything()


def test_what_changed_is_told_apart_from_what_did_not(deploy: Deploy, file: str) -> None:
    deploy.ok("apply", file)
    deploy.ok("promote", "sample", "2")
    result = deploy.ok("apply", file)
    assert result.out == "sample revision 3: stable 2 → 1\n"
    assert "note: as models.config says already: other\n" in result.err


def test_the_plan_is_a_document_too(deploy: Deploy, file: str) -> None:
    planned = deploy.ok("apply", file, "--dry-run", "--json").json
    assert (True, ["sample", "other"], ["third"], []) == (
        planned["dry_run"],
        [model["model"] for model in planned["models"]],
        planned["left"],
        planned["not_applied"],
    )
    assert [None, None] == [model["revision"] for model in planned["models"]]
    done = deploy.ok("apply", file, "--json").json
    assert planned["models"][0]["changes"] == done["models"][0]["changes"]
    assert "apply" == done["models"][0]["revision"]["change"]["action"]
    again = deploy.ok("apply", file, "--json").json
    assert [None, None] == [model["revision"] for model in again["models"]]


def test_it_is_read_from_stdin_as_well(
    deploy: Deploy, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (deploy.work / file).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert "sample revision 1" in deploy.ok("apply", "-").out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    again = deploy.ok("apply", "-").err
    assert again.startswith("nothing to change: everything is as stdin says\n")


@pytest.mark.parametrize("text", ["", "\n", "# model_config_list {}\n"])
def test_a_file_that_says_nothing_is_an_error(deploy: Deploy, text: str) -> None:
    """It is what a generator that failed leaves behind."""
    deploy.published({"sample": 1})
    (deploy.work / "models.config").write_text(text)
    result = deploy("apply", "models.config")
    assert (2, "error: models.config has no model_config_list\n") == (result.code, result.err)
    (deploy.work / "models.config").write_text("model_config_list {}")
    assert deploy.ok("apply", "models.config").err.startswith("nothing to change")


def test_a_base_path_outside_of_the_registry_names_publish(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    file = write(deploy, config(deploy, "sample", base_path="/data/sample"))
    result = deploy("apply", file)
    assert (4, "") == (result.code, result.out)
    assert "sample: its base_path '/data/sample' is outside of this registry" in result.err
    assert "deploy publish PATH MODEL" in result.err


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(deploy: Deploy) -> None:
    deploy.published({"sample": 2})
    before = deploy.everything()
    label = 'version_labels { key: "stable" value: 7 }'
    file = write(deploy, config(deploy, "sample", label), config(deploy, "missing"))
    result = deploy("apply", file)
    assert (4, "") == (result.code, result.out)
    assert [
        "error: nothing was changed, as the file cannot be applied:",
        "sample: the label 'stable' names version 7: sample:7 is not published",
        "missing: no version of it is published",
    ] == result.err.splitlines()[:3]
    assert before == deploy.everything()


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("model_config_list {\n  confg {}\n}", 2, "models.config:2:3: "),
        ("model_config_list { config { name: 'a/b' } }", 2, "models.config:1:"),
        ("\xff", 2, "models.config:1:1: "),
    ],
)
def test_a_bad_file_is_an_error_with_line_and_column(
    deploy: Deploy, text: str, code: int, error: str
) -> None:
    deploy.published({"sample": 1})
    (deploy.work / "models.config").write_text(text)
    result = deploy("apply", "models.config")
    assert (code, "") == (result.code, result.out)
    assert result.err.startswith(f"error: {error}")


def test_a_file_that_cannot_be_read_is_one_line(deploy: Deploy) -> None:
    assert deploy("apply", "nowhere").err == "error: nowhere: No such file or directory\n"
    (deploy.work / "latin").write_bytes(b"\xff")
    result = deploy("apply", "latin")
    assert (2, True) == (result.code, result.err.startswith("error: latin is not UTF-8"))


@pytest.mark.parametrize("json_", [False, True])
def test_a_race_in_the_middle_says_who_won_and_how_far_it_came(
    deploy: Deploy, file: str, json_: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Registry.commit

    def lose(registry: Registry, proposal: Proposal, message: str = "") -> object:
        if proposal.model == "other":
            rival = deploy.registry()
            rival.who = lambda: "bob@ci"
            commit(rival, rival.propose_promote(ModelId("other", 1), "stable"))
        return commit(registry, proposal, message)

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "commit", lose)
        result = deploy("apply", file, *(["--json"] if json_ else []))
    assert result.code == 3
    assert "applied: sample; not applied: other." in result.err
    assert "bob@ci did 'promote'" in result.err
    if json_:
        told = json.loads(result.out)
        assert (["sample"], ["other"]) == (
            [model["model"] for model in told["models"]],
            told["not_applied"],
        )
    again = deploy.ok("apply", file)
    assert again.out.startswith("other revision 2: stable 1 → unset")


def test_of_a_single_model_a_conflict_says_it_all(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy.published({"sample": 1})
    file = write(deploy, config(deploy, "sample"))
    commit = Registry.commit

    def lose(registry: Registry, proposal: Proposal, message: str = "") -> object:
        commit(registry, registry.propose_promote(ModelId("sample", 1), "stable"))
        return commit(registry, proposal, message)

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "commit", lose)
        result = deploy("apply", file)
    assert (3, True) == (result.code, result.err.startswith("error: sample is at revision 1"))


def test_no_way_back_is_offered_that_the_command_has_no_words_for(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    three = "model_version_policy { latest { num_versions: 3 } }"
    deploy.ok("apply", write(deploy, config(deploy, "sample", three)))
    assert "undo" not in deploy.ok("policy", "sample", "none").err
    assert "undo: deploy policy sample none\n" in deploy.ok("policy", "sample", "latest").err


def test_an_export_is_a_file_that_applies_to_the_same(deploy: Deploy, file: str) -> None:
    deploy.ok("apply", file)
    shown = deploy.ok("export")
    assert "note: left out, as no alias of theirs is set: third\n" == shown.err
    assert ("back.config: 2 models\n", shown.out) == (
        deploy.ok("export", "back.config").out,
        (deploy.work / "back.config").read_text(),
    )
    assert deploy.ok("apply", "back.config").err.startswith("nothing to change")
    assert shown.out == deploy.ok("export", "-").out


def test_an_export_is_never_read_by_half(deploy: Deploy, file: str) -> None:
    """A server that polls the file sees the one before, or the new one."""
    deploy.ok("apply", file)
    with (deploy.work / file).open() as polling:
        deploy.ok("export", file)
        assert 'name: "third"' not in (deploy.work / file).read_text()
        assert polling.read().startswith('model_config_list {\n  config {\n    name: "sample"')


def test_an_export_that_cannot_be_written_names_the_file(deploy: Deploy, file: str) -> None:
    deploy.ok("apply", file)
    result = deploy("export", "nowhere/models.config")
    assert (1, "error: nowhere/models.config: No such file or directory\n") == (
        result.code,
        result.err,
    )


def test_an_export_names_what_the_format_cannot_say(deploy: Deploy) -> None:
    deploy.published({"sample": 2})
    deploy.ok("promote", "sample", "1")
    deploy.ok("alias", "set", "sample", "canary", "1@90", "2@10")
    result = deploy("export", "models.config")
    assert (4, "") == (result.code, result.out)
    assert "sample: alias 'canary' has weights: 1@90 2@10\n" in result.err
    assert not (deploy.work / "models.config").exists()


def test_an_export_says_which_labels_tensorflow_serving_would_refuse(deploy: Deploy) -> None:
    deploy.published({"sample": 2})
    deploy.ok("promote", "sample", "1")
    deploy.ok("promote", "sample", "2", "--alias", "canary")
    result = deploy.ok("export")
    assert "versions: 1" in result.out
    assert "load: sample@canary\n" in result.err


def test_a_registry_that_is_not_there_is_not_found(deploy: Deploy) -> None:
    file = write(deploy, config(deploy, "sample"))
    assert [5, 5] == [deploy("apply", file).code, deploy("export").code]


def test_the_base_path_is_found_through_a_link(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    link = deploy.work / "link"
    link.symlink_to(deploy.work / "registry")
    file = write(deploy, config(deploy, "sample", base_path=str(link / "models" / "sample")))
    assert "sample revision 1" in deploy.ok("apply", file).out
