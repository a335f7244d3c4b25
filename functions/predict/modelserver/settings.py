"""
What a server can be told, read once at the edge and typed.

Nothing below the entry points reads the environment or a command line.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .runtime.config import Threads

MIB = 1024 * 1024
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def half_of_memory() -> int:
    """Half of the memory that this process may use, in bytes: a container's, or the machine's."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no cgroup, or `max`
        memory = min(memory, int(_CGROUP_LIMIT.read_text("ascii")))
    return memory // 2


@dataclass(frozen=True)
class ServingSettings:
    """
    `alias_ttl` seconds may pass between two looks at the alias table.

    `swap_wait` seconds a request that sees a new revision waits for its versions
    to load; 0 where a background thread can be relied on. `timeout` seconds a
    request may take. `memory_budget` bytes may stay loaded.
    """

    alias_ttl: float = 1.0
    swap_wait: float = 0.0
    timeout: float = 30.0
    max_body_bytes: int = 100 * MIB
    memory_budget: int = field(default_factory=half_of_memory)
    threads: Threads = Threads()  # noqa: RUF009 - a frozen value


@dataclass(frozen=True)
class LocalSettings:
    """What `deploy serve` takes; see `ServingSettings` for the units. 0 means automatic."""

    host: str = "127.0.0.1"
    port: int = 8501
    alias_ttl: float = 1.0
    timeout: float = 30.0
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    max_body_bytes: int = 100 * MIB
    memory_budget: int = 0

    def serving(self) -> ServingSettings:
        return ServingSettings(
            alias_ttl=self.alias_ttl,
            timeout=self.timeout,
            max_body_bytes=self.max_body_bytes,
            memory_budget=self.memory_budget or half_of_memory(),
            threads=Threads(self.intra_op_threads, self.inter_op_threads),
        )
