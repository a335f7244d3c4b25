"""What a shell gets at <Tab>: names from the registry, or nothing, and never an error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.deploying import Deploy

DEPLOY = Path(sys.executable).with_name("deploy")


def complete(deploy: Deploy, line: str) -> list[str]:
    """What fish would offer behind `line`."""
    finished = subprocess.run(
        [DEPLOY],
        env={
            **os.environ,
            **deploy.environment,
            "_DEPLOY_COMPLETE": "complete_fish",
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
        cwd=deploy.work,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.stderr == ""
    return [offer.split("\t")[0] for offer in finished.stdout.split("\n") if offer]


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    deploy.published({"sample": 2, "other": 1})
    deploy.ok("promote", "sample", "1")
    deploy.ok("promote", "sample", "2", "--alias", "canary")
    return deploy


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("deploy promote ", ["other", "sample"]),
        ("deploy promote sa", ["sample"]),
        ("deploy promote sample ", ["1", "2"]),
        ("deploy alias unset sample ", ["canary", "stable"]),
        ("deploy rollback sample --alias c", ["canary"]),
        ("deploy show sample:", ["sample:1", "sample:2"]),
        ("deploy show sample@", ["sample@canary", "sample@stable"]),
        ("deploy roll", ["rollback"]),
        ("deploy canary sample ", ["1", "2"]),
        ("deploy split sample ", ["1", "2"]),
        ("deploy route sample --when a=b --to ", ["1", "2"]),
        ("deploy unroute sample --alias ", ["canary", "stable"]),
        ("deploy explain sample --alias c", ["canary"]),
        ("deploy alias key sample ", ["canary", "stable"]),
        ("deploy pinned ", ["other", "sample"]),
    ],
)
def test_names_are_offered_as_far_as_they_fit(live: Deploy, line: str, expected: list[str]) -> None:
    assert complete(live, line) == expected


@pytest.mark.parametrize("line", ["deploy promote ", "deploy promote ../x ", "deploy show a:b"])
def test_without_a_registry_nothing_is_offered(deploy: Deploy, line: str) -> None:
    assert complete(deploy, line) == []


def test_a_broken_deploy_toml_is_silent(deploy: Deploy) -> None:
    deploy.environment.clear()
    (deploy.work / "deploy.toml").write_text("registry = ")
    assert complete(deploy, "deploy promote ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_script_can_be_shown(deploy: Deploy, shell: str) -> None:
    shown = subprocess.run(
        [DEPLOY, "--show-completion", shell],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "_DEPLOY_COMPLETE" in shown.stdout
