"""A router in memory that counts as a real edge does: running totals by arm, latencies in Caddy's buckets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from console.domain.errors import Unreachable
from console.watch.simulation.traffic import BOUNDS, ArmTraffic, Traffic
from providers.contract import ArmCounters

STABLE, CANDIDATE = "stable", "candidate"


class SimulatedEdge:
    """Two arms, `stable` and `candidate`; a changed weight begins all totals anew, as reloading Caddy does.

    Args:
        traffic: What it counts.
        answers: Whether it tells anything at a look.
    """

    def __init__(self, traffic: Traffic, answers: Callable[[int], bool] = lambda look: True) -> None:
        self.look = 0
        self._traffic = traffic
        self._answers = answers
        self._weight = 0
        self._shifted = 0

    def shift(self, weight: int) -> None:
        """Give the candidate `weight` percent; the router forgets what it counted."""
        self._weight, self._shifted = weight, self.look

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        return {STABLE: 100 - self._weight, CANDIDATE: self._weight}

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        if not self._answers(self.look):
            raise Unreachable("edge", "The edge does not answer.")
        arms = zip((STABLE, CANDIDATE), self._traffic.arms, strict=True)
        return {name: self._totals(arm) for name, arm in arms if arm.requests[self.look]}

    def _totals(self, arm: ArmTraffic) -> ArmCounters:
        since, until = self._shifted, self.look
        buckets = itertools.accumulate(arm.histogram(since, until))
        return ArmCounters(
            arm.requests[until] - arm.requests[since],
            arm.errors(until) - arm.errors(since),
            arm.seconds(until) - arm.seconds(since),
            dict(zip(BOUNDS, buckets, strict=True)),
        )
