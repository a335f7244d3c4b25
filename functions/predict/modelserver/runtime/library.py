"""
TensorFlow's C library, found in the installed wheel and loaded once per process.

The functions are those of `tensorflow/c/{c_api,tf_tensor,tf_status,tf_tstring}.h`
in the wheel's `include/`; what they promise is written there.
"""

import ctypes
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_uint16, c_void_p
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modelserver.errors import ModelUnavailable, PredictionFailed

FILE = "libtensorflow_cc.2.dylib" if sys.platform == "darwin" else "libtensorflow_cc.so.2"

OK = 0
FAILED_PRECONDITION = 9


class Output(ctypes.Structure):
    """TF_Output: a tensor of a graph, as an operation and which of its outputs."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


# void (*deallocator)(void* data, size_t len, void* arg), given to TF_NewTensor.
Deallocator = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)


class Library:
    """
    The C functions that this project calls, with their types declared.

    Pointers to TensorFlow's objects are plain ints; a null pointer is None.
    """

    def __init__(self, path: Path) -> None:
        # RTLD_LOCAL, never GLOBAL: the BoringSSL inside would capture Python's
        # `_hashlib`, which then crashes. libtensorflow_framework comes along as a
        # dependency, and names are looked up in both.
        opened = _open(path, ctypes.RTLD_LOCAL)

        def quick(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:  # noqa: ANN401 - ctypes types are values
            """Keep the GIL: who gives it up for a microsecond may wait 5 ms to get it back."""
            return ctypes.PYFUNCTYPE(result, *arguments)((name, opened))

        def slow(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:  # noqa: ANN401 - ctypes types are values
            """Release the GIL, so that other threads run meanwhile."""
            return ctypes.CFUNCTYPE(result, *arguments)((name, opened))

        self.version = quick("TF_Version", c_char_p)

        self.new_status = quick("TF_NewStatus", c_void_p)
        self.delete_status = quick("TF_DeleteStatus", None, c_void_p)
        self.get_code = quick("TF_GetCode", c_int, c_void_p)
        self.message = quick("TF_Message", c_char_p, c_void_p)

        shape = POINTER(c_int64), c_int
        self.allocate_tensor = quick("TF_AllocateTensor", c_void_p, c_int, *shape, c_size_t)
        self.new_tensor = quick(
            "TF_NewTensor", c_void_p, c_int, *shape, c_void_p, c_size_t, Deallocator, c_void_p
        )
        self.delete_tensor = quick("TF_DeleteTensor", None, c_void_p)
        self.tensor_type = quick("TF_TensorType", c_int, c_void_p)
        self.num_dims = quick("TF_NumDims", c_int, c_void_p)
        self.dim = quick("TF_Dim", c_int64, c_void_p, c_int)
        self.tensor_data = quick("TF_TensorData", c_void_p, c_void_p)
        self.tensor_byte_size = quick("TF_TensorByteSize", c_size_t, c_void_p)

        self.string_copy = quick("TF_StringCopy", None, c_void_p, c_char_p, c_size_t)
        self.string_data = quick("TF_StringGetDataPointer", c_void_p, c_void_p)
        self.string_size = quick("TF_StringGetSize", c_size_t, c_void_p)
        self.string_dealloc = quick("TF_StringDealloc", None, c_void_p)

        # C++ of `tsl/platform/denormal.h`: two bools, which fit a register.
        self.get_denormals = quick("_ZN3tsl4port16GetDenormalStateEv", c_uint16)
        self.set_denormals = quick(
            "_ZN3tsl4port16SetDenormalStateERKNS0_13DenormalStateE", None, POINTER(c_uint16)
        )

        self.new_session_options = quick("TF_NewSessionOptions", c_void_p)
        self.delete_session_options = quick("TF_DeleteSessionOptions", None, c_void_p)
        self.set_config = quick("TF_SetConfig", None, c_void_p, c_char_p, c_size_t, c_void_p)

        self.new_graph = quick("TF_NewGraph", c_void_p)
        self.delete_graph = slow("TF_DeleteGraph", None, c_void_p)
        self.operation_by_name = quick("TF_GraphOperationByName", c_void_p, c_void_p, c_char_p)
        self.number_of_outputs = quick("TF_OperationNumOutputs", c_int, c_void_p)

        self.load_session = slow(
            "TF_LoadSessionFromSavedModel",
            c_void_p,  # TF_Session*, null on failure
            c_void_p,  # TF_SessionOptions*
            c_void_p,  # TF_Buffer* of a RunOptions, or null
            c_char_p,  # export directory
            POINTER(c_char_p),  # tags
            c_int,
            c_void_p,  # TF_Graph*, empty, filled
            c_void_p,  # TF_Buffer* for the MetaGraphDef, or null
            c_void_p,  # TF_Status*
        )
        self.close_session = slow("TF_CloseSession", None, c_void_p, c_void_p)
        self.delete_session = slow("TF_DeleteSession", None, c_void_p, c_void_p)
        self.session_run = slow(
            "TF_SessionRun",
            None,
            c_void_p,  # TF_Session*
            c_void_p,  # TF_Buffer* of a RunOptions, or null
            POINTER(Output),  # feeds,
            POINTER(c_void_p),  # their TF_Tensor*s, which stay the caller's
            c_int,
            POINTER(Output),  # fetches,
            POINTER(c_void_p),  # their TF_Tensor*s, which become the caller's
            c_int,
            c_void_p,  # TF_Operation*s to run besides, none
            c_int,
            c_void_p,  # TF_Buffer* for RunMetadata, or null
            c_void_p,  # TF_Status*
        )


class Status:
    """A TF_Status for the length of a `with`; `check` raises what a call put into it."""

    __slots__ = ("_library", "pointer")

    def __init__(self, library: Library) -> None:
        self._library = library
        self.pointer: int = library.new_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._library.delete_status(self.pointer)

    def check(self) -> None:
        """Raise PredictionFailed, with TensorFlow's code and text, unless the call went well."""
        code = self._library.get_code(self.pointer)
        if code != OK:
            text = self._library.message(self.pointer).decode("utf-8", "replace")
            raise PredictionFailed(code, text)


class FlushedDenormals:
    """
    For the length of a `with`, numbers too small for a normal exponent are zero in this thread.

    So they are in TensorFlow's own threads, but an executor that runs in the
    caller's thread would compute other bits there, and slowly.
    """

    __slots__ = ("_before", "_library")

    def __init__(self, library: Library) -> None:
        self._library = library

    def __enter__(self) -> None:
        self._before = c_uint16(self._library.get_denormals())
        self._library.set_denormals(c_uint16(0x0101))  # flush results, and take operands as zero

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._library.set_denormals(self._before)


_lock = threading.Lock()
_loaded: Library | None = None


def locate() -> Path:
    """
    Where the wheel keeps the library. Looks for files and imports nothing.

    Raises ModelUnavailable if no TensorFlow wheel is installed.
    """
    spec = importlib.util.find_spec("tensorflow")
    for directory in (spec.submodule_search_locations or []) if spec else []:
        path = Path(directory, FILE)
        if path.exists():
            return path
    raise ModelUnavailable(
        f"{FILE} is not there: install TensorFlow with pip install 'lambda-serving[serve]'"
    )


def load() -> Library:
    """
    The library, loaded by the first caller; others wait for it.

    Costs 0.2 s with the file in the page cache, holding glibc's loader lock: do
    heavy extension imports before it, not beside it.
    """
    global _loaded  # noqa: PLW0603 - one per process, because dlopen is
    with _lock:
        if _loaded is None:
            path = locate()
            # Below warnings TensorFlow prints what hardware it found, on stderr.
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
            _loaded = Library(path)
        return _loaded


def _open(path: Path, mode: int) -> ctypes.CDLL:
    """
    `ctypes.CDLL(path, mode)`, but other threads run meanwhile: it holds the GIL.

    On a cold start they download models and import the web framework. Functions are looked
    up when they are first called: of 157,000 a model calls a few thousand, and looking all
    of them up takes 90 ms.
    """
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = c_void_p, (c_char_p, c_int)
    handle = dlopen(os.fsencode(path), os.RTLD_LAZY | mode)
    # Without a handle it is tried once more, by what can say why that fails.
    return ctypes.CDLL(str(path), mode=mode, handle=handle)


def version() -> str:
    """TensorFlow's own version, `2.21.0`. Loads the library."""
    return str(load().version().decode())
