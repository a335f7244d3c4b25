"""The whole walk of `deploy` on AWS: real processes, S3 and DynamoDB behind a socket."""

import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.verification import verify_all
from tests.aws import Aws, aws
from tests.fakes import FakeCompiler, savedmodel

from .terminal import DEPLOY, PATIENCE

STACK = "staging"
REASON = f"of the stack {STACK}, chosen by the environment variable DEPLOY_STACK"


@dataclass(frozen=True)
class Walk:
    """`deploy` in the directory `work`, with the registry of the stack for its own."""

    aws: Aws
    work: Path

    @property
    def environment(self) -> dict[str, str]:
        rest = {name: value for name, value in os.environ.items() if name != "DEPLOY_REGISTRY"}
        return {**rest, "DEPLOY_STACK": STACK, "XDG_CACHE_HOME": str(self.work / "cache")}

    def run(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DEPLOY, *map(str, words)],
            cwd=self.work,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def must(self, *words: object, **more: str) -> str:
        """What `deploy WORDS…` prints; its complaints if it fails."""
        done = self.run(*words, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: object) -> Any:  # noqa: ANN401 - whatever the command prints
        return json.loads(self.must(*words, "--json"))


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    with aws() as made:
        outputs = {"RegistryUrl": made.url, "ApiUrl": "http://127.0.0.1:1", "Region": made.region}
        made.cloudformation.create_stack(StackName=STACK, TemplateBody=template(outputs))
        yield Walk(made, tmp_path)
        made.cloudformation.delete_stack(StackName=STACK)


def template(outputs: dict[str, str]) -> str:
    return json.dumps(
        {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
    )


def test_publish_promote_roll_back_copy_verify_delete(walk: Walk, savedmodels: Path) -> None:
    model = savedmodels / "half_plus_two"
    url = f"{walk.aws.url}&region={walk.aws.region}"

    first, uploaded = walk.must("publish", model, "sample", "-m", "first").splitlines()
    size = first.rpartition(", ")[2]
    assert first.startswith("sample:1 published: ")
    assert uploaded == f"uploaded {size} of {size}"
    # The same bytes under the next number: S3 has them all.
    _, uploaded = walk.must("publish", model, "sample", 2).splitlines()
    assert uploaded == f"uploaded 0 B of {size}"

    walk.must("promote", "sample", 1)
    walk.must("promote", "sample", 2, "-m", "better", "--expect", 1)
    lost = walk.run("promote", "sample", 1, "--expect", 1)
    assert (lost.returncode, "sample is at revision 2, not 1" in lost.stderr) == (3, True)
    status = walk.json("status", "sample")
    assert status["registry"] == {"url": url, "reason": REASON, "exists": True}
    assert status["aliases"]["stable"]["routes"] == [{"version": 2, "weight": 100}]

    assert walk.must("rollback", "sample") == "sample revision 3: stable 2 → 1\n"
    revisions = walk.json("history", "sample")["revisions"]
    assert [r["change"]["action"] for r in revisions] == ["rollback", "promote", "promote"]

    # A version of the laptop's goes to the stack, and comes back the same.
    walk.must("publish", savedmodels / "dense", "sample", 7, "--registry", "laptop")
    copied = walk.must("copy", "sample:7", "laptop", f"stack:{STACK}").splitlines()
    assert copied[0].startswith("sample:7 copied: ")
    assert copied[1].startswith("uploaded ")
    walk.must("copy", "sample:7", url, "back")
    shown = [
        walk.json("show", "sample:7", "--registry", place) for place in ("laptop", url, "back")
    ]
    assert shown[0] == shown[1] == shown[2]

    assert walk.must("verify").endswith(" verified: all sound\n")
    assert walk.run("delete", "sample:2").returncode == 4  # rollback could need it
    walk.must("delete", "sample:2", "--force")
    walk.must("gc", "--keep", 1)
    assert walk.json("list", "sample")["versions"] != []
    assert [v["version"] for v in walk.json("list", "sample")["versions"]] == [1, 7]
    assert walk.json("verify")["findings"] == []

    answer = walk.work / "body.json"
    answer.write_text('{"instances": [1.0]}')
    assert json.loads(walk.must("predict", "sample", "-d", answer)) == {"predictions": [2.5]}


@pytest.fixture
def live(walk: Walk) -> Walk:
    """Two versions, `stable` went from 1 to 2."""
    registry = open_registry(walk.aws.url)
    for version in (1, 2):
        source = savedmodel(walk.work / f"{version}", f"{version}")
        Publisher(registry, FakeCompiler()).publish(source, "sample", version)
        registry.commit(registry.propose_promote(ModelId("sample", version), "stable"))
    registry.aliases.close()
    return walk


def test_a_rollback_needs_the_table_alone(live: Walk) -> None:
    done = live.run("rollback", "sample", AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (0, "sample revision 3: stable 2 → 1\n")


def test_a_models_config_drives_the_stack(live: Walk) -> None:
    place = f"s3://{live.aws.bucket}/{live.aws.prefix}/sample"
    file = live.work / "models.config"
    file.write_text(
        f"""model_config_list {{ config {{
            name: "sample" base_path: "{place}" model_platform: "tensorflow"
            model_version_policy {{ specific {{ versions: 1 }} }}
            version_labels {{ key: "canary" value: 2 }}
        }} }}"""
    )
    change = (
        "canary unset → 2; stable 2 → unset; default stable → highest; policy none → specific 1"
    )
    planned = f"sample revision 3: {change}\n"
    assert f"would write {planned}" == live.must("apply", file, "--dry-run")
    assert planned == live.must("apply", file, "-m", "as agreed")
    assert "" == live.must("apply", file)

    live.must("export", "back.config")
    assert place in (live.work / "back.config").read_text()
    assert "" == live.must("apply", "back.config")

    file.write_text(file.read_text().replace(place, str(live.work)))
    refused = live.run("apply", file)
    assert (4, True) == (refused.returncode, "deploy publish PATH MODEL" in refused.stderr)


def test_names_are_completed_from_the_stacks_registry(live: Walk) -> None:
    done = live.run(
        _DEPLOY_COMPLETE="complete_fish",
        _TYPER_COMPLETE_ARGS="deploy --stack staging promote sample ",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert (done.stdout.split(), done.stderr) == (["1", "2"], "")


def test_a_copy_that_is_killed_leaves_no_version_or_a_whole_one(walk: Walk) -> None:
    """At eight moments between its start and its end; then it runs to its end."""
    laptop = open_registry(str(walk.work / "laptop"), create=True)
    chance = random.Random(1)  # noqa: S311 - a seed, so that a failure can be repeated
    weights = {"variables/more": chance.randbytes(20_000_000)}
    for version in (1, 2):
        source = savedmodel(walk.work / f"{version}", f"{version}", weights)
        Publisher(laptop, FakeCompiler()).publish(source, "sample", version)
    laptop.aliases.close()

    began = monotonic()
    walk.must("copy", "sample:1", "laptop", walk.aws.url)
    took = monotonic() - began
    registry = open_registry(walk.aws.url)
    registry.artifacts.remove(ModelId("sample", 1))
    for _ in range(8):
        words = ["copy", "sample:2", "laptop", walk.aws.url]
        with subprocess.Popen([DEPLOY, *words], cwd=walk.work, env=walk.environment) as child:
            sleep(chance.uniform(0.2, 0.95) * took)
            child.kill()
        assert registry.versions("sample") in ([], [2])
        assert {finding.kind for finding in verify_all(registry, UNWATCHED)} <= {"orphaned"}

    # Killed between its manifest and its tidying up, a copy leaves earlier remains to a later gc.
    there = registry.versions("sample") == [2]
    walk.must("copy", "sample:2", "laptop", walk.aws.url)
    walk.must("gc")
    assert registry.versions("sample") == [2]
    found = {finding.kind for finding in verify_all(registry, UNWATCHED)}
    assert found <= ({"orphaned"} if there else set())
    registry.aliases.close()
