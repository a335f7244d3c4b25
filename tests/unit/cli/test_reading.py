"""status, history, list, show and diff: data on stdout, and documents that stay as they are."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelregistry.names import ModelId
from modelregistry.plan import RecordedRequest
from tests.fakes import plan, savedmodel
from tests.unit.cli.deploying import Deploy, Result

READS = [
    ("status",),
    ("status", "sample"),
    ("history", "sample"),
    ("history", "sample", "--at", "0s"),
    ("list",),
    ("list", "sample"),
    ("show", "sample:1"),
    ("diff", "sample:1", "sample:2"),
    ("alias", "list", "sample"),
    ("policy", "sample"),
    ("verify",),
]


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """Two versions; stable went 1, 2 and back to 1."""
    deploy.published({"sample": 2})
    deploy.ok("promote", "sample", "1")
    deploy.ok("promote", "sample", "2", "-m", "[bold]better[/bold] \x1b[31m")
    deploy.ok("rollback", "sample")
    return deploy


@pytest.mark.parametrize("read", READS)
def test_every_read_has_one_json_object_on_stdout_and_nothing_else(
    live: Deploy, read: tuple[str, ...]
) -> None:
    result = live.ok(*read, "--json")
    assert isinstance(result.json, dict)
    assert result.err == ""


@pytest.mark.parametrize("read", READS)
def test_no_read_changes_anything(live: Deploy, read: tuple[str, ...]) -> None:
    before = live.everything()
    live.ok(*read)
    assert live.everything() == before


def test_status_of_a_model_is_a_document_for_scripts(live: Deploy) -> None:
    document = live.ok("status", "sample", "--json").json
    assert document["model"] == "sample"
    assert document["versions"] == [1, 2]
    assert document["default"] == "stable"
    assert document["policy"] is None
    assert document["revision"] == 3
    assert document["registry"] == {
        "url": (live.work / "registry").as_uri(),
        "reason": "chosen by the environment variable DEPLOY_REGISTRY",
        "exists": True,
    }
    stable = document["aliases"]["stable"]
    assert stable["routes"] == [{"version": 1, "weight": 100}]
    assert stable["revision"] == 3
    assert stable["rollback_to"] == [{"version": 2, "weight": 100}]
    assert stable["since"].endswith("Z")
    assert "@" in stable["by"]


def test_since_is_the_revision_that_last_changed_that_alias(live: Deploy) -> None:
    live.ok("alias", "set", "sample", "canary", "2")
    aliases = live.ok("status", "sample", "--json").json["aliases"]
    assert (aliases["stable"]["revision"], aliases["canary"]["revision"]) == (3, 4)
    assert aliases["canary"]["rollback_to"] is None


def test_status_says_which_registry_it_is_and_why(live: Deploy) -> None:
    first, *_ = live.ok("status").out.splitlines()
    url = (live.work / "registry").as_uri()
    assert first == f"registry  {url} (chosen by the environment variable DEPLOY_REGISTRY)"


def test_status_says_how_to_go_live(deploy: Deploy) -> None:
    deploy.published({"sample": 2})
    assert "deploy promote sample 2" in deploy.ok("status").err


def test_status_before_the_first_publish_says_where_and_how(deploy: Deploy) -> None:
    result = deploy.ok("status")
    assert result.out.startswith(f"registry  {(deploy.work / 'registry').as_uri()} (chosen by ")
    assert "deploy publish PATH MODEL" in result.err
    document = deploy.ok("status", "--json").json
    assert (document["registry"]["exists"], document["models"]) == (False, [])
    assert not (deploy.work / "registry").exists()


def test_a_model_or_registry_that_is_not_there_is_not_found(deploy: Deploy) -> None:
    without = deploy("status", "sample", "--json")
    assert (without.code, without.out) == (5, "")
    assert "(chosen by the environment variable DEPLOY_REGISTRY)" in without.err
    deploy.published({"other": 1})
    unknown = deploy("status", "sample", "--json")
    assert (unknown.code, unknown.out) == (5, "")
    assert "hint: models here: other" in unknown.err


@pytest.mark.parametrize("flags", [("--registry", "here"), ("--registry=here",)])
def test_the_registry_can_be_named_before_and_after_the_command(
    deploy: Deploy, flags: tuple[str, ...]
) -> None:
    url = (deploy.work / "here").as_uri()
    for arguments in (("status", "--json", *flags), (*flags, "status", "--json")):
        place = deploy.ok(*arguments).json["registry"]
        assert (place["url"], place["reason"]) == (url, "chosen by --registry")


def test_history_tells_every_change_newest_first(live: Deploy) -> None:
    rows = live.ok("history", "sample").out.splitlines()
    assert [row.split()[0] for row in rows] == ["REV", "3", "2", "1"]
    assert "rollback  stable: 2 → 1" in rows[1]
    assert "stable: unset → 1" in rows[3]


def test_what_others_wrote_is_neither_markup_nor_an_escape_sequence(live: Deploy) -> None:
    rows = live.ok("history", "sample", "-n", "2").out.splitlines()
    assert rows[2].endswith(r"[bold]better[/bold] \x1b[31m")
    assert len(rows) == 3


def test_a_row_is_never_cut_where_nobody_has_a_terminal(live: Deploy) -> None:
    message = "long " * 100 + "end"
    live.ok("promote", "sample", "2", "-m", message)
    rows = live.ok("history", "sample").out.splitlines()
    assert rows[1].endswith(message)
    assert len(rows) == 5


def test_history_at_a_time_is_the_newest_revision_not_later(live: Deploy) -> None:
    at = live.ok("history", "sample", "--json").json["revisions"][1]["change"]["at"]
    found = live.ok("history", "sample", "--at", at, "--json").json["revisions"]
    assert [revision["revision"] for revision in found] == [2]
    text = live.ok("history", "sample", "--at", at).out
    assert "stable: 1 → 2" in text
    assert "then  default stable · policy none" in text


def test_history_before_the_first_revision_is_not_found(live: Deploy) -> None:
    result = live("history", "sample", "--at", "3d")
    assert result.code == 5
    assert "sample had no revision yet at " in result.err


def test_a_time_that_is_none_is_bad_usage(live: Deploy) -> None:
    assert live("history", "sample", "--at", "yesterday").code == 2


def test_a_limit_beside_a_time_is_bad_usage(live: Deploy) -> None:
    assert live("history", "sample", "--at", "0s", "--limit", "2").code == 2


def test_list_shows_models_and_then_versions(live: Deploy) -> None:
    assert live.ok("list").out.splitlines()[1] == "sample  1 2       stable → 1"
    rows = live.ok("list", "sample").out.splitlines()
    assert [row.split()[0] for row in rows] == ["VERSION", "1", "2"]
    assert live.ok("list", "--json").json == {"models": [{"model": "sample", "versions": [1, 2]}]}
    assert live("list", "nobody").code == 5


def test_a_damaged_manifest_does_not_hide_the_other_versions(live: Deploy) -> None:
    (live.work / "registry" / "models" / "sample" / "2" / "manifest.json").write_bytes(b"{}")
    rows = live.ok("list", "sample").out.splitlines()
    assert "damaged: see deploy verify" in rows[2]
    assert [v["damaged"] for v in live.ok("list", "sample", "--json").json["versions"]] == [
        False,
        True,
    ]
    assert live("show", "sample:2").code == 1


def test_show_has_signatures_and_files(live: Deploy) -> None:
    shown = live.ok("show", "sample:1").out
    assert "serving_default  input x   float[?]" in shown
    assert "saved_model.pb" in shown
    document = live.ok("show", "sample@stable", "--json").json
    assert (document["model"], document["version"], document["aliases"]) == (
        "sample",
        1,
        ["stable"],
    )
    assert document["bytes"] == sum(file["size"] for file in document["files"])


def test_show_counts_the_requests_that_a_version_is_warmed_up_with(live: Deploy) -> None:
    assert "warm-up" not in live.ok("show", "sample:1").out
    request = RecordedRequest("a file", "serving_default", {})
    artifacts = live.registry().artifacts
    artifacts.put_plan(ModelId("sample", 1), replace(plan(), recorded=(request, request)))
    assert "warm-up    2 recorded requests" in live.ok("show", "sample:1").out


def test_show_of_a_version_that_is_not_there_is_not_found(live: Deploy) -> None:
    assert live("show", "sample:9").code == 5
    assert live("show", "sample@canary").code == 5
    assert live("show", "sample:x").code == 2


def test_diff_tells_added_removed_and_changed_files(live: Deploy) -> None:
    savedmodel(live.work / "third", "1", {"assets/words.txt": b"a b c"})
    live.ok("publish", "third", "sample")
    same = live.ok("diff", "sample:1", "sample:1")
    assert "signatures: the same\nfiles: the same 3\n" in same.out
    document = live.ok("diff", "sample:1", "sample:3", "--json").json
    assert document["signatures"] == []
    assert document["files"] == [
        {"kind": "added", "path": "assets/words.txt", "from": None, "to": 5}
    ]
    assert document["same_files"] == 3
    changed = live.ok("diff", "sample:3", "sample:2").out
    assert "-  assets/words.txt" in changed
    assert "~  saved_model.pb" in changed


def test_a_file_that_is_no_alias_table_is_one_line(deploy: Deploy) -> None:
    place = deploy.work / "registry"
    place.mkdir()
    (place / "aliases.sqlite3").write_bytes(b"this is no SQLite file, " * 50)
    result = deploy("status")
    assert result.code == 1
    assert result.err.startswith(f"error: {place / 'aliases.sqlite3'} is not an alias table: ")
    assert "Traceback" not in result.err


def test_a_broken_deploy_toml_is_bad_usage(deploy: Deploy) -> None:
    deploy.environment.clear()
    Path("deploy.toml").write_text("registry == 1\n")
    result = deploy("status")
    assert result.code == 2
    assert result.err.startswith(f"error: {deploy.work / 'deploy.toml'} is not TOML: ")


def test_a_version_whose_plan_is_lost_is_shown_without_it(live: Deploy) -> None:
    (live.work / "registry/models/sample/1/compiled/1/plan.json").unlink()
    shown = live.ok("show", "sample:1")
    assert "warning: it has no sound plan: deploy verify sample:1\n" in shown.err
    assert live.ok("diff", "sample:1", "sample:2", "--json").json["signatures"] is None


def test_a_default_that_the_policy_leaves_without_a_version_is_told(live: Deploy) -> None:
    live.ok("alias", "default", "sample", "highest")
    assert "fail" not in said(live.ok("status", "sample"))
    live.ok("policy", "sample", "specific", "9")
    expected = "fail: the policy keeps no version that is published: deploy policy sample POLICY"
    assert expected in said(live.ok("status", "sample"))


def test_publishing_says_which_version_answers_where_that_is_the_highest(
    live: Deploy, tmp_path: Path
) -> None:
    live.ok("alias", "default", "sample", "highest")
    live.ok("policy", "sample", "specific", "1", "2")
    source = str(savedmodel(tmp_path / "third", "three"))
    assert "are still for 2" in said(live.ok("publish", source, "sample"))
    live.ok("policy", "sample", "all")
    source = str(savedmodel(tmp_path / "fourth", "four"))
    assert "requests that name no version are for 4 now" in said(
        live.ok("publish", source, "sample")
    )


def said(result: Result) -> str:
    """All that was printed, on one line."""
    return " ".join(f"{result.out} {result.err}".split())
