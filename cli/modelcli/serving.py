"""`serve`: answer requests here, told so in the words of `tensorflow_model_server`."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from modelregistry.configuration import ModelConfig
from modelregistry.errors import InvalidInput, Unavailable
from modelregistry.names import model_name as model_name_of

from . import options, output
from . import serveoptions as opt
from .command import words_of
from .failures import extra_for
from .session import flag_of, session_of

if TYPE_CHECKING:
    from modelserver.retries import Retries

    from .flags import Words

_MIB = 1024 * 1024
# Flags that say more of others, which are not there.
_WITH_A_FILE: tuple[str, ...] = ("model_name", "model_base_path")
_WITH_A_PATH: tuple[str, ...] = ("model_config_file_poll_wait_seconds",)
_WITHOUT_DIRECTORIES: tuple[str, ...] = (
    "model_name",
    "model_config_file_poll_wait_seconds",
    "file_system_poll_wait_seconds",
)
_IN_PLACE = (
    "directories are served in place: what lies there and models.config decide which version"
    " answers, and deploy promote does not apply"
)


def serve(
    context: typer.Context,
    *,
    rest_api_port: opt.RestApiPort = 8501,
    model_name: opt.ModelName = "default",
    model_base_path: opt.ModelBasePath = "",
    model_config_file: opt.ModelConfigFile = "",
    model_config_file_poll_wait_seconds: opt.ModelConfigFilePoll = 0,
    file_system_poll_wait_seconds: opt.FileSystemPoll = 1,
    allow_version_labels_for_unavailable_models: opt.UnavailableLabels = "true",
    rest_api_timeout_in_ms: opt.Timeout = 30_000,
    rest_api_enable_cors_support: opt.Cors = "false",
    saved_model_tags: opt.Tags = "serve",
    enable_model_warmup: opt.WarmUp = "true",
    num_request_iterations_for_warmup: opt.WarmUpIterations = 0,
    max_num_load_retries: opt.LoadRetries = None,
    load_retry_interval_micros: opt.LoadRetryInterval = None,
    tensorflow_session_parallelism: opt.SessionThreads = 0,
    tensorflow_intra_op_parallelism: opt.IntraThreads = 0,
    tensorflow_inter_op_parallelism: opt.InterThreads = 0,
    monitoring_config_file: opt.MonitoringConfigFile = "",
    enable_signature_method_name_check: opt.MethodNames = "false",
    version: opt.Version = "false",
    host: opt.Host = "127.0.0.1",
    alias_ttl: opt.AliasTtl = 1.0,
    max_body_bytes: opt.MaxBodyBytes = 100 * _MIB,
    memory_budget: opt.MemoryBudget = 0,
    strict: opt.Strict = "false",
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Answer TensorFlow Serving's REST API on this machine.

    Every flag of tensorflow_model_server is understood, as it spells them
    (--rest_api_port=9000) and with hyphens; docs/flags.md says what becomes of each.
    A BOOL is true by itself: --strict, --strict=false.

    What is served is a registry, where a flip of an alias is followed without a restart;
    or, with --model-base-path or --model-config-file, version directories in place.
    """
    if version == "true":
        _print_versions()
        return
    source = _directories(model_name, model_base_path, model_config_file)
    if source and (named := flag_of(context)):
        raise InvalidInput(
            f"directories are served in place of a registry, and{named} names one",
            hint="leave out one of the two",
        )
    for warning in _warnings(words_of(context), source):
        output.warning(warning)
    if allow_version_labels_for_unavailable_models == "false":
        output.warning("a label may always name a version that is not there yet")
    threads = _threads(
        tensorflow_session_parallelism,
        tensorflow_intra_op_parallelism,
        tensorflow_inter_op_parallelism,
    )
    url = None if source else _registry_url(context, registry, stack)
    with extra_for("serving"):
        from modelserver import local  # noqa: PLC0415 - imports TensorFlow
        from modelserver.settings import LocalSettings  # noqa: PLC0415
    metrics_path = _metrics_path(monitoring_config_file, LocalSettings.metrics_path)
    settings = LocalSettings(
        host=host,
        port=rest_api_port,
        alias_ttl=alias_ttl,
        timeout=rest_api_timeout_in_ms / 1000 if rest_api_timeout_in_ms > 0 else math.inf,
        intra_op_threads=threads[0],
        inter_op_threads=threads[1],
        max_body_bytes=max_body_bytes,
        memory_budget=memory_budget,
        strict=strict == "true",
        cors=rest_api_enable_cors_support == "true",
        check_method_names=enable_signature_method_name_check == "true",
        warm_up=enable_model_warmup == "true",
        warm_up_iterations=num_request_iterations_for_warmup or 1,
        saved_model_tags=options.saved_model_tags(saved_model_tags),
        retries=_retries(max_num_load_retries, load_retry_interval_micros),
        metrics_path=metrics_path,
        file_system_poll_wait=file_system_poll_wait_seconds,
        config_poll_wait=model_config_file_poll_wait_seconds,
    )
    if source:
        output.note(_IN_PLACE)
        local.serve_directories(source, settings)
    elif url:
        local.serve(url, settings)


def _directories(name: str, base_path: str, file: str) -> ModelConfig | Path | None:
    """What is served in place, if anything is: a file goes before a path, as upstream."""
    if file:
        return Path(file)
    return ModelConfig(model_name_of(name), base_path) if base_path else None


def _registry_url(context: typer.Context, registry: str | None, stack: str | None) -> str:
    found = session_of(context).open(registry, stack)
    with suppress(Unavailable):  # a server waits for a registry that is down
        found.known_models()  # raises NotFound for a bucket or table that is not there
    return found.url


def _warnings(words: "Words", source: ModelConfig | Path | None) -> Iterator[str]:
    """What was asked for and is not done, a sentence each."""
    for flag in words.ignored:
        yield f"--{flag.name} is ignored: {flag.ignored}"
    without, why = _WITHOUT_DIRECTORIES, "a registry is served, and its aliases are followed"
    if isinstance(source, Path):
        without, why = _WITH_A_FILE, "--model_config_file says what is served"
    elif source:
        without, why = _WITH_A_PATH, "there is no --model_config_file"
    for name in without:
        if name.replace("_", "-") in words.given:
            yield f"--{name} is ignored: {why}"


def _threads(session: int, intra: int, inter: int) -> tuple[int, int]:
    """
    In an operation and between them, as TensorFlow Serving decides it: `session` counts
    for both where neither has its own number. Raises InvalidInput where all three are set.
    """
    if session and intra and inter:
        raise InvalidInput(
            "--tensorflow_session_parallelism, --tensorflow_intra_op_parallelism and"
            " --tensorflow_inter_op_parallelism cannot all be set",
            hint="set the first, or the other two",
        )
    return (intra, inter) if intra or inter else (session, session)


def _retries(at_most: int | None, micros: int | None) -> "Retries":
    """Endless where the flags say nothing; their interval is the same each time."""
    from modelserver.retries import Retries  # noqa: PLC0415 - few commands need it

    if micros is None:
        return Retries(at_most=at_most)
    seconds = max(0, micros) / 1_000_000
    return Retries(seconds, seconds, at_most)


def _metrics_path(file: str, default: str) -> str:
    """Where the file says that the metrics are; `default` without one. Raises InvalidInput."""
    if not file:
        return default
    from modelserver import monitoringconfig  # noqa: PLC0415 - imports protobuf
    from modelserver.textformat import decoded  # noqa: PLC0415

    return monitoringconfig.read(decoded(Path(file).read_bytes(), file), file)


def _print_versions() -> None:
    """TensorFlow Serving's two lines; TensorFlow is asked without being imported."""
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415 - 60 ms
    from importlib.metadata import version as installed  # noqa: PLC0415

    tensorflow = "not installed"
    for package in ("tensorflow-cpu", "tensorflow"):
        with suppress(PackageNotFoundError):
            tensorflow = installed(package)
            break
    output.line(f"Lambda Serving: {installed('lambda-serving')}")
    output.line(f"TensorFlow Library: {tensorflow}")
