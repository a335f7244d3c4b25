"""
JSON alone: a body to arrays, and arrays to a body, beside `json` and numpy.

Floats of 6 digits are float32 that were rounded, those of 17 are doubles. Strings are words,
integers have 64 bits.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from modelregistry.plan import TensorSpec
from modelserver.codec.request import PredictBody
from modelserver.codec.response import encode_predict

from .processes import CORE
from .report import Row

IN, OUT = 0.12, 0.06
SHAPES = ((1, 784), (1, 224, 224, 3))
Array = np.ndarray[Any, np.dtype[Any]]


def rows(quick: bool) -> list[Row]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CORE})
    try:
        return [
            row
            for shape in SHAPES
            for kind, (dtype, values) in _kinds(shape).items()
            for row in _both(f"{values.size:,} {kind}", dtype, values, 3 if quick else 25)
        ]
    finally:
        os.sched_setaffinity(0, before)


def _kinds(shape: tuple[int, ...]) -> dict[str, tuple[str, Array]]:
    random = np.random.default_rng(5)
    floats = random.random(shape, np.float32)
    words = np.array([f"word {number}".encode() for number in range(floats.size)], object)
    return {
        "floats of 6 digits": ("DT_FLOAT", np.round(floats, 6)),
        "floats of 17 digits": ("DT_DOUBLE", random.random(shape)),
        "integers": ("DT_INT64", random.integers(-(2**63), 2**63 - 1, shape)),
        "strings": ("DT_STRING", words.reshape(shape)),
    }


def _both(what: str, dtype: str, values: Array, rounds: int) -> list[Row]:
    specs = {"x": TensorSpec("x:0", dtype, None)}
    strings = dtype == "DT_STRING"
    # float32 as doubles of six digits, which is how somebody writes them who rounds.
    plain = np.round(values.astype(np.float64), 6) if dtype == "DT_FLOAT" else values
    body = json.dumps({"instances": _texts(plain)}).encode()

    def read() -> Array:
        return PredictBody.parse(body).inputs(specs).arrays["x"]

    def read_plainly() -> Array:
        found = json.loads(body)["instances"]
        return np.array(found, object if strings else values.dtype)

    def write() -> bytes:
        return encode_predict({"x": values}, specs, row=True)

    def write_plainly() -> bytes:
        return json.dumps({"predictions": _texts(plain)}).encode()

    if not strings and not np.array_equal(read(), read_plainly()):
        raise SystemExit(f"{what} are read differently: nothing is measured")
    if not np.array_equal(_read_back(write(), values), _read_back(write_plainly(), values)):
        raise SystemExit(f"{what} are written differently: nothing is measured")
    return [
        Row(f"JSON in, {what}", "ms", "json and numpy", *_in_turn(read, read_plainly, rounds), IN),
        Row(f"JSON out, {what}", "ms", "json", *_in_turn(write, write_plainly, rounds), OUT),
    ]


def _in_turn(
    here: Callable[[], object], plainly: Callable[[], object], rounds: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    ways = here, plainly
    samples: tuple[list[float], list[float]] = [], []
    for _ in range(rounds + 1):  # one more before, which fills the caches
        for way, found in zip(ways, samples, strict=True):
            began = time.perf_counter()
            way()
            found.append(time.perf_counter() - began)
    return tuple(samples[0][1:]), tuple(samples[1][1:])


def _texts(values: Array) -> Any:  # noqa: ANN401 - nested lists
    if values.dtype != object:
        return values.tolist()
    return np.array([text.decode() for text in values.flat], object).reshape(values.shape).tolist()


def _read_back(body: bytes, values: Array) -> Array:
    return np.array(json.loads(body)["predictions"]).astype(values.dtype)
