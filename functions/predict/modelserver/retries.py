"""When a version that failed to load is tried again."""

import math
from dataclasses import dataclass

# 2 ** 60 seconds are longer than any `last`; a float has no room for 2 ** 1024.
_DOUBLINGS = 60


@dataclass(frozen=True)
class Retries:
    """
    The first retry comes `first` seconds after the failure, each further one after
    twice as long, up to `last`: a broken version must not stall every request for it.

    With `at_most` there are no more retries than that; without, they never end.
    """

    first: float = 1.0
    last: float = 60.0
    at_most: int | None = None

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row; infinite once it is given up."""
        if self.at_most is not None and failures > self.at_most:
            return math.inf
        return min(self.first * 2.0 ** min(failures - 1, _DOUBLINGS), self.last)


ENDLESS = Retries()
