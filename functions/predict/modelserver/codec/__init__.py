"""
Predict bodies to numpy arrays and back, as TensorFlow Serving's REST API has them.

    request   body → PredictBody → arrays        response   arrays → body
      rows      the `instances` format             literals   how one value is written
      tensors   nested lists → one array
      syntax    bytes → JSON, quickly
      rapidjson bytes → JSON, exactly            dtypes, excerpt: both directions

Knows no TensorFlow, no HTTP and no model: a signature's `TensorSpec`s are all it is told.
"""
