"""
A rule of TensorFlow Serving's, and the requests that prove what is answered here.

The rules are data: the tests run them, and docs/compatibility.md is written from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Ask:
    """One request. `body` that is no text and no bytes is sent as JSON."""

    method: str
    path: str
    body: Any = None
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """
    A request and what comes back; what is left None is not looked at.

    `document` is compared as JSON: NaN equals NaN, 1 is not 1.0, 0.0 is not -0.0.
    `error` is the whole `error` of the body, or its beginning where it ends in `…`.
    `before` is asked first. `doors` are named where it cannot come through all of them.
    """

    name: str
    ask: Ask
    status: int = 200
    document: Any = None
    error: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    strict: bool = False
    cors: bool = False
    check_method_names: bool = False
    timeout: float = 30.0
    before: tuple[Ask, ...] = ()
    doors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Elsewhere:
    """A test outside this folder that proves a rule: `tests/…/test_x.py::test_y`."""

    test: str


@dataclass(frozen=True)
class Rule:
    """
    One row of the table. `better` says what is done instead of what upstream does,
    and why; '' means the same, but for the `limit` that there may be.
    """

    title: str
    upstream: str
    proof: tuple[Case | Elsewhere, ...]
    better: str = ""
    limit: str = ""


@dataclass(frozen=True)
class Group:
    """Rules about one thing; `name` is its module's."""

    name: str
    title: str
    rules: tuple[Rule, ...]


def post(path: str, body: object, **headers: str) -> Ask:
    return Ask("POST", f"/v1/models/{path}", body, _named(headers))


def get(path: str, **headers: str) -> Ask:
    return Ask("GET", f"/v1/models/{path}", None, _named(headers))


def predict(model: str, body: object, **headers: str) -> Ask:
    return post(f"{model}:predict", body, **headers)


def rows(model: str, *instances: object, signature: str = "", **headers: str) -> Ask:
    """A predict request in the row format."""
    named = {"signature_name": signature} if signature else {}
    return predict(model, {**named, "instances": list(instances)}, **headers)


def columns(model: str, inputs: object, *, signature: str = "") -> Ask:
    """A predict request in the columnar format."""
    named = {"signature_name": signature} if signature else {}
    return predict(model, {**named, "inputs": inputs})


def answers(name: str, ask: Ask, document: object, **rest: Any) -> Case:  # noqa: ANN401 - Case's own
    return Case(name, ask, 200, document, **rest)


def refuses(name: str, ask: Ask, error: str, status: int = 400, **rest: Any) -> Case:  # noqa: ANN401 - Case's own
    return Case(name, ask, status, error=error, **rest)


def _named(headers: Headers) -> Headers:
    return {name.replace("_", "-"): value for name, value in headers.items()}
