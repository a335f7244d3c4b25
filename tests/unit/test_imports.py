"""Imports point one way: `cli → functions → layers/registry`, and each library has one home."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGISTRY = ROOT / "layers" / "registry" / "modelregistry"
SERVER = ROOT / "functions" / "predict" / "modelserver"
CLI = ROOT / "cli" / "modelcli"

# What starts `deploy promote` on a build agent, and the small functions: neither may pay for it.
HEAVY = {"tensorflow", "numpy", "fastapi", "starlette", "boto3", "botocore", "typer", "rich"}
AWS = {"boto3", "botocore", "mypy_boto3_cloudformation", "mypy_boto3_dynamodb", "mypy_boto3_s3"}


def modules(package: Path) -> list[Path]:
    found = sorted(package.rglob("*.py"))
    assert found, f"no module in {package}"
    return found


def imported(module: Path) -> Iterator[str]:
    """The dotted names that a module imports anywhere in it, relative ones made absolute."""
    package = dotted(module.parent)
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{name.name}" for name in node.names)


def dotted(path: Path) -> list[str]:
    """`…/modelserver/codec` as `["modelserver", "codec"]`."""
    root = next(root for root in (REGISTRY, SERVER, CLI) if path.is_relative_to(root))
    return list(path.relative_to(root.parent).parts)


def packages(module: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(module)}


@pytest.mark.parametrize("module", modules(REGISTRY), ids=lambda path: path.stem)
def test_the_registry_imports_itself_and_the_standard_library(module: Path) -> None:
    also = AWS if module.parent == REGISTRY / "aws" else set()
    assert packages(module) <= sys.stdlib_module_names | {"modelregistry"} | also


@pytest.mark.parametrize("package", [SERVER, CLI], ids=lambda path: path.name)
def test_only_the_registry_talks_to_aws(package: Path) -> None:
    assert [path for path in modules(package) if AWS & packages(path)] == []


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("mangum", {"gateway", "function"}),
        ("aws_lambda_powertools", {"telemetry"}),
        ("uvicorn", {"local"}),
        ("fastapi", {"web"}),
        ("tensorflow", set()),
    ],
)
def test_each_heavy_library_of_the_server_has_one_home(library: str, homes: set[str]) -> None:
    assert homes == {path.stem for path in modules(SERVER) if library in packages(path)}


def test_lambda_pays_for_no_metrics_that_prometheus_would_read() -> None:
    users = {path.stem for path in modules(SERVER) if "modelserver.prometheus" in imported(path)}
    assert {"local"} == users


def test_a_cold_start_imports_nothing_that_only_the_local_server_needs() -> None:
    program = "import sys, modelserver.handler; print(*sys.modules, sep='\\n')"
    child = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    loaded = {name.split(".")[0] for name in child.stdout.split()}
    assert {"starlette", "mangum", "numpy"} <= loaded
    assert loaded & {"fastapi", "pydantic", "uvicorn", "google", "tensorflow"} == set()


@pytest.mark.parametrize("package", [REGISTRY, SERVER], ids=lambda path: path.name)
def test_nothing_below_the_command_line_imports_it(package: Path) -> None:
    assert [path for path in modules(package) if "modelcli" in packages(path)] == []


@pytest.mark.parametrize(
    ("name", "may_import"), [("errors", set()), ("names", {"modelregistry.errors"})]
)
def test_what_everything_stands_on_stands_on_nothing(name: str, may_import: set[str]) -> None:
    found = {
        ".".join(target.split(".")[:2])
        for target in imported(REGISTRY / f"{name}.py")
        if target.startswith("modelregistry.")
    }
    assert found <= may_import


def test_the_registry_has_no_import_cycle() -> None:
    graph = {name_of(path): edges(path) for path in modules(REGISTRY)}
    while leaves := [name for name, targets in graph.items() if not targets & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert graph == {}


def name_of(module: Path) -> str:
    return ".".join(part for part in dotted(module.with_suffix("")) if part != "__init__")


def edges(module: Path) -> set[str]:
    return {target for target in imported(module) if target != name_of(module)}


@pytest.mark.parametrize(
    "use",
    [
        "",
        "opening.open_registry(directory, create=True).models()",
        "opening.canonical('s3://bucket/models?table=aliases')",
    ],
    ids=["the module", "a directory", "the URL of one on AWS"],
)
def test_opening_a_registry_loads_nothing_heavy(use: str, tmp_path: Path) -> None:
    program = (
        "import sys; from modelregistry import opening; directory = sys.argv[1]\n"
        f"{use}\n"
        "print(*sys.modules, sep='\\n')"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True
    )
    loaded = {name.split(".")[0] for name in child.stdout.split()}
    assert loaded & HEAVY == set()
