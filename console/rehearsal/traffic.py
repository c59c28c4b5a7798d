"""The requests of a rehearsal: divided by the weights in force, answered by what runs in each arm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime

from providers.contract import ArmCounters

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
USUAL_ERRORS = 0.005
MORE_ERRORS = 0.055
USUAL_MEDIAN_S = 0.03
SPREAD = 0.5
SLOWER = 1.5


class RehearsedTraffic:
    """Counts by arm, expected values without chance.

    Args:
        rate: Requests a second of each route.
        runs: What runs in an arm of a route now, as a commit.
        bad: `errors` or `latency`: what is wrong with the commit `suspect`; empty for nothing.
    """

    def __init__(
        self, rate: float, runs: Callable[[str, str], str], bad: str, suspect: str, now: Callable[[], datetime]
    ) -> None:
        self._rate = rate
        self._runs = runs
        self._bad = bad
        self._suspect = suspect
        self._now = now
        self._since: dict[str, datetime] = {}
        self._requests: dict[str, dict[str, float]] = {}
        self._errors: dict[str, dict[str, float]] = {}
        self._buckets: dict[str, dict[str, list[float]]] = {}
        self._seconds: dict[str, dict[str, float]] = {}

    def flow(self, route: str, weights: Mapping[str, int]) -> None:
        """Let the time since the last look pass under these weights."""
        now = self._now()
        length = (now - self._since.get(route, now)).total_seconds()
        self._since[route] = now
        for arm, weight in weights.items():
            requests = self._rate * length * weight / 100
            suffers = self._bad if self._suspect and self._runs(route, arm) == self._suspect else ""
            median = USUAL_MEDIAN_S * (SLOWER if suffers == "latency" else 1.0)
            _add(self._requests, route, arm, requests)
            _add(self._errors, route, arm, requests * (USUAL_ERRORS + (MORE_ERRORS if suffers == "errors" else 0.0)))
            _add(self._seconds, route, arm, requests * median * math.exp(SPREAD**2 / 2))
            shares = [_below(bound, median) for bound in BOUNDS]
            known = self._buckets.setdefault(route, {}).setdefault(arm, [0.0] * len(BOUNDS))
            self._buckets[route][arm] = [count + requests * share for count, share in zip(known, shares, strict=True)]

    def counters(self, route: str) -> dict[str, ArmCounters]:
        return {
            arm: ArmCounters(
                int(requests),
                int(self._errors[route][arm]),
                self._seconds[route][arm],
                {
                    **{bound: int(count) for bound, count in zip(BOUNDS, self._buckets[route][arm], strict=True)},
                    math.inf: int(requests),
                },
            )
            for arm, requests in self._requests.get(route, {}).items()
        }


def _add(sums: dict[str, dict[str, float]], route: str, arm: str, value: float) -> None:
    arms = sums.setdefault(route, {})
    arms[arm] = arms.get(arm, 0.0) + value


def _below(bound: float, median: float) -> float:
    """The share of a log-normal at or below a bound."""
    return 0.5 * (1 + math.erf(math.log(bound / median) / (SPREAD * math.sqrt(2))))
