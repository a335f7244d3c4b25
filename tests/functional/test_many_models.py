"""More models than fit into the memory of one server, with real graphs."""

import json
import shutil
from pathlib import Path

from .steady import ANSWER, BODY
from .terminal import DEPLOY, PATIENCE, Client, free_port, must, running

NAMES = [f"model-{number}" for number in range(5)]
BROKEN = NAMES[4]


def published(savedmodels: Path, registry: Path) -> list[int]:
    """Publish and promote each, and damage the last. Returns what they take, in bytes."""
    sizes = []
    for name in NAMES:
        must(registry, "publish", savedmodels / "half_plus_two", name)
        must(registry, "promote", name, 1)
        version = registry / "models" / name / "1"
        (plan,) = (json.loads(p.read_text())["plan"] for p in version.rglob("plan.json"))
        sizes.append(max(plan["memory_bytes"], plan["disk_bytes"]))
    (version / "saved_model.pb").write_bytes(b"damaged")
    return sizes


def test_five_models_share_the_memory_of_two(savedmodels: Path, tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    sizes = sorted(published(savedmodels, registry))
    budget = sum(sizes[-2:])
    assert sum(sizes[:3]) > budget  # no three of them fit
    port = free_port()
    command = [DEPLOY, "serve", f"--rest_api_port={port}", f"--memory-budget={budget}"]
    with running(command, port, cwd=tmp_path, registry=registry) as server:
        client = Client(port)
        for name in 2 * NAMES[:4]:
            answer = client.ask(f"/v1/models/{name}:predict", BODY)
            assert (200, ANSWER) == (answer.status, answer.document)
            # One model's failure is its own.
            assert 503 == client.ask(f"/v1/models/{BROKEN}:predict", BODY).status
        client.close()
        server.terminate()
        log = server.communicate(timeout=PATIENCE)[1].splitlines()
    loaded = [line.partition(":")[0] for line in log if " loaded in " in line]
    unloaded = [line.partition(":")[0] for line in log if "within the memory budget" in line]
    first, second, third, fourth = NAMES[:4]
    # Two are there at the start; after that each request for one that is not pushes out the
    # one that was asked for least recently.
    assert {first, second} == set(loaded[:2])
    assert [third, fourth, first, second, third, fourth] == loaded[2:]
    assert [first, second, third, fourth, first, second] == unloaded


def test_a_server_of_one_model_ignores_a_budget_that_it_does_not_fit(
    savedmodels: Path, tmp_path: Path
) -> None:
    base = tmp_path / "my_model"
    shutil.copytree(savedmodels / "half_plus_two", base / "1")
    port = free_port()
    command = [
        DEPLOY,
        "serve",
        f"--rest_api_port={port}",
        f"--model_base_path={base}",
        "--memory-budget=1",
    ]
    with running(command, port, cwd=tmp_path):
        client = Client(port)
        for _ in range(3):
            assert ANSWER == client.ask("/v1/models/default:predict", BODY).document
        client.close()
