"""What a sample of readings is like, and how two differ, in the figures that people compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

FENCE = 1.5
"""Interquartile ranges beyond the quartiles, from which on a reading is an outlier (Tukey)."""


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0..1) of one reading or more lie, interpolated as R's type 7 does."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def mean_ratio(candidate: Sequence[float], stable: Sequence[float]) -> float | None:
    """The canary's mean over the baseline's; None where either is zero, since the ratio then says nothing."""
    ours, theirs = fmean(candidate), fmean(stable)
    return ours / theirs if ours and theirs else None


def standardised_difference(candidate: Sequence[float], stable: Sequence[float]) -> float | None:
    """Difference of the means in pooled standard deviations (Cohen's d); None where nothing varies, or of one reading.

    Source: Cohen, *Statistical Power Analysis for the Behavioral Sciences*, 2.5.
    """
    n, m = len(candidate), len(stable)
    if min(n, m) < 2:
        return None
    pooled = ((n - 1) * variance(candidate) + (m - 1) * variance(stable)) / (n + m - 2)
    return (fmean(candidate) - fmean(stable)) / math.sqrt(pooled) if pooled else None


def outliers(values: Sequence[float]) -> tuple[bool, ...]:
    """Which readings lie beyond Tukey's fences. They are named, never left out: a leak begins as an outlier."""
    if not values:
        return ()
    low, high = percentile(values, 0.25), percentile(values, 0.75)
    reach = FENCE * (high - low)
    return tuple(not low - reach <= value <= high + reach for value in values)
