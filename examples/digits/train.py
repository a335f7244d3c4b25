"""
Train the tutorial's model twice and export both, as versions 1 and 2 of one model.

    python examples/digits/train.py [--output my_model]

Version 1 has seen few digits and version 2 all of them: a better model to replace it
with. A version is written beside its place and then renamed to it, so an interrupted
run leaves no half version. A version that is already there is never written again.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import digits

INTERRUPTED = 130


class Recipe(NamedTuple):
    version: int
    images: int
    epochs: int


RECIPES = (
    Recipe(version=1, images=100, epochs=5),
    Recipe(version=2, images=1500, epochs=10),
)
SEED = 2020


def export(recipe: Recipe, split: digits.Split, place: Path) -> float:
    """Train by `recipe`, export to `place`; the accuracy on the held-out digits."""
    import keras  # noqa: PLC0415 - it loads TensorFlow, seconds that only training should pay

    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            # Named, so that both versions call their input the same.
            keras.Input(shape=(784,), name="pixels"),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    training = split.training.first(recipe.images)
    model.fit(training.images, training.labels, epochs=recipe.epochs, verbose=0)
    _, accuracy = model.evaluate(split.held_out.images, split.held_out.labels, verbose=0)

    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=place.parent) as unfinished:
        exported = Path(unfinished, place.name)
        model.export(exported, verbose=False)
        exported.rename(place)
    return float(accuracy)


def train(output: Path) -> None:
    """Make the versions that `output` lacks, and say how good each is."""
    missing = []
    for recipe in RECIPES:
        place = output / str(recipe.version)
        if place.exists():
            print(f"{place}  is already there; remove it to train it again", flush=True)
        else:
            missing.append((recipe, place))
    if not missing:
        return
    output.mkdir(parents=True, exist_ok=True)
    split = digits.load()
    for recipe, place in missing:
        accuracy = export(recipe, split, place)
        print(
            f"{place}  accuracy {accuracy:.3f} on {len(split.held_out.labels)} held-out digits"
            f" ({recipe.images} images, {recipe.epochs} epochs)",
            flush=True,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Train two versions of the tutorial's model.")
    parser.add_argument("--output", type=Path, default=Path("my_model"), help="parent directory")
    output: Path = parser.parse_args().output

    # Read when TensorFlow is loaded: errors only, and no other backend of Keras.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    # On some processors it is on by default: rounds otherwise, and says so on stderr.
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        train(output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
