"""
Lambda's entry point: `modelserver.handler.handler`. Only wiring.

The order of the imports is that of the work: extension modules first, since they
cannot be loaded beside TensorFlow's library; then the library, the registry and the
models load in threads while the web framework is imported.
"""

import os
import ssl  # noqa: F401 - for its place in the order

import numpy as np  # noqa: F401 - likewise
import pydantic_core  # noqa: F401 - likewise

from .coldstart import ColdStart

_start = ColdStart(os.environ)
_start.begin()

from .function import PredictFunction  # noqa: E402 - beside what has begun

handler = PredictFunction(_start)
handler.prepare()
_start.finish()
