"""
FastAPI's home: the application of the server on one machine.

Lambda does without it. Importing FastAPI costs a quarter of a second, most of it for the
models of an OpenAPI document that is never made; `endpoint` is an ASGI application already.
"""

from collections.abc import Mapping

from fastapi import FastAPI

from modelserver.server import ModelServer

from .app import NO_PAGES, Page, endpoint


def create_app(server: ModelServer, pages: Mapping[str, Page] = NO_PAGES) -> FastAPI:
    """
    The application around `endpoint`.

    It has no routes, so that every request there can be comes to that, and no
    generated documentation, which would be empty.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.router.default = endpoint(server, pages)
    return app
