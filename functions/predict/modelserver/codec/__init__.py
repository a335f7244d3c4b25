"""
Bodies to numpy arrays and back, as TensorFlow Serving's REST API has them.

    request   body → PredictBody → arrays        response   arrays → body
      rows      the `instances` format             literals   how one value is written
      tensors   nested lists → one array
    examples  body → ExamplesBody → array        results    arrays → body
              (classify and regress)                        (classify and regress)
      syntax    bytes → JSON, quickly
      rapidjson bytes → JSON, exactly            dtypes, excerpt: both directions

Knows no TensorFlow, no HTTP and no model: a signature's `TensorSpec`s are all it is told.
"""
