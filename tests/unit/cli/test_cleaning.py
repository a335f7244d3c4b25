"""delete, gc and verify."""

import pytest

from tests.unit.cli.deploying import Deploy


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    """Versions 1 to 4, stable at 4 and before that at 3."""
    deploy.published({"sample": 4})
    deploy.ok("promote", "sample", "3")
    deploy.ok("promote", "sample", "4")
    return deploy


def test_a_deleted_version_is_gone_for_good(live: Deploy) -> None:
    result = live.ok("delete", "sample:1", "-m", "too old")
    assert result.out == "deleted sample:1 (1.2 kB)\n"
    assert live.registry().versions("sample") == [2, 3, 4]
    assert live("promote", "sample", "1").code == 5
    assert live("publish", "exports/sample/1", "sample", "1").code == 4


def test_what_an_alias_uses_is_never_deleted(live: Deploy) -> None:
    result = live("delete", "sample:4", "--force")
    assert result.code == 4
    assert "version 4 is in use: alias 'stable' points to it" in result.err


def test_what_could_be_rolled_back_to_needs_force(live: Deploy) -> None:
    refused = live("delete", "sample:3")
    assert refused.code == 4
    assert "--force" in refused.err
    assert live.ok("delete", "sample:3", "--force").out.startswith("deleted sample:3")


def test_several_versions_need_a_yes_where_nobody_can_be_asked(live: Deploy) -> None:
    live.ok("alias", "unset", "sample", "stable")
    refused = live("delete", "sample", "--force")
    assert refused.code == 2
    assert "error: that would delete 4 versions of sample: 1, 2, 3, 4" in refused.err
    assert "--yes" in refused.err
    assert live.registry().versions("sample") == [1, 2, 3, 4]
    live.ok("delete", "sample", "--force", "--yes")
    assert live.registry().versions("sample") == []


def test_what_is_not_there_cannot_be_deleted(live: Deploy) -> None:
    assert live("delete", "sample:9").code == 5
    assert live("delete", "nobody").code == 5
    assert live("delete", "sample@stable").code == 2
    assert live("delete", "sample:1", "--expect", "9").code == 3


def test_a_deletion_as_json_tells_the_versions_and_their_bytes(live: Deploy) -> None:
    document = live.ok("delete", "sample:1", "--dry-run", "--json").json
    ((deletion),) = document["deletions"]
    assert (document["dry_run"], deletion["model"], deletion["versions"]) == (True, "sample", [1])
    assert deletion["bytes"] > 1000


def test_gc_keeps_what_is_needed_and_removes_the_rest(live: Deploy) -> None:
    assert live.ok("gc", "--keep", "0", "--dry-run").out.startswith(
        "would delete 2 versions of sample: 1, 2 ("
    )
    assert live.ok("gc", "--keep", "0").out.startswith("deleted 2 versions of sample: 1, 2 (")
    assert live.registry().versions("sample") == [3, 4]
    assert live.ok("gc", "--keep", "0").err.startswith("nothing to delete")


def test_gc_of_one_model_leaves_the_others_alone(live: Deploy) -> None:
    live.published({"other": 2})
    live.ok("gc", "other", "--keep", "1")
    assert live.registry().versions("other") == [2]
    assert live.registry().versions("sample") == [1, 2, 3, 4]
    assert live("gc", "nobody").code == 5


def test_a_model_named_twice_is_collected_once(live: Deploy) -> None:
    live.published({"other": 2})
    assert live.ok("gc", "other", "other", "--keep", "1").out.startswith("deleted other:1 (")


def test_a_directory_that_cannot_be_a_model_costs_the_registry_nothing(live: Deploy) -> None:
    stray = live.work / "registry" / "models" / "my model" / "1"
    stray.mkdir(parents=True)
    (stray / "manifest.json").write_text("junk")
    live.ok("gc", "--keep", "0")
    assert "my model" not in live.ok("status").out + live.ok("list").out
    assert "my model" in live("verify").out
    assert live("verify").code == 4


def test_gc_removes_what_an_interrupted_command_left(live: Deploy) -> None:
    staging = live.work / "registry" / "staging"
    (staging / "abandoned").mkdir()
    (staging / "abandoned.lock").touch()
    assert live("verify").code == 4
    left = "what was left in staging/abandoned"
    assert live.ok("gc", "--dry-run").out == f"would remove {left}\n"
    assert live.ok("gc").out == f"removed {left}\n"
    assert list(staging.iterdir()) == []
    live.ok("verify")


def test_verify_says_how_much_is_sound(live: Deploy) -> None:
    assert live.ok("verify").out == "4 versions, 4.9 kB verified: all sound\n"
    assert live.ok("verify", "sample:1").out.startswith("1 version, ")
    assert live.ok("verify", "sample", "--json").json["findings"] == []


def test_verify_of_what_is_not_there_is_not_found(live: Deploy) -> None:
    assert live("verify", "nobody").code == 5
    assert live("verify", "sample:9").code == 5


@pytest.mark.parametrize("target", [(), ("sample",), ("sample:2",)])
def test_verify_finds_a_flipped_bit_and_exits_with_4(live: Deploy, target: tuple[str, ...]) -> None:
    weights = live.work / "registry/models/sample/2/variables/variables.data-00000-of-00001"
    data = bytearray(weights.read_bytes())
    data[0] ^= 1
    weights.write_bytes(data)
    result = live("verify", *target)
    assert result.code == 4
    assert "damaged  sample:2 variables/variables.data-00000-of-00001" in result.out
    document = live("verify", *target, "--json").json
    assert [finding["kind"] for finding in document["findings"]] == ["damaged"]


def test_verify_finds_what_is_missing(live: Deploy) -> None:
    (live.work / "registry/models/sample/1/saved_model.pb").unlink()
    result = live("verify")
    assert result.code == 4
    assert "missing  sample:1 saved_model.pb" in result.out
