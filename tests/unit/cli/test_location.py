from pathlib import Path

import pytest

from modelcli.location import Location, Named, locate
from modelregistry.errors import InvalidInput

HERE = {"DEPLOY_REGISTRY": "from-environment"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree whose deploy.toml names a registry beside itself."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "deploy.toml").write_text('registry = "models"\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    return tmp_path


def test_the_option_comes_before_everything(tree: Path) -> None:
    found = locate(Named("file:///given"), HERE, tree)
    assert (found.url, found.reason) == ("file:///given", "chosen by --registry")


def test_the_environment_comes_before_the_file(tree: Path) -> None:
    found = locate(Named(), HERE, tree)
    assert found.url == "from-environment"
    assert found.reason == "chosen by the environment variable DEPLOY_REGISTRY"


@pytest.mark.parametrize("below", [".", "a", "a/b"])
def test_deploy_toml_counts_in_all_of_its_working_tree(tree: Path, below: str) -> None:
    found = locate(Named(), {}, tree / below)
    assert found.url == str(tree / "models")
    assert found.reason == f"chosen by {tree / 'deploy.toml'}"


def test_the_nearest_deploy_toml_counts(tree: Path) -> None:
    (tree / "a" / "deploy.toml").write_text('registry = "file:///nearer"\n')
    assert locate(Named(), {}, tree / "a" / "b").url == "file:///nearer"


def test_no_deploy_toml_above_the_working_tree_counts(tree: Path) -> None:
    (tree / "a" / ".git").write_text("gitdir: elsewhere\n")
    found = locate(Named(), {"XDG_DATA_HOME": "x"}, tree / "a" / "b")
    assert found.reason.startswith("the user's own, ")


def test_without_a_working_tree_only_the_working_directory_counts(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text('registry = "models"\n')
    (tmp_path / "below").mkdir()
    assert locate(Named(), {}, tmp_path).url == str(tmp_path / "models")
    assert locate(Named(), {}, tmp_path / "below").reason.startswith("the user's own, ")


def test_when_nothing_names_one_it_is_in_the_users_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    found = locate(Named(), {"DEPLOY_REGISTRY": ""}, tmp_path)
    assert Path(found.url).name == "registry"
    assert Path(found.url).parent.name == "lambda-serving"
    assert found.reason == (
        "the user's own, as no --registry, DEPLOY_REGISTRY or deploy.toml names one"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("registry = ", " is not TOML: "),
        ("registry = 3", ": the key 'registry' is 3"),
        ('registry = ""', ": the key 'registry' is ''"),
        ("stack = 3", ": the key 'stack' is 3"),
        ('stack = "s"\nregistry = "models"', ": the key 'registry' names 'models' and "),
        ('regsitry = "models"', ": unknown key 'regsitry'"),
        ("[registry]\nurl = 'x'", ": the key 'registry' is {'url': 'x'}"),
    ],
)
def test_a_deploy_toml_that_cannot_be_used_is_named(
    tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "deploy.toml"
    file.write_text(content)
    with pytest.raises(InvalidInput) as refused:
        locate(Named(), {}, tmp_path)
    assert str(refused.value).startswith(f"{file}{says}")
    assert "\n" not in str(refused.value)


def test_a_deploy_toml_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_bytes(b'registry = "\xff"')
    with pytest.raises(InvalidInput, match=r"deploy\.toml is not TOML"):
        locate(Named(), {}, tmp_path)


def test_a_broken_deploy_toml_is_in_nobodys_way_who_names_a_registry(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text("registry = ")
    assert locate(Named("given"), {}, tmp_path).url == "given"
    assert locate(Named(), HERE, tmp_path).url == "from-environment"


def test_a_deploy_toml_that_is_a_broken_link_is_told_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").symlink_to(tmp_path / "nothing")
    with pytest.raises(OSError, match="No such file"):
        locate(Named(), {}, tmp_path)


def test_a_relative_registry_is_shown_without_detours(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text('registry = "../registry"')
    assert locate(Named(), {}, tmp_path).url == str(tmp_path.parent / "registry")


def test_a_stack_can_be_named_wherever_a_registry_can(tree: Path) -> None:
    stack = {"DEPLOY_STACK": "staging"}
    assert locate(Named(stack="staging"), HERE, tree) == Location(
        "stack:staging", "chosen by --stack"
    )
    assert locate(Named(), stack, tree) == Location(
        "stack:staging", "chosen by the environment variable DEPLOY_STACK"
    )
    (tree / "deploy.toml").write_text('stack = "staging"\n')
    assert locate(Named(), {}, tree / "a") == Location(
        "stack:staging", f"chosen by {tree / 'deploy.toml'}"
    )
    assert locate(Named(), {}, tree).stack == "staging"


@pytest.mark.parametrize("url", ["s3://bucket/models?table=t", "stack:staging", "file:///models"])
def test_a_url_in_deploy_toml_is_not_relative_to_it(tree: Path, url: str) -> None:
    (tree / "deploy.toml").write_text(f'registry = "{url}"\n')
    assert locate(Named(), {}, tree).url == url


def test_a_place_that_names_a_registry_and_a_stack_is_refused(tree: Path) -> None:
    with pytest.raises(InvalidInput, match=r"--registry names 'r' and --stack the stack 's'"):
        locate(Named("r", "s"), {}, tree)
    both = {"DEPLOY_REGISTRY": "r", "DEPLOY_STACK": "s"}
    with pytest.raises(InvalidInput, match="DEPLOY_REGISTRY names 'r' and DEPLOY_STACK the stack"):
        locate(Named(), both, tree)
    assert locate(Named("r"), both, tree).url == "r"
    assert locate(Named(), {**both, "DEPLOY_STACK": ""}, tree).url == "r"


def test_the_word_after_the_command_counts_but_not_against_the_other_kind() -> None:
    assert Named("a").before(Named("b")) == Named("b")
    assert Named(stack="a").before(Named()) == Named(stack="a")
    assert Named("a").before(Named(stack="b")) == Named("a", "b")
