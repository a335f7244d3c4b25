"""
One process that is measured: it starts, answers, and says when and how.

    python -m bench.child WAY BODY REQUESTS

WAY is `here`, `plain` or `floor`; the environment says which model. BODY is a file with the
request. Prints one line of JSON: the moment of the first answer by CLOCK_MONOTONIC, which all
processes share; what it was; the seconds of each further request; the memory afterwards.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .events import predict_event

Ask = Callable[[], str]
Answer = dict[str, Any]
Handler = Callable[..., Answer]


def here(body: str) -> Ask:
    from modelserver.handler import handler

    return _through(handler, body)


def plain(body: str) -> Ask:
    from bench.peers.plain import handler

    return _through(handler, body)


def floor(_body: str) -> Ask:
    """The library, the model and a run: no JSON, no HTTP, no registry. The arrays are ready."""
    import numpy as np

    from modelregistry.plan import Plan
    from modelserver.runtime import SavedModel, Threads

    plan = Plan.from_json(json.loads(Path(os.environ["PLAN"]).read_text("utf-8")))
    model = SavedModel.load(Path(os.environ["MODEL"]), plan, Threads(1, 1))
    signature = plan.signatures["serving_default"]
    (name,), (output,) = signature.inputs, signature.outputs
    given = {name: np.load(Path(os.environ["ARRAY"]))}

    def ask() -> str:
        return output if model.run("serving_default", given) else ""

    return ask


def _through(handler: Handler, body: str) -> Ask:
    asked = invocation(handler, body)
    return lambda: str(asked()["body"])


def invocation(handler: Handler, body: str) -> Callable[[], Answer]:
    """A call of `handler` with one event of API Gateway. Ends the process at another status."""
    event = predict_event(body)

    class Context:
        aws_request_id = "bench"

        @staticmethod
        def get_remaining_time_in_millis() -> int:
            return 30_000

    def ask() -> Answer:
        answer = handler(event, Context())
        if answer["statusCode"] != 200:
            raise SystemExit(str(answer["body"]))
        return answer

    return ask


def _resident() -> dict[str, int]:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}


def main(way: str, body: Path, requests: int) -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # what is measured may log to stdout: to nobody
    ask = {"here": here, "plain": plain, "floor": floor}[way](body.read_text("utf-8"))
    answer = ask()
    answered = time.monotonic()
    seconds = []
    for _ in range(requests):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    said = {"answered": answered, "answer": answer, "seconds": seconds, **_resident()}
    os.write(out, json.dumps(said).encode())
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
