"""models.config."""

from tests.conformance.rule import Elsewhere, Group, Rule


def reading(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/server/test_modelsconfig.py::test_{name}")


def watcher(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/server/directories/test_watcher.py::test_{name}")


def deploy(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/cli/test_configuring.py::test_{name}")


GROUP = Group(
    "configuration",
    "models.config",
    (
        Rule(
            "Protobuf's text format: colons, commas, lists and comments are as there",
            "`model_config_list: { config: [ {…}, {…} ] }` is the same thing",
            (
                reading("the_tutorials_file_is_understood"),
                reading("colons_commas_and_lists_say_the_same"),
            ),
        ),
        Rule(
            "A model has a name of its own, an absolute path or URI, and the platform `tensorflow`",
            "INVALID_ARGUMENT otherwise; both `model_type` and `model_platform` are too many",
            (
                reading("a_model_is_listed_once"),
                reading("a_base_path_is_absolute_or_a_uri"),
                reading("a_relative_base_path_is_refused_where_it_stands"),
                reading("the_deprecated_model_type_still_means_the_platform"),
            ),
        ),
        Rule(
            "What models and labels may be called",
            "anything without `/` and `:`, percent-encoded in URLs where need be",
            (
                reading("a_name_that_no_model_can_have_is_refused_where_it_stands"),
                reading("a_mistake_is_told_with_file_line_and_column"),
            ),
            better="ASCII letters, digits, `.`, `_` and `-`, 128 of them for a model and 64 for a"
            " label, which is not `highest`: names are also keys in S3 and DynamoDB and dimensions"
            " of metrics",
        ),
        Rule(
            "A version policy is what the file says",
            "`latest {}` and none are the newest one; `num_versions: 0` is 1",
            (reading("a_policy_is_what_upstream_takes_it_for"),),
        ),
        Rule(
            "`custom_model_config`",
            "ends the stock server",
            (reading("custom_model_config_is_refused"),),
        ),
        Rule(
            "A mistake",
            "is told with line and column if it is one of syntax",
            (
                reading("a_mistake_is_told_with_file_line_and_column"),
                reading("what_is_no_text_format_is_told_with_line_and_column"),
            ),
            better="is told with file, line and column, one of meaning too",
        ),
        Rule(
            "A bad file at the start is an error; at a poll it is reported and changes nothing",
            "exits, or logs",
            (
                watcher("a_bad_file_at_the_start_is_an_error_with_line_and_column"),
                watcher("a_bad_file_is_reported_once_and_changes_nothing"),
                watcher("a_file_that_is_gone_is_reported_once_and_changes_nothing"),
            ),
        ),
        Rule(
            "`--model_config_file_poll_wait_seconds` reads it again",
            "a model left out is unloaded, a new one is served, another base path is moved to",
            (
                watcher("the_file_is_read_again_at_its_own_pace"),
                watcher("a_model_left_out_is_unloaded_and_one_that_is_added_is_served"),
                Elsewhere(
                    "tests/unit/server/directories/test_catalogue.py::"
                    "test_another_base_path_is_moved_to_when_its_version_is_complete"
                ),
            ),
        ),
        Rule(
            "A reload that fails",
            "leaves the new configuration with the old labels",
            (watcher("a_bad_file_is_reported_once_and_changes_nothing"),),
            better="changes nothing",
        ),
        Rule(
            "The file drives a registry, on AWS too",
            "has no such thing",
            (
                deploy("a_file_becomes_one_revision_a_model"),
                deploy("a_dry_run_shows_the_plan_and_writes_nothing"),
                deploy("a_base_path_outside_of_the_registry_names_publish"),
                deploy("an_export_is_a_file_that_applies_to_the_same"),
                deploy("an_export_names_what_the_format_cannot_say"),
            ),
            better="`deploy apply models.config [--dry-run]`, and `deploy export` writes it back",
        ),
    ),
)
