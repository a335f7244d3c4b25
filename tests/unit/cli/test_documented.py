"""docs/commands.md keeps up with the commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from modelcli.command import FlagCommand
from modelcli.failures import MEANINGS
from modelcli.main import app
from modelcli.upstream import FLAGS
from tests.unit.cli.deploying import Deploy

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "commands.md").read_text(encoding="utf-8")
SECTIONS = {
    section.split("`", 1)[0]: section for section in re.split(r"^### `", PAGE, flags=re.MULTILINE)
}


def _commands(group: TyperGroup, path: str) -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{path} {name}")
        else:
            assert isinstance(command, TyperCommand)
            yield f"{path} {name}", command


def _root() -> TyperGroup:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return root


COMMANDS = dict(_commands(_root(), "deploy"))


def _section(path: str) -> str:
    found = [text for heading, text in SECTIONS.items() if f"{heading} ".startswith(f"{path} ")]
    assert len(found) == 1, f"{path} has {len(found)} sections"
    return found[0]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_a_section_with_all_its_options(path: str) -> None:
    section = _section(path)
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, TyperOption):
            spelled = [name for name in parameter.opts if f"`{name}" in section]
            assert spelled, f"{path} {parameter.opts}"


@pytest.mark.parametrize("path", COMMANDS)
def test_a_section_names_no_option_that_is_not_there(path: str) -> None:
    known = {name for parameter in COMMANDS[path].params for name in parameter.opts}
    written = set(re.findall(r"`(--?[a-z][a-z_-]*)", _section(path)))
    assert {name.replace("_", "-") for name in written} <= known


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_parameter_has_help(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    first, _, _ = command.help.partition("\n\n")
    assert len(first) <= 66, "it fits a line of `deploy --help` on 80 columns"
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{path} {parameter.name}"


@pytest.mark.parametrize("path", ["deploy", *COMMANDS])
def test_help_fits_80_columns_with_nothing_cut_or_broken(
    path: str, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = _root() if path == "deploy" else COMMANDS[path]
    if not isinstance(command, FlagCommand):  # whose help is wrapped anew
        written = f"{command.help}\n{getattr(command, 'epilog', '') or ''}".splitlines()
        assert [line for line in written if len(line) > 78] == [], "Rich breaks it once more"
    monkeypatch.setenv("COLUMNS", "80")
    shown = deploy.ok(*path.split()[1:], "--help").out
    assert "--help" in shown
    assert re.findall(r"\w+…", shown) == []
    assert "[[" not in shown


def test_every_exit_code_is_documented() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, flags=re.MULTILINE))
    assert rows == {str(code): meaning for code, meaning in MEANINGS.items()}


def test_every_flag_of_tensorflow_serving_is_listed_with_what_becomes_of_it() -> None:
    page = (DOCS / "flags.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `--(\w+)` \| `?(.*?)`? \| (.+) \|$", page, flags=re.MULTILINE)
    assert [(f.name, f.default or "none") for f in FLAGS.values()] == [row[:2] for row in rows]
    for name, _, here in rows:
        ignored = FLAGS[name].ignored
        assert here == f"*ignored:* {ignored}" if ignored else not here.startswith("*ignored")
