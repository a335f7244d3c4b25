"""
A Flask application around `tf.saved_model.load`, under gunicorn with threads.

    gunicorn --threads 8 bench.peers.flask_app:app

MODEL is the SavedModel's directory.
"""

import os
from typing import Any

import tensorflow as tf
from flask import Flask, request

app = Flask(__name__)
model = tf.saved_model.load(os.environ["MODEL"])
predict = model.signatures["serving_default"]
(INPUT,) = predict.structured_input_signature[1]


@app.post("/v1/models/sample:predict")
def answer() -> dict[str, Any]:
    given = tf.constant(request.json["instances"], tf.float32)
    (output,) = predict(**{INPUT: given}).values()
    return {"predictions": output.numpy().tolist()}
