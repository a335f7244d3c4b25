"""The flags of `tensorflow_model_server`, all of them, and what becomes of each here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["int", "float", "bool", "string"]


@dataclass(frozen=True)
class Flag:
    """
    `name` and `default` as TensorFlow Serving has them. One that has no meaning here has
    an `ignored`: why, as the end of a sentence. The others are options of `deploy serve`.
    """

    name: str
    kind: Kind
    default: str
    ignored: str = ""


_NO_GRPC = "the server speaks REST alone, not gRPC"
_NO_BATCHING = "requests are not merged into batches: each runs when it comes"
_NO_TFLITE = "models run from their SavedModel, as where there is no model.tflite"
_NO_GPU = "models run on the CPU"
_NO_TPU = "no TPU is looked for"
_OWN_CONFIG = "how a model runs is worked out when it is published"

_ALL = (
    Flag("port", "int", "8500", f"{_NO_GRPC}; its port is --rest_api_port"),
    Flag("grpc_socket_path", "string", "", _NO_GRPC),
    Flag("rest_api_port", "int", "0"),
    Flag("rest_api_num_threads", "int", "4 per CPU", "there are 4 per CPU"),
    Flag("rest_api_timeout_in_ms", "int", "30000"),
    Flag("rest_api_enable_cors_support", "bool", "false"),
    Flag("enable_batching", "bool", "false", _NO_BATCHING),
    Flag("allow_version_labels_for_unavailable_models", "bool", "false"),
    Flag("batching_parameters_file", "string", "", _NO_BATCHING),
    Flag("enable_per_model_batching_parameters", "bool", "false", _NO_BATCHING),
    Flag("model_config_file", "string", ""),
    Flag("model_config_file_poll_wait_seconds", "int", "0"),
    Flag("model_name", "string", "default"),
    Flag("model_base_path", "string", ""),
    Flag("num_load_threads", "int", "0", "every load has a thread of its own, two at work at once"),
    Flag("num_unload_threads", "int", "0", "unloading holds up nothing here"),
    Flag("max_num_load_retries", "int", "5"),
    Flag("load_retry_interval_micros", "int", "60000000"),
    Flag("file_system_poll_wait_seconds", "int", "1"),
    Flag("flush_filesystem_caches", "bool", "true", "the system keeps its cache as it sees fit"),
    Flag("tensorflow_session_parallelism", "int", "0"),
    Flag("tensorflow_session_config_file", "string", "", _OWN_CONFIG),
    Flag("tensorflow_intra_op_parallelism", "int", "0"),
    Flag("tensorflow_inter_op_parallelism", "int", "0"),
    Flag("use_alts_credentials", "bool", "false", _NO_GRPC),
    Flag("ssl_config_file", "string", "", _NO_GRPC),
    Flag("platform_config_file", "string", "", "TensorFlow is the only platform, " + _OWN_CONFIG),
    Flag("per_process_gpu_memory_fraction", "float", "0", _NO_GPU),
    Flag("saved_model_tags", "string", "serve"),
    Flag("grpc_channel_arguments", "string", "", _NO_GRPC),
    Flag("grpc_max_threads", "int", "4 per CPU", _NO_GRPC),
    Flag("enable_model_warmup", "bool", "true"),
    Flag("num_request_iterations_for_warmup", "int", "0"),
    Flag("version", "bool", "false"),
    Flag("monitoring_config_file", "string", ""),
    Flag(
        "remove_unused_fields_from_bundle_metagraph",
        "bool",
        "true",
        "a loaded model keeps no MetaGraph to take fields from",
    ),
    Flag("prefer_tflite_model", "bool", "false", _NO_TFLITE),
    Flag("num_tflite_pools", "int", "1 per CPU", _NO_TFLITE),
    Flag("num_tflite_interpreters_per_pool", "int", "1", _NO_TFLITE),
    Flag("enable_signature_method_name_check", "bool", "false"),
    Flag(
        "xla_cpu_compilation_enabled",
        "bool",
        "false",
        "TensorFlow's own default decides what XLA compiles",
    ),
    Flag("xla_gpu_compilation_enabled", "bool", "false", _NO_GPU),
    Flag("enable_profiler", "bool", "true", "the profiler is a gRPC service, and there is none"),
    Flag("thread_pool_factory_config_file", "string", "", "threads are TensorFlow's own"),
    Flag("mixed_precision", "string", "", "a model runs in the precision it was exported with"),
    Flag("skip_initialize_tpu", "bool", "false", _NO_TPU),
    Flag("enable_grpc_healthcheck_service", "bool", "false", _NO_GRPC),
    Flag("enable_serialization_as_tensor_content", "bool", "false", _NO_GRPC),
)

FLAGS: Mapping[str, Flag] = {flag.name: flag for flag in _ALL}
KEPT: Sequence[str] = tuple(flag.name for flag in _ALL if not flag.ignored)
