"""What Prometheus reads."""

from modelserver.settings import METRICS_PATH
from tests.conformance.rule import Ask, Case, Elsewhere, Group, Rule, refuses

_HERE = "tests/unit/server/test_prometheus.py"


def proved(name: str) -> Elsewhere:
    return Elsewhere(f"{_HERE}::test_{name}")


GROUP = Group(
    "metrics",
    "Metrics",
    (
        Rule(
            "`GET /monitoring/prometheus/metrics` is Prometheus' text",
            "with a `--monitoring_config_file` alone, which may name another path",
            (
                Case(
                    "the page",
                    Ask("GET", METRICS_PATH),
                    headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"},
                    doors=("deploy serve",),
                ),
                refuses(
                    "not on Lambda",
                    Ask("GET", METRICS_PATH),
                    "Not found: …",
                    404,
                    doors=("function url", "http api"),
                ),
                Elsewhere(
                    "tests/unit/server/test_monitoringconfig.py::"
                    "test_metrics_are_where_the_file_enables_them"
                ),
                Elsewhere(
                    "tests/functional/test_release.py::"
                    "test_prometheus_finds_the_metrics_where_tensorflow_serving_has_them"
                ),
            ),
            better="without such a file, too; on Lambda CloudWatch is written to instead",
        ),
        Rule(
            "The path is matched exactly",
            "anything else is no metrics page",
            (
                refuses(
                    "a slash more",
                    Ask("GET", f"{METRICS_PATH}/"),
                    "Not found: …",
                    404,
                    doors=("deploy serve",),
                ),
                refuses(
                    "capitals",
                    Ask("GET", METRICS_PATH.upper()),
                    "Not found: …",
                    404,
                    doors=("deploy serve",),
                ),
            ),
        ),
        Rule(
            "Names, labels, units and buckets of `:tensorflow:serving:request_count`,"
            " `request_latency`, `runtime_latency`, `:tensorflow:core:graph_runs`, …",
            "counters whose names do not end in `_total`, latencies in microseconds",
            (
                proved("requests_are_counted_by_model_and_by_tensorflows_name_of_the_status"),
                proved("a_graphs_failure_is_counted_under_its_own_code"),
                proved("only_answers_have_a_latency_and_only_graphs_a_run_time"),
                proved("loads_are_counted_by_how_they_end"),
                proved("examples_are_counted_where_classify_and_regress_ran"),
                Elsewhere(
                    "tests/functional/test_warmup.py::test_prometheus_sees_what_warming_up_took"
                ),
                Elsewhere(
                    "tests/unit/server/test_exposition.py::"
                    "test_a_counter_keeps_the_name_that_it_was_given"
                ),
                Elsewhere(
                    "tests/unit/server/test_exposition.py::"
                    "test_the_buckets_are_those_of_upstreams_latencies"
                ),
            ),
        ),
        Rule(
            "A model's name that leads nowhere",
            "is a series of its own, for every name that anybody puts in a URL",
            (proved("invented_names_make_no_series"),),
            better='counts under `model_name=""`',
        ),
        Rule(
            "Versions and labels",
            "are not told apart",
            (
                proved("versions_and_aliases_are_told_apart"),
                proved("a_canary_shows_its_weight_its_revision_and_that_it_is_loaded"),
            ),
            better="are, by metrics beside upstream's: [metrics.md](metrics.md)",
        ),
    ),
)
