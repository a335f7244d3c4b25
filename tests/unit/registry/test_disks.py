"""
A disk that is full is said to be full, costs nothing that was there, and can be freed.
One that cannot be written to can be read.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from tests.fakes import publish_all

OWN_MOUNTS = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture
def own_mounts() -> list[str]:
    """The command that runs another where it may mount a small file system of its own."""
    try:
        subprocess.run([*OWN_MOUNTS, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = (
            f"`{' '.join(OWN_MOUNTS)}` is not permitted here ({error});"
            " allow it with: sudo sysctl -w kernel.unprivileged_userns_clone=1"
            " kernel.apparmor_restrict_unprivileged_userns=0,"
            " or in a container with: docker run --cap-add SYS_ADMIN"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return OWN_MOUNTS


def play(scenario: str, own_mounts: list[str], directory: Path) -> dict[str, Any]:
    """What `tests.support.full_disk` saw."""
    place = directory / "full"
    place.mkdir()
    arguments = ["-m", "tests.support.full_disk", scenario, str(place), str(directory / "source")]
    played = subprocess.run(
        [*own_mounts, sys.executable, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    seen: dict[str, Any] = json.loads(played.stdout)
    return seen


def test_publishing_to_a_full_disk_keeps_nothing_and_leaves_the_registry_usable(
    own_mounts: list[str], tmp_path: Path
) -> None:
    seen = play("publishing", own_mounts, tmp_path)
    assert seen.pop("message").endswith("No space left on device")
    assert seen == {
        "error": "Unavailable",
        "hint": "free some space, then run it again",
        "versions": [],
        "left": [],
        "versions at the end": [1],
        "stable at the end": "unset",
        "findings": [],
    }


def test_promoting_on_a_full_disk_changes_nothing_and_works_once_there_is_room(
    own_mounts: list[str], tmp_path: Path
) -> None:
    seen = play("promoting", own_mounts, tmp_path)
    assert "disk is full" in seen.pop("message")
    assert seen.pop("hint") in {"", "free some space, then run it again"}
    assert seen == {
        "error": "Unavailable",
        "gaps": False,
        "stable when full": 1,
        "versions at the end": [1, 2],
        "stable at the end": "2",
        "findings": [],
    }


READ_ONLY = """
import sys
from modelregistry.errors import Unavailable
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.verification import verify_all

registry = open_registry(sys.argv[1])
print(registry.resolve("m"), verify_all(registry, UNWATCHED))
try:
    registry.commit(registry.propose_promote(ModelId("m", 2), "stable"))
except Unavailable as error:
    print(error)
"""


def test_a_registry_that_cannot_be_written_to_can_be_read(
    own_mounts: list[str], tmp_path: Path
) -> None:
    place = tmp_path / "registry"
    registry = open_registry(str(place), create=True)
    publish_all(registry, tmp_path, {"m": 2})
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable"))
    registry.aliases.close()
    read_only = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    played = subprocess.run(
        [*own_mounts, "sh", "-c", read_only, place, sys.executable, "-c", READ_ONLY, place],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    read, refused = played.stdout.splitlines()
    assert read == "m:1 []"
    assert refused.endswith("attempt to write a readonly database")
