import pytest

from modelserver.errors import BadSetting
from modelserver.runtime import Threads
from modelserver.settings import MIB, LambdaSettings

URL = {"REGISTRY_URL": "s3://bucket/models?table=aliases"}


def test_what_is_not_set_has_a_default() -> None:
    settings = LambdaSettings.from_environment({**URL, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"})
    assert ((), 1.0, 5.0, 29.0) == (
        settings.models,
        settings.alias_ttl,
        settings.swap_wait,
        settings.timeout,
    )
    assert 512 * MIB == settings.memory_budget
    assert "LambdaServing" == settings.namespace


def test_what_is_set_is_taken() -> None:
    settings = LambdaSettings.from_environment(
        {
            "REGISTRY_URL": " file:///registry ",
            "MODELS": "a, b,,c a",
            "ALIAS_TTL": "0.5",
            "SWAP_WAIT": "0",
            "REQUEST_TIMEOUT": "9",
            "MEMORY_BUDGET_MB": "300",
            "CACHE_MB": "100",
            "MAX_BODY_BYTES": "1000",
            "LOG_LEVEL": "debug",
            "STRICT": "true",
            "CORS": "1",
        }
    )
    assert ("file:///registry", ("a", "b", "c")) == (settings.registry_url, settings.models)
    serving = settings.serving()
    assert (0.5, 0.0, 9.0) == (serving.alias_ttl, serving.swap_wait, serving.timeout)
    assert (300 * MIB, 1000) == (serving.memory_budget, serving.max_body_bytes)
    assert (100 * MIB, "DEBUG") == (settings.cache, settings.log_level)
    assert (True, True) == (serving.strict, serving.cors)


@pytest.mark.parametrize(
    ("text", "on"), [("true", True), ("True", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_switch_is_on_or_off(text: str, on: bool) -> None:
    settings = LambdaSettings.from_environment({**URL, "STRICT": text, "CORS": text})
    assert (on, on) == (settings.serving().strict, settings.serving().cors)


@pytest.mark.parametrize(("memory", "inflated"), [(512, 8), (1024, 16), (4096, 64), (10240, 100)])
def test_a_small_function_inflates_less(memory: int, inflated: int) -> None:
    settings = LambdaSettings.from_environment(
        {**URL, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)}
    )
    assert inflated * MIB == settings.serving().max_inflated_bytes


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = LambdaSettings.from_environment(
        {**URL, "MODELS": "", "ALIAS_TTL": " ", "STRICT": "", "CORS": ""}
    )
    assert ((), 1.0) == (settings.models, settings.alias_ttl)
    assert (False, False) == (settings.strict, settings.cors)


@pytest.mark.parametrize(
    ("name", "value", "must"),
    [
        ("ALIAS_TTL", "soon", "a number of seconds, 0 or more"),
        ("ALIAS_TTL", "-1", "a number of seconds, 0 or more"),
        ("SWAP_WAIT", "nan", "a number of seconds, 0 or more"),
        ("REQUEST_TIMEOUT", "0", "a number of seconds above 0"),
        ("REQUEST_TIMEOUT", "inf", "a number of seconds above 0"),
        ("MEMORY_BUDGET_MB", "1.5", "a number of megabytes above 0"),
        ("CACHE_MB", "0", "a number of megabytes above 0"),
        ("MAX_BODY_BYTES", "6MB", "a number of bytes above 0"),
        ("STRICT", "yes", "true or false"),
        ("CORS", "*", "true or false"),
        ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str, must: str) -> None:
    with pytest.raises(BadSetting) as caught:
        LambdaSettings.from_environment({**URL, name: value})
    assert f"{name} is {value!r}, it must be {must}" == str(caught.value)


def test_a_registry_is_needed() -> None:
    with pytest.raises(BadSetting, match=r"^REGISTRY_URL is not set"):
        LambdaSettings.from_environment({})


@pytest.mark.parametrize(("memory", "threads"), [(512, 1), (1769, 1), (3538, 2), (10240, 6)])
def test_threads_are_as_many_as_the_memory_buys_cpus(memory: int, threads: int) -> None:
    settings = LambdaSettings.from_environment(
        {**URL, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)}
    )
    assert Threads(threads, threads) == settings.serving().threads


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"LAMBDA_TASK_ROOT": "/var/task"}, True),
        ({"LAMBDA_TASK_ROOT": "/var/task", "AWS_SAM_LOCAL": "true"}, False),
        ({"LAMBDA_TASK_ROOT": "/var/task", "POWERTOOLS_TRACE_DISABLED": "true"}, False),
    ],
)
def test_traces_are_sent_from_lambda_alone(environment: dict[str, str], on: bool) -> None:
    assert on == LambdaSettings.from_environment({**URL, **environment}).tracing
