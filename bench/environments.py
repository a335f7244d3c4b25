"""
The environments of what we are measured beside: each peer with the versions it wants.

    python -m bench.environments [NAME...]

Made when first needed, below bench/environments.made, from bench/peers/NAME.txt, which pins every
package. uv installs them, in an environment of its own: TensorFlow is then on disk once.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MADE = Path(__file__).with_name("environments.made")
PEERS = Path(__file__).with_name("peers")
NAMES = ("flask", "litserve", "bentoml", "mlserver")


def python_of(name: str) -> Path:
    """The interpreter of peer `name`. Raises CalledProcessError where it cannot be installed."""
    place, wanted = MADE / name, PEERS / f"{name}.txt"
    python, stamp = place / "bin/python", place / "installed.txt"
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        shutil.rmtree(place, ignore_errors=True)
        print(f"bench: installing {name} into {place}, once", file=sys.stderr, flush=True)
        uv = _uv()
        _run(uv, "venv", "--quiet", "--python", sys.executable, place)
        _run(uv, "pip", "install", "--quiet", "--python", python, "--requirement", wanted)
        stamp.write_bytes(wanted.read_bytes())
    return python


def _uv() -> Path:
    place = MADE / ".uv"
    uv = place / "bin/uv"
    if not uv.exists():
        _run(sys.executable, "-m", "venv", "--clear", place)
        _run(place / "bin/python", "-m", "pip", "install", "--quiet", "uv")
    return uv


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def main(names: Sequence[str]) -> None:
    for name in names or NAMES:
        print(f"{name}: {python_of(name)}")


if __name__ == "__main__":
    main(sys.argv[1:])
