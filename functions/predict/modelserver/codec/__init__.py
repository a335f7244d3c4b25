"""
Bodies to numpy arrays and back, as TensorFlow Serving's REST API has them.

    request   body → PredictBody → arrays        response   arrays → body
      numbers   all that has only numbers, quickly   printing   arrays → text
      rows      the `instances` format               decimals   many float32 at once
      tensors   nested lists → one array             literals   one value
      words     all that has only strings, quickly
    examples  body → ExamplesBody → array        results    arrays → body
              (classify and regress)                        (classify and regress)
      syntax    bytes → JSON, quickly
      rapidjson bytes → JSON, exactly            dtypes, excerpt: both directions

Knows no TensorFlow, no HTTP and no model: a signature's `TensorSpec`s are all it is told.
"""
