"""
A custom MLServer runtime around `tf.saved_model.load`; requests in the V2 inference protocol.

    mlserver start DIRECTORY

DIRECTORY has a model-settings.json that names `Sample`; MODEL is the SavedModel's directory.
"""

import os

import tensorflow as tf
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Sample(MLModel):  # type: ignore[misc] # MLServer is installed for measuring alone
    async def load(self) -> bool:
        self._model = tf.saved_model.load(os.environ["MODEL"])
        self._predict = self._model.signatures["serving_default"]
        (self._input,) = self._predict.structured_input_signature[1]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        (output,) = self._predict(**{self._input: tf.constant(given, tf.float32)}).values()
        answer = NumpyCodec.encode_output("predictions", output.numpy())
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=[answer])
