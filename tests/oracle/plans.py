"""
The plans of all SavedModels under a directory that end, compiled in one process to save time.

    python -m tests.oracle.plans ROOT PLANS
"""

import sys
from pathlib import Path

from modelserver.compiler.__main__ import compile_model


def main(root: Path, plans: Path) -> None:
    plans.mkdir()
    for directory in sorted(root.iterdir()):
        if directory.name != "endless":
            compile_model(directory, ["serve"], plans / f"{directory.name}.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
