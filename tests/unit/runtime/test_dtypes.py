"""
One table of types, in agreement with TensorFlow's enumeration and numpy's widths.
"""

import subprocess
import sys

import numpy as np
import pytest

from modelserver.errors import UnsupportedType
from modelserver.runtime import dtypes, library

HANDLES = ("DT_RESOURCE", "DT_VARIANT")


def test_every_type_of_tensorflow_is_in_the_table_under_its_number() -> None:
    script = """if True:
        from modelserver.compiler import protos
        types = protos._tensorflow("core.framework.types_pb2")
        names = types.DataType.items()
        print({n: i for n, i in names if 0 < i < 100})
    """
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == str({dtype.proto: dtype.number for dtype in dtypes.TABLE})


@pytest.mark.parametrize("dtype", [d for d in dtypes.TABLE if d.proto not in HANDLES])
def test_arrays_have_the_width_of_tensors(dtype: dtypes.DType) -> None:
    assert dtypes.of(dtype.proto) is dtype
    assert dtypes.numbered(dtype.number) is dtype
    if dtype is not dtypes.STRING:
        opened = library.load()
        tensor = opened.allocate_tensor(dtype.number, None, 0, dtype.numpy.itemsize)
        assert tensor, "TensorFlow refuses a buffer that is too small"
        assert opened.tensor_byte_size(tensor) == dtype.numpy.itemsize
        opened.delete_tensor(tensor)


@pytest.mark.parametrize("proto", HANDLES)
def test_handles_have_a_name_and_no_arrays(proto: str) -> None:
    with pytest.raises(UnsupportedType, match=dtypes.of(proto).name):
        _ = dtypes.of(proto).numpy


def test_a_reference_is_of_the_type_it_refers_to() -> None:
    assert dtypes.of("DT_FLOAT") is dtypes.of("DT_FLOAT_REF")


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnsupportedType, match="DT_NONSENSE"):
        dtypes.of("DT_NONSENSE")
    with pytest.raises(UnsupportedType, match="99"):
        dtypes.numbered(99)


def test_types_of_numpys_own_do_not_load_ml_dtypes() -> None:
    script = """if True:
        import sys
        from modelserver.runtime import dtypes
        [d.numpy for d in dtypes.TABLE if d.scalar and "." not in d.scalar]
        assert "ml_dtypes" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", script], check=True)


def test_strings_are_objects() -> None:
    assert np.dtype(object) == dtypes.STRING.numpy
