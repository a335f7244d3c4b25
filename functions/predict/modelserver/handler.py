"""
Lambda's entry point: `modelserver.handler.handler`. Only wiring.

The order of the imports is that of the work. What is imported first and not used here
brings extension modules, which cannot be loaded beside TensorFlow's library: each would
wait for it, and everybody with it. Then the library, the registry and the models load in
threads while the web framework is imported.

Next to nothing of what a start makes becomes garbage: looking for it, then and at every
collection after it, is left out.
"""

# ruff: noqa: E402 - between the imports begins what they are beside

import gc

gc.disable()

import asyncio  # noqa: F401 - for its place in the order, like the next eight
import os
import queue  # noqa: F401
import ssl  # noqa: F401
import unicodedata  # noqa: F401
import xml.etree.ElementTree as ET  # noqa: F401
import zoneinfo  # noqa: F401

import numpy as np  # noqa: F401
import orjson  # noqa: F401
import simdjson  # noqa: F401

from .coldstart import ColdStart

_start = ColdStart(os.environ)
_start.begin()

from .function import PredictFunction

handler = PredictFunction(_start)
handler.prepare()
_start.finish()
gc.freeze()
gc.enable()
