"""Versions come and go: directories that are served in place, policies, labels, loads."""

from tests.conformance.rule import Elsewhere, Group, Rule

_DIRECTORIES = "tests/unit/server/directories"


def catalogue(name: str) -> Elsewhere:
    return Elsewhere(f"{_DIRECTORIES}/test_catalogue.py::test_{name}")


def watcher(name: str) -> Elsewhere:
    return Elsewhere(f"{_DIRECTORIES}/test_watcher.py::test_{name}")


def listing(name: str) -> Elsewhere:
    return Elsewhere(f"{_DIRECTORIES}/test_listing.py::test_{name}")


def routing(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/server/test_routing.py::test_{name}")


def servables(name: str) -> Elsewhere:
    return Elsewhere(f"tests/unit/server/test_servables.py::test_{name}")


def release(name: str) -> Elsewhere:
    return Elsewhere(f"tests/functional/test_release.py::test_{name}")


GROUP = Group(
    "lifecycle",
    "Versions, policies and labels",
    (
        Rule(
            "Directories under a base path whose names are int64 numbers are versions",
            "`00017` is 17; of `1` and `001` the last by name counts; other names are ignored",
            (
                listing("directories_whose_names_are_numbers_are_versions"),
                listing("a_file_is_no_version_and_a_link_to_a_directory_is_one"),
            ),
        ),
        Rule(
            "Policies: `latest` (of 1, unless told otherwise), `all`, `specific`",
            "the versions that are loaded; without version or label the highest of them answers",
            (
                Elsewhere(
                    "tests/unit/registry/aliases/test_changes.py::"
                    "test_a_policy_keeps_what_tensorflow_serving_would_load"
                ),
                routing("the_highest_version_is_one_that_the_policy_keeps"),
                watcher("the_highest_version_answers_and_any_other_by_its_number"),
            ),
        ),
        Rule(
            "A version that the policy leaves out",
            "404, and the status does not list it",
            (
                routing("a_number_is_any_published_version"),
                catalogue("a_version_that_nobody_wants_is_compiled_when_it_is_asked_for"),
            ),
            better="answers at `/versions/N`, and the status calls it AVAILABLE",
        ),
        Rule(
            "A version directory is served",
            "as soon as it is visible: a copy in progress becomes AVAILABLE and fails each request",
            (
                catalogue("a_version_is_served_when_it_settled_and_compiled"),
                catalogue("a_version_that_still_changes_is_not_even_compiled"),
                catalogue("a_version_with_a_short_shard_waits_for_the_rest_of_it"),
                catalogue("what_changes_while_it_compiles_has_not_compiled"),
            ),
            better="when every shard is there at full size, nothing changed for one poll, and it"
            " compiles; a half-copied directory never answers",
        ),
        Rule(
            "The version in place answers until the next is loaded and warm",
            "the availability-preserving policy: two versions in memory during a swap",
            (
                watcher("a_new_version_is_loaded_before_it_answers"),
                catalogue("the_version_in_place_stays_until_the_next_has_compiled"),
                routing("the_version_in_place_answers_while_the_new_one_loads"),
                release("flips_and_rollbacks_under_load_drop_no_request"),
            ),
        ),
        Rule(
            "Removing or renaming a version's directory, or lowering the policy, moves back",
            "at the next poll",
            (
                watcher("a_removed_version_answers_until_the_one_before_is_loaded_and_then_404"),
                catalogue("removing_a_version_moves_back_and_leaves_nothing_of_it"),
                catalogue("a_name_that_is_no_number_any_more_is_no_version"),
                catalogue("lowering_the_policy_moves_back_when_the_lower_version_has_compiled"),
            ),
        ),
        Rule(
            "An empty base path unloads everything",
            "with no guard that a flag could set",
            (
                watcher("when_the_last_version_is_removed_nothing_answers_or_stays_loaded"),
                catalogue("an_empty_base_path_leaves_nothing_with_a_warning"),
            ),
        ),
        Rule(
            "A missing base path",
            "is an error that ends the poll for all models; what is loaded stays",
            (
                catalogue("a_missing_base_path_leaves_everything_as_it_was_with_a_warning"),
                watcher("a_broken_or_missing_model_stops_no_other"),
            ),
            better="is a warning about its own model; the others are followed",
        ),
        Rule(
            "Other bytes under the same number",
            "are never seen",
            (
                watcher("bytes_that_change_in_place_are_loaded_anew_beside_the_old_ones"),
                catalogue("other_bytes_under_the_same_number_count_when_they_are_complete"),
                catalogue("other_bytes_that_are_broken_leave_the_version_in_place"),
            ),
            better="are loaded beside the old ones once they are complete",
        ),
        Rule(
            "`--file_system_poll_wait_seconds`: 0 looks once, below 0 never",
            "as it says",
            (
                watcher("a_poll_of_zero_looks_once"),
                watcher("a_negative_poll_never_looks"),
                watcher("a_poll_below_a_second_is_kept_to"),
            ),
        ),
        Rule(
            "A version that fails to load leaves the one before in place, and is END in the status",
            "END with the error",
            (
                catalogue("a_broken_newest_version_leaves_the_one_before"),
                watcher("the_status_says_when_a_version_fails_to_load"),
                Elsewhere(
                    "tests/unit/server/test_app.py::"
                    "test_a_version_that_failed_to_load_is_at_its_end_with_the_reason"
                ),
            ),
        ),
        Rule(
            "A failed load",
            "is retried 5 times, a minute apart, on the thread that manages all models; then never",
            (
                servables("a_failed_load_leaves_nothing_and_is_tried_again_after_the_back_off"),
                servables("the_back_off_doubles_with_every_failure"),
                servables("after_so_many_retries_a_version_is_given_up_until_its_model_changes"),
            ),
            better="is retried with back-off for as long as it is asked for, unless"
            " `--max_num_load_retries` says otherwise; nobody else waits",
        ),
        Rule(
            "At the start one model that fails",
            "ends the server; one without versions keeps it waiting for ever",
            (
                watcher("a_broken_or_missing_model_stops_no_other"),
                watcher("a_model_that_cannot_even_be_looked_at_stops_no_other"),
                routing("a_damaged_model_keeps_no_other_from_being_preloaded"),
                catalogue("at_the_start_a_broken_newest_version_makes_way_for_the_one_before"),
            ),
            better="stops no other; its failure is its own",
        ),
        Rule(
            "Labels name versions; the whole map is replaced at once",
            "a label left out is gone",
            (
                watcher("labels_are_aliases_and_a_label_left_out_is_gone"),
                watcher("the_tutorials_live_edits_move_the_default_and_back"),
            ),
        ),
        Rule(
            "A label of a version that is not loaded",
            "is refused, at the first start of every server with labels, too",
            (
                routing("a_label_may_be_ahead_of_its_version"),
                watcher(
                    "a_label_of_a_version_that_is_not_there_is_told_once_and_answers_404_until_it_is"
                ),
                watcher("a_label_is_moved_when_its_new_version_is_loaded"),
                routing("a_label_stays_where_it_is_until_its_next_version_is_there"),
            ),
            better="may be set; it answers 404 until its version is there, and one that moves stays"
            " where it is until then",
        ),
        Rule(
            "Many models in one server",
            "all stay loaded; memory has no limit",
            (
                servables("the_least_recently_used_version_leaves_first"),
                servables("of_what_is_pinned_the_least_recently_used_model_makes_room_for_another"),
                servables("a_version_larger_than_the_budget_is_served_all_the_same"),
            ),
            better="are loaded on demand, and leave least recently used within `--memory-budget`",
        ),
    ),
)
