"""
The handwritten digits that the example trains on and predicts.

scikit-learn bundles 1,797 of them, 8 by 8 pixels each, so nothing is downloaded. They
are scaled to the tutorial's shape, 28 by 28 flattened to 784, and to 0 … 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE = 28
HELD_OUT = 297
SPLIT_SEED = 2020

Images = NDArray[np.float32]


class Digits(NamedTuple):
    """`images`, float32 of shape (n, 784) from 0 to 1, and the digit that each one shows."""

    images: Images
    labels: NDArray[np.int64]

    def first(self, count: int) -> "Digits":
        return Digits(self.images[:count], self.labels[:count])


class Split(NamedTuple):
    training: Digits
    held_out: Digits


def load() -> Split:
    """Split the digits into 1,500 to train on and 297 held out, always the same ones."""
    # Seconds to import: inside a call, a caller can still end quietly at Ctrl-C.
    from scipy.ndimage import zoom  # noqa: PLC0415
    from sklearn.datasets import load_digits  # noqa: PLC0415

    bundled = load_digits()
    small = bundled.images / 16  # their grey levels are 0 … 16
    scale = SIDE / small.shape[1]
    # A cubic spline overshoots a little at the edges of a stroke.
    large = zoom(small, (1, scale, scale), order=3, mode="nearest").clip(0, 1)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(large))
    images = large.reshape(len(large), -1).astype(np.float32)[order]
    labels = bundled.target.astype(np.int64)[order]
    return Split(
        training=Digits(images, labels).first(-HELD_OUT),
        held_out=Digits(images[-HELD_OUT:], labels[-HELD_OUT:]),
    )
