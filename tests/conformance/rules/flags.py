"""The command line of tensorflow_model_server, spoken by `deploy serve`."""

from tests.conformance.rule import Elsewhere, Group, Rule


def cli(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/cli/test_flags.py::test_{name}")


GROUP = Group(
    "flags",
    "Command line",
    (
        Rule(
            "The tutorial's commands run with the binary's name replaced",
            "`--rest_api_port --model_name --model_base_path`, `--model_config_file`",
            (
                cli("the_tutorials_command_serves_directories"),
                cli("a_configuration_file_goes_before_name_and_path"),
            ),
        ),
        Rule(
            "`--a_b` and `--a-b`, `--flag=value` and `--flag`",
            "underscores alone",
            (cli("either_spelling_of_any_flag_reads_the_same"),),
            better="both spellings",
        ),
        Rule(
            "The flags that keep a meaning have upstream's",
            "see [flags.md](flags.md)",
            (
                cli("a_flag_keeps_its_meaning"),
                cli("threads_are_counted_as_upstream_counts_them"),
                cli("the_monitoring_file_says_where_metrics_are"),
                cli("all_three_numbers_of_threads_contradict_one_another"),
            ),
        ),
        Rule(
            "A flag without a meaning here (gRPC, batching, GPU, …)",
            "does what it does",
            (
                cli("the_table_is_upstreams_list"),
                cli("a_flag_has_a_meaning_here_or_a_reason_why_not"),
                cli("a_flag_without_a_meaning_is_one_warning_that_says_why"),
            ),
            better="is taken with one warning that says why, so that scripts keep working",
        ),
        Rule(
            "An unknown flag",
            "prints the usage, and the server goes on without it",
            (cli("what_cannot_be_meant_is_bad_usage"),),
            better="is an error that names the nearest one",
        ),
        Rule(
            "A boolean is true by itself, and has any other value behind `=`",
            "`true` or `false`; the next word is another argument",
            (cli("a_flag_keeps_its_meaning"), cli("what_cannot_be_meant_is_bad_usage")),
        ),
        Rule(
            "`--version`",
            "the server's and TensorFlow's",
            (cli("the_version_is_ours_and_tensorflows"),),
        ),
        Rule(
            "`--allow_version_labels_for_unavailable_models`",
            "lets new labels name versions that are not loaded",
            (cli("labels_may_always_run_ahead_of_versions"),),
            better="is always so",
        ),
    ),
)
