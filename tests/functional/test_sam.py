"""What `sam` itself makes of the template: valid, built without Docker or downloads, and small."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from infra.local import sam
from infra.local.engine import Refused
from modelregistry.aliases.state import Policy
from modelregistry.opening import open_registry
from tests.aws import aws

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
MB = 1_000_000
NOTHING: Mapping[str, str] = MappingProxyType({})
# Lambda's limit is 250 MB for a function and its layers, unzipped.
ROOM = 20 * MB
HEAVY = {
    *("tensorflow", "numpy", "ml_dtypes", "google", "modelserver", "modelcli"),
    *("fastapi", "starlette", "pydantic", "mangum", "uvicorn"),
    *("aws_lambda_powertools", "typer", "rich", "sqlalchemy", "moto"),
}

ROUTES = """
import json, sys
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
parameters = dict(pair.split("=") for pair in sys.argv[2:])
stacks, _ = SamLocalStackProvider.get_stacks(sys.argv[1], parameter_overrides=parameters)
found = ApiProvider(stacks, disable_authorizer=True).routes
fields = [[r.path, r.function_name, r.event_type, r.payload_format_version] for r in found]
print(json.dumps(fields))
"""

COLD_START = """
import json, sys, time
event = json.loads(sys.argv[1])
sys.path[:0] = sys.argv[2:]
began = time.perf_counter()
import app
imported = time.perf_counter()
answer = app.handler(event, None) if event else None
answered = time.perf_counter()
print(json.dumps({
    "answer": answer,
    "seconds": [imported - began, answered - imported],
    "modules": sorted({name.split(".")[0] for name in sys.modules}),
    "registry": sys.modules["modelregistry"].__file__,
}))
"""


@pytest.fixture(scope="module", autouse=True)
def _sam() -> None:
    try:
        sam.check_sam()
    except Refused as refused:
        if os.environ.get("CI"):
            pytest.fail(str(refused), pytrace=False)
        pytest.skip(str(refused))


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    rest = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=rest | {"AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip function and its layer. Needs neither Docker nor the network."""
    directory = tmp_path_factory.mktemp("built")
    run(sam.SAM, "build", "OnPublishFunction", "--no-cached", f"--build-dir={directory}")
    return directory


def test_sam_validates_and_lints_it() -> None:
    run(sam.SAM, "validate", "--lint", "--template-file", ROOT / "template.yaml")


@pytest.mark.parametrize("auth", ["IAM", "JWT", "NONE"])
def test_sam_local_serves_the_function_on_every_path(auth: str) -> None:
    python = sam.SAM.with_name("python")
    found = run(python, "-c", ROUTES, ROOT / "template.yaml", f"AuthType={auth}")
    assert [["$default", "PredictFunction", "HttpApi", "2.0"]] == json.loads(found)


def test_the_layer_holds_the_registry_where_lambda_looks_for_it(built: Path) -> None:
    layer = built / "RegistryLayer"
    assert ["python"] == names(layer)
    assert ["modelregistry"] == names(layer / "python")
    expected = {path.relative_to(ROOT / "layers" / "registry") for path in sources()}
    assert expected == {path.relative_to(layer / "python") for path in files(layer)}


def test_the_function_is_its_one_module(built: Path) -> None:
    assert ["app.py"] == names(built / "OnPublishFunction")


def test_function_and_layer_stay_far_below_lambda_s_limit(built: Path) -> None:
    assert sum(path.stat().st_size for path in files(built)) < ROOM


def test_the_function_imports_the_standard_library_alone(built: Path) -> None:
    # -S: no site-packages. Whatever it imported from there would be missing.
    found = cold_start(built, "-I", "-S")
    assert (
        str(built / "RegistryLayer" / "python" / "modelregistry" / "__init__.py")
        == (found["registry"])
    )


def test_its_first_event_loads_what_talks_to_aws_and_nothing_heavy(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with aws() as account:
        registry = open_registry(account.url)
        registry.commit(registry.propose_policy("sample", Policy("latest")))
        registry.aliases.close()
        event = {
            "time": "2026-11-22T09:30:00Z",
            "detail": {
                "bucket": {"name": account.bucket},
                "object": {"key": f"{account.prefix}/sample/1/manifest.json"},
            },
        }
        variables = account.variables | {"REGISTRY_URL": account.url}
        found = cold_start(built, "-I", event=event, variables=variables)
    assert "botocore" in found["modules"]
    assert HEAVY & {*found["modules"]} == set()
    size = sum(path.stat().st_size for path in files(built)) / MB
    imported, answered = found["seconds"]
    with capsys.disabled():
        sys.stdout.write(
            f"\nonpublish and its layer: {size:.1f} MB; cold import {imported:.2f} s,"
            f" first event {answered:.2f} s\n"
        )


def cold_start(
    built: Path,
    *flags: str,
    event: Mapping[str, object] | None = None,
    variables: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """What a fresh interpreter says of it, the fastest of three."""
    paths = [built / "OnPublishFunction", built / "RegistryLayer" / "python"]
    rest = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    said = [
        subprocess.run(
            [sys.executable, *flags, "-c", COLD_START, json.dumps(event), *paths],
            env=rest | dict(variables),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        for _ in range(3)
    ]
    found: list[dict[str, Any]] = [json.loads(text) for text in said]
    return min(found, key=lambda one: float(sum(one["seconds"])))


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and "template" not in path.name)


def sources() -> list[Path]:
    found = (ROOT / "layers" / "registry" / "modelregistry").rglob("*")
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]
