"""At which looks may the judge say anything that matters? All others need not be asked, and the verdicts stay the same.

While counts only grow, the evidence between two looks is bounded by the counts at both: hits as many as at the later
one, misses as few as at the earlier one, the canary's share no larger than was set. Where even that does not reach what
is needed, no look in between does, and all are passed over at once; else each half of them is tried, down to single
looks. So every look is judged, most of them by a proof that the judge would let the rollout go on. The tests hold this
against the judge asked at every look.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from console.analysis.budget import LOG_MEAN, SLOW_SHARE
from console.analysis.evidence import Evidence
from console.analysis.rules.errors import bound_alone, evidence_needed, find_errors
from console.analysis.rules.latency import find_latency
from console.analysis.rules.margin import find_margin, margin_bound, margin_evidence_needed
from console.analysis.sequential.log_mean import FEWEST_REQUESTS, LEAST_VARIANCE, mixing_variance
from console.analysis.sequential.ratios import LESS, MORE, SLIGHTLY_MORE, Sizes, log_evidence_at_most
from console.analysis.sequential.split_check import OTHER, log_evidence_of_other_split
from console.analysis.settings import JudgeSettings
from console.watch.simulation.counting import MIDDLES, Counted

SLACK = 1e-6
"""Evidence so near to what is needed is weighed by the judge: sums in another order differ in the last digits."""

STABLE, CANDIDATE = 0, 1


def is_screened(settings: JudgeSettings) -> bool:
    """Whether these tolerances ask for nothing but what is looked at here."""
    return settings.max_error_rate >= 1.0 and not settings.metrics and settings.split_alpha > 0.0


class Screen:
    """Finds the looks of one hold at which something may happen.

    Args:
        counted: The counts of the rollout, in the stage that is held.
        evidence: All stages before it, and this one as far as it was held before.
        over: The look from which a pass ends the hold.
        late: The last look of the hold.
        sees_split: Whether an unfair split still matters.
    """

    def __init__(
        self, counted: Counted, evidence: Evidence, settings: JudgeSettings, over: int, late: int, *, sees_split: bool
    ) -> None:
        self.sees_split = sees_split
        self._counted = counted
        self._settings = settings
        self._over, self._late = over, late
        self._arms = counted.traffic.arms
        self._start = counted.start
        self._is_concurrent = counted.is_concurrent
        self._share = counted.share
        alpha = settings.alpha
        former = Evidence(counted.ended, evidence.slow_threshold, bounds=evidence.bounds)
        self._bound = counted.share if counted.is_concurrent else bound_alone(evidence, settings)
        self._errors_needed = evidence_needed(settings) - find_errors(former, settings).log_evidence - SLACK
        latency = find_latency(former, settings)
        self._slow_needed = alpha.log_evidence_needed(SLOW_SHARE) - latency.slow_share - SLACK
        self._mean_needed = alpha.log_evidence_needed(LOG_MEAN) - latency.log_mean - SLACK
        self._mixing = mixing_variance(alpha.of(LOG_MEAN), 500)
        self._number = len(former.stages) + 1
        self._beside = former.concurrent[-1].stable if former.concurrent else former.before
        self._margin_needed = margin_evidence_needed(settings) - find_margin(former, settings).log_evidence - SLACK
        shares = ((s.share, s.candidate.requests, s.stable.requests) for s in former.concurrent)
        self._split_needed = -math.log(settings.split_alpha) - log_evidence_of_other_split(shares) - SLACK

    def looks(self, first: int, last: int) -> Iterator[int]:
        """The looks from `first` to `last` at which the judge must be asked, in order."""
        ranges = [(first, last)]
        while ranges:
            since, until = ranges.pop()
            if not self._may_matter(since, until):
                continue
            if since == until:
                yield until
                continue
            middle = (since + until) // 2
            ranges += ((middle + 1, until), (since, middle))

    def _may_matter(self, first: int, last: int) -> bool:
        if last >= self._late or self._may_be_dead(first, last):
            return True
        if self._is_silent(last):
            return False
        if (last >= self._over and self._may_pass(first, last)) or self._may_err(first, last):
            return True
        if not self._is_concurrent:
            return False
        return (
            (self.sees_split and self._may_be_unfair(first, last))
            or self._may_be_slow(first, last)
            or self._may_be_slower(first, last)
        )

    def _may_be_dead(self, first: int, last: int) -> bool:
        """Whether enough requests came by the last look, and none was good by the first."""
        candidate = self._arms[CANDIDATE]
        good = candidate.requests[first] - candidate.errors(first)
        return not good and candidate.requests[last] >= self._settings.instant_requests

    def _is_silent(self, look: int) -> bool:
        """A stage in which an arm that is to get requests got none yet: that is doubt, whatever else is found."""
        if not self._requests(CANDIDATE, look):
            return True
        return self._is_concurrent and not self._requests(STABLE, look)

    def _requests(self, arm: int, look: int) -> int:
        requests = self._arms[arm].requests
        return requests[look] - requests[self._start]

    def _may_pass(self, first: int, last: int) -> bool:
        """Whether it may be shown that it is not worse: with the errors of the first look and all since then good."""
        if self._requests(CANDIDATE, last) < self._settings.min_requests:
            return False
        errors, requests = self._beside.errors, self._beside.requests
        stable, candidate = self._arms
        if self._is_concurrent:
            errors = stable.errors(last) - stable.errors(self._start)
            requests = self._requests(STABLE, first)
        bound = margin_bound(self._number, errors, max(errors, requests), self._settings)
        hits = candidate.errors(first) - candidate.errors(self._start)
        good = self._requests(CANDIDATE, last) - (candidate.errors(last) - candidate.errors(self._start))
        return self._reaches(hits, good, bound, LESS, self._margin_needed)

    def _may_err(self, first: int, last: int) -> bool:
        stable, candidate = self._arms
        hits = candidate.errors(last) - candidate.errors(self._start)
        if self._is_concurrent:
            misses = stable.errors(first) - stable.errors(self._start)
        else:
            misses = self._requests(CANDIDATE, first) - (candidate.errors(first) - candidate.errors(self._start))
        return self._reaches(hits, misses, self._bound, MORE, self._errors_needed)

    def _may_be_slow(self, first: int, last: int) -> bool:
        counted = self._counted
        hits = counted.slow(CANDIDATE, last) - counted.slow(CANDIDATE, self._start)
        misses = counted.slow(STABLE, first) - counted.slow(STABLE, self._start)
        return self._reaches(hits, misses, self._share, SLIGHTLY_MORE, self._slow_needed)

    def _reaches(self, hits: int, misses: int, bound: float, sizes: Sizes, needed: float) -> bool:
        return log_evidence_at_most((hits, hits), (misses, misses), bound, sizes) >= needed

    def _may_be_unfair(self, first: int, last: int) -> bool:
        hits = self._requests(CANDIDATE, first), self._requests(CANDIDATE, last)
        misses = self._requests(STABLE, first), self._requests(STABLE, last)
        return log_evidence_at_most(hits, misses, self._share, OTHER) >= self._split_needed

    def _may_be_slower(self, first: int, last: int) -> bool:
        """Whether the means may differ by enough, with the variance between stretches of time left out.

        The largest mean that the candidate may have had adds only its slowest requests since the first look, the
        baseline's smallest its fastest; neither has less than the squares of deviations that it had at the first look.
        """
        ours, theirs = self._requests(CANDIDATE, last), self._requests(STABLE, last)
        if ours < FEWEST_REQUESTS or theirs < FEWEST_REQUESTS:
            return False
        if self._mean_needed <= 0.0:
            return True
        candidate, stable = self._moments(CANDIDATE, first, last), self._moments(STABLE, first, last)
        if candidate is None or stable is None:
            return True
        (high, ours_squares), (low, theirs_squares) = candidate, stable
        difference = high + low
        if difference <= 0.0:
            return False
        variance = _variance(ours_squares, ours) + _variance(theirs_squares, theirs)
        least, most = self._requests(CANDIDATE, first) * self._mixing, ours * self._mixing
        score = difference * difference * most / ((most + 1.0) * variance)
        return math.log(2.0) - 0.5 * math.log1p(least) + 0.5 * score >= self._mean_needed

    def _moments(self, arm: int, first: int, last: int) -> tuple[float, float] | None:
        """Bound of the mean ln(seconds) between two looks (of the stable arm negated), and squares at the first.

        None before the first request of the stage.
        """
        traffic, sign = self._arms[arm], 1.0 if arm == CANDIDATE else -1.0
        requests = self._requests(arm, first)
        if not requests:
            return None
        sums = squares = 0.0
        come = []
        for place, totals in traffic.places.items():
            middle, known = MIDDLES[place], totals[first] - totals[self._start]
            sums += middle * known
            squares += middle * middle * known
            if totals[last] != totals[first]:
                come.append((sign * middle, totals[last] - totals[first]))
        squares -= sums * sums / requests
        mean, number = sign * sums / requests, requests
        for value, more in sorted(come, reverse=True):
            if value <= mean:
                break
            mean = (mean * number + value * more) / (number + more)
            number += more
        return mean, squares


def _variance(squares: float, requests: int) -> float:
    """The least variance of a mean of so many, whose squares of deviations are no less than these."""
    return max(LEAST_VARIANCE, squares / (requests - 1)) / requests
