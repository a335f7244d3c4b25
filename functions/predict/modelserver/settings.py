"""
What a server can be told, read once at the edge and typed.

Nothing below the entry points reads the environment or a command line.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from .errors import BadSetting
from .retries import ENDLESS, Retries
from .runtime.config import Threads

_T = TypeVar("_T")

MIB = 1024 * 1024
# As much Lambda memory makes one vCPU.
_MIB_PER_CPU = 1769
METRICS_PATH = "/monitoring/prometheus/metrics"
_SWITCH = {"true": True, "1": True, "false": False, "0": False}
# TensorFlow Serving inflates no more than this. As JSON values rows of one number each take
# 27 times as much, and a function that runs out of memory is killed.
_INFLATED = 100 * MIB
_INFLATED_SHARE = 64
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
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
    request may take. `max_body_bytes` may arrive, and what was gzip may become
    `max_inflated_bytes`. `memory_budget` bytes may stay loaded.

    `strict` makes errors of what TensorFlow Serving lets pass in silence, `cors` lets
    browsers ask from other sites, `check_method_names` holds classify and regress to
    signatures made for them. `warm_up` runs recorded requests `warm_up_iterations` times
    at each load. `retries` says when a load that failed is tried again.
    """

    alias_ttl: float = 1.0
    swap_wait: float = 0.0
    timeout: float = 30.0
    max_body_bytes: int = 100 * MIB
    max_inflated_bytes: int = _INFLATED
    memory_budget: int = field(default_factory=half_of_memory)
    threads: Threads = Threads()  # noqa: RUF009 - a frozen value
    strict: bool = False
    cors: bool = False
    check_method_names: bool = False
    warm_up: bool = True
    warm_up_iterations: int = 1
    retries: Retries = ENDLESS


@dataclass(frozen=True)
class LocalSettings:
    """
    What `deploy serve` takes; see `ServingSettings` for the units. 0 means automatic.

    `saved_model_tags` choose the graph of what is compiled here, because it has no plan.
    Metrics are at `metrics_path`, exactly; '' means that there are none.

    Where directories are served: every `file_system_poll_wait` seconds they are looked at,
    0 means once and a negative number never, and every `config_poll_wait` seconds their
    models.config is read again, 0 means never.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    alias_ttl: float = 1.0
    timeout: float = 30.0
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    max_body_bytes: int = 100 * MIB
    memory_budget: int = 0
    strict: bool = False
    cors: bool = False
    check_method_names: bool = False
    warm_up: bool = True
    warm_up_iterations: int = 1
    saved_model_tags: tuple[str, ...] = ("serve",)
    metrics_path: str = METRICS_PATH
    retries: Retries = ENDLESS
    file_system_poll_wait: float = 1.0
    config_poll_wait: float = 0.0

    def serving(self) -> ServingSettings:
        return ServingSettings(
            alias_ttl=self.alias_ttl,
            timeout=self.timeout,
            max_body_bytes=self.max_body_bytes,
            max_inflated_bytes=self.max_body_bytes,
            memory_budget=self.memory_budget or half_of_memory(),
            threads=Threads(self.intra_op_threads, self.inter_op_threads),
            strict=self.strict,
            cors=self.cors,
            check_method_names=self.check_method_names,
            warm_up=self.warm_up,
            warm_up_iterations=self.warm_up_iterations,
            retries=self.retries,
        )


@dataclass(frozen=True)
class LambdaSettings:
    """
    What the environment of the predict function says; see `ServingSettings` for the units.

    `models` are loaded in the init phase; none means every model that has an alias,
    as far as `memory_budget` goes. `cache` bytes in `cache_directory` may hold downloaded
    versions. `memory` is the function's, in bytes.
    """

    registry_url: str
    models: tuple[str, ...] = ()
    alias_ttl: float = 1.0
    swap_wait: float = 5.0
    timeout: float = 29.0
    max_body_bytes: int = 6 * MIB
    memory: int = field(default_factory=lambda: 2 * half_of_memory())
    memory_budget: int = 0
    cache: int = 400 * MIB
    cache_directory: Path = Path("/tmp/artifacts")  # noqa: S108 - all that a function may write to
    log_level: str = "INFO"
    service: str = "predict"
    namespace: str = "LambdaServing"
    tracing: bool = False
    strict: bool = False
    cors: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "LambdaSettings":
        """
        Read the variables; one that is empty counts as not set.

        Raises BadSetting, naming the variable and its value.
        """

        def read(name: str, default: _T, parse: Callable[[str], _T], must: str) -> _T:
            text = environment.get(name, "").strip()
            if not text:
                return default
            try:
                return parse(text)
            except ValueError:
                raise BadSetting(f"{name} is {text!r}, it must be {must}") from None

        url = read("REGISTRY_URL", "", str, "")
        if not url:
            raise BadSetting("REGISTRY_URL is not set, it must be s3://BUCKET/PREFIX?table=TABLE")
        seconds, some_seconds = "a number of seconds, 0 or more", "a number of seconds above 0"
        megabytes = "a number of megabytes above 0"
        memory = read("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 2 * half_of_memory(), _mebibytes, "MB")
        return cls(
            registry_url=url,
            models=read("MODELS", (), _names, "names separated by commas"),
            alias_ttl=read("ALIAS_TTL", cls.alias_ttl, _seconds, seconds),
            swap_wait=read("SWAP_WAIT", cls.swap_wait, _seconds, seconds),
            timeout=read("REQUEST_TIMEOUT", cls.timeout, _some_seconds, some_seconds),
            max_body_bytes=read(
                "MAX_BODY_BYTES", cls.max_body_bytes, _positive, "a number of bytes above 0"
            ),
            memory=memory,
            memory_budget=read("MEMORY_BUDGET_MB", memory // 2, _mebibytes, megabytes),
            cache=read("CACHE_MB", cls.cache, _mebibytes, megabytes),
            cache_directory=Path(environment.get("TMPDIR") or "/tmp", "artifacts"),  # noqa: S108
            log_level=read("LOG_LEVEL", cls.log_level, _level, f"one of {', '.join(_LOG_LEVELS)}"),
            service=read("POWERTOOLS_SERVICE_NAME", cls.service, str, ""),
            namespace=read("POWERTOOLS_METRICS_NAMESPACE", cls.namespace, str, ""),
            tracing=_traces(environment),
            strict=read("STRICT", cls.strict, _switch, "true or false"),
            cors=read("CORS", cls.cors, _switch, "true or false"),
        )

    def serving(self) -> ServingSettings:
        cpus = max(1, round(self.memory / (_MIB_PER_CPU * MIB)))
        return ServingSettings(
            alias_ttl=self.alias_ttl,
            swap_wait=self.swap_wait,
            timeout=self.timeout,
            max_body_bytes=self.max_body_bytes,
            max_inflated_bytes=min(_INFLATED, self.memory // _INFLATED_SHARE),
            memory_budget=self.memory_budget or self.memory // 2,
            threads=Threads(cpus, cpus),
            strict=self.strict,
            cors=self.cors,
        )


def _traces(environment: Mapping[str, str]) -> bool:
    """As Powertools decides it: there is somebody to send traces to on Lambda alone."""
    off = environment.get("POWERTOOLS_TRACE_DISABLED", "").strip().lower()
    on_lambda = "LAMBDA_TASK_ROOT" in environment and "AWS_SAM_LOCAL" not in environment
    return on_lambda and off not in {"1", "true", "t", "yes", "y", "on"}


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip(" ,"))))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError
    return seconds


def _some_seconds(text: str) -> float:
    if not (seconds := _seconds(text)):
        raise ValueError
    return seconds


def _positive(text: str) -> int:
    if (number := int(text)) <= 0:
        raise ValueError
    return number


def _mebibytes(text: str) -> int:
    return _positive(text) * MIB


def _switch(text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise ValueError
    return _SWITCH[text.lower()]


def _level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise ValueError
    return text.upper()
