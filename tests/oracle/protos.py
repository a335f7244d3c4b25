"""
TensorProtos as TensorFlow writes them, with the values that it means by them.

    python -m tests.oracle.protos RESULT
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.oracle.cases import TEXTS, TYPES, Array
from tests.oracle.expected import array_type
from tests.oracle.values import recorded


def main(result: Path) -> None:
    arrays: dict[str, Array] = {**TYPES, "strings": TEXTS.reshape(2, 4)}
    protos = {}
    for name, array in arrays.items():
        protos[name] = tf.make_tensor_proto(array.tolist(), array_type(array), array.shape)
        protos[f"{name} as an array"] = tf.make_tensor_proto(array, array_type(array))
        # One value that stands for all, as tf.fill and older exporters have it.
        one = array.reshape(-1)[-1:]
        protos[f"{name} filled"] = tf.make_tensor_proto(one.tolist(), array_type(array), [3, 2])
    found = {
        name: [proto.SerializeToString().hex(), recorded({"x": _made(proto)})]
        for name, proto in protos.items()
    }
    result.write_text(json.dumps(found))


def _made(proto: object) -> Array:
    array = np.asarray(tf.make_ndarray(proto))
    return array.astype(object) if array.dtype.kind in "SO" else array


if __name__ == "__main__":
    main(Path(sys.argv[1]))
