"""The command as a whole: its help, its manners, its exit codes, and what it does not import."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from modelcli import failures
from modelregistry import errors
from modelregistry.plan import Compiler
from modelserver import errors as serving
from tests.unit.cli.deploying import Deploy

DEPLOY = Path(sys.executable).with_name("deploy")
HEAVY = {"numpy", "tensorflow", "keras", "fastapi", "uvicorn", "modelserver.runtime"}
HEAVY |= {"boto3", "botocore", "s3transfer", "google.protobuf", "modelcli.upstream"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DEPLOY, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_arguments_it_prints_its_help(deploy: Deploy) -> None:
    result = deploy.ok()
    assert "Usage: deploy [OPTIONS] COMMAND [ARGS]..." in result.out
    assert result.err == ""
    assert deploy.ok("--help").out.strip() == result.out.strip()
    assert deploy.ok("-h").out == deploy.ok("--help").out


def test_the_help_tells_exit_codes_and_the_choice_of_registry(deploy: Deploy) -> None:
    shown = " ".join(deploy.ok("--help").out.split())
    assert "DEPLOY_REGISTRY or DEPLOY_STACK; else deploy.toml in the working tree" in shown
    for code, meaning in failures.MEANINGS.items():
        assert f"{code} {meaning}" in shown


def test_the_version_is_the_installed_one(deploy: Deploy) -> None:
    assert deploy.ok("--version").out == version("lambda-serving") + "\n"


def test_a_mistyped_command_is_bad_usage_with_a_suggestion(deploy: Deploy) -> None:
    result = deploy("promot", "sample", "1")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: No such command 'promot'. Did you mean 'promote'?\n")


def test_a_missing_argument_is_bad_usage_with_the_usage(deploy: Deploy) -> None:
    result = deploy("canary", "sample", "--weight", "10")
    assert result.code == 2
    assert result.err == (
        "error: Missing argument 'VERSION'.\n"
        "hint: deploy canary [OPTIONS] MODEL VERSION (see deploy canary --help)\n"
    )
    assert deploy("promote", "sample", "1", "--nonsense").code == 2
    assert deploy("alias").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["promote", "--help"],
        ["status"],
        ["promote", "sample", "1"],
        ["rollback", "sample"],
        ["history", "sample"],
        ["apply", "nowhere"],
        ["export"],
    ],
)
def test_what_needs_no_tensorflow_does_not_import_it(arguments: list[str], tmp_path: Path) -> None:
    program = (
        "import sys; from modelcli.main import main; main(sys.argv[2:]);"
        "sys.stderr.write('imported: ' + ' '.join(set(sys.argv[1].split()) & set(sys.modules)))"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, " ".join(HEAVY), *arguments],
        env={**os.environ, "DEPLOY_REGISTRY": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert child.stderr.rpartition("imported: ")[2] == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidInput("x"), 2),
        (errors.NotFound("x"), 5),
        (errors.Conflict("x", winner=2), 3),
        (errors.Refused("x"), 4),
        (errors.ModelRefused("x"), 4),
        (errors.VersionExists("x"), 4),
        (errors.Damaged("x"), 1),
        (errors.Unavailable("x"), 1),
        (serving.InvalidRequest("x"), 1),
        (serving.UnknownLabel("x"), 5),
        (serving.ModelNotFound("x"), 5),
        (serving.ModelUnavailable("x"), 1),
        (serving.PredictionFailed(3, "x"), 1),
        (serving.PortTaken("x"), 1),
        (serving.BadSetting("x"), 2),
        (serving.NoHttpEvent("x"), 1),
        (failures.Failed("x", code=2), 2),
    ],
)
def test_an_error_has_one_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failures.report(error) == code
    assert capsys.readouterr() == ("", "error: x\n")


def test_every_error_of_the_libraries_has_a_row() -> None:
    for module in (errors, serving):
        for error in vars(module).values():
            if isinstance(error, type) and error is not errors.RegistryError:
                assert any(issubclass(error, kind) for kind, _ in failures.CODES), error


def test_an_error_has_its_hint_and_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    failures.report(errors.Refused("no [bold]such\x07 op\nin it", hint="upgrade [it]"))
    assert capsys.readouterr().err == ("error: no [bold]such\\x07 op\nin it\nhint: upgrade [it]\n")


def test_an_unexpected_error_is_one_line_and_shows_more_on_request(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Compiler:
        raise ZeroDivisionError("by zero")

    deploy.compiler_from = broken
    (deploy.work / "exported").mkdir()
    result = deploy("publish", "exported", "sample")
    assert result.code == 1
    assert result.err == (
        "error: ZeroDivisionError: by zero\nhint: run again with DEPLOY_DEBUG=1 for the traceback\n"
    )
    monkeypatch.setenv("DEPLOY_DEBUG", "1")
    assert "Traceback (most recent call last)" in deploy("publish", "exported", "sample").err


def test_ctrl_c_is_quiet_and_130(deploy: Deploy) -> None:
    def interrupted() -> Compiler:
        raise KeyboardInterrupt

    deploy.compiler_from = interrupted
    (deploy.work / "exported").mkdir()
    result = deploy("publish", "exported", "sample")
    assert (result.code, result.out, result.err) == (130, "", "")


def test_a_missing_extra_is_one_line_that_names_it(deploy: Deploy) -> None:
    def without() -> Compiler:
        with failures.extra_for("publishing"):
            raise ModuleNotFoundError("No module named 'numpy'", name="numpy")
        raise AssertionError

    deploy.compiler_from = without
    (deploy.work / "exported").mkdir()
    result = deploy("publish", "exported", "sample")
    assert result.code == 1
    assert result.err == (
        "error: publishing needs numpy, which is not installed\n"
        "hint: pip install 'lambda-serving[serve]'\n"
    )


def test_a_reader_that_goes_away_hears_no_complaint(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    for number in range(3):
        deploy.ok("promote", "sample", "1", "--alias", f"a{number}", "-m", "long " * 5000)
    pipeline = subprocess.run(
        ["/bin/sh", "-c", f"{DEPLOY} history sample | head -c 10"],
        env={**os.environ, **deploy.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (pipeline.stdout, pipeline.stderr) == ("REV  AT   ", "")


def test_who_closes_stdout_wants_no_output_and_no_failure(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    done = subprocess.run(
        ["/bin/sh", "-c", f"{DEPLOY} promote sample 1 >&-"],
        env={**os.environ, **deploy.environment},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == "undo: deploy alias unset sample stable\n"


def test_an_encoding_without_arrows_gets_an_escape(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    result = run(
        "promote", "sample", "1", "--dry-run", **deploy.environment, PYTHONIOENCODING="latin-1"
    )
    assert result.returncode == 0
    assert result.stdout == "would write sample revision 1: stable unset \\u2192 1\n"


def test_no_colour_where_nobody_has_a_terminal(deploy: Deploy) -> None:
    deploy.published({"sample": 1})
    assert "\x1b" not in run("status", **deploy.environment).stdout
    assert "\x1b" not in run("nonsense").stderr


def test_the_installed_command_exits_with_the_code(deploy: Deploy) -> None:
    assert run("status", "sample", **deploy.environment).returncode == 5
    assert run("promote", "a/b", "1", "--registry", "http://x").returncode == 2
