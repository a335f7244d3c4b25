"""
Send three held-out digits to the server, as the tutorial does, and draw what it answers.

    python examples/digits/predict.py [--version N | --alias NAME]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import digits

if TYPE_CHECKING:
    import requests

COUNT = 3
TIMEOUT = 30  # seconds; a version that nobody has asked for yet is loaded first
INTERRUPTED = 130

INK = "#1f2937"
FAINT = "#cbd5e1"
RIGHT = "#15803d"
WRONG = "#b91c1c"


class NoPrediction(Exception):
    """The server could not be reached, or did not answer with predictions."""


def ask(url: str, images: digits.Images) -> list[list[float]]:
    """One row of ten probabilities for each image."""
    import requests  # noqa: PLC0415 - see digits.load

    data = json.dumps({"signature_name": "serving_default", "instances": images.tolist()})
    headers = {"content-type": "application/json"}
    try:
        response = requests.post(url, data=data, headers=headers, timeout=TIMEOUT)
    except requests.ConnectionError as error:
        raise NoPrediction(f"no server at {url}; start it with: make run") from error
    except requests.RequestException as error:
        raise NoPrediction(f"{url}: {error}") from error
    return _predictions(url, response)


def _predictions(url: str, response: requests.Response) -> list[list[float]]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    match answer:
        case {"predictions": [[*_], *_] as rows} if response.ok:
            predictions: list[list[float]] = rows
            return predictions
        case {"error": reason}:
            raise NoPrediction(f"{url} answered {response.status_code}: {reason}")
    raise NoPrediction(f"{url} answered {response.status_code} without predictions")


def draw(shown: digits.Digits, predictions: list[list[float]], picture: Path) -> None:
    """Each digit under its prediction and true label, over the ten probabilities."""
    import matplotlib as mpl  # noqa: PLC0415 - see digits.load

    mpl.use("Agg")  # a file is all we want; there may be no display
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    figure, axes = plt.subplots(2, COUNT, figsize=(7.5, 4.3), height_ratios=(4, 1))
    figure.subplots_adjust(0.04, 0.08, 0.96, 0.86, wspace=0.12, hspace=0.1)
    columns = zip(axes.T, shown.images, shown.labels, predictions, strict=True)
    for (above, below), image, label, row in columns:
        predicted = row.index(max(row))
        colour = RIGHT if predicted == label else WRONG
        above.imshow(image.reshape(digits.SIDE, digits.SIDE), cmap="gray_r", vmin=0, vmax=1)
        above.set_title(f"predicted {predicted}", color=colour, fontsize=15, weight="bold", pad=22)
        above.text(
            0.5, 1.03, f"true label {label}", color=INK, ha="center", transform=above.transAxes
        )
        above.set(xticks=[], yticks=[])
        above.spines[:].set_color(FAINT)

        bars = below.bar(range(10), row, color=FAINT)
        bars[predicted].set_color(colour)
        below.set(xticks=range(10), yticks=[], ylim=(0, 1))
        below.tick_params(length=0, labelsize=9, labelcolor=INK)
        below.spines[["left", "right", "top"]].set_visible(False)
        below.spines["bottom"].set_color(FAINT)
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def predict(url: str, picture: Path) -> None:
    shown = digits.load().held_out.first(COUNT)
    predictions = ask(url, shown.images)
    for label, row in zip(shown.labels, predictions, strict=True):
        print(f"predicted {row.index(max(row))}   true label {label}")
    draw(shown, predictions, picture)
    print(f"picture   {picture}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Predict three held-out digits and draw them.")
    parser.add_argument("--url", default="http://localhost:9000", help="where the server is")
    parser.add_argument("--output", type=Path, default=Path("digits.png"), help="the picture")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--version", type=int, default=1, help="default: 1, as in the tutorial")
    chosen.add_argument("--alias", help="whichever version this alias points to")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    chosen = (
        f"labels/{quote(arguments.alias, safe='')}"
        if arguments.alias
        else f"versions/{arguments.version}"
    )
    url = f"{arguments.url.rstrip('/')}/v1/models/sample/{chosen}:predict"
    try:
        predict(url, arguments.output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (NoPrediction, OSError) as error:
        print(f"predict: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
