"""docs/rest-api.md: its examples are asked, and what comes back is what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelserver.api.web import create_app
from modelserver.compiler import SubprocessCompiler
from modelserver.runtime import Threads
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings

TEXT = (Path(__file__).parents[2] / "docs" / "rest-api.md").read_text()
EXAMPLES = re.findall(
    r"^```http\n([A-Z]+) (\S+)\n(.*?)\n?\n([0-9]+)\n(.*?)\n```",
    TEXT,
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def client(savedmodels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    registry = open_registry(str(tmp_path_factory.mktemp("registry")), create=True)
    for name in ("half_plus_two", "two_inputs", "strings", "examples"):
        Publisher(registry, SubprocessCompiler()).publish(savedmodels / name, name)
        registry.commit(registry.propose_promote(ModelId(name, 1), "stable"))
    settings = ServingSettings(alias_ttl=0, swap_wait=30, threads=Threads(1, 1))
    server = ModelServer.over(registry, settings, SubprocessCompiler())
    with TestClient(create_app(server)) as client:
        yield client


def test_there_are_examples_of_every_method() -> None:
    assert 7 <= len(EXAMPLES) == TEXT.count("```http")
    asked = " ".join(path for _, path, *_ in EXAMPLES)
    assert all(f":{verb}" in asked for verb in ("predict", "classify", "regress"))


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "expected"), EXAMPLES, ids=[e[1] for e in EXAMPLES]
)
def test_an_example_is_answered_as_the_page_says(
    client: TestClient, method: str, path: str, body: str, status: str, expected: str
) -> None:
    answer = client.request(method, path, content=body)
    assert int(status) == answer.status_code
    assert_begins(expected, answer.json())


def assert_begins(expected: str, document: Any) -> None:  # noqa: ANN401 - JSON is
    """`…` at the end of a list stands for what the page leaves out."""
    shown, dots, rest = expected.partition(", …")
    wanted = json.loads(shown + rest)
    if dots:
        ((name, items),) = wanted.items()
        document = {name: document[name][: len(items)]}
    assert wanted == document
