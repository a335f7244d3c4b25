"""
The ConfigProto of a session, written by hand: importing protobuf costs a cold start 60 ms.

Field numbers are those of `tensorflow/core/protobuf/config.proto`.
"""

from dataclasses import dataclass

_INTRA_OP_PARALLELISM_THREADS = 2
_INTER_OP_PARALLELISM_THREADS = 5
_ALLOW_SOFT_PLACEMENT = 7
_EXPERIMENTAL = 16
_EXPERIMENTAL_EXECUTOR_TYPE = 3


@dataclass(frozen=True)
class Threads:
    """
    How many threads TensorFlow may use. 0 leaves it to TensorFlow: one per core.

    `intra_op` threads share one operation. `inter_op` run operations side by side;
    -1 runs them all in the caller's thread. The first session of a process sets
    both for all later ones. 1,769 MB of Lambda memory are one vCPU.
    """

    intra_op: int = 0
    inter_op: int = 0


def session_config(threads: Threads, *, single_threaded_executor: bool) -> bytes:
    """
    A serialised ConfigProto.

    Soft placement is on: a graph that names a GPU was trained on one, and here
    its operations run on the CPU.
    """
    config = _integer(_INTRA_OP_PARALLELISM_THREADS, threads.intra_op)
    config += _integer(_INTER_OP_PARALLELISM_THREADS, threads.inter_op)
    config += _integer(_ALLOW_SOFT_PLACEMENT, 1)
    if single_threaded_executor:
        executor = _bytes(_EXPERIMENTAL_EXECUTOR_TYPE, b"SINGLE_THREADED_EXECUTOR")
        config += _bytes(_EXPERIMENTAL, executor)
    return config


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # an int32 below zero is written as 64 bits
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _integer(number: int, value: int) -> bytes:
    """A varint field; zero is the default and not written."""
    return _varint(number << 3) + _varint(value) if value else b""


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value
