"""Arrays go into a plan and come out of it as they were."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.plan import Plan, RecordedArray, RecordedRequest, TensorSpec
from modelserver.errors import UnsupportedType
from modelserver.runtime import dtypes
from modelserver.runtime.tensors import Array
from modelserver.warmup.requests import Request, pack, unpack
from tests.fakes import plan
from tests.oracle.cases import TEXTS, TYPES


def stored(array: Array, dtype: str) -> RecordedRequest:
    """What a plan with one request of one input holds after it was written and read."""
    request = Request("file, line 1", "serving_default", {"x": array})
    packed = pack(request, {"x": TensorSpec("x:0", dtype, None)})
    document = json.loads(json.dumps(replace(plan(), recorded=(packed,)).to_json()))
    (found,) = Plan.from_json(document).recorded
    assert packed == found
    return found


@pytest.mark.parametrize("name", TYPES)
def test_every_type_keeps_its_bits(name: str) -> None:
    array = TYPES[name]
    proto = next(
        found.proto for found in dtypes.TABLE if found.scalar and found.numpy == array.dtype
    )
    for form in (array, array[:0], array[:1].reshape(()), np.stack([array, array]).T):
        found = unpack(stored(form, proto))["x"]
        assert (form.shape, form.dtype) == (found.shape, found.dtype)
        assert form.tobytes() == found.tobytes()


@pytest.mark.parametrize("shape", [(8,), (2, 4), (4, 2, 1)])
def test_strings_keep_their_bytes(shape: tuple[int, ...]) -> None:
    found = unpack(stored(TEXTS.reshape(shape), "DT_STRING"))["x"]
    assert TEXTS.reshape(shape).tolist() == found.tolist()


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_strings_are_whatever_bytes_there_are(values: list[bytes]) -> None:
    array = np.empty(len(values), object)
    array[:] = values
    assert values == unpack(stored(array, "DT_STRING"))["x"].tolist()


def test_an_input_that_is_a_variable_is_stored_by_its_values_type() -> None:
    assert "DT_FLOAT" == stored(np.zeros(2, np.float32), "DT_FLOAT_REF").inputs["x"].dtype


def test_the_size_is_that_of_the_elements() -> None:
    request = Request("", "s", {"a": np.zeros((3, 4), np.float32), "b": TEXTS[:3]})
    assert 3 * 4 * 4 + 0 + 1 + 22 == request.size


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (RecordedArray("DT_FLOAT", (2,), "AAAA"), ValueError),
        (RecordedArray("DT_FLOAT", (1,), ("AAAA",)), ValueError),
        (RecordedArray("DT_STRING", (2,), ("AAAA",)), ValueError),
        (RecordedArray("DT_NONSENSE", (1,), "AAAA"), UnsupportedType),
    ],
)
def test_what_was_never_packed_is_an_error(array: RecordedArray, error: type[Exception]) -> None:
    with pytest.raises(error):
        unpack(RecordedRequest("", "s", {"x": array}))


def test_a_plan_from_before_there_were_any_has_none() -> None:
    old = plan().to_json()
    del old["recorded"]
    assert plan() == Plan.from_json(old)


def test_who_knows_nothing_of_them_can_read_a_plan_that_has_some() -> None:
    """Members that a newer writer added are ignored: that is why the compiler's number stays."""
    packed = RecordedRequest("f", "s", {"x": RecordedArray("DT_FLOAT", (1,), "AAAAAA==")})
    document = replace(plan(), recorded=(packed,)).to_json()
    assert asdict(packed) == document.pop("recorded")[0]
    assert plan() == Plan.from_json(document)
