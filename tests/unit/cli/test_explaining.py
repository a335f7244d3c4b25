"""explain: who gets what, decided as servers decide it."""

import random
import subprocess
import sys

import pytest

from modelregistry.aliases.caller import Said
from modelregistry.aliases.decision import decide
from tests.unit.cli.deploying import Deploy


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """Versions 1 to 3; stable is 1 with a canary 2 of 40 %, gold customers get 3."""
    deploy.published({"sample": 3})
    deploy.ok("promote", "sample", "1")
    deploy.ok("canary", "sample", "2", "--weight", "40")
    deploy.ok("route", "sample", "--when", "x-tier=gold", "--to", "3")
    return deploy


def version(deploy: Deploy, *said: str) -> int | None:
    """Who answers a request that says so; None where that is left to chance."""
    found: int | None = deploy.ok("explain", "sample", *said, "--json").json["version"]
    return found


def test_a_key_is_explained_by_what_it_drew(live: Deploy) -> None:
    result = live.ok("explain", "sample", "-H", "X-Routing-Key: 42")
    assert result.out == (
        "sample@stable  revision 3\n"
        "  rule       none of 1 matches\n"
        "  key        x-routing-key is 42\n"
        "  VERSION  WEIGHT  HASH      CUT\n"
        "        1      60  0.475921  37.25  picked\n"
        "        2      40  0.286280  62.75\n"
        "sample:1\n"
    )
    assert result.err == "note: a version gets this key from a weight of its CUT on\n"


def test_it_says_what_a_server_decides(live: Deploy) -> None:
    newest = live.registry().newest("sample")
    assert newest is not None
    stable = newest.state.aliases["stable"]
    picked = set()
    for key in map(str, range(12)):
        caller = Said({"x-routing-key": key})
        wanted = decide("sample", "stable", stable, caller, random.random).version
        assert version(live, "-H", f"x-routing-key: {key}") == wanted
        picked.add(wanted)
    assert picked == {1, 2}


def test_a_canary_that_grows_past_the_cut_gets_the_key(live: Deploy) -> None:
    asked = ("explain", "sample", "-H", "x-routing-key: 42", "--json")
    cut = {d["version"]: d["cut"] for d in live.ok(*asked).json["draws"]}[2]
    for weight, wanted in ((cut - 0.01, 1), (cut + 0.01, 2)):
        live.ok("canary", "sample", "2", "--weight", f"{weight:.2f}")
        document = live.ok(*asked).json
        assert document["version"] == wanted
        assert {d["version"]: d["cut"] for d in document["draws"]}[2] == cut


def test_a_rule_that_matched_is_shown(live: Deploy) -> None:
    told = ("explain", "sample", "-H", "x-tier: gold")
    assert live.ok(*told).out == (
        "sample@stable  revision 3\n  rule       1 of 1: x-tier=gold → 3\nsample:3\n"
    )
    document = live.ok(*told, "--json").json
    assert (document["rule"], document["version"]) == (1, 3)
    assert document["when"] == [{"header": "x-tier", "in": ["gold"]}]
    assert document["routes"] == [{"version": 3, "weight": 100}]


def test_without_a_key_it_is_chance_by_these_weights(live: Deploy) -> None:
    out = live.ok("explain", "sample").out
    assert "key        no x-routing-key: each request is picked by chance\n" in out
    assert out.endswith("\nby chance: 1@60 2@40\n")
    assert version(live) is None
    assert version(live, "-H", "x-routing-key:") is None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("x-user", ("-H", "X-User: 7")),
        ("query:user", ("--query", "user=7")),
        ("cookie:user", ("--cookie", "user=7")),
        ("cookie:user", ("-H", "cookie: a=b; user=7")),
        ("claim:sub", ("--claim", "sub=7")),
    ],
)
def test_a_key_comes_from_where_the_alias_says(
    live: Deploy, key: str, said: tuple[str, ...]
) -> None:
    live.ok("alias", "key", "sample", "stable", key)
    document = live.ok("explain", "sample", *said, "--json").json
    assert document["key"] == {"name": key, "value": "7"}
    assert len(document["draws"]) == 2
    assert f"key        {key} is 7\n" in live.ok("explain", "sample", *said).out
    assert version(live, "-H", "x-routing-key: 7") is None


@pytest.mark.parametrize("value", ["a b", "ä=&%+", "日本", ""])
def test_of_a_query_parameter_the_first_counts_whatever_it_says(live: Deploy, value: str) -> None:
    live.ok("route", "sample", "--when", f"query:größe={value}", "--to", "2", "--at", "1")
    assert version(live, "--query", f"größe={value}", "--query", "größe=no") == 2
    assert version(live, "--query", "größe=no", "--query", f"größe={value}") is None


def test_repeated_headers_are_one_as_at_a_server(live: Deploy) -> None:
    live.ok("route", "sample", "--when", "x-a^=b,c", "--to", "2", "--at", "1")
    assert version(live, "-H", "x-a: b", "-H", "X-A: c") == 2
    assert version(live, "-H", "x-tier: gold", "-H", "x-tier: silver") is None


def test_a_wish_for_a_version_is_taken_or_ignored_and_it_says_why(live: Deploy) -> None:
    wish = ("explain", "sample", "-H", "x-model-version: 2")
    assert (
        "override   ignored: stable takes no x-model-version;"
        " deploy alias override sample stable allowed\n"
    ) in live.ok(*wish).out
    assert live.ok(*wish, "--json").json["override"] == "ignored"
    live.ok("alias", "override", "sample", "stable", "allowed")
    out = live.ok(*wish).out
    assert "override   taken: x-model-version asks for 2\nsample:2\n" in out
    assert live.ok(*wish, "--json").json["override"] == "taken"
    assert version(live, "-H", "x-model-version: 3", "-H", "x-tier: iron") == 3
    unnamed = live("explain", "sample", "-H", "x-model-version: 9")
    assert (unnamed.code, "does not name\nhint: it names 1, 2, 3" in unnamed.err) == (5, True)
    assert live("explain", "sample", "-H", "x-model-version: two").code == 2


def test_the_default_is_explained_highest_too(live: Deploy) -> None:
    live.ok("split", "sample", "2", "--alias", "beta")
    live.ok("alias", "default", "sample", "beta")
    assert live.ok("explain", "sample").out.startswith("sample@beta  revision 5\n")
    live.ok("alias", "default", "sample", "highest")
    wish = live.ok("explain", "sample", "-H", "x-model-version: 1")
    assert wish.out.startswith("sample@highest  revision 6\n  rule       there is none\n")
    assert "override   ignored: no alias is asked" in wish.out
    assert wish.out.endswith("\nsample:3\n")
    assert version(live, "--alias", "stable", "-H", "x-tier: gold") == 3


def test_it_changes_nothing_and_json_is_all_on_stdout(live: Deploy) -> None:
    before = live.everything()
    live.ok("explain", "sample", "-H", "x-routing-key: 42")
    assert live.ok("explain", "sample", "-H", "x-routing-key: 42", "--json").err == ""
    assert live.everything() == before


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (("-H", "x tier: gold"), 2, "'x tier' cannot name a header\nhint: "),
        (("-H", ": gold"), 2, "'' cannot name a header\nhint: "),
        (("-H", "x-tier gold"), 2, "'x-tier gold' is not a header\nhint: write -H 'NAME: VALUE'"),
        (("--query", "tier"), 2, "'tier' has no value\nhint: write --query NAME=VALUE"),
        (("--query", "=gold"), 2, "'' cannot name a query parameter\nhint: "),
        (("--cookie", "u id=7"), 2, "'u id' cannot name a cookie\nhint: "),
        (("--claim", "sub"), 2, "hint: write --claim NAME=VALUE"),
        (("--alias", "beta"), 5, "sample has no alias 'beta'\nhint: "),
        (("--alias", "highest"), 2, "'highest' is not an alias"),
    ],
)
def test_bad_input_has_a_way_out(live: Deploy, said: tuple[str, ...], code: int, told: str) -> None:
    result = live("explain", "sample", *said)
    assert (result.code, result.out) == (code, "")
    assert told in result.err
    assert "Traceback" not in result.err


def test_what_is_not_there_is_not_found(live: Deploy) -> None:
    assert live("explain", "nobody").code == 5
    live.published({"fresh": 1})
    assert "deploy promote fresh VERSION" in live("explain", "fresh").err


def test_only_explaining_loads_what_reads_requests() -> None:
    program = "import sys, modelcli.main; print(*sys.modules, sep='\\n')"
    child = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert {"starlette", "modelserver.api.caller"} & set(child.stdout.split()) == set()
