"""
The handler that everyone writes: FastAPI under Mangum, a pydantic body, `tf.saved_model.load`.

MODEL is the SavedModel's directory, in the image beside the code.
"""

import os
from typing import Any

import tensorflow as tf
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()
model = tf.saved_model.load(os.environ["MODEL"])
predict = model.signatures["serving_default"]
(INPUT,) = predict.structured_input_signature[1]


class Body(BaseModel):
    instances: list[Any]


@app.post("/v1/models/sample:predict")
def answer(body: Body) -> dict[str, Any]:
    given = tf.constant(body.instances, tf.float32)
    (output,) = predict(**{INPUT: given}).values()
    return {"predictions": output.numpy().tolist()}


handler = Mangum(app, lifespan="off")
