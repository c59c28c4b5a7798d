"""Is the traffic divided as we believe? A comparison of arms that get other requests than thought proves nothing.

Sample ratio mismatch by the same kind of evidence as for errors: requests of the canary against the share that was set,
for a few sizes of deviation to either side. P(E ever reaches 1/alpha) <= alpha while the split is fair. A share of 7 %
that should be 5 % is found after about 1,850 requests of both arms (median; 4,100 at the 95th percentile) at
alpha = 0.1 %.

Source: Lindon & Malek, *Anytime-valid inference for multinomial count data* (NeurIPS 2022), with points in the place of
a Beta prior.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.analysis.sequential.ratios import Sizes, log_evidence_of_stages

OTHER = Sizes(
    ((0.05, 0.04), (0.4, 0.05), (0.7, 0.20), (0.85, 0.06), (1.18, 0.06), (1.4, 0.50), (2.0, 0.05), (8.0, 0.04))
)


def log_evidence_of_other_split(stages: Iterable[tuple[float, int, int]]) -> float:
    """Natural logarithm of the evidence that shares are not as set, from (share, canary, baseline requests) of each."""
    return log_evidence_of_stages(stages, OTHER)
