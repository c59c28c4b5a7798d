"""A router in memory that counts as a real edge does: running totals by arm, latencies in Caddy's buckets.

Requests come as a Poisson process, so that the counts of arms, outcomes and buckets between two looks are independent
Poisson numbers and can be drawn at once, however many requests they stand for.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from statistics import NormalDist

from console.domain.errors import Unreachable
from providers.contract import ArmCounters

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)
"""Upper bounds in seconds of the buckets that Caddy counts in, which are Prometheus's defaults."""

SPREADS = 8.0
RAREST = 1e-12


@dataclass(frozen=True)
class Behaviour:
    """How an arm answers now: share of errors 0..1, and latencies log-normal with this median (s) and sigma."""

    errors: float = 0.01
    median: float = 0.1
    sigma: float = 0.5


class SimulatedEdge:
    """Two arms, `stable` and `candidate`; a changed weight begins all totals anew, as reloading Caddy does.

    Args:
        dice: The source of all chance.
        rate: Requests a second over both arms.
    """

    def __init__(self, dice: Random, rate: float) -> None:
        self.answers = True
        self._dice = dice
        self._rate = rate
        self._weight = 0
        self._arms = {"stable": _Arm(), "candidate": _Arm()}

    @property
    def candidate_requests(self) -> int:
        return self._arms["candidate"].requests_ever

    def shift(self, weight: int) -> None:
        """Give the candidate `weight` percent; the router forgets what it counted."""
        self._weight = weight
        for arm in self._arms.values():
            arm.forget()

    def pass_time(self, seconds: float, stable: Behaviour, candidate: Behaviour, share: float | None = None) -> None:
        """Serve what comes within some seconds; `share` (0..1) is what the router really gives, else what was set."""
        given = self._weight / 100 if share is None else share
        for arm, behaviour, part in (("stable", stable, 1.0 - given), ("candidate", candidate, given)):
            if part > 0.0:
                self._arms[arm].serve(self._dice, round(self._rate * part * seconds, 6), behaviour)

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        return {"stable": 100 - self._weight, "candidate": self._weight}

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        if not self.answers:
            raise Unreachable("edge", "The edge does not answer.")
        return {name: arm.totals() for name, arm in self._arms.items() if arm.requests_ever}


class _Arm:
    def __init__(self) -> None:
        self.requests_ever = 0
        self._errors = 0
        self._seconds = 0.0
        self._counts = [0] * len(BOUNDS)

    def forget(self) -> None:
        self._errors, self._seconds, self._counts = 0, 0.0, [0] * len(BOUNDS)

    def serve(self, dice: Random, expected: float, behaviour: Behaviour) -> None:
        chance, counts = dice.random, self._counts
        variance = 0.0
        served = 0
        for place, mean, spread, table in _answers(expected, behaviour.median, behaviour.sigma):
            number = table.draw(chance())
            if number:
                counts[place] += number
                served += number
                self._seconds += number * mean
                variance += number * spread
        self._errors += _failed(dice, served, behaviour.errors)
        if variance:
            # Within a bucket only the sum matters, and of many requests it is as good as normal.
            self._seconds = max(0.0, self._seconds + dice.gauss(0.0, math.sqrt(variance)))
        self.requests_ever += served

    def totals(self) -> ArmCounters:
        total, cumulative = 0, {}
        for bound, count in zip(BOUNDS, self._counts, strict=True):
            total += count
            cumulative[bound] = total
        return ArmCounters(total, self._errors, self._seconds, cumulative)


class _Poisson:
    """Numbers of a Poisson distribution from one uniform number each, by a table of its sums."""

    def __init__(self, expected: float) -> None:
        reach = SPREADS * math.sqrt(expected) + SPREADS
        self._first = max(0, int(expected - reach))
        sums, total = [], 0.0
        for number in range(self._first, int(expected + reach) + 1):
            total += math.exp(number * math.log(expected) - expected - math.lgamma(number + 1)) if expected else 1.0
            sums.append(total)
        self._sums = sums[:-1]

    def draw(self, chance: float) -> int:
        return self._first + bisect_left(self._sums, chance)


@lru_cache(maxsize=4096)
def _poisson(expected: float) -> _Poisson:
    return _Poisson(expected)


@lru_cache(maxsize=4096)
def _answers(expected: float, median: float, sigma: float) -> tuple[tuple[int, float, float, _Poisson], ...]:
    """Place, mean (s), variance (s²) and number of the answers in each bucket that is not practically empty."""
    found = []
    lower = 0.0
    for place, upper in enumerate(BOUNDS):
        part, mean, variance = _within(lower, upper, median, sigma)
        if part > RAREST:
            found.append((place, mean, variance, _poisson(round(expected * part, 9))))
        lower = upper
    return tuple(found)


def _failed(dice: Random, requests: int, share: float) -> int:
    """How many of the requests fail, each with that probability: by jumping from one failure to the next."""
    if share <= 0.0:
        return 0
    chance, good, at, failed = dice.random, math.log1p(-share), 0, 0
    while True:
        at += 1 + int(math.log(1.0 - chance()) / good)
        if at > requests:
            return failed
        failed += 1


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
