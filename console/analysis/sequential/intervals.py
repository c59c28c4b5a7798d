"""Between which bounds does a rate, or a quantile, lie? Intervals for people, which hold at every look at once.

A rate is outside while the evidence that hits do not come with it, averaged over a beta prior around that rate, stays
below 1/alpha. A quantile lies between two bounds of buckets where the share of requests below surely is, or surely is
not, that of the quantile. P(the truth is ever outside) <= alpha, so a rollout may stop whenever it likes.

Source: Howard, Ramdas, McAuliffe & Sekhon, *Time-uniform, nonparametric, nonasymptotic confidence sequences* (Annals of
Statistics 2021), the beta-binomial mixture; the tests hold it against `confseq`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from console.analysis.sequential.beta import log_beta

TUNED_FOR = 1000
"""Requests at which the intervals are narrowest for their time."""

TUNED_ALPHA = 0.05
WEAKEST = 1e-3
EXACT = 1e-9


def log_evidence_of_other(hits: float, misses: float, rate: float, strength: float) -> float:
    """Natural logarithm of the evidence that hits come with another probability than `rate` (0..1, both excluded).

    Args:
        strength: Weight of the prior, in requests; see `prior_strength`.
    """
    a, b = strength * rate, strength * (1.0 - rate)
    return log_beta(a + hits, b + misses) - log_beta(a, b) - hits * math.log(rate) - misses * math.log1p(-rate)


def prior_strength(tuned_for: float, alpha: float = TUNED_ALPHA) -> float:
    """The prior's weight that makes the test sharpest after so many requests."""
    needed = -2.0 * math.log(alpha)
    return max(tuned_for / (needed + math.log1p(needed)) - 1.0, WEAKEST)


def rate_interval(hits: int, trials: int, alpha: float, tuned_for: float = TUNED_FOR) -> tuple[float, float]:
    """Lower and upper bound of a rate (0..1); everything while nothing is known."""
    if trials <= 0:
        return 0.0, 1.0
    measured, misses, needed = hits / trials, trials - hits, -math.log(alpha)
    strength = prior_strength(tuned_for)

    def is_outside(rate: float) -> bool:
        return log_evidence_of_other(hits, misses, rate, strength) >= needed

    low = 0.0 if hits == 0 else _edge(is_outside, 0.0, measured)
    high = 1.0 if misses == 0 else _edge(is_outside, 1.0, measured)
    return low, high


def quantile_interval(buckets: Mapping[float, int], part: float, alpha: float) -> tuple[float, float] | None:
    """Bounds in seconds between which a quantile lies; None without requests.

    Args:
        buckets: Upper bound in seconds to the number of requests at or below it, infinity included.
        part: 0..1, for example 0.95.
        alpha: Chance that the quantile is ever outside; half of it for each side.
    """
    total = max(buckets.values(), default=0)
    if not total:
        return None
    low, high = 0.0, math.inf
    for bound in sorted(buckets):
        if math.isinf(bound):
            break
        least, most = rate_interval(buckets[bound], total, alpha / 2)
        if most < part:
            low = bound
        if least > part:
            high = bound
            break
    return low, high


def _edge(is_outside: Callable[[float], bool], outside: float, inside: float) -> float:
    """Halve the way between a rate that is outside and one that is not; the outer end where all of it is inside."""
    if not is_outside(abs(outside - EXACT)):
        return outside
    while abs(outside - inside) > EXACT:
        middle = (outside + inside) / 2
        if is_outside(middle):
            outside = middle
        else:
            inside = middle
    return outside
