"""
One version out of several by weight: the same for the same routing key, everywhere.

Weighted rendezvous hashing (Thaler and Ravishankar 1998; with weights as in the draft
draft-ietf-bess-evpn-fast-df-recovery and Schindelhauer and Schomaker 2005, "logarithmic
method"): each version draws a number u in (0, 1) that depends on nothing but the model,
the alias, the version and the key, and the least of -ln(u) / weight wins. The draws do not
depend on the weights, so that a key moves from one version to another only if the other's
weight grew relative to its own.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal

from .shares import WHOLE, Share, Shares

# Two scores nearer than this may be told apart differently by another machine's logarithm.
_TOO_CLOSE = 1e-12
_EXACT = Context(prec=40)
_BITS = 52
_STEP = 2.0**-_BITS


@dataclass(frozen=True)
class Draw:
    """
    What a key drew for one version: `hash` between 0 and 1.

    `cut` is the weight from which on the version gets this key, the others keeping
    their proportions: percent, between 0 and 100.
    """

    version: int
    weight: Decimal
    hash: float
    cut: float


def pick(shares: Shares, model: str, alias: str, key: str) -> int:
    """The version that `key` gets. Shares at 0 % get no key."""
    there = [share for share in shares if share.weight > 0]
    if len(there) == 1:
        return there[0].version
    salt = _salt(model, alias)
    return _least((share, _draw(salt, share.version, key)) for share in there).version


def at_random(shares: Shares, at: float) -> int:
    """The version that `at`, a random number in [0, 1), falls to."""
    at *= 100
    for share in shares:
        at -= float(share.weight)
        if at < 0:
            return share.version
    return max(share.version for share in shares if share.weight > 0)  # rounding


def draws(shares: Shares, model: str, alias: str, key: str) -> tuple[Draw, ...]:
    """What `pick` decides by, a draw for each share."""
    salt = _salt(model, alias)
    drawn = {share: _draw(salt, share.version, key) for share in shares}
    return tuple(
        Draw(share.version, share.weight, hash_, _cut(share, drawn))
        for share, hash_ in drawn.items()
    )


def _salt(model: str, alias: str) -> "hashlib.blake2b":
    # No name contains a NUL, so that no two of them run into one another.
    return hashlib.blake2b(f"{model}\0{alias}\0".encode(), digest_size=8)


def _draw(salt: "hashlib.blake2b", version: int, key: str) -> float:
    """A number in (0, 1), exact as a float."""
    drawn = salt.copy()
    drawn.update(f"{version}\0{key}".encode("utf-8", "surrogateescape"))
    whole = int.from_bytes(drawn.digest(), "big") >> (64 - _BITS)
    return (whole + 0.5) * _STEP


def _least(drawn: Iterable[tuple[Share, float]]) -> Share:
    scored = sorted(
        (-math.log(hash_) / float(share.weight), share, hash_) for share, hash_ in drawn
    )
    least = scored[0][0]
    close = [one for one in scored if one[0] <= least * (1 + _TOO_CLOSE)]
    if len(close) == 1:
        return scored[0][1]
    return min((_exactly(share, hash_), share) for _, share, hash_ in close)[1]


def _exactly(share: Share, hash_: float) -> Decimal:
    return _EXACT.divide(-_EXACT.ln(Decimal(hash_)), share.weight)


def _cut(share: Share, drawn: dict[Share, float]) -> float:
    others = [(other, hash_) for other, hash_ in drawn.items() if other.version != share.version]
    left = sum((other.weight for other, _ in others), Decimal(0))
    if not left:
        return 0.0
    # The best of the others per percent of what they have together.
    best = min(
        -math.log(hash_) * float(left) / float(other.weight)
        for other, hash_ in others
        if other.weight > 0
    )
    own = -math.log(drawn[share])
    return float(WHOLE) * own / (own + best)
