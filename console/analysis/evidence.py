"""What the judge looks at: raw counts of each stage, kept whole so that a verdict can be computed again."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ArmCounts:
    """Requests of one arm in one stage.

    `errors` counts 5xx answers, `slow` those above the threshold of their moment, `timed` the requests that were held
    against one (fewer than `requests` where the first was set later), `latency_sum` is seconds over all requests.
    """

    requests: int = 0
    errors: int = 0
    slow: int = 0
    timed: int = 0
    latency_sum: float = 0.0

    def __add__(self, other: ArmCounts) -> ArmCounts:
        return ArmCounts(
            self.requests + other.requests,
            self.errors + other.errors,
            self.slow + other.slow,
            self.timed + other.timed,
            self.latency_sum + other.latency_sum,
        )

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.requests if self.requests else None

    @property
    def latency_mean(self) -> float | None:
        """Seconds a request, None without any."""
        return self.latency_sum / self.requests if self.requests else None


@dataclass(frozen=True)
class StageCounts:
    """One stage of a rollout: the canary's share (0..1) and what each arm answered while it was in force.

    `recent` is the canary over the last looks only, None where nobody kept it apart; see `latency_rule`.
    `blocks` counts stretches of time in which both arms had some requests, `blocks_slower` those in which a larger
    part of the canary's was slow; with nothing beside the canary, those in which most of its requests were slow.
    """

    share: float
    candidate: ArmCounts = ArmCounts()
    stable: ArmCounts = ArmCounts()
    blocks: int = 0
    blocks_slower: int = 0
    recent: ArmCounts | None = None

    @property
    def is_concurrent(self) -> bool:
        """Whether both arms were to get requests, so that they can be compared under the same conditions."""
        return 0.0 < self.share < 1.0

    def plus(self, candidate: ArmCounts, stable: ArmCounts) -> StageCounts:
        return replace(self, candidate=self.candidate + candidate, stable=self.stable + stable)


@dataclass(frozen=True)
class Evidence:
    """All stages of one service's rollout so far, the current one last.

    `slow_threshold` is the latency in seconds above which the next requests count as slow, set from the baseline's past
    alone. `before` is what the baseline answered before the canary got anything.
    """

    stages: tuple[StageCounts, ...] = ()
    slow_threshold: float | None = None
    before: ArmCounts = ArmCounts()

    @property
    def current(self) -> StageCounts | None:
        return self.stages[-1] if self.stages else None

    @property
    def candidate(self) -> ArmCounts:
        """The canary over all stages."""
        return sum((stage.candidate for stage in self.stages), ArmCounts())

    @property
    def stable(self) -> ArmCounts:
        """The baseline over all stages in which it ran beside the canary."""
        return sum((stage.stable for stage in self.stages if stage.share < 1.0), ArmCounts())

    @property
    def concurrent(self) -> tuple[StageCounts, ...]:
        return tuple(stage for stage in self.stages if stage.is_concurrent)

    def adding_block(self, *, slower: bool) -> Evidence:
        """Count one more stretch of time in the current stage."""
        stage = self.stages[-1]
        counted = replace(stage, blocks=stage.blocks + 1, blocks_slower=stage.blocks_slower + slower)
        return replace(self, stages=(*self.stages[:-1], counted))

    def seeing_recently(self, candidate: ArmCounts) -> Evidence:
        """Replace what the current stage knows of the canary's last looks."""
        if not self.stages:
            return self
        return replace(self, stages=(*self.stages[:-1], replace(self.stages[-1], recent=candidate)))

    def entering(self, share: float) -> Evidence:
        """Begin a stage; the same share again continues the one in force."""
        if self.current is not None and self.current.share == share:
            return self
        return replace(self, stages=(*self.stages, StageCounts(share)))

    def adding(self, candidate: ArmCounts, stable: ArmCounts) -> Evidence:
        """Add what was counted since the last look to the current stage, or to `before` when there is none."""
        if not self.stages:
            return replace(self, before=self.before + stable)
        return replace(self, stages=(*self.stages[:-1], self.stages[-1].plus(candidate, stable)))
