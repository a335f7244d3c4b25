"""
The tutorial's own commands, as examples/digits/README.md prints them, in order.

Everything but the clients is run as printed; they are asked for in a way that a test can
wait for. The models are small ones: what is tried here is the walk.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from .terminal import DEPLOY, PATIENCE, Client, environment, free_port, running

README = Path(__file__).parents[2] / "examples" / "digits" / "README.md"
BODY = {"instances": [[1.0], [5.0]]}
ANSWER = {"predictions": [[2.5], [4.5]]}
# A comment behind a client's command says who has to have answered.
ANSWERED_BY = re.compile(r"# x-model-version: (\d+)$")


def steps() -> Iterator[str]:
    """The commands between the two headings, one at a time."""
    text = README.read_text(encoding="utf-8")
    section = re.split(r"^## ", text, flags=re.MULTILINE)[1]
    assert section.startswith("With the tutorial's own commands")
    for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL):
        yield from re.findall(r"^(?:cat > .*?^END$|[^\n]+)$", block, re.DOTALL | re.MULTILINE)


@pytest.fixture
def checkout(savedmodels: Path, tmp_path: Path) -> Path:
    """A directory in which step 2 has been done."""
    for version in ("1", "2"):
        shutil.copytree(savedmodels / "half_plus_two", tmp_path / "my_model" / version)
    return tmp_path


def until_answered_by(port: int, version: str) -> None:
    """Ask without naming a version until `version` answers; nobody may fail meanwhile."""
    client = Client(port)
    deadline = monotonic() + PATIENCE
    while True:
        answer = client.ask("/v1/models/sample:predict", BODY)
        assert (200, ANSWER) == (answer.status, answer.document)
        if answer.headers["x-model-version"] == version:
            client.close()
            return
        assert monotonic() < deadline, f"version {version} never answered"
        sleep(0.1)


def in_a_shell(command: str, directory: Path) -> None:
    subprocess.run(["/bin/sh", "-ec", command], cwd=directory, env=environment(), check=True)


def test_the_walk_with_the_tutorials_own_commands(checkout: Path) -> None:
    port = free_port()
    served = 0
    answered: list[str] = []
    with ExitStack() as server:
        for command in steps():
            if command.startswith("deploy serve"):
                server.close()
                expanded = os.path.expandvars(command.replace("$PWD", str(checkout)))
                words = [DEPLOY, *shlex.split(expanded)[1:], f"--rest_api_port={port}"]
                server.enter_context(running(words, port, cwd=checkout))
                served += 1
            elif command.startswith(("curl", "python")):
                found = ANSWERED_BY.search(command)
                answered.append(found[1] if found else "1")
                until_answered_by(port, answered[-1])
            elif not command.startswith(("sleep", ". ")):
                in_a_shell(command, checkout)
        client = Client(port)
        assert ANSWER == client.ask("/v1/models/another:predict", BODY).document
        client.close()
    assert (2, ["1", "2", "1"]) == (served, answered)


def test_the_binarys_name_is_all_that_is_replaced(checkout: Path) -> None:
    """A longer command line, with flags that mean nothing here, starts the same server."""
    port = free_port()
    flags = f"""
        --rest_api_port={port} --port=8500 --model_name sample --model_base_path=my_model
        --enable_batching --enable_model_warmup --tensorflow_session_parallelism=1
        --file_system_poll_wait_seconds=1
    """
    with running([DEPLOY, "serve", *flags.split()], port, cwd=checkout) as server:
        client = Client(port)
        assert ANSWER == client.ask("/v1/models/sample:predict", BODY).document
        assert "2" == client.ask("/v1/models/sample/metadata").document["model_spec"]["version"]
        client.close()
        server.send_signal(signal.SIGINT)
        out, log = server.communicate(timeout=PATIENCE)
    assert (0, "") == (server.returncode, out)
    assert ["port", "enable_batching"] == re.findall(
        r"^warning: --(\w+) is ignored", log, re.MULTILINE
    )
    assert "Traceback" not in log


def test_a_bad_file_at_the_start_is_an_error_with_line_and_column(checkout: Path) -> None:
    (checkout / "models.config").write_text("model_config_list {\n  config { nmae: 'x' }\n}\n")
    done = subprocess.run(
        [DEPLOY, "serve", "--rest_api_port=0", "--model_config_file=models.config"],
        cwd=checkout,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (2, "") == (done.returncode, done.stdout)
    assert "error: models.config:2:12: " in done.stderr
