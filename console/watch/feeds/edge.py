"""A metric of the edge's counters, besides what the judge counts there itself: for a limit, or another tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from console.analysis.counters import Increment, increment, quantile
from console.domain.clock import Clock
from console.watch.feeds.port import ArmPlace, Arms, Evaluated, Reading
from providers.contract import ArmCounters, CounterSource

QUANTILES: Mapping[str, float] = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}


class EdgeFeed:
    """`Checkable`. One value of what was counted since the last look; none across a restart of the counters.

    Args:
        counters: The router's name of each arm in its counters.
        what: `error_rate` (0..1), `latency_…` (seconds) or `request_rate` (a second).
    """

    def __init__(
        self,
        name: str,
        source: CounterSource,
        route: str,
        counters: Mapping[str, str],
        what: str,
        arms: Arms,
        clock: Clock,
        *,
        period: timedelta,
    ) -> None:
        self.name = name
        self.period = period
        self._source = source
        self._route = route
        self._counters = counters
        self._what = what
        self._arms = arms
        self._clock = clock
        self._since: datetime | None = None
        self._last: dict[str, ArmCounters] = {}
        self._at: datetime | None = None

    async def look(self, since: datetime) -> Sequence[Reading]:
        if self._since != since:
            self._since, self._at = since, None
            self._last.clear()
        totals = await self._source.fetch_counters(self._route)
        now = self._clock.now()
        seconds = (now - self._at).total_seconds() if self._at else 0.0
        self._at = now
        values = [self._take(place, totals, seconds) for place in (self._arms.candidate, self._arms.stable)]
        return [Reading(self.name, now, *values)] if any(value is not None for value in values) else []

    def _take(self, place: ArmPlace, totals: Mapping[str, ArmCounters], seconds: float) -> float | None:
        now = _totals_of(totals, self._counters.get(place.arm, place.arm), place.arm)
        step = increment(self._last.get(place.arm), now)
        self._last[place.arm] = now
        return None if step.is_seam else _value(self._what, step, seconds)

    async def evaluate(self, place: ArmPlace) -> Evaluated:
        totals = await self._source.fetch_counters(self._route)
        found = _totals_of(totals, self._counters.get(place.arm, place.arm), place.arm)
        whole = Increment(found.requests, found.errors, found.latency_sum, found.latency_buckets)
        value = 0.0 if self._what == "request_rate" else _value(self._what, whole, 0.0)
        if value is not None:
            return Evaluated(value, "since the router began to count")
        words = f"The router counted no request of {place.arm} on {self._route}, or not how long they took."
        return Evaluated(None, words, "Let some requests pass, or look at traffic.metrics of the service.")


def _totals_of(totals: Mapping[str, ArmCounters], counter: str, arm: str) -> ArmCounters:
    return totals.get(counter) or totals.get(arm) or ArmCounters(0, 0, 0.0)


def _value(what: str, step: Increment, seconds: float) -> float | None:
    if what == "request_rate":
        return step.requests / seconds if seconds > 0 else None
    if step.requests == 0:
        return None
    if what == "error_rate":
        return step.errors / step.requests
    if what == "latency_mean":
        return step.latency_sum / step.requests
    return quantile(step.buckets, QUANTILES[what])
