"""Two samples compared by ranks: Mann-Whitney with the interval and the estimate of the shift between them.

The interval is made of exact order statistics of all differences, so that it does not depend on the data's scale as a
numerical root does. Where a sample is too small for the confidence asked for, it says so.

Source: Hollander & Wolfe, *Nonparametric Statistical Methods*, 4.1 to 4.3; agrees with R's
`wilcox.test(conf.int=TRUE, exact=FALSE, correct=TRUE)` up to the tolerance of R's root.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median


@dataclass(frozen=True)
class RankTest:
    """How the canary's values lie beside the baseline's.

    `statistic` is the number of pairs in which the canary's value is larger (ties count a half), `p_greater` and
    `p_less` the probabilities of at least as much to one side if nothing differs, `shift` the Hodges-Lehmann estimate
    of the difference, between `lower` and `upper`; the interval has the confidence asked for only if `is_reached`.
    """

    statistic: float
    p_greater: float
    p_less: float
    shift: float
    lower: float
    upper: float
    is_reached: bool

    @property
    def p_value(self) -> float:
        """Two-sided."""
        return min(1.0, 2.0 * min(self.p_greater, self.p_less))

    def larger(self, pairs: int) -> float:
        """Probability (0..1) that a canary's value is larger than a baseline's: the common language effect size."""
        return self.statistic / pairs


def compare_ranks(candidate: Sequence[float], stable: Sequence[float], confidence: float = 0.98) -> RankTest:
    """Compare two samples, each of one value or more."""
    n, m = len(candidate), len(stable)
    differences = sorted(ours - theirs for ours in candidate for theirs in stable)
    statistic = sum((ours > theirs) + 0.5 * (ours == theirs) for ours in candidate for theirs in stable)
    spread = _spread(candidate, stable, pooled=True)
    offset = statistic - n * m / 2
    p_greater, p_less = (_tail(side, spread) for side in (offset, -offset))
    wanted = n * m / 2 + 0.5 + NormalDist().inv_cdf((1.0 + confidence) / 2) * _spread(candidate, stable, pooled=False)
    needed = math.ceil(wanted)
    is_reached = needed <= n * m
    place = min(needed, n * m)
    return RankTest(
        statistic, p_greater, p_less, median(differences), differences[-place], differences[place - 1], is_reached
    )


def _tail(offset: float, spread: float) -> float:
    """Probability of an offset at least as large, by the normal tail with a correction for whole pairs."""
    return 1.0 if spread <= 0.0 else NormalDist().cdf((0.5 - offset) / spread)


def _spread(candidate: Sequence[float], stable: Sequence[float], *, pooled: bool) -> float:
    """Standard deviation of the statistic; pooled, ties between the samples lessen it as well as those within one."""
    n, m = len(candidate), len(stable)
    groups = [Counter([*candidate, *stable])] if pooled else [Counter(candidate), Counter(stable)]
    ties = sum(count**3 - count for group in groups for count in group.values())
    total = n + m
    return math.sqrt(max(0.0, n * m / 12 * (total + 1 - ties / (total * (total - 1)))))
