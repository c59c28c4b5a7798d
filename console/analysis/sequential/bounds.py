"""How large or small may a rate be, given what was counted? Bounds that hold at every look at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from console.analysis.sequential.ratios import LESS, log_evidence

_EXACT = 1e-6
_MOST_STEPS = 60


@lru_cache(maxsize=4096)
def upper_bound(hits: int, trials: int, alpha: float) -> float:
    """The smallest rate (0..1) that the evidence against at least it excludes; 1.0 while nothing is known.

    P(the true rate is ever above the bound) <= alpha, however often one looks.
    """
    if trials == 0:
        return 1.0
    needed, misses = -math.log(alpha), trials - hits
    return _crossing(lambda rate: log_evidence(hits, misses, rate, LESS) - needed, hits / trials, 1.0)


@lru_cache(maxsize=4096)
def lower_bound(hits: int, trials: int, alpha: float) -> float:
    """The largest rate (0..1) that the evidence against at most it excludes; 0.0 while nothing is known."""
    if hits == 0:
        return 0.0
    needed, misses = -math.log(alpha), trials - hits
    return _crossing(lambda rate: log_evidence(hits, misses, rate) - needed, hits / trials, 0.0)


def _crossing(surplus: Callable[[float], float], inside: float, outside: float) -> float:
    """Where a surplus that is negative at `inside` and positive towards `outside` becomes zero, on the outer side.

    By the Illinois form of false position, with a halving where that does not shrink the bracket fast.
    """
    low, high = inside, outside
    low_value = -math.inf
    high_value = math.inf
    stuck = 0
    for _ in range(_MOST_STEPS):
        width = high - low
        if abs(width) <= _EXACT:
            break
        if math.isfinite(low_value) and math.isfinite(high_value) and stuck < 3:
            middle = high - high_value * width / (high_value - low_value)
        else:
            middle, stuck = low + width / 2, 0
        value = surplus(middle)
        if value >= 0.0:
            high, high_value, low_value = middle, value, low_value / 2 if stuck else low_value
        else:
            low, low_value, high_value = middle, value, high_value / 2 if stuck else high_value
        stuck += 1
    return high
