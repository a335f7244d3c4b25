"""route, unroute, key, override and pinned: what they write, say and refuse."""

import re
import shlex
from typing import Any

import pytest

from tests.unit.cli.deploying import Deploy

GOLD = ("route", "sample", "--when", "x-tier=gold", "--to", "2")
SETTINGS = [
    (("alias", "key", "sample", "stable"), "x-routing-key", "query:uid"),
    (("alias", "override", "sample", "stable"), "ignored", "allowed"),
    (("pinned", "sample"), "any", "routed"),
]


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """Versions 1 to 3, stable at 1: revision 1."""
    deploy.published({"sample": 3})
    deploy.ok("promote", "sample", "1")
    return deploy


def status(deploy: Deploy) -> Any:  # noqa: ANN401 - a document
    return deploy.ok("status", "sample", "--json").json


def rules(deploy: Deploy) -> list[str]:
    """The rules of stable in their order, as a person sees them."""
    out = deploy.ok("status", "sample").out
    rows = re.findall(r"^  stable +\d+  (\S.*?)  +(\S.*)$", out, re.MULTILINE)
    return [" ".join(row) for row in rows]


def test_a_rule_sends_some_callers_elsewhere(live: Deploy) -> None:
    result = live.ok(*GOLD, "-m", "they paid")
    assert result.out == "sample revision 2: stable with x-tier=gold → 2\n"
    assert result.err == "undo: deploy rollback sample\n"
    (rule,) = status(live)["aliases"]["stable"]["rules"]
    assert rule == {
        "when": [{"header": "x-tier", "in": ["gold"]}],
        "routes": [{"version": 2, "weight": 100}],
    }
    assert live.ok(*GOLD).err == "nothing to change: stable has that rule: x-tier=gold → 2\n"
    assert "stable with: x-tier=gold → 2" in live.ok("history", "sample").out
    assert "x-tier=gold" in live.ok("history", "sample", "--at", "0s").out.split("then")[1]


@pytest.mark.parametrize("to", [("--to", "1@50 2@50"), ("--to", "1@50", "--to", "2@50")])
def test_a_rule_may_lead_to_a_split(live: Deploy, to: tuple[str, ...]) -> None:
    live.ok("route", "sample", "--when", "query:tier=gold", *to)
    assert rules(live) == ["query:tier=gold 1@50 2@50"]


def test_rules_have_places_that_can_be_chosen_and_kept(live: Deploy) -> None:
    live.ok(*GOLD)
    live.ok("route", "sample", "--when", "cookie:beta^=", "--to", "3")
    live.ok(
        "route", "sample", "--when", "X-Tier=gold", "--when", "query:a=b", "--to", "3", "--at", "1"
    )
    assert rules(live) == [
        "x-tier=gold and query:a=b 3",
        "x-tier=gold 2",
        "cookie:beta^= 3",
    ]
    live.ok("route", "sample", "--when", "x-tier=gold", "--to", "1")
    assert rules(live)[1] == "x-tier=gold 1"
    moved = live.ok("route", "sample", "--when", "cookie:beta^=", "--to", "3", "--at", "1")
    assert moved.out == "sample revision 6: stable rules in another order\n"
    assert rules(live)[0] == "cookie:beta^= 3"


def test_rules_are_taken_away_by_conditions_by_place_and_all(live: Deploy) -> None:
    for tier in ("gold", "silver", "iron", "lead"):
        live.ok("route", "sample", "--when", f"x-tier={tier}", "--to", "2")
    result = live.ok("unroute", "sample", "--when", "x-tier=silver")
    assert result.out == "sample revision 6: stable without x-tier=silver → 2\n"
    assert result.err == "undo: deploy rollback sample\n"
    live.ok("unroute", "sample", "--rule", "2")
    assert rules(live) == ["x-tier=gold 2", "x-tier=lead 2"]
    live.ok("unroute", "sample", "--all")
    assert rules(live) == []


def test_conditions_are_one_rule_in_any_order(live: Deploy) -> None:
    live.ok("route", "sample", "--when", "x-a=1", "--when", "x-b=2", "--to", "2")
    live.ok("unroute", "sample", "--when", "x-b=2", "--when", "x-a=1")
    assert rules(live) == []


def test_promotions_leave_rules_and_name_them(live: Deploy) -> None:
    live.ok(*GOLD)
    promoted = live.ok("promote", "sample", "3")
    assert "note: its rules come first: x-tier=gold → 2\n" in promoted.err
    assert rules(live) == ["x-tier=gold 2"]


@pytest.mark.parametrize(("command", "before", "after"), SETTINGS)
def test_what_is_set_is_shown_and_undone_by_its_former_value(
    live: Deploy, command: tuple[str, ...], before: str, after: str
) -> None:
    assert live.ok(*command).out.endswith(f": {before}\n")
    changed = live.ok(*command, after, "-m", "why")
    assert changed.out.startswith("sample revision 2: ")
    assert changed.out.endswith(f"{before} → {after}\n")
    undo = f"deploy {' '.join(command)} {before}"
    assert f"undo: {undo}\n" in changed.err
    assert live.ok(*command).out.endswith(f": {after}\n")
    again = live.ok(*command, after)
    assert again.out == ""
    assert again.err.startswith("nothing to change: ")
    live.ok(*undo.split()[1:])
    assert live.ok(*command).out.endswith(f": {before}\n")


@pytest.mark.parametrize(("command", "before", "after"), SETTINGS)
def test_settings_as_json(live: Deploy, command: tuple[str, ...], before: str, after: str) -> None:
    shown = live.ok(*command, "--json").json
    assert (shown["model"], shown.get("key", before)) == ("sample", before)
    changed = live.ok(*command, after, "--json", "--dry-run").json
    assert changed["changes"][0].endswith(f"{before} → {after}")
    assert (changed["revision"], status(live)["revision"]) == (None, 1)


def test_key_and_override_of_an_alias_survive_a_rollback_of_its_weights(live: Deploy) -> None:
    live.ok("promote", "sample", "2")
    live.ok("alias", "key", "sample", "stable", "claim:sub")
    live.ok("alias", "override", "sample", "stable", "allowed")
    live.ok("rollback", "sample")
    stable = status(live)["aliases"]["stable"]
    assert (stable["key"], stable["override"]) == ({"claim": "sub"}, True)
    assert stable["routes"] == [{"version": 1, "weight": 100}]


@pytest.mark.parametrize(
    "change",
    [
        GOLD,
        ("alias", "key", "sample", "stable", "query:uid"),
        ("alias", "override", "sample", "stable", "allowed"),
    ],
)
def test_an_alias_that_says_more_than_weights_comes_back_whole(
    live: Deploy, change: tuple[str, ...]
) -> None:
    live.ok(*change)
    was = status(live)["aliases"]["stable"]
    unset = live.ok("alias", "unset", "sample", "stable")
    assert unset.err.endswith("undo: deploy rollback sample\n")
    live.ok("rollback", "sample")
    stable = status(live)["aliases"]["stable"]
    assert [stable[part] for part in ("rules", "key", "override")] == [
        was[part] for part in ("rules", "key", "override")
    ]


def test_status_shows_all_that_an_alias_says(live: Deploy) -> None:
    live.ok("canary", "sample", "2", "--weight", "10")
    live.ok(*GOLD)
    live.ok("alias", "key", "sample", "stable", "cookie:uid")
    live.ok("alias", "override", "sample", "stable", "allowed")
    live.ok("pinned", "sample", "routed")
    for command in (("status", "sample"), ("alias", "list", "sample")):
        out = live.ok(*command).out
        assert "stable  1@90 2@10" in out
        assert "stable: canary 2, callers known by cookie:uid, override allowed\n" in out
    assert " · pinned routed\n" in live.ok("status", "sample").out
    assert status(live)["pinned"] == "routed"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("route sample --when x-tier=gold --when query:a=b --to 3", 2, "rule 1, 'x-tier=gold'"),
        ("route sample --when x-tier=gold --to 3 --at 3", 2, "places are 1 to 1"),
        ("route sample --when 'x-tier^=go' --to 3 --at 1", 2, "can never match: rule 1"),
        ("route sample --when 'x-tier in gold,silver' --to 3 --at 1", 2, "can never match: rule 1"),
        ("route sample --when x-a=1 --when x-a=2 --to 3", 2, "no request says all of it"),
        ("route sample --when x-a=1 --when 'x-a^=2' --to 3", 2, "no request says all of it"),
        ("route sample --when 'x-a= b' --to 3", 2, "no request says that in x-a"),
        ("route sample --when x-a=größe --to 3", 2, "no request says that in x-a"),
        ("route sample --when 'cookie:a=b;c' --to 3", 2, "no request says that in cookie:a"),
        ("route sample --when 'x a=1' --to 3", 2, "'x a' cannot name a header"),
        ("route sample --when '=1' --to 3", 2, "'' cannot name a header"),
        ("route sample --when body:a=1 --to 3", 2, "query:NAME, cookie:NAME, claim:NAME"),
        ("route sample --when x-a --to 3", 2, "'x-a' is not a condition\nhint: "),
        ("route sample --when 'x-a in b,' --to 3", 2, "lists an empty value"),
        ("route sample --when x-a=b", 2, "--to"),
        ("route sample --to 3", 2, "--when"),
        ("route sample --when x-a=b --to 9", 5, "sample:9 is not published\nhint: "),
        ("route sample --when x-a=b --to 2@50", 2, "add up to 50, not 100"),
        ("route sample --when x-a=b --to ''", 2, "hint: "),
        ("route sample --when x-a=b --to 3 --at 0", 2, "places are 1 to 2"),
        ("route sample --when x-a=b --to 3 --alias beta", 5, "no alias 'beta'"),
        ("route sample --when x-a=b --to 3 --expect 1", 3, "not 1"),
        ("route nobody --when x-a=b --to 3", 5, "nobody"),
        ("unroute sample", 2, "which rule?\nhint: write one of --when"),
        ("unroute sample --all --rule 1", 2, "which rule?"),
        ("unroute sample --rule 2", 5, "no rule 2\nhint: its rules: 1. x-tier=gold → 2\n"),
        ("unroute sample --rule 0", 5, "no rule 0"),
        ("unroute sample --rule -1", 5, "no rule -1"),
        ("unroute sample --when x-tier=silver", 5, "no rule for 'x-tier=silver'\nhint: its"),
        ("unroute sample --all --alias beta", 5, "no alias 'beta'"),
        ("alias key sample stable 'x key'", 2, "'x key' cannot name a header"),
        ("alias key sample stable claim:", 2, "cannot name a claim"),
        ("alias key sample beta x-key", 5, "no alias 'beta'"),
        ("alias key sample beta", 5, "no alias 'beta'"),
        ("alias override sample stable yes", 2, "'allowed', 'ignored'"),
        ("alias override sample beta allowed", 5, "no alias 'beta'"),
        ("alias override sample beta", 5, "no alias 'beta'"),
        ("pinned sample all", 2, "'any', 'routed'"),
        ("pinned nobody routed", 5, "no model 'nobody'"),
        ("pinned nobody", 5, "no model 'nobody'"),
        ("pinned sample routed --expect 7", 3, "not 7"),
    ],
)  # fmt: skip
def test_bad_input_is_told_why_and_has_no_effect(
    live: Deploy, words: str, code: int, told: str
) -> None:
    live.ok(*GOLD)
    before = live.everything()
    result = live(*shlex.split(words))
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("error: ")
    assert told in result.err
    assert "Traceback" not in result.err
    assert live.everything() == before


def test_a_model_without_rules_is_told_how_to_make_one(live: Deploy) -> None:
    result = live("unroute", "sample", "--all")
    assert result.code == 5
    assert "hint: it has none; make one with: deploy route" in result.err
