"""
A BentoML service around `tf.saved_model.load`.

    bentoml serve bench.peers.bentoml_service:Sample

MODEL is the SavedModel's directory.
"""

import os
from typing import Any

import bentoml
import numpy as np
import tensorflow as tf


@bentoml.service(logging={"access": {"enabled": False}})
class Sample:
    def __init__(self) -> None:
        self._model = tf.saved_model.load(os.environ["MODEL"])
        self._predict = self._model.signatures["serving_default"]
        (self._input,) = self._predict.structured_input_signature[1]

    @bentoml.api(route="/v1/models/sample:predict")  # type: ignore[untyped-decorator] # for measuring alone
    def predict(self, instances: np.ndarray) -> dict[str, Any]:
        (output,) = self._predict(**{self._input: tf.constant(instances, tf.float32)}).values()
        return {"predictions": output.numpy().tolist()}
