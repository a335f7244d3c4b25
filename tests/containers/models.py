"""
Models that answer differently, made with full TensorFlow.

    python -m tests.containers.models ROOT

Version N of `sample` answers half of x plus N; `later` has the one to publish later. `broken`
shares no file with them: a container keeps what it downloaded by digest. Only child
processes import this.
"""

import sys
from pathlib import Path

import tensorflow as tf


def save(directory: Path, more: float) -> None:
    module = tf.Module()
    module.half, module.more = tf.Variable(0.5), tf.Variable(more)

    def call(x: object) -> dict[str, object]:
        return {"y": module.half * x + module.more}

    signature = tf.function(call).get_concrete_function(x=tf.TensorSpec((None, 1), tf.float32))
    tf.saved_model.save(module, str(directory), signatures={"serving_default": signature})


if __name__ == "__main__":
    root = Path(sys.argv[1])
    save(root / "sample" / "1", 1.0)
    save(root / "sample" / "2", 2.0)
    save(root / "later" / "3", 3.0)
    save(root / "broken" / "1", 9.0)
