"""
TensorFlow Serving's REST API: URLs, documents and status codes.

`app` has the ASGI application that Lambda runs; `web` puts it into FastAPI for uvicorn.
"""
