"""
The server on one machine: the app that Lambda runs, under uvicorn.

A thread follows the alias table, so that a flip is loaded, warmed and taken before the
next request asks for it; another one follows directories that are served in place.
"""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelregistry.configuration import ModelConfig
from modelregistry.names import Reference
from modelregistry.opening import open_registry
from modelregistry.registry import Registry

from .api.app import Page
from .api.web import create_app
from .asked import Asked
from .compiler import SubprocessCompiler
from .directories.catalogue import Catalogue
from .directories.configfile import ConfigFile
from .directories.inplace import PlainRegistry
from .directories.watcher import Watcher, settle_seconds
from .errors import PortTaken
from .exposition import CONTENT_TYPE
from .prometheus import Prometheus
from .server import ModelServer
from .settings import LocalSettings, ServingSettings

_log = logging.getLogger("modelserver")
_GRACE_SECONDS = 10
# Compiling is for versions whose plan was lost; publishing may take longer over it.
_COMPILE_SECONDS = 120.0
# Many versions, or one that hangs, must not keep the others from answering.
_READY_SECONDS = 30.0


def serve(registry_url: str, settings: LocalSettings) -> None:
    """
    Serve the registry until Ctrl-C or SIGTERM; requests under way are finished first.

    Raises PortTaken, and RegistryError where there is no registry to serve.
    """
    with _listening(settings) as (listener, stopping):
        registry = open_registry(registry_url)
        watching = Prometheus(lambda id: f"{registry.url}/{id.model}/{id.version}")
        server = ModelServer.over(registry, settings.serving(), _compiler(settings), watching)
        _run(server, watching, settings, listener, stopping)


def serve_directories(source: ModelConfig | Path, settings: LocalSettings) -> None:
    """
    Serve one model's version directories in place, or those of every model in a models.config.

    Like `serve`, but for what `source` says: a model with its base path, or the file, which is
    followed. Raises PortTaken, and InvalidInput for a base path that is no directory's and
    for a file that cannot be read or understood, with line and column.
    """
    file = ConfigFile(source) if isinstance(source, Path) else None
    configs = [source] if isinstance(source, ModelConfig) else file.read() if file else []
    with _listening(settings) as (listener, stopping):
        compiler = _compiler(settings)
        catalogue = Catalogue(compiler, settle=settle_seconds(settings.file_system_poll_wait))
        registry = PlainRegistry(catalogue, url=_named(source))
        watching = Prometheus(lambda id: str(catalogue.directory(id) or ""))
        server = ModelServer.over(registry, settings.serving(), compiler, watching)
        watcher = Watcher(
            registry,
            catalogue,
            server.servables,
            server.router,
            poll=settings.file_system_poll_wait,
            file=file,
            file_poll=settings.config_poll_wait,
        )
        watcher.configure(configs)
        threading.Thread(target=watcher.run, args=(stopping,), daemon=True).start()
        # Who connects meanwhile waits in the listener's queue, as for TensorFlow Serving.
        if not watcher.ready.wait(_READY_SECONDS):
            _log.warning("not every version has been tried yet: requests for the others wait")
            catalogue.answer_undecided()
        _run(server, watching, settings, listener, stopping)


def predict_once(registry: Registry, reference: Reference, body: bytes) -> bytes:
    """
    Answer one predict request in this process, as a server would that is not warm.

    Raises ServingError and RegistryError.
    """
    compiler = SubprocessCompiler(warm_up=False)
    server = ModelServer.over(registry, ServingSettings(warm_up=False), compiler)
    return server.predict(Asked(reference.model, reference.version, reference.alias), body)


def follow(server: ModelServer, seconds: float, stopping: threading.Event) -> None:
    """Every `seconds`, look at every model and load what its aliases point to."""
    known: list[str] = []
    while not stopping.wait(seconds):
        try:
            problems = server.router.preload_all()
        except Exception:  # noqa: BLE001 - the thread must outlive whatever this was
            _log.exception("following the registry failed")
            continue
        for problem in problems:
            if problem not in known:
                _log.warning("cannot follow %s", problem)
        known = problems


@contextmanager
def _listening(settings: LocalSettings) -> Iterator[tuple[socket.socket, threading.Event]]:
    """A listener, and an event that is set when serving ends, as Ctrl-C ends it."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where credentials are from
    stopping = threading.Event()
    try:
        with bound(settings.host, settings.port) as listener:
            yield listener, stopping
    except KeyboardInterrupt:
        _log.info("stopped")
    finally:
        stopping.set()


def _compiler(settings: LocalSettings) -> SubprocessCompiler:
    return SubprocessCompiler(
        tags=settings.saved_model_tags, timeout=_COMPILE_SECONDS, warm_up=settings.warm_up
    )


def _named(source: ModelConfig | Path) -> str:
    return source.base_path if isinstance(source, ModelConfig) else str(source)


def _run(
    server: ModelServer,
    watching: Prometheus,
    settings: LocalSettings,
    listener: socket.socket,
    stopping: threading.Event,
) -> None:
    import uvicorn  # noqa: PLC0415 - in-process predictions need no web server

    config = uvicorn.Config(
        create_app(server, _pages(settings.metrics_path, watching, server)),
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server.router.preload_all()
    threading.Thread(
        target=follow, args=(server, settings.alias_ttl / 2, stopping), daemon=True
    ).start()
    host, port = listener.getsockname()[:2]
    _log.info("serving %s", server.registry.url)
    shown = f"[{host}]" if ":" in host else host
    _log.info("listening on http://%s:%d, Ctrl-C stops it", shown, port)
    uvicorn.Server(config).run(sockets=[listener])


def _pages(path: str, watching: Prometheus, server: ModelServer) -> dict[str, Page]:
    """What is answered beside the API: the metrics, where there shall be any."""
    return {path: lambda: (watching.page(server), CONTENT_TYPE)} if path else {}


def bound(host: str, port: int) -> socket.socket:
    """Listen before anything slow is done: a taken port is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, or asyncio leaves Nagle's algorithm on, and answers after the first take 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --rest_api_port"
        ) from error
    return listener
