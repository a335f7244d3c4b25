"""
The C library is found and loaded without `import tensorflow`, once, quietly.
"""

import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelserver.errors import ModelUnavailable, PredictionFailed
from modelserver.runtime import library


def test_threads_that_load_it_together_get_one_library() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {library.load()} == set(pool.map(lambda _: library.load(), range(4)))


def test_it_says_which_tensorflow_it_is() -> None:
    assert re.fullmatch(r"2\.\d+\.\d+", library.version())


def test_finding_it_imports_nothing() -> None:
    script = """if True:
        import sys, hashlib
        from modelserver.runtime import library
        assert library.locate().name == library.FILE
        library.load()
        assert "tensorflow" not in sys.modules
        hashlib.sha256(b"Python keeps its own BoringSSL").hexdigest()
    """
    # On a CPU with AVX-512 VNNI the library says as it is opened that oneDNN is on, whatever
    # the log level.
    quiet = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, env=quiet
    )
    assert (b"", b"") == (child.stdout, child.stderr)


def test_every_function_that_it_may_call_is_there() -> None:
    """`load` leaves looking for them to their first call, which nobody could refuse any more."""
    script = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW | os.RTLD_LOCAL)"
    subprocess.run([sys.executable, "-c", script, library.locate()], check=True)


@pytest.mark.parametrize("spec", [None, importlib.machinery.ModuleSpec("tensorflow", None)])
def test_without_the_wheel_the_error_says_how_to_install_it(
    spec: importlib.machinery.ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(ModelUnavailable, match=re.escape("pip install 'lambda-serving[serve]'")):
        library.locate()


def test_a_failed_call_raises_tensorflows_code_and_text() -> None:
    opened = library.load()
    options = opened.new_session_options()
    with library.Status(opened) as status:
        status.check()
        opened.set_config(options, b"\xff", 1, status.pointer)
        with pytest.raises(PredictionFailed, match="Unparseable ConfigProto") as failure:
            status.check()
    opened.delete_session_options(options)
    assert failure.value.code == 3


def test_denormals_are_flushed_in_a_with_and_nowhere_else() -> None:
    opened = library.load()
    before = opened.get_denormals()
    with library.FlushedDenormals(opened):
        assert opened.get_denormals() == 0x0101
    assert opened.get_denormals() == before
