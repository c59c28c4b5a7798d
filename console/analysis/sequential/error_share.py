"""Whose errors are they? An exact test that may be looked at after every request.

Each request goes to the canary with a known probability `share`. Given that a request failed, it was the canary's
with probability theta = share·p_c / (share·p_c + (1-share)·p_b). While the canary fails at most `ratio` times as
often as the baseline, theta stays at or below theta0 = share·ratio / (share·ratio + 1 - share), whatever the baseline
does over time: an outage of both arms is no evidence. Evidence E is a likelihood ratio averaged over a
Beta(k·theta0, k·(1-theta0)) prior cut to theta > theta0. P(E ever reaches 1/alpha) <= alpha while the canary is no
worse (Ville's inequality).

Source: Lindon & Malek, *Anytime-valid inference for multinomial count data* (NeurIPS 2022), in a one-sided form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from console.analysis.sequential.beta import log_above, log_beta

PRIOR_STRENGTH = 4.0


def theta_at_most(share: float, ratio: float = 1.0) -> float:
    """The canary's largest fair part of all errors.

    Args:
        share: The canary's part of the requests, 0..1, both excluded.
        ratio: How many times as often as the baseline the canary may fail.
    """
    return share * ratio / (share * ratio + 1.0 - share)


def log_evidence_above(hits: float, misses: float, bound: float, strength: float = PRIOR_STRENGTH) -> float:
    """Natural logarithm of the evidence that hits come with a probability above `bound` (0..1, both excluded)."""
    a, b = strength * bound, strength * (1.0 - bound)
    return (
        log_beta(a + hits, b + misses)
        + log_above(a + hits, b + misses, bound)
        - log_beta(a, b)
        - log_above(a, b, bound)
        - hits * math.log(bound)
        - misses * math.log1p(-bound)
    )


def log_e(
    canary_errors: float, baseline_errors: float, share: float, ratio: float = 1.0, strength: float = PRIOR_STRENGTH
) -> float:
    """Natural logarithm of the evidence that the canary fails more than `ratio` times as often as the baseline.

    Only errors count; requests that went well carry no weight here. 0.0 is no evidence, below it speaks for the canary.
    """
    return log_evidence_above(canary_errors, baseline_errors, theta_at_most(share, ratio), strength)


def log_e_of_stages(stages: Iterable[tuple[float, float, float]], ratio: float = 1.0) -> float:
    """Evidence of a whole rollout: each stage's is frozen at its end and multiplied, so logarithms add up.

    Args:
        stages: (share, canary errors, baseline errors) of each; a share of 0 or 1 tells nothing and is passed over.
        ratio: As for `log_e`.
    """
    return math.fsum(log_e(canary, baseline, share, ratio) for share, canary, baseline in stages if 0.0 < share < 1.0)
