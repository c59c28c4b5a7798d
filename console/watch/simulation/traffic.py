"""What an edge counts of both arms while a rollout lasts, look by look, drawn many looks at a time.

Requests come as a Poisson process, so that the numbers of arms and latency buckets between two looks are independent
Poisson numbers; each request fails by itself. Everything is kept as running totals over the whole rollout, one figure a
look: what happened between two looks is a difference, however far they are apart.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import sub
from random import Random
from statistics import NormalDist

from console.watch.simulation.draws import failing, poisson_column

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)
"""Upper bounds in seconds of the buckets that Caddy counts in, which are Prometheus's defaults."""

RAREST = 1e-12
STRETCH = 25
"""Looks for which the mean within the buckets is drawn at once: only sums of it are ever looked at."""

UNIT = 1 << 20
"""Parts of a second in which latencies are summed, so that sums of them are exact in any order."""


@dataclass(frozen=True)
class Behaviour:
    """How an arm answers: share of errors 0..1, and latencies log-normal with this median (s) and sigma."""

    errors: float = 0.01
    median: float = 0.1
    sigma: float = 0.5


class ArmTraffic:
    """Running totals of one arm, at every look since the rollout began; look 0 is before the first request.

    `requests` and `places` (by bucket) are lists with one total a look, `failures` the look of each failed request.
    """

    def __init__(self, dice: Random, median: float, sigma: float) -> None:
        self.requests = [0]
        self.places: dict[int, list[int]] = {}
        self.failures: list[int] = []
        self._dice = dice
        self._answers = _answers(median, sigma)
        self._means = {place: mean for place, _, mean, _ in self._answers}
        self._stretches: list[tuple[int, float, float, float]] = [(0, 0.0, 0.0, 0.0)]
        self._above: dict[int, list[int]] = {}

    def idle(self) -> None:
        """One look in which nothing came, or nothing was told."""
        for totals in (self.requests, *self.places.values()):
            totals.append(totals[-1])

    def serve(self, looks: int, expected: float) -> None:
        """Draw what comes in some looks, `expected` requests in each."""
        first, columns = len(self.requests), []
        for place, part, _, _ in self._answers:
            totals = self.places.setdefault(place, [0] * first)
            column = poisson_column(self._dice, round(expected * part, 9), looks) if expected else ()
            if column:
                columns.append(column)
                _extend(totals, column)
            else:
                totals.extend([totals[-1]] * looks)
        _extend(self.requests, list(map(sum, zip(*columns, strict=True))) if columns else [0] * looks)
        self._draw_means(first, looks, expected)

    def fail(self, first: int, last: int, share: float) -> None:
        """Draw which of the requests of some looks failed; later looks than ever before."""
        requests = self.requests
        for number in failing(self._dice, requests[first - 1] + 1, requests[last], share):
            self.failures.append(bisect_left(requests, number, first, last + 1))

    def forget_after(self, look: int) -> None:
        """Take back what was drawn beyond a look, since the rollout went another way there."""
        for totals in (self.requests, *self.places.values(), *self._above.values()):
            del totals[look + 1 :]
        del self.failures[bisect_right(self.failures, look) :]
        while self._stretches[-1][0] > look:
            self._stretches.pop()

    def above(self, place: int) -> Sequence[int]:
        """Totals of the requests slower than a bucket's bound, one a look."""
        known = self._above.setdefault(place, [])
        since = len(known)
        if since < len(self.requests):
            below = [totals[since:] for at, totals in self.places.items() if at <= place]
            known.extend(
                map(sub, self.requests[since:], map(sum, zip(*below, strict=True))) if below else self.requests[since:]
            )
        return known

    def errors(self, look: int) -> int:
        return bisect_right(self.failures, look)

    def histogram(self, since: int, until: int) -> tuple[int, ...]:
        """Requests in each bucket between two looks; nothing of an arm that never had any."""
        if not self.requests[until]:
            return ()
        counts = [0] * len(BOUNDS)
        for place, totals in self.places.items():
            counts[place] = totals[until] - totals[since]
        return tuple(counts)

    def seconds(self, look: int) -> float:
        """Sum of all latencies up to a look, a whole number of `UNIT`s."""
        _, scale, below, before = self._stretches[bisect_right(self._stretches, look, key=_start) - 1]
        return int((before + (self._expected_seconds(look) - below) * scale) * UNIT) / UNIT

    def _expected_seconds(self, look: int) -> float:
        return math.fsum(totals[look] * self._means[place] for place, totals in self.places.items())

    def _draw_means(self, first: int, looks: int, expected: float) -> None:
        """Within its bucket a request is anywhere: the sums of a stretch differ from the expected ones."""
        mean, variance = _within_buckets(self._answers)
        for start in range(first - 1, first - 1 + looks, STRETCH):
            known = self._stretches[-1]
            below = self._expected_seconds(start)
            before = known[3] + (below - known[2]) * known[1]
            spread = math.sqrt(variance / (expected * STRETCH)) / mean if expected else 0.0
            scale = max(0.0, 1.0 + self._dice.gauss(0.0, spread)) if spread else 1.0
            self._stretches.append((start, scale, below, before))


class Traffic:
    """Both arms of one rollout.

    Args:
        seed: Of all chance.
        rate: Requests a second over both arms.
        look: Seconds between two looks.
    """

    def __init__(self, seed: str, rate: float, look: float, stable: Behaviour, candidate: Behaviour) -> None:
        self.look = look
        self.stable = ArmTraffic(Random(f"{seed}/stable"), stable.median, stable.sigma)  # noqa: S311 - repeatable
        self.candidate = ArmTraffic(Random(f"{seed}/candidate"), candidate.median, candidate.sigma)  # noqa: S311
        self._rate = rate

    @property
    def arms(self) -> tuple[ArmTraffic, ArmTraffic]:
        """The stable one and the candidate."""
        return self.stable, self.candidate

    @property
    def last(self) -> int:
        """The last look that was drawn."""
        return len(self.stable.requests) - 1

    def requests(self, look: int) -> int:
        """Of both arms up to a look."""
        return self.stable.requests[look] + self.candidate.requests[look]

    def idle(self, looks: int = 1) -> None:
        for _ in range(looks):
            self.stable.idle()
            self.candidate.idle()

    def serve(self, share: float, errors: Sequence[tuple[float, float]]) -> None:
        """Draw some looks in which the candidate gets `share` (0..1) of the requests.

        Args:
            errors: Shares of errors (0..1) of the stable arm and the candidate, one pair a look.
        """
        first = self.last + 1
        self.stable.serve(len(errors), self._rate * self.look * (1.0 - share))
        self.candidate.serve(len(errors), self._rate * self.look * share)
        for (stable, candidate), looks in itertools.groupby(errors):
            last = first + len(list(looks)) - 1
            self.stable.fail(first, last, stable)
            self.candidate.fail(first, last, candidate)
            first = last + 1

    def forget_after(self, look: int) -> None:
        self.stable.forget_after(look)
        self.candidate.forget_after(look)


def _start(stretch: tuple[int, float, float, float]) -> int:
    return stretch[0]


def _extend(totals: list[int], column: Sequence[int]) -> None:
    totals.extend(itertools.accumulate(column, initial=totals.pop()))


@lru_cache(maxsize=256)
def _answers(median: float, sigma: float) -> tuple[tuple[int, float, float, float], ...]:
    """Place, share, mean (s) and variance (s²) of the answers in each bucket that is not practically empty."""
    return tuple(_each_bucket(median, sigma))


def _each_bucket(median: float, sigma: float) -> Iterator[tuple[int, float, float, float]]:
    lower = 0.0
    for place, upper in enumerate(BOUNDS):
        part, mean, variance = _within(lower, upper, median, sigma)
        if part > RAREST:
            yield place, part, mean, variance
        lower = upper


@lru_cache(maxsize=256)
def _within_buckets(answers: tuple[tuple[int, float, float, float], ...]) -> tuple[float, float]:
    """Mean of a request, and the part of its variance that the buckets hide."""
    mean = math.fsum(part * mean for _, part, mean, _ in answers)
    return mean, math.fsum(part * variance for _, part, _, variance in answers)


def _within(lower: float, upper: float, median: float, sigma: float) -> tuple[float, float, float]:
    """Share, mean and variance of log-normal values between two bounds."""

    def moment(order: int) -> float:
        normal = NormalDist(math.log(median) + order * sigma**2, sigma)
        high = 1.0 if math.isinf(upper) else normal.cdf(math.log(upper))
        low = normal.cdf(math.log(lower)) if lower else 0.0
        return float((high - low) * median**order * math.exp((order * sigma) ** 2 / 2))

    part = moment(0)
    if part <= RAREST:
        return part, 0.0, 0.0
    mean = moment(1) / part
    return part, mean, max(0.0, moment(2) / part - mean**2)
