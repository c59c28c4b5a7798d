"""The counts of one rollout, read from the router and put with the stage in which they happened."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import add, sub

from console.analysis.counters import Increment, bound_near, histogram, increment, slower_than
from console.analysis.evidence import ArmCounts, Evidence, GaugePair, Signal, StageCounts, total
from console.analysis.rules.readings import add_reading
from console.analysis.sequential.log_mean import log_latency
from console.analysis.settings import MetricRule
from console.domain.errors import ProviderError
from providers.contract import ArmCounters, CounterSource

SLOW_QUANTILE = 0.75
REQUESTS_FOR_THRESHOLD = 50
THRESHOLD_LOOKS = 30
REQUESTS_A_BLOCK = 5
RECENT_LOOKS = 10
GAUGE_READINGS = 60


class RolloutCollector:
    """Accumulates `Evidence` for one service while its traffic moves.

    Call `sample` as often as wanted, `close_stage` right before a weight is changed (routers forget their totals at a
    change), and `enter` right after it. The threshold for slow requests follows the baseline's last looks, and only
    requests that come later are held against it: whatever it is, a slow request tells as much about whose it is.

    Args:
        router: Who counts.
        route: The router's name of the route.
        candidate: The arm on trial, or the instances that were updated.
        stable: The arm beside it, or the instances that were not; none where everything was updated.
        evidence: What an earlier collector had gathered, when a rollout goes on after a restart.
        metrics: The router's name of an arm in its counters, where it differs from the arm's own.
    """

    def __init__(
        self,
        router: CounterSource,
        route: str,
        *,
        candidate: str | Sequence[str],
        stable: str | Sequence[str],
        evidence: Evidence | None = None,
        metrics: Mapping[str, str] | None = None,
    ) -> None:
        self.evidence = evidence or Evidence()
        self.trouble: ProviderError | None = None
        self._router = router
        self._route = route
        self._metrics = metrics or {}
        self._candidate, self._stable = _listed(candidate), _listed(stable)
        self._last: dict[str, ArmCounters] = {}
        self._baseline = _Past()
        self._is_new_stage = False
        self._block = (ArmCounts(), ArmCounts())
        self._recent: deque[ArmCounts] = deque(maxlen=RECENT_LOOKS)
        self._reading = asyncio.Lock()

    async def sample(self) -> Evidence:
        """Read the totals and add what is new to the current stage, one reader after the other.

        A router that does not answer adds nothing: `trouble` holds the error until the next answer.
        """
        async with self._reading:
            return await self._sample()

    async def _sample(self) -> Evidence:
        try:
            counters = await self._router.fetch_counters(self._route)
        except ProviderError as problem:
            self.trouble = problem
            return self.evidence
        self.trouble = None
        candidate = self._take(self._candidate, counters)
        stable = self._take(self._stable, counters)
        self._is_new_stage = False
        threshold = self.evidence.slow_threshold
        self._know_bounds(candidate, stable)
        ours, theirs = _counts(candidate, threshold), _counts(stable, threshold)
        self.evidence = self._adding(ours, theirs)
        self._set_threshold(stable)
        return self.evidence

    def count_reports(self, *, candidate: int = 0, stable: int = 0) -> Evidence:
        """Add issues that users reported of each arm since the last time."""
        self.evidence = self.evidence.adding(ArmCounts(reports=candidate), ArmCounts(reports=stable))
        return self.evidence

    def note_alert(self, words: str) -> Evidence:
        """Keep a security alert of the new release, once."""
        if words not in self.evidence.alerts:
            self.evidence = replace(self.evidence, alerts=(*self.evidence.alerts, words))
        return self.evidence

    def note_gauge(
        self, name: str, *, candidate: float | None = None, stable: float | None = None, rule: MetricRule | None = None
    ) -> Evidence:
        """Add one reading of a gauge, of both arms where both were taken at the same time; the last ones are kept.

        Args:
            rule: What is tolerated of it, where it is one of the operator's.
        """
        known = {pair.name: pair for pair in self.evidence.gauges}
        pair = known.get(name, GaugePair(name))
        stage = self.evidence.current
        compares = stage is not None and stage.is_concurrent
        known[name] = add_reading(pair, candidate, stable, rule, compares=compares, keep=GAUGE_READINGS)
        self.evidence = replace(self.evidence, gauges=tuple(known.values()))
        return self.evidence

    def note_signal(self, signal: Signal) -> Evidence:
        """Keep what is wrong now, the last words of each trigger; empty words say that it is over."""
        others = tuple(one for one in self.evidence.signals if one.trigger != signal.trigger)
        self.evidence = replace(self.evidence, signals=(*others, signal) if signal.words else others)
        return self.evidence

    async def close_stage(self) -> Evidence:
        """Take the last totals of the stage that is about to end."""
        return await self.sample()

    def compare(self, candidate: Sequence[str], stable: Sequence[str]) -> None:
        """From the next stage on these are on trial, and those beside them: instances change sides one by one."""
        before = {**dict.fromkeys(self._candidate, 0), **dict.fromkeys(self._stable, 1)}
        self._candidate, self._stable = tuple(candidate), tuple(stable)
        after = {**dict.fromkeys(self._candidate, 0), **dict.fromkeys(self._stable, 1)}
        # What one that changed sides answered since the last look belongs to neither.
        self._last = {arm: totals for arm, totals in self._last.items() if before.get(arm) == after.get(arm)}

    async def enter(self, weight: int) -> Evidence:
        """Begin the stage in which the candidate gets `weight` percent; the weight in force again changes nothing."""
        share = weight / 100
        if self.evidence.current is not None and self.evidence.current.share == share and self._last:
            return await self.sample()
        self.evidence = self.evidence.entering(share)
        self._is_new_stage = True
        self._block = (ArmCounts(), ArmCounts())
        self._recent.clear()
        return await self.sample()

    def _take(self, arms: Sequence[str], counters: Mapping[str, ArmCounters]) -> Increment:
        if len(arms) == 1:
            return self._take_one(arms[0], counters)
        return sum((self._take_one(arm, counters) for arm in arms), Increment())

    def _take_one(self, arm: str, counters: Mapping[str, ArmCounters]) -> Increment:
        name = self._metrics.get(arm, arm)
        totals = counters.get(name) or counters.get(arm)
        if totals is None:
            # An arm that never had a request is missing; its totals begin at nothing, once the router was read at all.
            totals = ArmCounters(0, 0, 0.0)
        step = increment(self._last.get(arm), totals)
        self._last[arm] = totals
        if self._is_new_stage and not step.is_seam:
            # What came between the last look and the change belongs to neither stage with certainty.
            return Increment()
        return step

    def _know_bounds(self, *steps: Increment) -> None:
        if not self.evidence.bounds:
            known = next((step.buckets for step in steps if step.buckets), {})
            self.evidence = replace(self.evidence, bounds=tuple(sorted(known)[:-1]))

    def _adding(self, candidate: ArmCounts, stable: ArmCounts) -> Evidence:
        stage = self.evidence.current
        if stage is None:
            return self.evidence.adding(candidate, stable)
        self._recent.append(candidate)
        # Only what has nothing beside it is judged by its last looks.
        stage = stage.plus(candidate, stable, None if stage.is_concurrent else total(*self._recent))
        ours, theirs = self._block[0] + candidate, self._block[1] + stable
        closed = self._closed_block(stage, ours, theirs)
        self._block = (ours, theirs) if closed is None else (ArmCounts(), ArmCounts())
        return self.evidence.with_current(closed or stage)

    def _closed_block(self, stage: StageCounts, ours: ArmCounts, theirs: ArmCounts) -> StageCounts | None:
        """Close a stretch of time once there were enough requests in it, and note how much slower the canary was."""
        if stage.is_concurrent and min(ours.requests, theirs.requests) >= REQUESTS_A_BLOCK:
            mine, others = (log_latency(arm.histogram, self.evidence.bounds) for arm in (ours, theirs))
            if mine is None or others is None:
                return stage.plus_block(slower=ours.slow * theirs.timed > theirs.slow * ours.timed)
            return stage.plus_block(slower=mine.mean > others.mean, difference=mine.mean - others.mean)
        if stage.share >= 1.0 and ours.timed >= REQUESTS_A_BLOCK:
            return stage.plus_block(slower=2 * ours.slow > ours.timed)
        return None

    def _set_threshold(self, stable: Increment) -> None:
        """Choose what counts as slow from the next look on; without enough requests, what did before goes on."""
        if not stable.requests:
            return
        self._baseline.add(stable)
        if self._baseline.fresh >= REQUESTS_FOR_THRESHOLD:
            self._baseline.fresh = 0
            threshold = bound_near(self._baseline.buckets, SLOW_QUANTILE)
            if threshold != self.evidence.slow_threshold:
                self.evidence = replace(self.evidence, slow_threshold=threshold)


class _Past:
    """The baseline's last looks, as many as are needed and not many more; `fresh` counts since a threshold was set."""

    def __init__(self) -> None:
        self.requests = 0
        self.fresh = 0
        self.buckets: dict[float, int] = {}
        self._looks: deque[Increment] = deque()

    def add(self, step: Increment) -> None:
        if step.buckets.keys() != self.buckets.keys():
            self._looks.clear()
            self.requests, self.buckets = 0, dict.fromkeys(sorted(step.buckets), 0)
        self._looks.append(step)
        self.requests += step.requests
        self.fresh += step.requests
        counts: Iterable[int] = map(add, self.buckets.values(), map(step.buckets.__getitem__, self.buckets))
        while len(self._looks) > THRESHOLD_LOOKS and self.requests >= 2 * REQUESTS_FOR_THRESHOLD:
            gone = self._looks.popleft()
            self.requests -= gone.requests
            counts = map(sub, counts, map(gone.buckets.__getitem__, self.buckets))
        self.buckets = dict(zip(self.buckets, counts, strict=True))


def _listed(arms: str | Sequence[str]) -> tuple[str, ...]:
    return (arms,) if isinstance(arms, str) else tuple(arms)


def _counts(step: Increment, threshold: float | None) -> ArmCounts:
    slow, timed = (0, 0) if threshold is None else (slower_than(step.buckets, threshold), step.requests)
    return ArmCounts(step.requests, step.errors, slow, timed, step.latency_sum, histogram(step.buckets))
