"""
What is asked of each graph in `graphs.py`, in order: a signature and its inputs.

numpy only, so that both sides of a comparison can import it: TensorFlow's and ours.
"""

from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Call = tuple[str, dict[str, Array]]

DEFAULT = "serving_default"

# Bit patterns that a careless copy or a detour through float64 would change.
_SPECIAL = [0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 1e-40, 6e-8]

TYPES: dict[str, Array] = {
    "float32": np.array(_SPECIAL, np.float32),
    "float64": np.array([*_SPECIAL, 5e-324, 1 / 3], np.float64),
    "float16": np.array(_SPECIAL, np.float16),
    "bfloat16": np.array(_SPECIAL, ml_dtypes.bfloat16),
    "int8": np.array([-128, 0, 127], np.int8),
    "int16": np.array([-(2**15), 0, 2**15 - 1], np.int16),
    "int32": np.array([-(2**31), 0, 2**31 - 1], np.int32),
    "int64": np.array([-(2**63), 0, 2**53 + 1], np.int64),
    "uint8": np.array([0, 255], np.uint8),
    "uint16": np.array([0, 2**16 - 1], np.uint16),
    "uint32": np.array([0, 2**32 - 1], np.uint32),
    "uint64": np.array([0, 2**64 - 1], np.uint64),
    "bool": np.array([True, False]),
    "complex64": np.array([1 - 2j, -0.0j], np.complex64),
    "complex128": np.array([1 / 3 - 2j], np.complex128),
}


def strings(*values: bytes) -> Array:
    """A vector of a string tensor's elements."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


# Around 22 bytes a string moves from inside its tensor to the heap.
TEXTS = strings(
    b"", b"a", b"x" * 22, b"y" * 23, b"\0in\0side\0", b"\xff\xfe", "Zürich".encode(), b"z" * 100_000
)


def _random(*shape: int) -> Array:
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


CASES: dict[str, list[Call]] = {
    "half_plus_two": [
        (DEFAULT, {"x": np.array([[1.0], [2.0], [5.0]], np.float32)}),
        (DEFAULT, {"x": np.empty((0, 1), np.float32)}),
    ],
    "two_inputs": [
        (DEFAULT, {"a": np.array([[1, 2, 3], [4, 5, 6]], np.int32), "b": np.array([0.1, -0.0, 7])}),
        (DEFAULT, {"b": np.array([np.nan, 1e300, 3]), "a": np.array([[7, 8, 9]], np.int32)}),
    ],
    "signatures": [
        (DEFAULT, {"x": np.array(3, np.float32)}),
        ("doubled", {"value": np.array([1, 2**40], np.int64)}),
        ("constant", {}),
    ],
    "types": [(DEFAULT, TYPES)],
    "ranks": [
        (DEFAULT, {f"rank_{rank}": _random(*range(2, 2 + rank)) for rank in range(5)}),
        # Neither contiguous nor writable: views as a codec may hand them over.
        (DEFAULT, {f"rank_{rank}": _random(*range(2, 2 + rank)).T for rank in range(5)}),
    ],
    "strings": [
        (DEFAULT, {"text": TEXTS}),
        (DEFAULT, {"text": TEXTS.reshape(2, 4).T}),
        (DEFAULT, {"text": np.array(b"alone", object)}),
        (DEFAULT, {"text": np.empty((0, 3), object)}),
    ],
    "lookup_table": [(DEFAULT, {"word": strings(b"cat", b"dog", b"unheard of", b"")})],
    "tf1_variables": [(DEFAULT, {"x": _random(4, 3)})],
    "tf1_loop": [(DEFAULT, {"x": np.array(5, np.int32)})],
    "conv": [
        (DEFAULT, {"image": _random(3, 32, 32, 3)}),
        (DEFAULT, {"image": _random(1, 32, 32, 3)}),
    ],
    "dense": [(DEFAULT, {"x": _random(256, 784)}), (DEFAULT, {"x": _random(1, 784)})],
    "unknown_rank": [(DEFAULT, {"x": _random(2, 3)}), (DEFAULT, {"x": _random()})],
    "parse_example": [
        (DEFAULT, {"example": strings(b"\n\x0f\n\r\n\x01x\x12\x08\x12\x06\n\x04\0\0\x80?")})
    ],
    "examples": [
        (DEFAULT, {"inputs": strings(b"\n\x0f\n\r\n\x01x\x12\x08\x12\x06\n\x04\0\0\x80?")}),
    ],
    "counter": [("increment", {"by": np.array(n, np.int64)}) for n in (1, 10, -3)],
    # A graph that keeps what it was fed: the strings must outlive the call.
    "memory": [
        ("remember", {"text": TEXTS}),
        ("recall", {}),
        ("remember", {"text": strings(b"n" * 5000)}),
        ("recall", {}),
    ],
}
