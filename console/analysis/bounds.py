"""How large or small may a rate be, given what was counted? Bounds that hold at every look at once."""

from __future__ import annotations

import math

from console.analysis.error_share import log_evidence_above, log_evidence_below

_HALVINGS = 40


def upper_bound(hits: int, trials: int, alpha: float) -> float:
    """The smallest rate (0..1) that the evidence against at least it excludes; 1.0 while nothing is known.

    P(the true rate is ever above the bound) <= alpha, however often one looks.
    """
    return _cross(0.0 if not trials else hits / trials, 1.0, hits, trials, alpha, upwards=True)


def lower_bound(hits: int, trials: int, alpha: float) -> float:
    """The largest rate (0..1) that the evidence against at most it excludes; 0.0 while nothing is known."""
    return _cross(0.0, 0.0 if not trials else hits / trials, hits, trials, alpha, upwards=False)


def _cross(low: float, high: float, hits: int, trials: int, alpha: float, *, upwards: bool) -> float:
    if trials == 0:
        return 1.0 if upwards else 0.0
    needed = -math.log(alpha)
    measure = log_evidence_below if upwards else log_evidence_above
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not 0.0 < middle < 1.0:
            break
        excluded = measure(hits, trials - hits, middle) >= needed
        if excluded == upwards:
            high = middle
        else:
            low = middle
    return high if upwards else low
