"""A model of two lines, and a loader that a test can hold up or break."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from modelregistry.names import ModelId
from modelserver.errors import ModelUnavailable
from modelserver.runtime.tensors import Array
from modelserver.servables import Servable
from tests.fakes import plan


class Doubler:
    """`y = 2 x + version`, so that an answer tells who gave it."""

    def __init__(self, version: int) -> None:
        self._version = version

    def run(self, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]:
        if signature_name != "serving_default":
            raise KeyError(signature_name)  # the server must have asked the plan first
        return {"y": inputs["x"] * 2 + self._version}


class Loads:
    """Loads Doublers of `size` bytes. `held` versions wait, `broken` ones fail."""

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.broken: set[int] = set()
        self.count: Counter[ModelId] = Counter()
        self._open = threading.Event()
        self._open.set()

    def __call__(self, id: ModelId) -> Servable:
        self.count[id] += 1
        if not self._open.wait(10):
            raise AssertionError("held for longer than any test means to")
        if id.version in self.broken:
            raise ModelUnavailable(f"{id} is broken")
        return Servable(id, Doubler(id.version), plan(), self.size)

    @contextmanager
    def held(self) -> Iterator[None]:
        """No load finishes inside the `with`."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def open(self) -> None:
        """Let loads finish from now on, inside the `with`, too."""
        self._open.set()


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds
