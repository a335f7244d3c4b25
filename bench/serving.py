"""How each server is started, asked and stopped: ours and every peer's."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import load
from .cases import CHECKOUT, Case, predictions
from .environments import python_of
from .processes import CORE, confined

_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_PATH = "/v1/models/sample:predict"


@dataclass
class Server:
    """
    One server; `command` starts it on `port`, pinned to one core with all its processes.

    `ask` waits for the answer; `pause` and `resume` stop and continue all of its processes.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def request(self, values: np.ndarray) -> bytes:
        return load.post(_PATH, {"instances": values.tolist()})

    def predictions(self, body: bytes) -> np.ndarray:
        return predictions(body)

    def ask(self, values: np.ndarray) -> bytes:
        return load.ask(self.port, self.request(values))

    def start(self, values: np.ndarray) -> float:
        """Seconds from the start of the process to its first answer. Raises RuntimeError."""
        request = self.request(values)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        began = time.monotonic()
        with self.log.open("wb") as log, confined({CORE}):
            self.process = subprocess.Popen(
                self.command,
                env={**kept, **self.environment},
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while time.monotonic() - began < _START_SECONDS and self.process.poll() is None:
            try:
                load.ask(self.port, request)
            except (OSError, ValueError):  # not there yet, or not ready
                time.sleep(0.002)
            else:
                return time.monotonic() - began
        self.stop()
        said = self.log.read_text("utf-8", "replace")
        raise RuntimeError(f"{self.name} did not answer:\n{said[-3000:]}")

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process is None:
            return
        family = list(self._family())
        self._signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in family:  # whom it left behind
            _send(pid, signal.SIGKILL)
        self.process = None

    def memory(self) -> float:
        """Bytes of all its processes, pages that several share counted once."""
        return float(sum(map(_proportional, self._family())))

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._family():
            _send(pid, number)

    def _family(self) -> Iterator[int]:
        """The process and everything it started."""
        if self.process is None:
            return
        children: dict[int, list[int]] = {}
        for place in Path("/proc").iterdir():
            if place.name.isdecimal() and (parent := _parent(place)):
                children.setdefault(parent, []).append(int(place.name))
        found = [self.process.pid]
        for pid in found:
            yield pid
            found += children.get(pid, [])


class _V2(Server):
    """MLServer's: the V2 inference protocol, flat data with its shape."""

    def request(self, values: np.ndarray) -> bytes:
        given = {
            "name": "x",
            "shape": values.shape,
            "datatype": "FP32",
            "data": values.ravel().tolist(),
        }
        return load.post("/v2/models/sample/infer", {"id": "1", "inputs": [given]})

    def predictions(self, body: bytes) -> np.ndarray:
        (output,) = json.loads(body)["outputs"]
        return np.array(output["data"], np.float64).reshape(output["shape"])


def peers(case: Case, names: Sequence[str]) -> list[Server]:
    """The servers of `names` for one model; installs what they need."""
    return [_MAKERS[name](case) for name in names]


def _here(case: Case) -> Server:
    port = _free_port()
    command = [sys.executable, "-m", "modelcli.main", "serve"]
    flags = ["--registry", str(case.registry), "--rest-api-port", str(port)]
    environment = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    return Server("here", [*command, *flags], environment, port, case.place / "here.log")


def _plain(case: Case) -> Server:
    port = _free_port()
    flags = ["bench.peers.plain:app", "--port", str(port), "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", *flags]
    return Server("plain FastAPI", command, _environment(case), port, case.place / "plain.log")


def _flask(case: Case) -> Server:
    port = _free_port()
    # No time-out: it would take a worker for dead that was merely stopped for a while.
    flags = ["--threads", "8", "--timeout", "0", "--bind", f"127.0.0.1:{port}"]
    command = [str(python_of("flask")), "-m", "gunicorn", *flags, "bench.peers.flask_app:app"]
    return Server("Flask", command, _environment(case), port, case.place / "flask.log")


def _litserve(case: Case) -> Server:
    port = _free_port()
    command = [str(python_of("litserve")), "-m", "bench.peers.litserve_api", str(port)]
    return Server("LitServe", command, _environment(case), port, case.place / "litserve.log")


def _bentoml(case: Case) -> Server:
    port = _free_port()
    command = [str(python_of("bentoml")), "-m", "bentoml", "serve"]
    flags = ["bench.peers.bentoml_service:Sample", "--host", "127.0.0.1", "--port", str(port)]
    settings = {"BENTOML_HOME": str(case.place), "BENTOML_DO_NOT_TRACK": "true"}
    environment = {**_environment(case), **settings}
    return Server("BentoML", [*command, *flags], environment, port, case.place / "bentoml.log")


def _mlserver(case: Case) -> Server:
    port = _free_port()
    place = case.place / "mlserver"
    place.mkdir()
    model = {"name": "sample", "implementation": "bench.peers.mlserver_runtime.Sample"}
    (place / "model-settings.json").write_text(json.dumps(model), "utf-8")
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        "debug": False,
        "parallel_workers": 0,  # a worker process of its own does not start under uvloop 0.23
    }
    (place / "settings.json").write_text(json.dumps(settings), "utf-8")
    command = [str(python_of("mlserver").with_name("mlserver")), "start", str(place)]
    return _V2("MLServer", command, _environment(case), port, case.place / "mlserver.log")


_MAKERS: dict[str, Callable[[Case], Server]] = {
    "here": _here,
    "plain": _plain,
    "flask": _flask,
    "litserve": _litserve,
    "bentoml": _bentoml,
    "mlserver": _mlserver,
}


def _environment(case: Case) -> dict[str, str]:
    """What every peer is told: where its module is, and the model."""
    return {
        "PYTHONPATH": str(CHECKOUT),
        "MODEL": str(case.directory),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _parent(place: Path) -> int:
    """0 for a process that is gone."""
    try:
        # The name before it is in parentheses and may contain anything.
        return int((place / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
