"""promote, rollback, policy and the aliases: what they write, say and refuse."""

import subprocess
import sys
from pathlib import Path

import pytest

from modelcli import failures
from modelcli.settling import settle
from modelregistry.errors import Conflict
from modelregistry.names import ModelId
from tests.unit.cli.deploying import Deploy

DEPLOY = Path(sys.executable).with_name("deploy")


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """Versions 1 to 3, stable at 1: revision 1."""
    deploy.published({"sample": 3})
    deploy.ok("promote", "sample", "1")
    return deploy


def test_promote_says_what_changed_and_how_to_undo_it(live: Deploy) -> None:
    result = live.ok("promote", "sample", "2", "-m", "better")
    assert result.out == "sample revision 2: stable 1 → 2\n"
    assert result.err == "undo: deploy rollback sample\n"
    newest = live.registry().newest("sample")
    assert newest is not None
    assert newest.change.message == "better"


@pytest.mark.parametrize("before", [True, False])
def test_the_way_back_leads_to_the_registry_that_was_named(live: Deploy, *, before: bool) -> None:
    named, words = ("--registry", "registry"), ("promote", "sample", "2")
    live.environment["DEPLOY_REGISTRY"] = "another"
    result = live.ok(*named, *words) if before else live.ok(*words, *named)
    assert result.err == "undo: deploy rollback sample --registry registry\n"


def test_another_alias_is_undone_by_its_name(live: Deploy) -> None:
    assert live.ok("promote", "sample", "2", "--alias", "canary").err == (
        "undo: deploy alias unset sample canary\n"
    )
    assert live.ok("promote", "sample", "3", "--alias", "canary").err == (
        "undo: deploy rollback sample --alias canary\n"
    )


def test_promoting_what_is_live_changes_nothing_and_says_so(live: Deploy) -> None:
    result = live.ok("promote", "sample", "1")
    assert result.out == ""
    assert result.err == "nothing to change: stable already points to 1\n"
    assert live.ok("status", "sample", "--json").json["revision"] == 1


def test_rollback_goes_back_and_forth(live: Deploy) -> None:
    live.ok("promote", "sample", "2")
    assert live.ok("rollback", "sample").out == "sample revision 3: stable 2 → 1\n"
    assert live.ok("rollback", "sample").out == "sample revision 4: stable 1 → 2\n"


def test_rollback_to_a_version_goes_further_back(live: Deploy) -> None:
    live.ok("promote", "sample", "2")
    live.ok("promote", "sample", "3")
    assert live.ok("rollback", "sample", "--to", "1").out == "sample revision 4: stable 3 → 1\n"
    assert live("rollback", "sample", "--to", "9").code == 5


def test_rollback_says_what_it_passes_over(live: Deploy) -> None:
    live.ok("promote", "sample", "2")
    live.ok("promote", "sample", "3")
    live.ok("delete", "sample:2", "--force")
    result = live.ok("rollback", "sample")
    assert result.out == "sample revision 5: stable 3 → 1\n"
    assert "note: passed over version 2, which was deleted\n" in result.err


def test_rollback_without_a_past_is_not_found(live: Deploy) -> None:
    assert live("rollback", "sample").code == 5
    assert live("rollback", "nobody").code == 5


@pytest.mark.parametrize(
    "change",
    [
        ("promote", "sample", "2"),
        ("alias", "set", "sample", "canary", "1@90", "2@10"),
        ("alias", "unset", "sample", "stable"),
        ("alias", "default", "sample", "highest"),
        ("policy", "sample", "latest"),
        ("delete", "sample:3"),
        ("gc", "--keep", "0"),
    ],
)
def test_a_dry_run_writes_nothing(live: Deploy, change: tuple[str, ...]) -> None:
    before = live.everything()
    result = live.ok(*change, "--dry-run")
    assert result.out.startswith("would ")
    assert live.everything() == before


def test_a_dry_run_of_a_rollback_writes_nothing(live: Deploy) -> None:
    live.ok("promote", "sample", "2")
    result = live.ok("rollback", "sample", "--dry-run")
    assert result.out == "would write sample revision 3: stable 2 → 1\n"
    assert live.ok("status", "sample", "--json").json["revision"] == 2


def test_a_change_as_json_holds_the_revision(live: Deploy) -> None:
    document = live.ok("promote", "sample", "2", "--json").json
    assert document["changes"] == ["stable: 1 → 2"]
    assert document["revision"]["revision"] == 2
    assert document["revision"]["aliases"]["stable"]["routes"] == [{"version": 2, "weight": 100}]
    assert live.ok("promote", "sample", "2", "--json").json["revision"] is None


def test_weights_are_written_and_shown(live: Deploy) -> None:
    result = live.ok("alias", "set", "sample", "canary", "1@90", "2@10")
    assert result.out == "sample revision 2: canary unset → 1@90 2@10\n"
    listed = live.ok("alias", "list", "sample")
    assert "1@90 2@10" in listed.out
    routes = live.ok("alias", "list", "sample", "--json").json["aliases"]["canary"]["routes"]
    assert routes == [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]


def test_unset_says_how_to_set_it_again(live: Deploy) -> None:
    live.ok("alias", "set", "sample", "canary", "1@90", "2@10")
    result = live.ok("alias", "unset", "sample", "canary")
    assert result.out == "sample revision 3: canary 1@90 2@10 → unset\n"
    assert result.err == "undo: deploy alias set sample canary 1@90 2@10\n"


def test_unsetting_the_default_alias_warns(live: Deploy) -> None:
    result = live.ok("alias", "unset", "sample", "stable")
    assert "note: requests that name no version use 'stable': they will fail\n" in result.err


def test_the_default_can_be_an_alias_or_highest(live: Deploy) -> None:
    result = live.ok("alias", "default", "sample", "highest")
    assert result.out == "sample revision 2: default stable → highest\n"
    assert result.err == "undo: deploy alias default sample stable\n"
    assert live.ok("alias", "default", "sample", "highest").err == (
        "nothing to change: the default of sample already is highest\n"
    )
    assert live("alias", "default", "sample", "nobody").code == 5


def test_a_policy_that_moves_requests_at_once_says_so(live: Deploy) -> None:
    live.ok("alias", "default", "sample", "highest")
    told = live.ok("policy", "sample", "specific", "1").err
    assert "note: requests that name no version: 3 → 1\n" in told
    assert "go to the highest of these that is published\n" in told
    assert "the default alias" not in told + live.ok("policy", "sample").err
    assert "requests that name no version: 1 → 3" in live.ok("policy", "sample", "latest").err


def test_the_policy_is_shown_and_set(live: Deploy) -> None:
    assert live.ok("policy", "sample").out == "sample: none\n"
    assert live.ok("policy", "sample", "--json").json == {"model": "sample", "policy": None}
    changed = live.ok("policy", "sample", "specific", "3", "1")
    assert changed.out == "sample revision 2: policy none → specific 1 3\n"
    assert live.ok("policy", "sample").out == "sample: specific 1 3\n"
    assert live.ok("policy", "sample", "--json").json["policy"] == {
        "specific": {"versions": [1, 3]}
    }
    assert live.ok("policy", "sample", "none").out == (
        "sample revision 3: policy specific 1 3 → none\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("promote", "../etc", "1"), 2),
        (("promote", "a/b", "1"), 2),
        (("promote", "sample", "0"), 2),
        (("promote", "sample", "1.5"), 2),
        (("promote", "sample", "9"), 5),
        (("promote", "nobody", "1"), 5),
        (("promote", "sample", "1", "--alias", "highest"), 2),
        (("alias", "set", "sample", "canary", "1@90", "2@20"), 2),
        (("alias", "set", "sample", "canary", "1@x"), 2),
        (("alias", "set", "sample", "canary", "1@50", "1@50"), 2),
        (("alias", "unset", "sample", "canary"), 5),
        (("policy", "sample", "specific"), 2),
        (("policy", "sample", "latest", "1"), 2),
        (("policy", "sample", "newest"), 2),
        (("rollback", "sample", "--alias", "canary"), 5),
        (("promote", "sample", "2", "--expect", "7"), 3),
        (("promote", "sample", "2", "--expect", "-1"), 2),
    ],
)
def test_bad_input_has_its_exit_code_one_line_and_no_effect(
    live: Deploy, arguments: tuple[str, ...], code: int
) -> None:
    before = live.everything()
    result = live(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert live.everything() == before


def test_an_outdated_expectation_is_told_who_won_and_what_changed(live: Deploy) -> None:
    live.ok("promote", "sample", "2", "-m", "mine was first")
    result = live("rollback", "sample", "--expect", "1")
    assert result.code == 3
    assert result.err.startswith("error: sample is at revision 2, not 1: ")
    assert "(mine was first), changing stable: 1 → 2\n" in result.err
    assert "hint: look at it with: deploy history sample" in result.err


def test_of_two_proposals_on_one_revision_the_second_is_a_conflict(
    live: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = live.registry()
    first = registry.propose_promote(ModelId("sample", 2), "stable")
    second = registry.propose_promote(ModelId("sample", 3), "stable")
    registry.commit(first)
    with pytest.raises(Conflict) as lost:
        settle(registry, second, message="", dry_run=False, json=False, unchanged="")
    registry.aliases.close()
    assert failures.report(lost.value) == 3
    assert "sample is at revision 2, not 1" in capsys.readouterr().err


def test_of_four_commands_at_once_exactly_one_wins(live: Deploy) -> None:
    command = [str(DEPLOY), "alias", "set", "sample", "stable", "--expect", "1"]
    racers = [
        subprocess.Popen(
            [*command, "--registry", str(live.work / "registry"), *routes],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for routes in (["2"], ["3"], ["1@50", "2@50"], ["1@50", "3@50"])
    ]
    said = [racer.communicate(timeout=60) for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 3, 3, 3]
    winner = next(out for out, _ in said if out)
    won = winner.removeprefix("sample revision 2: stable ").strip()
    for _, err in (pair for pair in said if not pair[0]):
        assert err.startswith("error: sample is at revision 2, not 1: ")
        assert f"changing stable: {won}" in err
