"""
The graphs that the rules are about, as SavedModels.

    python -m tests.conformance.graphs ROOT

Full TensorFlow makes them, in a process of its own. Each signature is as small as its rule allows.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

v1 = tf.compat.v1
Tensor = Any
Signature = tuple[Mapping[str, Tensor], Mapping[str, Tensor], str]  # inputs, outputs, method

PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{m}" for m in ("predict", "classify", "regress"))
KINDS = (
    *("float", "double", "half", "bfloat16", "bool", "string", "complex64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)


def line(version: int) -> Callable[[], Mapping[str, Signature]]:
    """`y = 3 x + version`; the declared shape is [-1, 1]."""

    def build() -> Mapping[str, Signature]:
        x = v1.placeholder(tf.float32, [None, 1], "x")
        w = v1.get_variable("w", initializer=3.0, use_resource=True)
        return {"serving_default": ({"x": x}, {"y": x * w + float(version)}, PREDICT)}

    return build


def kinds() -> Mapping[str, Signature]:
    """A signature for each dtype, whose output is its input."""
    signatures: dict[str, Signature] = {}
    for name in KINDS:
        dtype = tf.as_dtype({"float": "float32", "double": "float64"}.get(name, name))
        x = v1.placeholder(dtype, None, f"{name}_in")
        signatures[name] = {"x": x}, {"y": tf.identity(x, f"{name}_out")}, PREDICT
    text, number = v1.placeholder(tf.string, None, "text"), v1.placeholder(tf.int32, None, "number")
    signatures["raw"] = {"x": text}, {"y_bytes": tf.identity(text)}, PREDICT
    signatures["mixed"] = (
        {"text": text, "number": number},
        {"text": tf.identity(text), "raw_bytes": tf.identity(text), "n_bytes": number + 0},
        PREDICT,
    )
    return signatures


def pair() -> Mapping[str, Signature]:
    """Two inputs, and outputs of every kind of shape."""
    a, b = v1.placeholder(tf.float32, None, "a"), v1.placeholder(tf.int32, None, "b")
    inputs = {"a": a, "b": b}
    both = {"sum": a + tf.cast(b, tf.float32), "twice": b * 2}
    total = tf.reduce_sum(a)
    return {
        "serving_default": (inputs, both, PREDICT),
        "total": (inputs, {"total": total + tf.cast(tf.reduce_sum(b), tf.float32)}, PREDICT),
        "uneven": (inputs, {"once": a + 0, "thrice": tf.concat([b, b, b], 0)}, PREDICT),
        "nothing": ({}, {"constant": tf.constant([7.0]) + 0}, PREDICT),
    }


def matrix() -> Mapping[str, Signature]:
    """Needs a batch dimension, and says so itself."""
    x = v1.placeholder(tf.float32, [None, 2], "x")
    w = tf.constant([[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]])
    return {"serving_default": ({"x": x}, {"y": tf.matmul(x, w, name="product")}, PREDICT)}


def trees() -> Mapping[str, Signature]:
    """
    From tf.Examples: `height` (float) is required, `rings` (int64) is 0 and `kind` (string)
    is `oak` unless given. The score is `height / 4 + rings`.
    """
    examples = v1.placeholder(tf.string, [None], "examples")
    features = tf.io.parse_example(
        examples,
        {
            "height": tf.io.FixedLenFeature([1], tf.float32),
            "rings": tf.io.FixedLenFeature([1], tf.int64, [0]),
            "kind": tf.io.FixedLenFeature([1], tf.string, ["oak"]),
        },
    )
    score = features["height"] / 4 + tf.cast(features["rings"], tf.float32)
    scores, labels = tf.concat([score, -score], 1), tf.concat([features["kind"]] * 2, 1)
    inputs = {"inputs": examples}
    return {
        "serving_default": ({"examples": examples}, {"score": score}, PREDICT),
        "classify": (inputs, {"classes": labels, "scores": scores}, CLASSIFY),
        "scores": (inputs, {"scores": scores}, CLASSIFY),
        "labels": (inputs, {"classes": labels}, CLASSIFY),
        "regress": (inputs, {"outputs": score}, REGRESS),
        "flat": (inputs, {"outputs": tf.reshape(score, [-1])}, REGRESS),
        "untyped": (inputs, {"outputs": score}, PREDICT),
        "untyped_classes": (inputs, {"scores": scores}, PREDICT),
        "misnamed": ({"examples": examples}, {"outputs": score}, REGRESS),
        "misnamed_classes": ({"examples": examples}, {"scores": scores}, CLASSIFY),
        "wide": (inputs, {"outputs": scores}, REGRESS),
        "whole": (inputs, {"outputs": features["rings"] + 0}, REGRESS),
        "other": (inputs, {"score": score}, REGRESS),
        "other_classes": (inputs, {"classes": labels, "other": scores}, CLASSIFY),
        "whole_scores": (inputs, {"scores": features["rings"] + 0}, CLASSIFY),
        "row_scores": (inputs, {"scores": tf.reshape(score, [-1])}, CLASSIFY),
    }


def counter() -> Mapping[str, Signature]:
    """A variable that requests change."""
    by = v1.placeholder(tf.int64, [], "by")
    count = v1.get_variable("count", initializer=tf.constant(0, tf.int64), use_resource=True)
    return {"serving_default": ({"by": by}, {"count": count.assign_add(by).read_value()}, PREDICT)}


def loop() -> Mapping[str, Signature]:
    """Takes longer the greater `n` is; a million is some seconds."""
    n = v1.placeholder(tf.int64, [], "n")
    done = tf.while_loop(lambda i: i < n, lambda i: [i + 1], [tf.constant(0, tf.int64)])[0]
    return {"serving_default": ({"n": n}, {"done": done}, PREDICT)}


BUILDERS: dict[str, Callable[[], Mapping[str, Signature]]] = {
    "line-1": line(1), "line-2": line(2), "line-3": line(3),
    "kinds": kinds, "pair": pair, "matrix": matrix, "trees": trees,
    "counter": counter, "loop": loop,
}  # fmt: skip


def save(directory: Path, build: Callable[[], Mapping[str, Signature]]) -> None:
    info, definition = v1.saved_model.build_tensor_info, v1.saved_model.build_signature_def
    with tf.Graph().as_default(), v1.Session() as session:
        signatures = {
            name: definition(
                {key: info(tensor) for key, tensor in inputs.items()},
                {key: info(tensor) for key, tensor in outputs.items()},
                method,
            )
            for name, (inputs, outputs, method) in build().items()
        }
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
        builder.save()


def save_all(root: Path) -> None:
    """Each graph as a SavedModel in a directory of its name under `root`."""
    for name, build in BUILDERS.items():
        save(root / name, build)


if __name__ == "__main__":
    save_all(Path(sys.argv[1]))
