"""The counts of one rollout, read from the router and put with the stage in which they happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from console.analysis.counters import Increment, bound_near, increment, slower_than
from console.analysis.evidence import ArmCounts, Evidence
from console.domain.errors import ProviderError
from providers.contract import ArmCounters, Router

SLOW_QUANTILE = 0.75
REQUESTS_FOR_THRESHOLD = 50
THRESHOLD_LOOKS = 30
REQUESTS_A_BLOCK = 5
RECENT_LOOKS = 10


class RolloutCollector:
    """Accumulates `Evidence` for one service while its traffic moves.

    Call `sample` as often as wanted, `close_stage` right before a weight is changed (routers forget their totals at a
    change), and `enter` right after it. The threshold for slow requests follows the baseline's last looks, and only
    requests that come later are held against it: whatever it is, a slow request tells as much about whose it is.

    Args:
        router: Who counts.
        route: The router's name of the route.
        candidate: The arm on trial.
        stable: The arm beside it.
        evidence: What an earlier collector had gathered, when a rollout goes on after a restart.
        metrics: The router's name of an arm in its counters, where it differs from the arm's own.
    """

    def __init__(
        self,
        router: Router,
        route: str,
        *,
        candidate: str,
        stable: str,
        evidence: Evidence | None = None,
        metrics: Mapping[str, str] | None = None,
    ) -> None:
        self.evidence = evidence or Evidence()
        self.trouble: ProviderError | None = None
        self._router = router
        self._route = route
        names = metrics or {}
        self._names = {"candidate": (names.get(candidate, candidate), candidate)}
        self._names["stable"] = (names.get(stable, stable), stable)
        self._last: dict[str, ArmCounters] = {}
        self._baseline: deque[Increment] = deque()
        self._is_new_stage = False
        self._block = (ArmCounts(), ArmCounts())
        self._recent: deque[ArmCounts] = deque(maxlen=RECENT_LOOKS)

    async def sample(self) -> Evidence:
        """Read the totals and add what is new to the current stage.

        A router that does not answer adds nothing: `trouble` holds the error until the next answer.
        """
        try:
            counters = await self._router.fetch_counters(self._route)
        except ProviderError as problem:
            self.trouble = problem
            return self.evidence
        self.trouble = None
        candidate = self._take("candidate", counters)
        stable = self._take("stable", counters)
        self._is_new_stage = False
        threshold = self.evidence.slow_threshold
        counts = (_counts(candidate, threshold), _counts(stable, threshold))
        self._recent.append(counts[0])
        self.evidence = self.evidence.adding(*counts).seeing_recently(sum(self._recent, ArmCounts()))
        self._count_block(*counts)
        self._set_threshold(stable)
        return self.evidence

    async def close_stage(self) -> Evidence:
        """Take the last totals of the stage that is about to end."""
        return await self.sample()

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

    def _take(self, arm: str, counters: Mapping[str, ArmCounters]) -> Increment:
        totals = next((counters[name] for name in self._names[arm] if name in counters), None)
        if totals is None:
            # An arm that never had a request is missing; its totals begin at nothing, once the router was read at all.
            totals = ArmCounters(0, 0, 0.0)
        step = increment(self._last.get(arm), totals)
        self._last[arm] = totals
        if self._is_new_stage and not step.is_seam:
            # What came between the last look and the change belongs to neither stage with certainty.
            return Increment()
        return step

    def _count_block(self, candidate: ArmCounts, stable: ArmCounts) -> None:
        """Close a stretch of time once there were enough requests in it, and note whether the canary was slow."""
        ours, theirs = self._block[0] + candidate, self._block[1] + stable
        self._block = (ours, theirs)
        stage = self.evidence.current
        if stage is None:
            return
        if stage.is_concurrent and min(ours.timed, theirs.timed) >= REQUESTS_A_BLOCK:
            slower = ours.slow * theirs.timed > theirs.slow * ours.timed
        elif stage.share >= 1.0 and ours.timed >= REQUESTS_A_BLOCK:
            slower = 2 * ours.slow > ours.timed
        else:
            return
        self.evidence = self.evidence.adding_block(slower=slower)
        self._block = (ArmCounts(), ArmCounts())

    def _set_threshold(self, stable: Increment) -> None:
        """Choose what counts as slow from the next look on; without enough requests, what did before goes on."""
        if not stable.requests:
            return
        past = self._baseline
        past.append(stable)
        while len(past) > THRESHOLD_LOOKS and sum(step.requests for step in past) >= 2 * REQUESTS_FOR_THRESHOLD:
            past.popleft()
        total = sum(past, Increment())
        if total.requests >= REQUESTS_FOR_THRESHOLD:
            self.evidence = replace(self.evidence, slow_threshold=bound_near(total.buckets, SLOW_QUANTILE))


def _counts(step: Increment, threshold: float | None) -> ArmCounts:
    if threshold is None:
        return ArmCounts(step.requests, step.errors, latency_sum=step.latency_sum)
    return ArmCounts(
        step.requests, step.errors, slower_than(step.buckets, threshold), step.requests, latency_sum=step.latency_sum
    )
