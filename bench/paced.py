"""
The Lambda handler, asked so many times a second, whether it has answered or not.

    python -m bench.paced BODY RATE SECONDS

The environment says which registry. Prints JSON: of each request the seconds from the moment
it was due to its answer, how often it looked at the alias table, which version answered, and
when, by CLOCK_MONOTONIC.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from modelregistry.aliases.revision import Revision
from modelregistry.aliases.table import AliasTable

from .child import invocation


class Watched:
    """An alias table whose looks are counted."""

    def __init__(self, table: AliasTable) -> None:
        self._table = table
        self.looks = 0

    def newest(self, model: str) -> Revision | None:
        self.looks += 1
        return self._table.newest(model)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the rest is the table's
        return getattr(self._table, name)


def main(body: Path, rate: float, seconds: float) -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # the handler logs to stdout
    from modelserver import handler as module

    registry = module._start.server().registry  # noqa: SLF001 - the one that it uses
    table = registry.aliases = Watched(registry.aliases)
    ask = invocation(module.handler, body.read_text("utf-8"))
    for _ in range(int(rate / 2)):
        ask()
    found = []
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        before = table.looks
        answer = ask()
        now = time.monotonic()
        found.append((now - due, table.looks - before, answer["headers"]["x-model-version"], now))
    os.write(out, json.dumps(found).encode())
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
