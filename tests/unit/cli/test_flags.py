"""`deploy serve` takes every flag of tensorflow_model_server, as TensorFlow's parser does."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcli import flags
from modelcli.upstream import FLAGS, KEPT, Flag
from modelregistry.configuration import ModelConfig
from modelserver import local
from modelserver.retries import ENDLESS, Retries
from modelserver.settings import LocalSettings
from tests.unit.cli.deploying import Deploy, Result

# `model_servers/main.cc`, in its order.
_MAIN_CC = """
    port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
    rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
    batching_parameters_file enable_per_model_batching_parameters model_config_file
    model_config_file_poll_wait_seconds model_name model_base_path num_load_threads
    num_unload_threads max_num_load_retries load_retry_interval_micros
    file_system_poll_wait_seconds flush_filesystem_caches tensorflow_session_parallelism
    tensorflow_session_config_file tensorflow_intra_op_parallelism
    tensorflow_inter_op_parallelism use_alts_credentials ssl_config_file platform_config_file
    per_process_gpu_memory_fraction saved_model_tags grpc_channel_arguments grpc_max_threads
    enable_model_warmup num_request_iterations_for_warmup version monitoring_config_file
    remove_unused_fields_from_bundle_metagraph prefer_tflite_model num_tflite_pools
    num_tflite_interpreters_per_pool enable_signature_method_name_check
    xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler
    thread_pool_factory_config_file mixed_precision skip_initialize_tpu
    enable_grpc_healthcheck_service enable_serialization_as_tensor_content
"""
UPSTREAM = _MAIN_CC.split()
IGNORED = [flag for flag in FLAGS.values() if flag.ignored]
VALUES = {"int": "3", "float": "0.5", "bool": "true", "string": "some=thing"}


@pytest.fixture
def settings(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[LocalSettings, Result]]:
    """What `deploy serve` with these flags would serve with, and what it says before."""
    deploy.published({"sample": 1})
    started: list[LocalSettings] = []
    monkeypatch.setattr(local, "serve", lambda _, settings: started.append(settings))

    def run(*words: str) -> tuple[LocalSettings, Result]:
        result = deploy.ok("serve", *words)
        return started.pop(), result

    return run


Run = Callable[..., tuple[LocalSettings, Result]]


def test_the_table_is_upstreams_list() -> None:
    assert len(UPSTREAM) == 48
    assert UPSTREAM == list(FLAGS)


def test_a_flag_has_a_meaning_here_or_a_reason_why_not(deploy: Deploy) -> None:
    shown = deploy.ok("serve", "--help").out
    listed = {word.replace("-", "_") for word in re.findall(r"^  --([a-z-]+)", shown, re.MULTILINE)}
    assert set(KEPT) == listed & set(FLAGS)
    assert all(flag.ignored[0].islower() or "TensorFlow" in flag.ignored for flag in IGNORED)


@pytest.mark.parametrize("flag", IGNORED, ids=lambda flag: flag.name)
def test_a_flag_without_a_meaning_is_one_warning_that_says_why(settings: Run, flag: Flag) -> None:
    without, _ = settings()
    hyphens = flag.name.replace("_", "-")
    value = VALUES[flag.kind]
    written = [[f"--{flag.name}={value}"], [f"--{hyphens}={value}"]]
    written += [[f"--{hyphens}"]] if flag.kind == "bool" else [[f"--{flag.name}", value]]
    for words in written:
        found, result = settings(*words, *words)
        assert (without, "") == (found, result.out)
        assert f"warning: --{flag.name} is ignored: {flag.ignored}\n" == result.err


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--rest_api_port=9000"], {"port": 9000}),
        (["--rest-api-port", "9000"], {"port": 9000}),
        (["--rest_api_timeout_in_ms=250"], {"timeout": 0.25}),
        (["--rest_api_timeout_in_ms=0"], {"timeout": math.inf}),
        (["--rest_api_timeout_in_ms=-1"], {"timeout": math.inf}),
        (["--rest_api_enable_cors_support"], {"cors": True}),
        (["--rest-api-enable-cors-support=true"], {"cors": True}),
        (["--rest_api_enable_cors_support", "--rest_api_enable_cors_support=false"], {}),
        (["--enable_model_warmup"], {}),
        (["--enable_model_warmup=false"], {"warm_up": False}),
        (["--enable_model_warmup=0"], {"warm_up": False}),
        (["--num_request_iterations_for_warmup=0"], {"warm_up_iterations": 1}),
        (["--num_request_iterations_for_warmup=3"], {"warm_up_iterations": 3}),
        (["--enable_signature_method_name_check=1"], {"check_method_names": True}),
        (["--saved_model_tags=serve,gpu, serve"], {"saved_model_tags": ("serve", "gpu")}),
        (["--strict"], {"strict": True}),
        (["--strict=False"], {}),
        (["--max_num_load_retries=2"], {"retries": Retries(at_most=2)}),
        (["--load_retry_interval_micros=500000"], {"retries": Retries(0.5, 0.5)}),
        (
            ["--load_retry_interval_micros=-1", "--max_num_load_retries=0"],
            {"retries": Retries(0, 0, 0)},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_keeps_its_meaning(
    settings: Run, words: list[str], changed: dict[str, object]
) -> None:
    without, _ = settings()
    found, result = settings(*words)
    assert ({**vars(without), **changed}, "") == (vars(found), result.err)


@pytest.fixture
def sources(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[ModelConfig | Path, LocalSettings, Result]]:
    """What `deploy serve` with these flags would serve in place, and how."""
    started: list[tuple[ModelConfig | Path, LocalSettings]] = []
    monkeypatch.setattr(local, "serve_directories", lambda *what: started.append(what))

    def run(*words: str) -> tuple[ModelConfig | Path, LocalSettings, Result]:
        result = deploy.ok("serve", *words)
        return *started.pop(), result

    return run


InPlace = Callable[..., tuple[ModelConfig | Path, LocalSettings, Result]]


def test_the_tutorials_command_serves_directories(sources: InPlace) -> None:
    source, settings, result = sources(
        "--rest_api_port=9000", "--model_base_path=/my models/my_model", "--model_name=sample"
    )
    assert (ModelConfig("sample", "/my models/my_model"), 9000) == (source, settings.port)
    assert (1, 0) == (settings.file_system_poll_wait, settings.config_poll_wait)
    assert result.err.startswith("note: directories are served in place: ")
    assert "deploy promote does not apply\n" in result.err
    source, _, _ = sources("--model_base_path", "my_model")
    assert ModelConfig("default", "my_model") == source


def test_a_configuration_file_goes_before_name_and_path(sources: InPlace) -> None:
    source, settings, result = sources(
        "--model_config_file=/etc/models.config",
        "--model_config_file_poll_wait_seconds=30",
        "--file_system_poll_wait_seconds=-1",
        "--model-base-path=/ignored",
        "--model_name=ignored",
    )
    assert (Path("/etc/models.config"), 30, -1) == (
        source,
        settings.config_poll_wait,
        settings.file_system_poll_wait,
    )
    assert [
        "warning: --model_name is ignored: --model_config_file says what is served",
        "warning: --model_base_path is ignored: --model_config_file says what is served",
    ] == result.err.splitlines()[:2]


def test_a_flag_that_says_more_of_an_absent_one_is_a_warning(
    settings: Run, sources: InPlace
) -> None:
    _, result = settings("--model_name=sample", "--file-system-poll-wait-seconds=5")
    why = "is ignored: a registry is served, and its aliases are followed"
    assert [
        f"warning: --model_name {why}",
        f"warning: --file_system_poll_wait_seconds {why}",
    ] == result.err.splitlines()
    *_, result = sources("--model_base_path=m", "--model_config_file_poll_wait_seconds=5")
    assert "seconds is ignored: there is no --model_config_file\n" in result.err


def test_labels_may_always_run_ahead_of_versions(settings: Run) -> None:
    flag = "--allow_version_labels_for_unavailable_models"
    assert "" == settings(flag)[1].err
    assert "warning: a label may always name a version" in settings(f"{flag}=false")[1].err


@pytest.mark.parametrize("where", [["--registry", "r"], ["--stack", "s"]])
@pytest.mark.parametrize("what", ["--model_base_path=/m", "--model_config_file=/f"])
def test_directories_and_a_registry_contradict_each_other(
    deploy: Deploy, where: list[str], what: str
) -> None:
    for words in (["serve", what, *where], [*where, "serve", what]):
        result = deploy(*words)
        assert (2, "") == (result.code, result.out)
        assert result.err.startswith("error: directories are served in place of a registry, and")
        assert " ".join(where) in result.err


def test_a_model_has_a_name_that_a_model_can_have(deploy: Deploy) -> None:
    result = deploy("serve", "--model_base_path=/m", "--model_name=a/b")
    assert (2, True) == (result.code, "'a/b' cannot name a model" in result.err)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("--rest_api_port=1234567", "it must be from 0 to 65535, not 1234567"),
        ("--max_body_bytes=0", "it must be 1 or more, not 0"),
        ("--alias-ttl=nan", "it must be 0.01 or more, not nan"),
    ],
)
def test_a_number_out_of_bounds_is_told_as_it_was_typed(
    deploy: Deploy, word: str, reason: str
) -> None:
    result = deploy("serve", word)
    option = word.partition("=")[0].replace("_", "-")
    assert 2 == result.code
    assert result.err.startswith(f"error: Invalid value for '{option}': {reason}\n")


def test_the_monitoring_file_says_where_metrics_are(deploy: Deploy, settings: Run) -> None:
    file = deploy.work / "monitoring.config"
    file.write_text('prometheus_config { enable: true path: "/m" }')
    found, _ = settings("--monitoring_config_file=monitoring.config")
    assert "/m" == found.metrics_path

    file.write_text("prometheus_config {\n  enable: perhaps\n}")
    result = deploy("serve", "--monitoring_config_file=monitoring.config")
    assert (2, "") == (result.code, result.out)
    assert result.err.startswith("error: monitoring.config:2:11: ")
    file.write_bytes(b"\xff")
    result = deploy("serve", "--monitoring_config_file=monitoring.config")
    said = "error: monitoring.config is not UTF-8: invalid start byte at byte 1\n"
    assert (2, said) == (result.code, result.err)
    result = deploy("serve", "--monitoring_config_file=nowhere")
    assert (1, "error: nowhere: No such file or directory\n") == (result.code, result.err)


def test_without_flags_a_failed_load_is_retried_for_ever(settings: Run) -> None:
    found, _ = settings()
    assert (8501, ENDLESS) == (found.port, found.retries)


@pytest.mark.parametrize(
    ("session", "intra", "inter", "threads"),
    [
        (0, 0, 0, (0, 0)),
        (4, 0, 0, (4, 4)),
        (0, 2, 3, (2, 3)),
        (4, 2, 0, (2, 0)),  # one of them is enough to leave the session's number aside
        (4, 0, 3, (0, 3)),
    ],
)
def test_threads_are_counted_as_upstream_counts_them(
    settings: Run, session: int, intra: int, inter: int, threads: tuple[int, int]
) -> None:
    found, _ = settings(
        f"--tensorflow_session_parallelism={session}",
        f"--tensorflow_intra_op_parallelism={intra}",
        f"--tensorflow_inter_op_parallelism={inter}",
    )
    assert threads == (found.intra_op_threads, found.inter_op_threads)


def test_all_three_numbers_of_threads_contradict_one_another(deploy: Deploy) -> None:
    result = deploy(
        "serve",
        "--tensorflow_session_parallelism=4",
        "--tensorflow_intra_op_parallelism=2",
        "--tensorflow_inter_op_parallelism=2",
    )
    assert (2, True) == (result.code, "cannot all be set" in result.err)


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["--rest_api_prot=1"], "there is no flag --rest_api_prot", "mean --rest_api_port?"),
        (["--rest-api-prot=1"], "there is no flag --rest-api-prot", "mean --rest-api-port?"),
        (["--enable_batchin"], "there is no flag --enable_batchin", "mean --enable_batching?"),
        (["--stric"], "there is no flag --stric", "mean --strict?"),
        (["-rest_api_port=1"], "no flag -rest_api_port\n", "did you mean --rest_api_port?"),
        (["--xyzzy"], "there is no flag --xyzzy", "deploy serve --help"),
        (["--enable_batching=maybe"], "--enable_batching is 'maybe', it must be true or", "=\n"),
        (["--strict="], "--strict is '', it must be true or false", "by itself is true"),
        (["--port=http"], "--port is 'http', it must be a whole number", ""),
        (["--per_process_gpu_memory_fraction=all"], "it must be a number", ""),
        (["--ssl_config_file"], "--ssl_config_file needs a value", ""),
        (["--ssl_config_file", "--strict"], "--ssl_config_file needs a value", ""),
        (["--saved_model_tags=,"], "'--saved-model-tags': ',' names an empty tag", ""),
        (["--saved_model_tags=serve,"], "'serve,' names an empty tag", ""),
        (["--strict", "true"], "unexpected extra argument(s) (true)", ""),
        (["models"], "unexpected extra argument(s) (models)", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_bad_usage(
    deploy: Deploy, words: list[str], error: str, hint: str
) -> None:
    deploy.published({"sample": 1})
    result = deploy("serve", *words)
    assert (2, "") == (result.code, result.out)
    assert result.err.startswith("error: ")
    assert error in result.err
    assert hint in result.err


def test_the_version_is_ours_and_tensorflows(deploy: Deploy) -> None:
    result = deploy.ok("serve", "--version", "--port=8500")
    assert re.fullmatch(
        r"Lambda Serving: \d+\.\d+\.\d+\nTensorFlow Library: 2\.\d+\.\d+\n", result.out
    )
    assert result.err == ""
    assert deploy("serve", "--version=false").code == 5  # goes on to serve: no registry here


@given(st.data())
def test_either_spelling_of_any_flag_reads_the_same(data: st.DataObject) -> None:
    flag = data.draw(st.sampled_from(list(FLAGS.values())))
    value = VALUES[flag.kind]
    mixed = "".join(data.draw(st.sampled_from("_-")) if c == "_" else c for c in flag.name)
    known = {name.replace("_", "-") for name in KEPT}
    truths = {name for name in known if FLAGS[name.replace("-", "_")].kind == "bool"}
    read = flags.read([f"--{mixed}={value}"], known, truths)
    assert frozenset({flag.name.replace("_", "-")}) == read.given
    assert ((flag,) if flag.ignored else ()) == read.ignored
    assert (len(read.arguments) == 0) == bool(flag.ignored)


@given(st.lists(st.from_regex(r"[a-z0-9-][a-z0-9=_-]{0,5}", fullmatch=True), max_size=5))
def test_what_follows_two_hyphens_is_nobodys_flag(words: list[str]) -> None:
    assert ("--", *words) == flags.read(["--", *words], set(), set()).arguments
