"""Does something happen more (or less) often than it may? Likelihood ratios of a few sizes, sharp where it matters.

The same question is asked of many things: of all failed requests, how many were the canary's, which gets a known share;
of its slow requests; of its requests, how many failed. While the probability is at most `bound`, the likelihood ratio
of one r times as likely (in odds) falls on average, and so does the weighted mean of several: evidence E. Hence
P(E ever reaches 1/alpha) <= alpha, however often one looks (Ville's inequality).

Of errors: each failed request is the canary's with probability share while it fails no more often than the baseline,
*whatever the baseline does over time*; an outage of both is no evidence. The weights lean on the sizes that must be
caught fast: from 1 % to 6 % of errors at a share of 5 % is found after 101 canary requests (median; 255 at the 95th
percentile) at alpha = 0.65 %, where the Beta prior of `error_share` takes about a tenth more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, eq=False)
class Sizes:
    """How many times as large the odds may be, and the weight of each; the weights sum to 1. Compared by identity."""

    ratios: tuple[tuple[float, float], ...]


MORE = Sizes(((1.4, 0.05), (2.2, 0.15), (4.0, 0.60), (9.0, 0.15), (40.0, 0.05)))
SLIGHTLY_MORE = Sizes(((1.25, 0.20), (1.6, 0.40), (2.5, 0.20), (6.0, 0.15), (40.0, 0.05)))
LESS = Sizes(((1 / 1.4, 0.10), (0.5, 0.15), (0.25, 0.35), (0.1, 0.20), (0.01, 0.20)))


@lru_cache(maxsize=16384)
def log_evidence(hits: int, misses: int, bound: float, sizes: Sizes = MORE) -> float:
    """Natural logarithm of the evidence that hits do not come with a probability of `bound` (0..1, both excluded).

    Against "at most" with ratios above 1, against "at least" with ratios below. 0.0 is none.
    """
    logs = [weight + hits * hit + misses * miss for weight, hit, miss in _likelihoods(bound, sizes)]
    top = max(logs)
    return top + math.log(sum([math.exp(one - top) for one in logs]))


def log_evidence_at_most(hits: tuple[int, int], misses: tuple[int, int], bound: float, sizes: Sizes = MORE) -> float:
    """More than the logarithm of the evidence can be while the counts go from the first of each pair to the second.

    A size above 1 gains by hits and loses by misses, one below 1 the other way round; each is taken where it is
    largest. For counts that stay the same it is the evidence itself.
    """
    logs = [weight + hits[hit > 0] * hit + misses[miss > 0] * miss for weight, hit, miss in _likelihoods(bound, sizes)]
    top = max(logs)
    return top + math.log(sum([math.exp(one - top) for one in logs]))


def log_evidence_of_stages(stages: Iterable[tuple[float, int, int]], sizes: Sizes = MORE) -> float:
    """Evidence of a whole rollout from (share, the canary's, the baseline's) of each stage: they multiply.

    A share of 0 or 1 tells nothing and is passed over.
    """
    return math.fsum(
        log_evidence(canary, baseline, share, sizes) for share, canary, baseline in stages if 0.0 < share < 1.0
    )


@lru_cache(maxsize=4096)
def _likelihoods(bound: float, sizes: Sizes) -> tuple[tuple[float, float, float], ...]:
    """Of each size: logarithms of its weight, and of the likelihood ratio of a hit and of a miss."""
    found = []
    for ratio, weight in sizes.ratios:
        scale = bound * ratio + 1.0 - bound
        found.append((math.log(weight), math.log(ratio / scale), -math.log(scale)))
    return tuple(found)
