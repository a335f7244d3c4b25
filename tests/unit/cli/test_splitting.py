"""canary, split, abort and the promote that finishes: what they write, say and refuse."""

from typing import Any

import pytest

from tests.unit.cli.deploying import Deploy


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """Versions 1 to 3, stable at 1: revision 1."""
    deploy.published({"sample": 3})
    deploy.ok("promote", "sample", "1")
    return deploy


def stable(deploy: Deploy) -> Any:  # noqa: ANN401 - a document
    return deploy.ok("status", "sample", "--json").json["aliases"]["stable"]


def routes(deploy: Deploy) -> dict[int, float]:
    return {share["version"]: share["weight"] for share in stable(deploy)["routes"]}


def test_a_canary_begins_grows_and_is_finished(live: Deploy) -> None:
    began = live.ok("canary", "sample", "2", "--weight", "10", "-m", "try it")
    assert began.out == "sample revision 2: stable 1 → 1@90 2@10\n"
    assert began.err == "undo: deploy rollback sample\n"
    assert stable(live)["canary"] == {"version": 2, "over": [{"version": 1, "weight": 100}]}
    assert stable(live)["message"] == "try it"
    grew = live.ok("canary", "sample", "2", "--weight", "50")
    assert grew.out == "sample revision 3: stable 1@90 2@10 → 1@50 2@50\n"
    finished = live.ok("promote", "sample")
    assert finished.out == "sample revision 4: stable 1@50 2@50 → 2\n"
    assert finished.err == "undo: deploy rollback sample\n"
    assert stable(live)["canary"] is None


def test_an_abort_restores_exactly_what_was_there_before_any_growth(live: Deploy) -> None:
    beta = ("--alias", "beta")
    live.ok("split", "sample", "1@33.33", "2@66.67", *beta)
    for weight in ("0.01", "12.5", "99.98"):
        live.ok("canary", "sample", "3", "--weight", weight, *beta)
    aborted = live.ok("abort", "sample", *beta)
    assert aborted.out == "sample revision 6: beta 1@0.01 2@0.01 3@99.98 → 1@33.33 2@66.67\n"
    assert live("abort", "sample", *beta).code == 5


@pytest.mark.parametrize("again", ["10", "10.00", "1e1"])
def test_a_canary_that_has_its_weight_changes_nothing(live: Deploy, again: str) -> None:
    live.ok("canary", "sample", "2", "--weight", "10")
    result = live.ok("canary", "sample", "2", "--weight", again)
    assert result.out == ""
    assert result.err == "nothing to change: 2 already has 10 % of stable\n"


def test_a_canary_at_nothing_is_there_and_gets_nobody(live: Deploy) -> None:
    live.ok("canary", "sample", "2", "--weight", "0")
    assert routes(live) == {1: 100, 2: 0}
    assert "stable: canary 2" in live.ok("status", "sample").out
    assert live.ok("promote", "sample").out == "sample revision 3: stable 1@100 2@0 → 2\n"


def test_a_canary_of_another_alias_is_finished_and_ended_there(live: Deploy) -> None:
    there = ("--alias", "beta")
    live.ok("promote", "sample", "1", *there)
    began = live.ok("canary", "sample", "2", "--weight", "10", *there)
    assert began.err == "undo: deploy rollback sample --alias beta\n"
    assert live("promote", "sample").code == 5
    refused = live("canary", "sample", "3", "--weight", "5", *there)
    assert refused.code == 4
    assert "deploy promote sample --alias beta, or deploy abort sample --alias beta" in refused.err
    assert live.ok("abort", "sample", *there).out == "sample revision 4: beta 1@90 2@10 → 1\n"
    assert routes(live) == {1: 100}


def test_a_split_makes_the_alias_and_marks_the_one_that_comes_beside_others(live: Deploy) -> None:
    made = live.ok("split", "sample", "1@60", "2@30", "3@10", "--alias", "beta")
    assert made.out == "sample revision 2: beta unset → 1@60 2@30 3@10\n"
    assert made.err == "undo: deploy alias unset sample beta\n"
    split = live.ok("split", "sample", "1@97.5", "3@2.5")
    assert split.out == "sample revision 3: stable 1 → 1@97.5 3@2.5\n"
    assert split.err == "undo: deploy rollback sample\n"
    assert live.ok("split", "sample", "3@2.5", "1@97.5").err == (
        "nothing to change: stable already points to 1@97.5 3@2.5\n"
    )
    assert live.ok("abort", "sample").out == "sample revision 4: stable 1@97.5 3@2.5 → 1\n"


def test_two_versions_that_come_at_once_are_no_canary(live: Deploy) -> None:
    live.ok("split", "sample", "1@60", "2@30", "3@10")
    result = live("abort", "sample")
    assert result.code == 5
    assert "has no canary: it points to 1@60 2@30 3@10\nhint: " in result.err
    assert "deploy rollback sample\n" in result.err


def test_a_split_goes_on_beside_rules_key_and_override(live: Deploy) -> None:
    live.ok("route", "sample", "--when", "x-tier=gold", "--to", "3")
    live.ok("alias", "key", "sample", "stable", "query:uid")
    live.ok("alias", "override", "sample", "stable", "allowed")
    result = live.ok("canary", "sample", "2", "--weight", "10")
    assert result.err.startswith("note: its rules come first: x-tier=gold → 3\n")
    found = stable(live)
    assert (found["key"], found["override"], len(found["rules"])) == ({"query": "uid"}, True, 1)


@pytest.mark.parametrize(
    "change",
    [
        ("canary", "sample", "3", "--weight", "5"),
        ("split", "sample", "1@50", "2@25", "3@25"),
        ("abort", "sample"),
        ("promote", "sample"),
    ],
)
def test_a_dry_run_says_all_and_writes_nothing(live: Deploy, change: tuple[str, ...]) -> None:
    live.ok("canary", "sample", "2", "--weight", "10")
    if change[0] == "canary":
        live.ok("abort", "sample")
    before = live.everything()
    result = live.ok(*change, "--dry-run")
    assert result.out.startswith("would write sample revision ")
    assert "undo" not in result.err
    document = live.ok(*change, "--dry-run", "--json").json
    assert (document["dry_run"], document["revision"]) == (True, None)
    assert live.everything() == before


def test_a_change_as_json_holds_the_revision(live: Deploy) -> None:
    document = live.ok("canary", "sample", "2", "--weight", "0.5", "--json").json
    assert document["changes"] == ["stable: 1 → 1@99.5 2@0.5"]
    assert document["revision"]["change"]["action"] == "canary"
    assert document["revision"]["aliases"]["stable"]["routes"] == [
        {"version": 1, "weight": 99.5},
        {"version": 2, "weight": 0.5},
    ]


WEIGHTS = ("0.001", "-1", "100.01", "NaN", "Infinity", "abc", "", "10%", "1/2")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        *(
            (("canary", "sample", "2", "--weight", weight), 2, "is not a weight\nhint: weights are")
            for weight in WEIGHTS
        ),
        (("canary", "sample", "2", "--weight", "100"), 2, "hint: deploy promote sample 2\n"),
        (("canary", "sample", "2"), 2, "--weight"),
        (("canary", "sample", "9", "--weight", "10"), 5, "sample:9 is not published\nhint: "),
        (("canary", "sample", "1", "--weight", "10"), 2, "version 1 is in place in 'stable'"),
        (("canary", "sample", "x", "--weight", "10"), 2, "'x' is not a version"),
        (("canary", "nobody", "1", "--weight", "10"), 5, "nobody"),
        (("canary", "sample", "2", "--weight", "10", "--alias", "beta"), 5, "no alias 'beta'"),
        (("canary", "sample", "2", "--weight", "10", "--alias", "highest"), 2, "'highest'"),
        (("canary", "sample", "2", "--weight", "10", "--expect", "7"), 3, "not 7"),
        (("split", "sample", "1@60", "2@30", "3@11"), 2, "add up to 101, not 100\nhint: "),
        (("split", "sample", "1@60", "2@39.99"), 2, "add up to 99.99, not 100\nhint: "),
        (("split", "sample", "1", "2"), 2, "add up to 200, not 100\nhint: "),
        (("split", "sample", "1@50", "1@50"), 2, "only one weight"),
        (("split", "sample", "1@99.999", "2@0.001"), 2, "is not a weight\nhint: "),
        (("split", "sample", "1@101", "2@-1"), 2, "is not a weight\nhint: "),
        (("split", "sample", "1@nan", "2@50"), 2, "is not a weight\nhint: "),
        (("split", "sample", "1@half", "2@half"), 2, "is not a weight\nhint: "),
        (("split", "sample", "1@50", "9@50"), 5, "sample:9 is not published"),
        (("split", "sample"), 2, "VERSION@WEIGHT"),
        (("split", "sample", "1@50", "2@50", "--expect", "0"), 3, "not 0"),
        (("abort", "sample"), 5, "has no canary: it points to 1\nhint: "),
        (("abort", "sample", "--alias", "beta"), 5, "no alias 'beta'"),
        (("abort", "nobody"), 5, "nobody"),
        (("promote", "sample"), 5, "hint: name the version: deploy promote sample VERSION\n"),
        (("promote", "sample", "--alias", "beta"), 5, "no alias 'beta'"),
    ],
)
def test_bad_input_is_told_why_and_has_no_effect(
    live: Deploy, arguments: tuple[str, ...], code: int, told: str
) -> None:
    before = live.everything()
    result = live(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")
    assert told in result.err
    assert "Traceback" not in result.err
    assert live.everything() == before


def test_a_second_canary_is_refused_while_one_runs(live: Deploy) -> None:
    live.ok("canary", "sample", "2", "--weight", "10")
    before = live.everything()
    result = live("canary", "sample", "3", "--weight", "10")
    assert result.code == 4
    assert result.err == (
        "error: version 2 is the canary of 'stable': 1@90 2@10\n"
        "hint: finish it or end it first: deploy promote sample, or deploy abort sample\n"
    )
    assert live.everything() == before


def test_neither_a_canary_nor_what_it_would_go_back_to_can_be_deleted(live: Deploy) -> None:
    live.ok("canary", "sample", "2", "--weight", "10")
    for version in ("1", "2"):
        assert live("delete", f"sample:{version}", "--force").code == 4


def test_what_undo_says_after_a_canary_undoes_it(live: Deploy) -> None:
    for change in (
        ("canary", "sample", "2", "--weight", "10"),
        ("canary", "sample", "2", "--weight", "50"),
        ("split", "sample", "1@60", "2@40"),
        ("abort", "sample"),
        ("split", "sample", "1@60", "2@30", "3@10"),
    ):
        before = stable(live)["routes"], stable(live)["canary"]
        _, _, undo = live.ok(*change).err.rpartition("undo: deploy ")
        live.ok(*undo.split())
        assert (stable(live)["routes"], stable(live)["canary"]) == before
        live.ok(*change)
