"""What the judge looks at: raw counts of each stage, kept whole so that a verdict can be computed again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

FINEST_SHARE = 0.001
"""Shares are rounded down to this, so that what hangs on them is computed seldom."""


@dataclass(frozen=True)
class ArmCounts:
    """Requests of one arm in one stage.

    `errors` counts 5xx answers, `slow` those above the threshold of their moment, `timed` the requests that were held
    against one (fewer than `requests` where the first was set later), `latency_sum` is seconds over all requests.
    `histogram` counts the requests of each latency bucket (not cumulative, the last one open), empty where the router
    has none; `reports` counts issues that users reported of this arm.
    """

    requests: int = 0
    errors: int = 0
    slow: int = 0
    timed: int = 0
    latency_sum: float = 0.0
    histogram: tuple[int, ...] = ()
    reports: int = 0

    def __add__(self, other: ArmCounts) -> ArmCounts:
        return ArmCounts(
            self.requests + other.requests,
            self.errors + other.errors,
            self.slow + other.slow,
            self.timed + other.timed,
            self.latency_sum + other.latency_sum,
            _sum(self.histogram, other.histogram),
            self.reports + other.reports,
        )

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.requests if self.requests else None

    @property
    def latency_mean(self) -> float | None:
        """Seconds a request, None without any."""
        return self.latency_sum / self.requests if self.requests else None


def _sum(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """Counts of other buckets than before cannot be added: the longer known ones stay."""
    if not one or not other:
        return one or other
    return tuple(map(int.__add__, one, other)) if len(one) == len(other) else one


@dataclass(frozen=True)
class StageCounts:
    """One stage of a rollout: the canary's share (0..1) and what each arm answered while it was in force.

    `recent` is the canary over the last looks only, None where nobody kept it apart; see `rules.latency`.
    `blocks` counts stretches of time in which both arms had some requests, `blocks_slower` those in which the canary
    was the slower one; with nothing beside the canary, those in which most of its requests were slow. `block_sum` and
    `block_squares` sum the differences of the arms' mean ln(seconds) in each stretch, and their squares.
    """

    share: float
    candidate: ArmCounts = ArmCounts()
    stable: ArmCounts = ArmCounts()
    blocks: int = 0
    blocks_slower: int = 0
    recent: ArmCounts | None = None
    block_sum: float = 0.0
    block_squares: float = 0.0

    @property
    def is_concurrent(self) -> bool:
        """Whether both arms were to get requests, so that they can be compared under the same conditions."""
        return 0.0 < self.share < 1.0

    @property
    def likely_share(self) -> float:
        """The share (0..1) that the canary's errors are held against: what was set, or more where it got more.

        A router that gives the canary more than was set gives it more of all errors as well, and that shows long before
        the split is surely unfair. Less than one standard error above says nothing. Against a larger share evidence is
        never stronger, so that alpha holds as before.
        """
        requests = self.candidate.requests + self.stable.requests
        if not self.is_concurrent or not requests:
            return self.share
        error = math.sqrt(self.share * (1.0 - self.share) / requests)
        least = self.candidate.requests / requests - error
        return max(self.share, math.floor(least / FINEST_SHARE) * FINEST_SHARE)

    def plus(self, candidate: ArmCounts, stable: ArmCounts, recent: ArmCounts | None = None) -> StageCounts:
        """Add what was counted since the last look, and replace what is known of the canary's last looks."""
        return StageCounts(
            self.share,
            self.candidate + candidate,
            self.stable + stable,
            self.blocks,
            self.blocks_slower,
            recent,
            self.block_sum,
            self.block_squares,
        )

    def plus_block(self, *, slower: bool, difference: float = 0.0) -> StageCounts:
        """Count one more stretch of time; `difference` is of mean ln(seconds), canary less baseline."""
        return replace(
            self,
            blocks=self.blocks + 1,
            blocks_slower=self.blocks_slower + slower,
            block_sum=self.block_sum + difference,
            block_squares=self.block_squares + difference * difference,
        )


@dataclass(frozen=True)
class GaugePair:
    """One gauge (`cpu`, `memory`, `connections`, or one of the operator's) of both arms.

    `candidate` and `stable` are the last readings of the current stage, oldest first. `pairs` counts readings of both
    at one time in all stages, `higher` and `lower` those in which the canary's was so by more than is tolerated.
    `beyond` counts its last readings in a row that passed the limit while the other arm's did not.
    """

    name: str
    candidate: tuple[float, ...] = ()
    stable: tuple[float, ...] = ()
    pairs: int = 0
    higher: int = 0
    lower: int = 0
    beyond: int = 0


@dataclass(frozen=True)
class Signal:
    """Something that is wrong with the new release and needs no statistics.

    `trigger` is `crash`, `probe`, `saturation` (of its machine) or `connections` (of the database).
    """

    trigger: str
    words: str


@dataclass(frozen=True)
class Evidence:
    """All stages of one service's rollout so far, the current one last.

    `slow_threshold` is the latency in seconds above which the next requests count as slow, set from the baseline's past
    alone. `before` is what the baseline answered before the canary got anything. `bounds` are the finite upper bounds
    (s) of the buckets in all histograms. `alerts` are security alerts of the new release, in words; `gauges` what both
    arms used of their machines, and what else is measured of them; `signals` what is wrong with the new release now.
    """

    stages: tuple[StageCounts, ...] = ()
    slow_threshold: float | None = None
    before: ArmCounts = ArmCounts()
    bounds: tuple[float, ...] = ()
    alerts: tuple[str, ...] = ()
    gauges: tuple[GaugePair, ...] = ()
    signals: tuple[Signal, ...] = ()

    @property
    def current(self) -> StageCounts | None:
        return self.stages[-1] if self.stages else None

    @cached_property
    def candidate(self) -> ArmCounts:
        """The canary over all stages."""
        return total(*(stage.candidate for stage in self.stages))

    @cached_property
    def stable(self) -> ArmCounts:
        """The baseline over all stages in which it ran beside the canary."""
        return total(*(stage.stable for stage in self.stages if stage.share < 1.0))

    @cached_property
    def concurrent(self) -> tuple[StageCounts, ...]:
        return tuple(stage for stage in self.stages if stage.is_concurrent)

    def entering(self, share: float) -> Evidence:
        """Begin a stage; the same share again continues the one in force. What is still wrong is told anew."""
        if self.current is not None and self.current.share == share:
            return self
        gauges = tuple(replace(pair, candidate=(), stable=(), beyond=0) for pair in self.gauges)
        return replace(self, stages=(*self.stages, StageCounts(share)), gauges=gauges, signals=())

    def with_current(self, stage: StageCounts) -> Evidence:
        """The same with another state of the current stage."""
        stages = (*self.stages[:-1], stage)
        known = self.slow_threshold, self.before, self.bounds, self.alerts, self.gauges, self.signals
        return Evidence(stages, *known)

    def adding(self, candidate: ArmCounts, stable: ArmCounts) -> Evidence:
        """Add what was counted since the last look to the current stage, or to `before` when there is none."""
        if self.current is None:
            return replace(self, before=self.before + stable)
        return self.with_current(self.current.plus(candidate, stable))


def total(*counts: ArmCounts) -> ArmCounts:
    """The sum of several without their histograms, which nobody asks of more than one stage; nothing of none."""
    if len(counts) == 1:
        return counts[0]
    requests = errors = slow = timed = reports = 0
    seconds = 0.0
    for one in counts:
        requests += one.requests
        errors += one.errors
        slow += one.slow
        timed += one.timed
        seconds += one.latency_sum
        reports += one.reports
    return ArmCounts(requests, errors, slow, timed, seconds, reports=reports)
