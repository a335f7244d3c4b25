"""Which SavedModels load."""

from tests.conformance.rule import Elsewhere, Group, Rule


def models(name: str) -> Elsewhere:
    return Elsewhere(f"tests/functional/test_models.py::test_{name}")


def compiler(name: str) -> Elsewhere:
    return Elsewhere(f"tests/functional/test_compiler.py::test_{name}")


def serving(name: str) -> Elsewhere:
    return Elsewhere(f"tests/functional/test_serving.py::test_{name}")


GROUP = Group(
    "loading",
    "What loads",
    (
        Rule(
            "Outputs are TensorFlow's",
            "it runs the same library",
            (
                Elsewhere(
                    "tests/functional/test_equality.py::test_outputs_equal_tensorflows_bit_for_bit"
                ),
            ),
        ),
        Rule(
            "TensorFlow 1 and 2: variables of either kind, no variables, assets, tables, state",
            "all of them",
            (
                models("a_graph_without_variables_answers"),
                models("a_counter_begins_where_it_was_saved_and_counts"),
                serving("a_lookup_table_finds_its_asset"),
                compiler("the_plan_knows_whether_the_faster_executor_may_run_it"),
            ),
        ),
        Rule(
            "A graph that was placed on a GPU",
            "runs on the CPU where there is no GPU",
            (models("a_graph_that_was_placed_on_a_gpu_runs_on_the_cpu"),),
        ),
        Rule(
            "`--saved_model_tags` have to be exactly those of a graph",
            "NOT_FOUND `Could not find meta graph def matching supplied tags`",
            (
                models("tags_choose_the_graph_that_is_served"),
                models("tags_have_to_be_exactly_those_of_a_graph"),
            ),
        ),
        Rule(
            "Inputs with defaults cannot be left out over REST; the metadata shows the defaults",
            "both formats demand every input",
            (
                models("both_formats_demand_inputs_that_have_a_default"),
                models("the_metadata_shows_the_defaults"),
            ),
        ),
        Rule(
            "A signature that JSON cannot call, or that changes the model's state",
            "is found out at the first request",
            (
                models(
                    "publishing_tells_of_signatures_that_nobody_can_call_and_that_change_the_model"
                ),
            ),
            better="`deploy publish` warns of it",
        ),
        Rule(
            "Files that mean something elsewhere (`mlmd_uuid`, `saved_model_config.pb`)",
            "are exported as metrics, tune the optimiser; a bad one is a warning",
            (models("files_that_mean_nothing_here_do_no_harm"),),
            better="are kept and not read",
        ),
        Rule(
            "A model without its variables, an op that is missing, a truncated file",
            "the first becomes AVAILABLE and fails each request; the others fail to load",
            (
                compiler("a_broken_model_is_refused_with_the_reason"),
                compiler("a_model_that_crashes_tensorflow_is_refused"),
                compiler("a_model_that_never_answers_is_refused_and_its_process_killed"),
                serving(
                    "bytes_that_do_not_match_the_manifest_are_refused_and_the_old_version_answers"
                ),
            ),
            better="refused at publish, with the reason; bytes are verified at each load",
        ),
        Rule(
            "The text of a failed operation",
            "ends with the node's name, `[[{{node X}}]]`",
            (
                Elsewhere(
                    "tests/functional/test_runtime.py::"
                    "test_what_the_graph_refuses_has_tensorflows_code_and_text"
                ),
            ),
            better="has no node's name where the graph may run on TensorFlow's executor for one"
            " thread, which is several times as fast for small graphs",
        ),
    ),
)
