"""
Requests that somebody recorded to warm a model up: from its files into the plan.

    assets.extra/tf_serving_warmup_requests   TensorFlow Serving's: PredictionLogs in a TFRecord
    assets.extra/warmup.jsonl                 one body of the REST API a line

requests   one of them, as arrays; and how it lies in a plan
files      both files, read one request after the other
  bodies     a body of the REST API
  logs       a PredictionLog         records   TFRecord's frames
  protos     its message types       tensors   TensorProto to array and back
recorder   adding to the files

A server needs `requests` alone: the rest is for publishing and for `deploy warmup record`.
"""
