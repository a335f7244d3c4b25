"""Classes, scores and values as bodies."""

import numpy as np
import pytest

from modelregistry.plan import TensorSpec
from modelserver.codec.dtypes import Array
from modelserver.codec.results import encode_classes, encode_values
from modelserver.errors import InvalidRequest

SPECS = {
    "classes": TensorSpec("c:0", "DT_STRING", None),
    "scores": TensorSpec("s:0", "DT_FLOAT", None),
}
VALUES = TensorSpec("o:0", "DT_FLOAT", None)


def labels(*rows: list[bytes]) -> Array:
    array = np.empty((len(rows), len(rows[0])), object)
    array[:] = rows
    return array


def floats(values: object) -> Array:
    return np.array(values, np.float32)


def classes(outputs: dict[str, Array], examples: int) -> str:
    return encode_classes(outputs, SPECS, examples).decode()


def test_labels_and_scores_come_in_pairs() -> None:
    outputs = {
        "classes": labels([b"car", b"bus"], [b'"', "größe".encode()]),
        "scores": floats([[0.2, 1], [np.nan, -np.inf]]),
    }
    expected = '{"results":[[["car",0.2],["bus",1.0]],[["\\"",NaN],["größe",-Infinity]]]}'
    assert expected == classes(outputs, 2)


def test_what_a_signature_does_not_compute_is_empty_or_nought() -> None:
    assert '{"results":[[["a",0.0]]]}' == classes({"classes": labels([b"a"])}, 1)
    assert '{"results":[[["",0.5],["",1.0]]]}' == classes({"scores": floats([[0.5, 1]])}, 1)


def test_no_classes_are_an_empty_list_for_each_example() -> None:
    assert '{"results":[[],[]]}' == classes({"scores": floats(np.zeros((2, 0)))}, 2)


def test_a_label_that_is_no_text_is_base64() -> None:
    assert '{"results":[[[{"b64":"/w=="},0.0]]]}' == classes({"classes": labels([b"\xff"])}, 1)


@pytest.mark.parametrize(
    ("outputs", "error"),
    [
        (
            {"scores": floats([1.0])},
            "Expected Tensor shape: [batch_size num_classes] but got [1]",
        ),
        ({"scores": floats([[1.0]])}, "Expected scores output batch size of 2. Got: 1"),
        (
            {"classes": labels([b"a"], [b"b"]), "scores": floats([[1, 2], [3, 4]])},
            "Tensors class and score should match in dim_size(1). Got 1 vs. 2",
        ),
    ],
)
def test_what_are_no_classes_of_the_examples_is_refused(
    outputs: dict[str, Array], error: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        classes(outputs, 2)
    assert error == str(caught.value)


@pytest.mark.parametrize("name", ["classes", "scores"])
def test_classes_and_scores_are_of_their_types(name: str) -> None:
    spec = TensorSpec("t:0", "DT_DOUBLE", None)
    with pytest.raises(InvalidRequest) as caught:
        encode_classes({name: np.zeros((1, 1))}, {name: spec}, 1)
    expected = SPECS[name].dtype
    assert f"Expected {name} Tensor of {expected}. Got: DT_DOUBLE" == str(caught.value)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_values_are_a_vector_or_a_column(shape: tuple[int, ...]) -> None:
    values = floats([0.1, 1e-5, np.inf]).reshape(shape)
    assert b'{"results":[0.1,1e-05,Infinity]}' == encode_values(values, VALUES, 3)


@pytest.mark.parametrize(
    ("shape", "dtype", "error"),
    [
        ((), "DT_FLOAT", "Expected output Tensor shape to be either [batch_size] or [batch_size,"),
        ((2, 2), "DT_FLOAT", "Expected output Tensor shape to be either [batch_size] or [batch_s"),
        ((1,), "DT_FLOAT", "Input batch size did not match output batch size: 2 vs. 1"),
        ((2,), "DT_INT64", "Expected output Tensor of DT_FLOAT.  Got: DT_INT64"),
    ],
)
def test_what_are_no_values_of_the_examples_is_refused(
    shape: tuple[int, ...], dtype: str, error: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode_values(floats(np.zeros(shape)), TensorSpec("o:0", dtype, None), 2)
    assert error == str(caught.value)[: len(error)]
