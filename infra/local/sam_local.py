"""
What `make sam-local` does: the whole product on this machine, in a real Lambda container.

    python -m infra.local.sam_local [--port 3000]

S3 and DynamoDB endpoints, a bucket and a table, the sample published in two versions,
`sam build`, `sam local start-api --warm-containers EAGER`. `.env.sam-local` is there
while it runs: source it, and `deploy` talks to the same registry.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import base_image, sam
from .endpoints import REGISTRY, Endpoints, bridge_address, check_address, endpoints
from .engine import CHECKOUT, Refused, check_engine, say

DEPLOY = Path(sys.executable).with_name("deploy")
SAMPLE = CHECKOUT / "examples" / "digits"
MODEL = "sample"
BUILT = CHECKOUT / ".aws-sam" / "local"
ENVIRONMENT = CHECKOUT / ".env.sam-local"
INTERRUPTED = 130


def sam_local(port: int) -> None:
    sam.check_port(port)
    sam.check_sam()
    check_engine()
    address = bridge_address()
    check_address(address)
    base_image.ensure()
    train()
    sam.build(BUILT)
    with endpoints(address) as local:
        variables = local.variables | {"DEPLOY_REGISTRY": REGISTRY}
        publish(variables)
        settings = {"REGISTRY_URL": REGISTRY, "AWS_ENDPOINT_URL": local.url}
        api = sam.start_api(BUILT, port, aws=local.variables, settings=settings)
        with written(variables), api as process:
            introduce(port, local)
            process.wait()
            raise Refused("sam local start-api ended by itself; what it said is above")


def train() -> None:
    if not all((CHECKOUT / "my_model" / version).exists() for version in ("1", "2")):
        say("training the sample (once, about 20 seconds)")
        _step({}, sys.executable, SAMPLE / "train.py")


def publish(variables: dict[str, str]) -> None:
    """Versions 1 and 2 into the endpoints' registry, version 1 `stable`."""
    _step(variables, DEPLOY, "publish", "my_model", MODEL)
    _step(variables, DEPLOY, "promote", MODEL, "1", "-m", "make sam-local")


def _step(variables: dict[str, str], *command: str | Path) -> None:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(command, cwd=CHECKOUT, env=rest | variables, check=False)
    if done.returncode:
        name = " ".join(Path(word).name for word in command[:2])
        raise Refused(f"{name} failed; what it said is above")


@contextmanager
def written(variables: dict[str, str]) -> Iterator[None]:
    """`variables` in `.env.sam-local`, for as long as they lead anywhere."""
    lines = ["unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_DYNAMODB\n"]
    lines += [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    ENVIRONMENT.write_text("".join(lines))
    try:
        yield
    finally:
        ENVIRONMENT.unlink(missing_ok=True)


def introduce(port: int, local: Endpoints) -> None:
    body = shlex.quote(f"@{(SAMPLE / 'three.json').relative_to(CHECKOUT)}")
    url = f"http://127.0.0.1:{port}/v1/models/{MODEL}:predict"
    source = f". ./{ENVIRONMENT.name}"
    print(
        f"\nserving {url}\n"
        f"S3 and DynamoDB at {local.url}, in memory: what is published there ends with this\n"
        "In another terminal, in this directory:\n"
        f"  predict      curl -i -d {body} {url}\n"
        f"  version 2    {source} && .venv/bin/deploy promote {MODEL} 2\n"
        f"  and back     {source} && .venv/bin/deploy rollback {MODEL}\n"
        "Ctrl-C ends it all.\n",
        flush=True,
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65534:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 1 to 65534")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve the sample with sam local start-api.")
    parser.add_argument("--port", type=_port, default=3000)
    port: int = parser.parse_args().port
    # Whoever started this in the background may have it ignore Ctrl-C, which is how `sam` is ended.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sam_local(port)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Refused, OSError) as error:
        say(f"sam-local: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
