"""
This project beside what people use today, figure by figure.

    python -m bench [--quick] [--only SECTION ...]

One run, one machine: the ways take turns, each process pinned to one core. Their answers are
compared before anything is measured. Writes bench/results.md and .json.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from . import report

RESULTS = Path(__file__).with_name("results")
# Each a module in here with `rows(quick: bool) -> list[Row]`, in the order of the table.
SECTIONS = (
    "starts",
    "image",
    "handlers",
    "codec",
    "memory",
    "servers",
    "aliascheck",
    "flips",
    "growth",
    "crowds",
    "transfers",
)


def measure(sections: Sequence[str], quick: bool) -> None:
    """The rows of every section, one after the other, written down after each."""
    rows: list[report.Row] = []
    for name in sections:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        rows += import_module(f"bench.{name}").rows(quick)
        report.write(rows, RESULTS)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds and fewer rows: two minutes"
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION")
    asked = parser.parse_args(arguments)
    # A server that was stopped for the moment would outlive this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    measure(asked.only, asked.quick)
    sys.stdout.write(RESULTS.with_suffix(".md").read_text("utf-8"))


if __name__ == "__main__":
    main()
