"""A plan is read back equal, and what is none is noticed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.plan import Plan, RecordedArray, RecordedRequest, Signature, TensorSpec
from tests.fakes import plan

names = st.text(max_size=8)
shapes = st.lists(st.integers(-1, 9), max_size=3).map(tuple)
specs = st.builds(TensorSpec, names, st.sampled_from(["DT_FLOAT"]), st.none() | shapes)
signatures = st.builds(
    Signature,
    names,
    st.dictionaries(names, specs, max_size=2),
    st.dictionaries(names, specs, max_size=2),
    st.none() | st.dictionaries(names, shapes, max_size=2),
)
arrays = st.builds(RecordedArray, names, shapes, names | st.lists(names, max_size=2).map(tuple))
requests = st.builds(RecordedRequest, names, names, st.dictionaries(names, arrays, max_size=2))
plans = st.builds(
    Plan,
    compiler=st.integers(1, 9),
    tensorflow=names,
    tags=st.lists(names, max_size=2).map(tuple),
    signatures=st.dictionaries(names, signatures, max_size=2),
    signature_def=st.dictionaries(names, st.dictionaries(names, names), max_size=2),
    single_threaded_executor=st.booleans(),
    disk_bytes=st.integers(0),
    memory_bytes=st.integers(0),
    warnings=st.lists(names, max_size=2).map(tuple),
    recorded=st.lists(requests, max_size=2).map(tuple),
)


@given(plans)
def test_a_plan_is_read_back_equal(written: Plan) -> None:
    assert Plan.from_json(json.loads(json.dumps(written.to_json()))) == written


def test_what_a_newer_writer_added_is_ignored() -> None:
    document = plan().to_json()
    document["later"] = 1
    document["signatures"]["serving_default"]["later"] = 1
    assert Plan.from_json(document) == plan()


@pytest.mark.parametrize("member", sorted(plan().to_json().keys() - {"recorded"}))
def test_a_missing_member_is_noticed(member: str) -> None:
    document = plan().to_json()
    del document[member]
    with pytest.raises(KeyError, match=member):
        Plan.from_json(document)


@pytest.mark.parametrize(
    "change",
    [{"compiler": "x"}, {"signatures": []}, {"signatures": {"a": None}}, {"disk_bytes": None}],
)
def test_a_member_of_another_kind_is_noticed(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Plan.from_json({**plan().to_json(), **change})
