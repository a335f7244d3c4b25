"""
`sample`, whose versions answer each in its own way, and what a request is to be answered with.
"""

from collections.abc import Sequence
from pathlib import Path

from modelregistry.aliases.caller import Said
from modelregistry.aliases.decision import decide
from modelregistry.aliases.shares import Shares, parse
from modelregistry.aliases.state import Alias

from .terminal import Answer, Client, must, until

PREDICT = "/v1/models/sample:predict"
BODY = {"instances": [[1.0], [5.0]]}
# Those of tests/containers/models.py.
ANSWERS = {
    "1": {"predictions": [[1.5], [3.5]]},
    "2": {"predictions": [[2.5], [4.5]]},
    "3": {"predictions": [[3.5], [5.5]]},
}
WORDS = ("1@60", "2@30", "3@10")
SPLIT = parse(WORDS)
KEYS = tuple(f"user-{n}@example.org" for n in range(400))


def publish_three(registry: Path, models: Path) -> None:
    """Versions 1 to 3, version 1 `stable`."""
    must(registry, "publish", models / "sample", "sample")
    must(registry, "publish", models / "later", "sample")
    must(registry, "promote", "sample", 1)


def wanted(shares: Shares, key: str, model: str = "sample") -> str:
    """The version that `stable` of `model` wants for whom `key` stands for."""
    said = Said({"x-routing-key": key})
    return str(decide(model, "stable", Alias(shares), said, _no_chance).version)


def key_of(shares: Shares, version: str) -> str:
    """The first of the keys that get `version`."""
    return next(key for key in KEYS if wanted(shares, key) == version)


def is_right(answer: Answer) -> bool:
    """Whether it is an answer of the version that it says it is from."""
    expected = ANSWERS.get(answer.headers.get("x-model-version", ""))
    return (answer.status, answer.document) == (200, expected)


def ask(client: Client, key: str) -> Answer:
    return client.ask(PREDICT, BODY, {"x-routing-key": key})


def until_followed(client: Client, revision: int, keys: Sequence[str]) -> None:
    """Wait until each of `keys` is answered by `revision`, and nobody stands in."""

    def is_there() -> bool:
        answers = [ask(client, key) for key in keys]
        return all(
            answer.headers.get("x-alias-revision") == str(revision)
            and "x-model-stand-in-for" not in answer.headers
            for answer in answers
        )

    until(is_there)


def _no_chance() -> float:
    raise AssertionError("a key leaves nothing to chance")
