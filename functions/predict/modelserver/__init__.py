"""
The predict server: TensorFlow's C library behind TensorFlow Serving's REST API.

The same app answers under uvicorn (`deploy serve`) and on Lambda.
"""
