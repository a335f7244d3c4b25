"""
How far what was found is from what was to be expected (NIST/SEMATECH e-Handbook, 1.3.6.7.4).
"""

from collections import Counter

from modelregistry.aliases.shares import Shares

# What a right share exceeds once in a thousand runs, by degrees of freedom.
CRITICAL = {1: 10.828, 2: 13.816, 3: 16.266, 4: 18.467, 9: 27.877}


def chi_squared(found: Counter[int], expected: Shares) -> float:
    assert set(found) <= {share.version for share in expected}
    total = sum(found.values())
    return sum(
        (found[share.version] - (e := total * float(share.weight) / 100)) ** 2 / e
        for share in expected
    )
