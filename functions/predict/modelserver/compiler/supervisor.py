"""
The compiler that a registry is given: a process per model, watched from outside.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import modelregistry
import modelserver
from modelregistry.errors import ModelRefused, RegistryError, Unavailable
from modelregistry.plan import Plan
from modelserver.errors import ModelUnavailable
from modelserver.runtime import library

_TAIL_BYTES = 2000


class SubprocessCompiler:
    """
    Compiles SavedModels for modelregistry, each in a process of its own.

    A model that crashes TensorFlow or never answers is refused like any other. The
    process has its own group, and is gone when `compile` returns or raises, and
    also when this process is killed.
    """

    def __init__(
        self, *, tags: Sequence[str] = ("serve",), timeout: float = 600, warm_up: bool = True
    ) -> None:
        """
        `tags` choose the graph of a SavedModel that has several; `timeout` is in seconds.
        Without `warm_up` nobody looks at the requests that it has recorded.
        """
        self._tags = tuple(tags)
        self._recorded = "recorded" if warm_up else "unrecorded"
        self._timeout = timeout

    def compile(self, directory: Path) -> Plan:
        """
        The plan of the SavedModel in `directory`. Takes 1 s for a small one.

        Raises ModelRefused with the reason, or Unavailable where TensorFlow is not installed.
        """
        try:
            library.locate()
        except ModelUnavailable as error:
            raise Unavailable(
                "publishing needs TensorFlow", hint="pip install 'lambda-serving[serve]'"
            ) from error
        with tempfile.TemporaryDirectory(prefix="compile-") as made:
            result, log = Path(made, "result.json"), Path(made, "log")
            with log.open("wb") as output:
                exit_code = self._run(directory, result, output)
            tail = log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
            if not result.exists():
                raise self._failed(directory, exit_code, tail)
            return _plan(json.loads(result.read_text("utf-8")))

    def _run(self, directory: Path, result: Path, output: IO[bytes]) -> int | None:
        """The exit code of the child, or None if its time was up."""
        theirs, ours = os.pipe()
        # -P: a tensorflow.py in the user's directory must not be taken for the real one.
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "modelserver.compiler"]
        try:
            child = subprocess.Popen(
                [*command, str(directory), str(result), str(theirs), self._recorded, *self._tags],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs],
                env=_environment(),
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        try:
            return child.wait(self._timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(child)
            os.close(ours)

    def _failed(self, directory: Path, exit_code: int | None, tail: str) -> RegistryError:
        if exit_code is None:
            return ModelRefused(
                f"{directory} did not load and run within {self._timeout:g} s", hint=tail
            )
        if exit_code < 0:
            name = signal.Signals(-exit_code).name
            return ModelRefused(f"{directory} crashed TensorFlow ({name})", hint=tail)
        return Unavailable(f"the compiler failed on {directory} (exit code {exit_code})", hint=tail)


def _environment() -> dict[str, str]:
    """Ours; and on Lambda the code is on the path of this process alone."""
    roots = [Path(modelserver.__path__[0]).parent, Path(modelregistry.__path__[0]).parent]
    before = os.environ.get("PYTHONPATH")
    path = dict.fromkeys([*map(str, roots), *([before] if before else [])])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the whole group, also when its leader is gone already, and collect the leader."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _plan(document: dict[str, Any]) -> Plan:
    if "refused" in document:
        raise ModelRefused(str(document["refused"]), hint=str(document["hint"]))
    return Plan.from_json(document["plan"])
