"""Is the traffic divided as we believe? A comparison of arms that get other requests than thought proves nothing.

Sample ratio mismatch by the same kind of evidence as for errors: requests of the canary against the share that was set,
averaged over a Beta(k·share, k·(1-share)) prior. P(E ever reaches 1/alpha) <= alpha while the split is fair.

Source: Lindon & Malek, *Anytime-valid inference for multinomial count data* (NeurIPS 2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from console.analysis.sequential.beta import log_beta

SPLIT_PRIOR_STRENGTH = 100.0


@lru_cache(maxsize=1024)
def log_e_split(
    canary_requests: float, all_requests: float, share: float, strength: float = SPLIT_PRIOR_STRENGTH
) -> float:
    """Natural logarithm of the evidence that the canary's part of the requests is not `share` (0..1, both excluded)."""
    a, b = strength * share, strength * (1.0 - share)
    others = all_requests - canary_requests
    return (
        log_beta(a + canary_requests, b + others)
        - log_beta(a, b)
        - canary_requests * math.log(share)
        - others * math.log1p(-share)
    )


def log_e_split_of_stages(stages: Iterable[tuple[float, float, float]]) -> float:
    """Evidence of a whole rollout from (share, canary requests, baseline requests) of each stage."""
    return math.fsum(
        log_e_split(canary, canary + baseline, share) for share, canary, baseline in stages if 0.0 < share < 1.0
    )
