"""Is the canary slower in general? Means of the logarithm of latency, compared at any time.

An edge tells no single latencies, only how many fell between two bounds. Every request of a bucket is therefore taken
at the bucket's geometric middle, for both arms alike: then arms that answer alike have the same mean, however coarse
the buckets are, and what the middle hides costs power alone (from 0.1 s to 0.25 s, about a quarter of the requests).

The difference of means is held against a one-sided normal mixture in its asymptotic form: evidence is averaged over a
half-normal prior of effects, and reaches 1/alpha for arms that answer alike with a probability of about alpha at most.

Sources: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, *Time-uniform central limit theory and asymptotic confidence
sequences* (2023); Robbins, *Statistical methods related to the law of the iterated logarithm* (1970).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

TUNED_FOR = 500
"""Canary requests at which the test is sharpest."""

FEWEST_REQUESTS = 50
"""In each arm; below, the asymptotics do not hold."""

LEAST_VARIANCE = 0.05
"""Of a logarithm: buckets hide what is quieter, so that no arm may pass for more regular than this."""


@dataclass(frozen=True)
class LogLatency:
    """Requests, and mean and variance of ln(seconds) of one arm."""

    requests: int
    mean: float
    variance: float


@dataclass(frozen=True)
class LogDifference:
    """Of the means of ln(seconds), canary less baseline; `requests` are the canary's."""

    mean: float
    variance: float
    requests: int


def log_latency(histogram: Sequence[int], bounds: tuple[float, ...]) -> LogLatency | None:
    """Estimate mean and variance from buckets; None without requests.

    Args:
        histogram: Requests in each bucket (not cumulative), the last one open.
        bounds: Finite upper bounds of the buckets in seconds, rising; one fewer than buckets.
    """
    requests = sum(histogram)
    if not requests or len(histogram) != len(bounds) + 1:
        return None
    middles, squares = _moments(bounds)
    mean = sum(map(mul, middles, histogram)) / requests
    spread = sum(map(mul, squares, histogram)) - requests * mean * mean
    return LogLatency(requests, mean, max(LEAST_VARIANCE, spread / max(1, requests - 1)))


@lru_cache(maxsize=16)
def _moments(bounds: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    middles = log_middles(bounds)
    return middles, tuple(middle * middle for middle in middles)


def log_middles(bounds: tuple[float, ...]) -> tuple[float, ...]:
    """ln of the geometric middle of each bucket; the first and the open one are as wide as their neighbours."""
    logs = [math.log(bound) for bound in bounds]
    if len(logs) == 1:
        return (logs[0] - 0.5, logs[0] + 0.5)
    first, last = (logs[1] - logs[0]) / 2, (logs[-1] - logs[-2]) / 2
    return (logs[0] - first, *(sum(pair) / 2 for pair in itertools.pairwise(logs)), logs[-1] + last)


def log_evidence_of_more(
    difference: float, variance: float, requests: int, alpha: float, tuned_for: float = TUNED_FOR
) -> float:
    """Natural logarithm of the evidence that a mean is above 0.

    Args:
        difference: Of the estimated means, canary less baseline.
        variance: Of that difference.
        requests: Of the canary, which the variance falls with.
        alpha: The level at which it is to be sharpest after
        tuned_for: so many requests.
    """
    spread = requests * mixing_variance(alpha, tuned_for)
    score = difference * math.sqrt(spread / ((spread + 1.0) * variance))
    above = 0.5 * math.erfc(-score / math.sqrt(2.0))
    if above <= 0.0:
        return -math.inf
    return math.log(2.0) - 0.5 * math.log1p(spread) + 0.5 * score * score + math.log(above)


def half_width(variance: float, requests: int, alpha: float, tuned_for: float = TUNED_FOR) -> float:
    """Half the width of a two-sided interval that holds at every look with 1 - alpha.

    Args:
        variance: Of the estimate.
        requests: Of the canary.
        alpha: Chance that the truth is ever outside.
        tuned_for: Requests at which the interval is narrowest for its time.
    """
    spread = requests * mixing_variance(alpha / 2, tuned_for)
    return math.sqrt(variance * 2.0 * (spread + 1.0) / spread * math.log(math.sqrt(spread + 1.0) / alpha))


def mixing_variance(alpha: float, tuned_for: float) -> float:
    """Variance of the prior, in units of one observation's, that makes a one-sided test of alpha sharpest there."""
    log = -2.0 * math.log(2.0 * alpha)
    return (log + math.log(log + 1.0)) / tuned_for
