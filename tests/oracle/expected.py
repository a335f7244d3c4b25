"""
What TensorFlow itself answers to the cases.

    python -m tests.oracle.expected ROOT THREADS RESULT

Makes the SavedModels under ROOT if it is empty. A process has one pool of intra-op
threads: for another number of them, run it again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.oracle.cases import CASES
from tests.oracle.graphs import save_all
from tests.oracle.values import Array, Value, recorded


def main(root: Path, threads: int, result: Path) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    if not root.exists():
        save_all(root)
    result.write_text(json.dumps({name: _answers(root / name, name) for name in CASES}))


def _answers(directory: Path, name: str) -> list[dict[str, Value]]:
    model = tf.saved_model.load(str(directory))
    answers = []
    for signature, inputs in CASES[name]:
        tensors = {
            key: tf.constant(_value(array), array_type(array)) for key, array in inputs.items()
        }
        outputs = model.signatures[signature](**tensors)
        answers.append(recorded({key: _array(tensor) for key, tensor in outputs.items()}))
    return answers


def array_type(array: Array) -> object:
    return tf.string if array.dtype == object else tf.as_dtype(array.dtype)


def _value(array: Array) -> object:
    """An empty array of strings goes as `S1`: of an empty object array TensorFlow makes floats."""
    return (
        array
        if array.size
        else np.empty(array.shape, "S1" if array.dtype == object else array.dtype)
    )


def _array(tensor: object) -> Array:
    array = np.asarray(tensor.numpy())  # type: ignore[attr-defined]  # a tf.Tensor, which mypy does not see
    return array.astype(object) if array.dtype.kind == "S" else array


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
