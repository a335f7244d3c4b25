"""Warm-up files: what is read of them, what is run, and what a fault does."""

from tests.conformance.rule import Elsewhere, Group, Rule

_FILES = "tests/unit/warmup/test_files.py"
_LOGS = "tests/unit/warmup/test_logs.py"
_RECORDS = "tests/unit/warmup/test_records.py"
_WHOLE = "tests/functional/test_warmup.py"


def _proved(place: str, *tests: str) -> tuple[Elsewhere, ...]:
    return tuple(Elsewhere(f"{place}::test_{test}") for test in tests)


GROUP = Group(
    "warmup",
    "Warm-up",
    (
        Rule(
            "`assets.extra/tf_serving_warmup_requests` is a TFRecord of `PredictionLog`",
            "its requests run when the version is loaded; a missing or empty file is fine",
            (
                *_proved(_WHOLE, "all_kinds_of_logs_become_arrays_in_the_plan"),
                *_proved(_FILES, "a_model_without_files_has_no_requests", "empty_files_are_fine"),
                *_proved(_RECORDS, "frames_are_tensorflows"),
            ),
        ),
        Rule(
            "Predict, classify, regress and multi-inference logs",
            "run; of a log only the request counts, and of its `model_spec` only the signature",
            (
                *_proved(_LOGS, "a_predict_log_is_its_tensors"),
                *_proved(_LOGS, "its_signature_counts_and_nothing_else_of_its_model_spec"),
                *_proved(_LOGS, "the_response_in_a_log_is_not_looked_at"),
                *_proved(_LOGS, "examples_are_fed_as_the_bytes_they_are"),
                *_proved(_LOGS, "a_multi_inference_is_a_request_for_each_task"),
            ),
            limit="the tasks of a multi-inference run one after the other, as REST calls them",
        ),
        Rule(
            "A record of no log type",
            "is nothing, and counts as one",
            (
                *_proved(_LOGS, "a_log_of_no_type_is_nothing"),
                *_proved(_FILES, "a_record_that_holds_nothing_counts_as_one"),
            ),
        ),
        Rule(
            "`session_run_log` and `predict_streamed_log`",
            "UNIMPLEMENTED `Unsupported log_type for warmup`",
            _proved(_LOGS, "what_no_client_of_rest_sends_is_unimplemented"),
        ),
        Rule(
            "A file that is no TFRecord, or damaged",
            "DATA_LOSS `… Please verify your warmup data is in TFRecord format.`",
            (
                *_proved(_RECORDS, "what_is_wrong_is_said_in_tensorflows_words"),
                *_proved(_RECORDS, "no_byte_can_change_unnoticed"),
                *_proved(_RECORDS, "less_than_a_header_at_the_end_is_nothing"),
            ),
        ),
        Rule(
            "A record that is no `PredictionLog`",
            "INVALID_ARGUMENT `Failed to parse warmup record: …`",
            _proved(_LOGS, "what_is_no_log_is_shown_and_where_it_was"),
        ),
        Rule(
            "A file holds 1,000 records at the most",
            "INVALID_ARGUMENT `Number of warmup records exceeds the maximum (1000) at …`",
            _proved(_FILES, "a_thousand_records_are_fine_and_one_more_is_not"),
        ),
        Rule(
            "A signature that is not there",
            "FAILED_PRECONDITION for predict, INVALID_ARGUMENT for classify and regress",
            (
                *_proved(_LOGS, "an_unknown_signature_is_a_failed_precondition"),
                *_proved(_LOGS, "a_signature_must_be_made_for_examples"),
            ),
        ),
        Rule(
            "Inputs have to fit the signature",
            "INVALID_ARGUMENT; an input with a default may be left out of a log",
            (
                *_proved(_LOGS, "names_have_to_be_the_signatures"),
                *_proved(_LOGS, "a_tensor_that_is_none_is_named"),
                *_proved(_LOGS, "a_default_stands_for_an_input_left_out"),
                *_proved(_WHOLE, "a_log_that_the_model_does_not_answer_refuses_the_publish"),
            ),
        ),
        Rule(
            "A warm-up that fails",
            "fails the load, which is tried again and then given up",
            (
                *_proved(_WHOLE, "a_warm_up_that_fails_fails_the_load"),
                *_proved(_WHOLE, "nothing_of_a_refused_version_is_kept"),
                *_proved(_WHOLE, "a_line_that_the_model_does_not_answer_refuses_the_publish"),
            ),
            better="refuses the publish, naming file, record and reason, so that no such version"
            " comes to be loaded; should it fail later, it fails the load",
        ),
        Rule(
            "`--num_request_iterations_for_warmup` and `--enable_model_warmup=false`",
            "so often each request; none at all",
            (
                *_proved(_WHOLE, "a_load_runs_what_was_recorded"),
                *_proved(_WHOLE, "who_wants_no_warm_up_is_not_held_up_by_its_files"),
            ),
        ),
        Rule(
            "Requests as people write them: `assets.extra/warmup.jsonl`",
            "there is no such file",
            (
                *_proved(_FILES, "a_predict_body_is_read_as_a_server_reads_it"),
                *_proved(_FILES, "a_body_with_examples_is_for_what_its_signature_is_for"),
                *_proved(_FILES, "a_line_that_no_server_would_accept_is_named"),
            ),
            better="one body of the REST API a line; `deploy warmup record` writes either file",
        ),
        Rule(
            "A model without warm-up files",
            "runs nothing before its first request",
            (
                *_proved(_WHOLE, "a_load_runs_what_was_recorded"),
                *_proved("tests/functional/test_models.py", "what_only_reads_is_warmed_up"),
                *_proved(
                    "tests/functional/test_models.py",
                    "a_counter_begins_where_it_was_saved_and_counts",
                ),
            ),
            better="each signature runs once on made-up input, unless that would change the"
            " model's state",
        ),
    ),
)
