import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.state import Policy
from modelregistry.configuration import LATEST, ModelConfig
from modelregistry.errors import InvalidInput
from modelregistry.names import MAX_VERSION
from modelserver.modelsconfig import SaysNothing, read, write

TUTORIAL = """
model_config_list {
  config {
    name: 'first'
    base_path: '/models/first'
    model_platform: 'tensorflow'
    model_version_policy { specific { versions: 42 versions: 43 } }
    version_labels { key: 'stable' value: 42 }
    version_labels { key: 'canary' value: 43 }
    logging_config {
      log_collector_config { type: "" filename_prefix: "/log" }
      sampling_config { sampling_rate: 0.01 }
    }
  }
}
"""


def one(fields: str) -> ModelConfig:
    (config,) = read(f"model_config_list {{ config {{ {fields} }} }}", "models.config")
    return config


def error_of(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(text, "/etc/models.config")
    return str(caught.value)


def named(fields: str) -> str:
    """A config on the third line, its fields from column 3."""
    return f"model_config_list {{\n config {{ name: 'm' base_path: '/m'\n  {fields}\n}}\n}}"


def test_the_tutorials_file_is_understood() -> None:
    expected = ModelConfig(
        "first",
        "/models/first",
        Policy("specific", versions=(42, 43)),
        {"canary": 43, "stable": 42},
    )
    assert (expected,) == read(TUTORIAL, "models.config")


def test_colons_commas_and_lists_say_the_same() -> None:
    text = """
    model_config_list: {
      config: [
        { name: "a", base_path: "/a", model_platform: "tensorflow" },  # one
        < name: "b"; base_path: "/" "b"; model_platform: 'tensorflow'; >
      ]
    }
    """
    assert (ModelConfig("a", "/a"), ModelConfig("b", "/b")) == read(text, "models.config")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", LATEST),
        ("model_version_policy {}", LATEST),
        ("model_version_policy { latest {} }", LATEST),
        ("model_version_policy { latest { num_versions: 0 } }", LATEST),
        ("model_version_policy { latest { num_versions: 3 } }", Policy("latest", num_versions=3)),
        ("model_version_policy { all {} }", Policy("all")),
        ("model_version_policy { specific {} }", Policy("specific")),
        ("model_version_policy { specific { versions: [2, 1] } }", Policy("specific", 1, (1, 2))),
        (
            "model_version_policy { specific { versions: 2 versions: 1 versions: 2 } }",
            Policy("specific", 1, (1, 2)),
        ),
    ],
)
def test_a_policy_is_what_upstream_takes_it_for(written: str, expected: Policy) -> None:
    fields = "name: 'm' base_path: '/m' model_platform: 'tensorflow'"
    assert expected == one(f"{fields} {written}").policy


@pytest.mark.parametrize("path", ["/models/m", "s3://bucket/m", "file:///m", "gs://b/m"])
def test_a_base_path_is_absolute_or_a_uri(path: str) -> None:
    assert path == one(f"name: 'm' base_path: '{path}' model_platform: 'tensorflow'").base_path


def test_the_deprecated_model_type_still_means_the_platform() -> None:
    assert ModelConfig("m", "/m") == one("name: 'm' base_path: '/m' model_type: TENSORFLOW")


def test_a_file_may_list_no_model() -> None:
    assert () == read("model_config_list {}", "models.config")


@pytest.mark.parametrize("text", ["", "# model_config_list {}\n"])
def test_a_file_that_says_nothing_is_told_apart_from_one_that_lists_no_model(text: str) -> None:
    with pytest.raises(SaysNothing, match=r"models\.config has no model_config_list"):
        read(text, "models.config")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("model_platform: 'tensorflow' nme: 'x'", '3:32: Message type "tensorflow.serving.Model'),
        ("model_platform: tensorflow", "3:19: "),
        ("model_platform: 'pytorch'", "3:3: 'm' requests the platform 'pytorch'"),
        ("model_type: OTHER", "3:3: 'm' requests the platform 'other'"),
        ("model_type: TENSORFLOW model_platform: 'tensorflow'", "3:3: 'm' has both a model_type"),
        ("", "2:2: 'm' has no model_platform"),
        (
            "version_labels { key: 'a' value: 1 } version_labels { key: 'a/b' } model_type: 1",
            "3:40: 'a/b' cannot name an alias",
        ),
        (
            "model_platform: 'tensorflow' version_labels { key: 'highest' value: 1 }",
            "3:32: 'highest' is not an alias",
        ),
        (
            "model_platform: 'tensorflow' version_labels { key: 'a' value: -1 }",
            "3:32: -1 is not a version number",
        ),
        (
            "model_platform: 'tensorflow' model_version_policy { specific { versions: -2 } }",
            "3:66: -2 is not a version number",
        ),
        (
            "model_type: 1 model_version_policy { specific { versions: [1, -2] versions: 3 } }",
            "3:65: -2 is not a version number",
        ),
        (
            "model_platform: 'tensorflow' model_version_policy { latest {} all {} }",
            '3:65: Field "all" is specified along with field "latest"',
        ),
    ],
)
def test_a_mistake_is_told_with_file_line_and_column(fields: str, expected: str) -> None:
    assert error_of(named(fields)).startswith(f"/etc/models.config:{expected}")


def test_a_string_in_pieces_hides_nothing_that_follows() -> None:
    text = "model_config_list {\n config { model_type: 1 name: 'm' base_path: '/' 'm' }\n %s\n}"
    assert error_of(text % "config { base_path: '/a' 'b' name: 'm' }").startswith(
        "/etc/models.config:3:31: model 'm' is listed more than once"
    )


def test_a_relative_base_path_is_refused_where_it_stands() -> None:
    text = "model_config_list {\n config {\n name: 'm'\n    base_path: './m'\n } }"
    expected = "4:5: the base_path of 'm' must be an absolute path or a URI, not './m'"
    assert f"/etc/models.config:{expected}" == error_of(text)


def test_a_name_that_no_model_can_have_is_refused_where_it_stands() -> None:
    text = "model_config_list {\n config { base_path: '/m', name: 'a b' } }"
    assert "/etc/models.config:2:28: 'a b' cannot name a model" == error_of(text)


def test_a_model_is_listed_once() -> None:
    config = "config { name: 'm' base_path: '/m' model_platform: 'tensorflow' }"
    expected = "/etc/models.config:2:10: model 'm' is listed more than once"
    assert expected == error_of(f"model_config_list {{ {config}\n{config} }}")


def test_custom_model_config_is_refused() -> None:
    text = '\n custom_model_config { type_url: "x" }'
    assert "/etc/models.config:2:2: custom_model_config cannot be served" == error_of(text)


@pytest.mark.parametrize(
    "text", ["model_config_list {", "nonsense", "model_config_list { config { name: 'm } }", "}"]
)
def test_what_is_no_text_format_is_told_with_line_and_column(text: str) -> None:
    assert re.match(r"/etc/models\.config:1:\d+: ", error_of(text))


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
versions = st.integers(0, MAX_VERSION)
policies = st.one_of(
    st.builds(Policy, st.just("latest"), st.integers(1, 2**32 - 1)),
    st.just(Policy("all")),
    st.builds(Policy, st.just("specific"), st.just(1), st.sets(versions).map(sorted).map(tuple)),
)
labels = st.dictionaries(names.filter(lambda name: name != "highest"), versions, max_size=4)
paths = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: f"/{text}")
configs = st.builds(ModelConfig, names, paths, policies, labels)


@given(st.lists(configs, unique_by=lambda config: config.name, max_size=4))
def test_what_is_written_reads_back_equal(written: list[ModelConfig]) -> None:
    assert tuple(written) == read(write(written), "models.config")


def test_what_is_written_looks_as_people_write_it() -> None:
    config = ModelConfig("m", "/models/m", Policy("specific", versions=(1,)), {"stable": 1})
    assert (
        write([config])
        == """\
model_config_list {
  config {
    name: "m"
    base_path: "/models/m"
    model_platform: "tensorflow"
    model_version_policy {
      specific {
        versions: 1
      }
    }
    version_labels {
      key: "stable"
      value: 1
    }
  }
}
"""
    )


def test_importing_the_module_imports_no_protobuf() -> None:
    program = "import sys, modelserver.modelsconfig; print('google.protobuf' in sys.modules)"
    child = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert "False\n" == child.stdout
