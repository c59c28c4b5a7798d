"""What a judgement tolerates. Sizes that must be caught fast, not thresholds on noisy ratios."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from console.analysis.budget import AlphaBudget
from console.analysis.fixed.gauges import Direction


class Action(StrEnum):
    """What follows from damage to one metric."""

    OBSERVE = "observe"
    PAUSE = "pause"
    ROLL_BACK = "rollback"


@dataclass(frozen=True)
class MetricRule:
    """What is tolerated of one metric with a name of the operator's.

    Args:
        tolerance: Part of the other arm's value by which the canary's may be worse.
        limit: Value that the canary's must not pass in the direction that is worse; None for none.
    """

    name: str
    direction: Direction = Direction.INCREASE
    action: Action = Action.PAUSE
    tolerance: float = 0.1
    limit: float | None = None


@dataclass(frozen=True)
class JudgeSettings:
    """Tolerances of one rollout; rates are 0..1, latencies seconds.

    Args:
        alpha: Largest probability of rolling back a release that is no worse, divided among the metrics.
        split_alpha: Largest probability of holding a fairly divided rollout; 0 does not look at shares.
        floor: Errors roll back only when the canary's rate exceeds the baseline's by more than this.
        margin: A pass claims that the canary's error rate is not worse than the baseline's by this.
        margin_alpha: Largest probability of passing a canary that is.
        min_requests: Canary requests below which no stage passes.
        instant_requests: That many canary requests and none good roll back at once.
        ceiling: With all traffic on the canary, error rates at or below this never roll back.
        alone_ratio: Nor do those at most this multiple of the baseline's in its last stage: what fails more and more
            often with nothing beside it may well be what both would share.
        max_error_rate: A rate surely above this rolls back whatever the baseline does; 1 turns it off.
        latency_ratio: Latency rolls back only when the canary's mean exceeds the baseline's by this factor.
        latency_floor: And by this many seconds.
        alone_latency_ratio: With all traffic on the canary, a recent mean above this multiple of the former baseline's
            holds, if it is also
        alone_latency_floor: this many seconds above it. A busy machine easily takes a quarter of a second longer.
        latency_margin: A pass also claims that the canary is not slower by this part (0.2 is 20 %); 0 claims nothing.
        on_errors: What follows from more errors.
        on_latency: What follows from slower answers.
        on_reports: What follows from more issues that users report.
        on_alert: What follows from a security alert of the new release.
        on_gauges: What follows from gauges (CPU, memory, connections) that differ; never a rollback.
        on_crash: What follows from an instance of the new release that crashed.
        on_probe: What follows from health checks that it fails while the other arm passes them.
        on_saturation: What follows from a canary at its limits while the other arm is not.
        metrics: What the operator measures besides.
    """

    alpha: AlphaBudget = field(default_factory=AlphaBudget)
    split_alpha: float = 0.001
    floor: float = 0.005
    margin: float = 0.05
    margin_alpha: float = 0.05
    min_requests: int = 20
    instant_requests: int = 20
    ceiling: float = 0.02
    alone_ratio: float = 5.0
    max_error_rate: float = 1.0
    latency_ratio: float = 1.1
    latency_floor: float = 0.010
    alone_latency_ratio: float = 5.0
    alone_latency_floor: float = 0.5
    latency_margin: float = 0.0
    on_errors: Action = Action.ROLL_BACK
    on_latency: Action = Action.ROLL_BACK
    on_reports: Action = Action.ROLL_BACK
    on_alert: Action = Action.ROLL_BACK
    on_gauges: Action = Action.OBSERVE
    on_crash: Action = Action.ROLL_BACK
    on_probe: Action = Action.ROLL_BACK
    on_saturation: Action = Action.PAUSE
    metrics: tuple[MetricRule, ...] = ()
