"""
The SavedModels that are measured, made with full TensorFlow; weights are random.

    python -m bench.models DIRECTORY [NAME...]

small   the tutorial's: 784 floats, two dense layers, 1.6 MB of weights
image   224 x 224 x 3 floats, three convolutions
large   784 floats in front of 500 MB of weights, of which a request reads a part
1MB, 100MB, 1000MB   the same with so many
"""

import os
import sys
from pathlib import Path

SEED = 5
ROWS_PER_MB, WIDTH = 250, 1000
MEGABYTES = {"large": 500, "1MB": 1, "100MB": 100, "1000MB": 1000}


def make(directory: Path, name: str) -> None:
    """`directory/NAME/1`, unless it is there."""
    place = directory / name / "1"
    if place.exists():
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    keras.utils.set_random_seed(SEED)
    if name in MEGABYTES:
        _table(place, MEGABYTES[name])
    else:
        {"small": _small, "image": _image}[name](place)


def _small(place: Path) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(shape=(784,), name="x"),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.export(place, verbose=False)


def _image(place: Path) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(shape=(224, 224, 3), name="x"),
            layers.Conv2D(16, 3, strides=4, activation="relu"),
            layers.Conv2D(32, 3, strides=4, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.export(place, verbose=False)


def _table(place: Path, megabytes: int) -> None:
    import tensorflow as tf

    module, count = tf.Module(), megabytes * ROWS_PER_MB
    module.table = tf.Variable(tf.random.stateless_uniform((count, WIDTH), (SEED, 0)))

    def call(x: object) -> dict[str, object]:
        rows = tf.cast(tf.reduce_sum(x, axis=1), tf.int64) % count
        return {"y": tf.gather(module.table, rows)[:, :10]}

    signature = tf.function(call).get_concrete_function(x=tf.TensorSpec((None, 784), tf.float32))
    tf.saved_model.save(module, str(place), signatures={"serving_default": signature})


if __name__ == "__main__":
    for wanted in sys.argv[2:] or ("small", "image", "large"):
        make(Path(sys.argv[1]), wanted)
