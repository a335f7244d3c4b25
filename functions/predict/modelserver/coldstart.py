"""
Lambda's init phase: everything that can happen before the first request does.

Lambda ends an init after 10 s and begins it again, so it lasts 8 s at the most;
what is still loading then goes on in threads, and the first request waits for it.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from pathlib import Path
from typing import IO

from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.aws.patience import IMPATIENT
from modelregistry.errors import RegistryError
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.registry import Registry

from .compiler import SubprocessCompiler
from .errors import BadSetting, ServingError
from .observer import Observer
from .routing import Router
from .runtime import library
from .servables import expected_size
from .server import ModelServer
from .settings import LambdaSettings
from .telemetry import Telemetry

_log = logging.getLogger(__name__)

LIMIT_SECONDS = 8.0
# A plan that was lost is made again within a request's time, or not at all.
_COMPILE_SECONDS = 20.0


class ColdStart:
    """
    Begun by constructing it: TensorFlow's library, the registry and the models named in
    the settings load in threads, beside whatever the caller does before `finish`.

    Nothing that goes wrong is final but a bad setting: a registry that cannot be
    reached is opened, and a model that could not be loaded is loaded, when the first
    request asks for it.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        open_server: Callable[[LambdaSettings, Observer], ModelServer] | None = None,
        stream: IO[str] | None = None,
    ) -> None:
        """`open_server` and `stream`, for the log, are for tests."""
        self.problem = ""
        self.cors = False
        self._open_server = open_server or _open_server
        self.provisioned = (
            environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency"
        )
        try:
            self._settings = LambdaSettings.from_environment(environment)
            self.cors = self._settings.cors
            self.telemetry = Telemetry(
                service=self._settings.service,
                namespace=self._settings.namespace,
                level=self._settings.log_level,
                stream=stream,
            )
        except BadSetting as error:
            self.problem = f"the function is not configured: {error}"
            self.telemetry = Telemetry(stream=stream)
        self._opening = threading.Lock()
        self._server: ModelServer | None = None
        self._in_place = threading.Event()
        self._complete = threading.Event()

    def begin(self) -> None:
        self.telemetry.take_over_logging()
        if self.problem:
            _log.error("%s; every request is answered with 500 until that is changed", self.problem)
            self._in_place.set()
            self._complete.set()
            return
        threading.Thread(target=_load_library, name="library", daemon=True).start()
        self.preload()

    def preload(self) -> None:
        """Open the registry and load, in a thread, what requests are going to ask for."""
        threading.Thread(target=self._preload, name="preload", daemon=True).start()

    def finish(self, *, limit: float = LIMIT_SECONDS) -> None:
        """
        Wait until the models in place answer, but not until the process is `limit` seconds old.

        Before a provisioned environment takes requests there is time for the canaries, too.
        """
        if not self.problem and self._settings.tracing:
            self.telemetry.start_tracing()  # while the models load
        loaded = self._complete if self.provisioned else self._in_place
        if not loaded.wait(max(0.0, limit - process_age())):
            _log.warning("models are still loading; requests for them wait")

    def server(self) -> ModelServer:
        """The server, opened by the first call that can. Raises RegistryError."""
        with self._opening:
            if self._server is None:
                self._server = self._open_server(self._settings, self.telemetry)
            return self._server

    def _preload(self) -> None:
        try:
            server = self.server()
            heads, rest = planned(server.router, server.registry, self._settings)
            wait([server.servables.start(id) for id in heads])
            self._in_place.set()
            wait([server.servables.start(id) for id in rest])
        except RegistryError as error:
            _log.error("nothing is loaded ahead of requests: %s", error)
        except Exception:  # noqa: BLE001 - requests can still load what they need
            _log.exception("nothing is loaded ahead of requests")
        finally:
            self._in_place.set()
            self._complete.set()


def _open_server(settings: LambdaSettings, observer: Observer) -> ModelServer:
    cache = ArtifactCache(settings.cache_directory, settings.cache)
    registry = open_registry(settings.registry_url, cache=cache, patience=IMPATIENT)
    compiler = SubprocessCompiler(timeout=_COMPILE_SECONDS)
    return ModelServer.over(registry, settings.serving(), compiler, observer)


def planned(
    router: Router, registry: Registry, settings: LambdaSettings
) -> tuple[list[ModelId], list[ModelId]]:
    """
    What to load before the first request: the version in place of each model, and the rest.

    Models that the settings name are loaded whatever they take. Raises RegistryError
    where the table has to say which there are, and cannot.
    """
    models = settings.models or registry.aliases.models()
    wanted = [ids for ids in (_wanted(router, model) for model in models) if ids]
    heads, rest = [ids[0] for ids in wanted], [id for ids in wanted for id in ids[1:]]
    if settings.models or len(models) == 1:
        return heads, rest
    room: float = settings.memory_budget
    fitting: set[ModelId] = set()
    for id in heads + rest:
        size = _size(registry, id)
        if size <= room:
            room -= size
            fitting.add(id)
        else:
            _log.warning("%s is loaded at its first request: the memory budget is used up", id)
    return [id for id in heads if id in fitting], [id for id in rest if id in fitting]


def process_age() -> float:
    """Seconds since this process was started; 0 where the system does not say."""
    try:
        # Field 22, counted behind the command's name, which may contain anything.
        ticks = int(Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0.0
    started = ticks / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def _wanted(router: Router, model: str) -> list[ModelId]:
    try:
        wanted = router.wanted(model)
    except ServingError as error:
        _log.error("%s is not loaded ahead of requests: %s", model, error)
        return []
    if not wanted:
        _log.warning("%s is not loaded ahead of requests: no alias of it points anywhere", model)
    return wanted


def _size(registry: Registry, id: ModelId) -> float:
    try:
        return expected_size(registry.artifacts, id)
    except RegistryError as error:
        _log.error("%s is not loaded ahead of requests: %s", id, error)
        return math.inf


def _load_library() -> None:
    try:
        library.load()
    except Exception:  # noqa: BLE001 - who needs it next will say so to the client
        _log.exception("TensorFlow's library cannot be loaded")
