"""What the function's image weighs beside one with `pip install tensorflow-cpu`."""

import sys

from infra.local import weigh
from infra.local.engine import Refused

from . import containers
from .containers import HERE, PLAIN
from .report import Row


def rows(quick: bool) -> list[Row]:
    if quick:  # images take minutes to build
        return []
    try:
        containers.build()
        here, plain = (float(sum(weigh.added(image).values())) for image in (HERE, PLAIN))
    except Refused as refused:
        print(f"bench: no image is weighed: {refused}", file=sys.stderr)
        return []
    figure = "image, unpacked, beyond its base"
    return [Row(figure, "MB", "pip install tensorflow-cpu", (here,), (plain,), 0.6)]
