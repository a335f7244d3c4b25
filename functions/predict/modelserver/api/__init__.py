"""
TensorFlow Serving's REST API: URLs, documents and status codes.

`app` is the ASGI application, the same under uvicorn and on Lambda.
"""
