"""
One graph in memory, with its variables: tensors in and out by their graph names.
"""

import ctypes
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from modelserver.errors import ModelUnavailable, PredictionFailed

from . import library as c
from .dtypes import DType
from .tensors import Array, to_array, to_tensor

Endpoint = tuple[int, int]  # a TF_Operation*, and which of its outputs


class Call:
    """What runs of a signature have in common: what they feed and fetch, no tensor twice."""

    def __init__(
        self, feeds: Sequence[tuple[Endpoint, DType]], fetches: Sequence[Endpoint]
    ) -> None:
        self.feeds = _outputs([endpoint for endpoint, _ in feeds])
        self.dtypes = tuple(dtype for _, dtype in feeds)
        self.fetches = _outputs(fetches)


class Session:
    """
    A TF_Session and its TF_Graph.

    Thread-safe: runs may overlap, and release the GIL. It is closed by `close`,
    which waits for runs under way, or when the last reference goes; a run is one.
    At the end of the process it is left to the operating system.
    """

    def __init__(self, library: c.Library, session: int, graph: int) -> None:
        self._library = library
        self._session = session
        self._graph = graph
        self._closed = False
        self._running = 0
        self._lock = threading.Lock()  # a Condition's own `with` is Python
        self._idle = threading.Condition(self._lock)
        self._delete = weakref.finalize(self, _delete, library, session, graph)
        self._delete.atexit = False

    @classmethod
    def open(cls, directory: Path, tags: Sequence[str], config: bytes) -> "Session":
        """
        Read the SavedModel in `directory`, restore its variables, run its init op.

        `config` is a serialised ConfigProto. Raises ModelUnavailable with
        TensorFlow's reason.
        """
        library = c.load()
        graph = library.new_graph()
        options = library.new_session_options()
        names = (ctypes.c_char_p * len(tags))(*(tag.encode() for tag in tags))
        try:
            with c.Status(library) as status:
                library.set_config(options, config, len(config), status.pointer)
                status.check()
                session = library.load_session(
                    options,
                    None,
                    bytes(directory),
                    names,
                    len(tags),
                    graph,
                    None,
                    status.pointer,
                )
                status.check()
        except PredictionFailed as error:
            library.delete_graph(graph)
            raise ModelUnavailable(str(error)) from error
        finally:
            library.delete_session_options(options)
        return cls(library, session, graph)

    def endpoint(self, tensor: str) -> Endpoint:
        """
        Where the tensor `name:index` is in the graph; `name` alone means index 0.

        Raises ModelUnavailable if the graph has none of that name.
        """
        name, _, index = tensor.partition(":")
        operation = self._library.operation_by_name(self._graph, name.encode())
        position = int(index) if index.isdecimal() else 0
        if not operation or position >= self._library.number_of_outputs(operation):
            raise ModelUnavailable(f"the graph has no tensor {tensor!r}")
        return operation, position

    def run(self, call: Call, arrays: Sequence[Array]) -> list[Array]:
        """
        The tensors that `call` fetches, computed with `arrays` in place of those it feeds.

        Raises PredictionFailed, or ModelUnavailable once the session is closed.
        """
        library = self._library
        given = (ctypes.c_void_p * len(call.dtypes))()
        got = (ctypes.c_void_p * len(call.fetches))()
        try:
            for position, dtype in enumerate(call.dtypes):
                given[position] = to_tensor(library, arrays[position], dtype)
            self._enter()
            try:
                with c.Status(library) as status, c.FlushedDenormals(library):
                    library.session_run(
                        self._session,
                        None,
                        call.feeds,
                        given,
                        len(given),
                        call.fetches,
                        got,
                        len(got),
                        None,
                        0,
                        None,
                        status.pointer,
                    )
                    status.check()
            finally:
                self._leave()
            return [to_array(library, tensor) for tensor in got if tensor]
        finally:
            for tensor in (*given, *got):
                if tensor:
                    library.delete_tensor(tensor)

    def close(self) -> None:
        """Let runs under way finish, refuse new ones, free the memory. Twice is fine."""
        with self._idle:
            closed, self._closed = self._closed, True
            self._idle.wait_for(lambda: not self._running)
        if not closed:
            self._delete()

    def _enter(self) -> None:
        with self._lock:
            if self._closed:
                raise ModelUnavailable("the model has been unloaded")
            self._running += 1

    def _leave(self) -> None:
        with self._lock:
            self._running -= 1
            if self._closed:
                self._idle.notify_all()


def _outputs(endpoints: Sequence[Endpoint]) -> "ctypes.Array[c.Output]":
    return (c.Output * len(endpoints))(*(c.Output(*endpoint) for endpoint in endpoints))


def _delete(library: c.Library, session: int, graph: int) -> None:
    with c.Status(library) as status:  # what closing has to complain about helps nobody
        library.close_session(session, status.pointer)
        library.delete_session(session, status.pointer)
    library.delete_graph(graph)
