"""The situations in which the judge must not be wrong, and those in which it must be quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from console.watch.simulation.traffic import Behaviour

Course = Callable[[float, float], float]
"""What becomes of an arm's share of errors (0..1) at a part of the rollout (0..1)."""

DRIFT, DRIFT_STEPS = 10.0, 20
OUTAGE_ERRORS = 0.20


@dataclass(frozen=True)
class Ladder:
    """Weights of a rollout in percent, and how long each is held before it is judged (s), as an environment says."""

    name: str
    weights: tuple[int, ...]
    bake: float = 300.0
    verify: float = 300.0

    @property
    def seconds(self) -> float:
        return self.bake * len(self.weights) + self.verify

    @property
    def holds(self) -> tuple[tuple[int, float], ...]:
        """Weight and length (s) of each step that judges, in order."""
        verified = ((self.weights[-1], self.verify),) if self.verify else ()
        return (*((weight, self.bake) for weight in self.weights), *verified)


BLUE_GREEN = Ladder("blue-green", (10, 50, 100))
CANARY = Ladder("canary", (5, 25, 100))
FIVE_PERCENT = Ladder("canary at 5 %", (5,), bake=3600.0, verify=0.0)


def drifting(over: float, errors: float) -> float:
    """Errors rise to ten times as many, evenly in logarithms, in both arms."""
    step = int(over * DRIFT_STEPS) / DRIFT_STEPS
    return float(errors * DRIFT**step)


def failing_together(over: float, errors: float) -> float:
    """The middle third of the rollout is an outage of both arms."""
    return OUTAGE_ERRORS if 1 / 3 <= over < 2 / 3 else errors


@dataclass(frozen=True)
class Scenario:
    """What happens in each of many rollouts.

    Args:
        ladders: Taken in turn.
        rate: Requests a second over both arms.
        candidate: What the release on trial does to the behaviour of the other one.
        course: What happens to the errors of both arms over time; None for nothing.
        real_share: What the router gives to the candidate whatever was set, 0..1.
        answers_until: Part of the rollout (0..1) after which the router tells its counts no more.
        part: Of the rollouts asked for, how many this scenario takes (0..1).
    """

    name: str
    ladders: tuple[Ladder, ...] = (BLUE_GREEN, CANARY)
    rate: float = 20.0
    candidate: Callable[[Behaviour], Behaviour] = field(default=lambda stable: stable)
    course: Course | None = None
    real_share: float | None = None
    answers_until: float = 1.0
    part: float = 1.0

    def answers(self, over: float) -> bool:
        """Whether the router tells its counts at a part of the rollout (0..1, and beyond while it waits)."""
        return self.answers_until == 1.0 or over < self.answers_until


def _more_errors(stable: Behaviour) -> Behaviour:
    return replace(stable, errors=stable.errors + 0.05)


def _slower(stable: Behaviour) -> Behaviour:
    return replace(stable, median=stable.median * 1.2)


SAME, SAME_DRIFT, SAME_OUTAGE = "same", "same_drift", "same_outage"
ERRORS, LATENCY, SPLIT = "errors", "latency", "split"
SILENT_CANDIDATE, SILENT_STABLE, NO_DATA = "silent_candidate", "silent_stable", "no_data"
SILENT_LATER = "silent_later"
"""The router tells nothing any more once the first stage has passed: what it said before must not carry the others."""

FAIR = (SAME, SAME_DRIFT, SAME_OUTAGE)
SILENT = (SILENT_CANDIDATE, SILENT_STABLE, NO_DATA, SILENT_LATER)
FIRST_STAGE = 0.25

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(SAME),
        Scenario(SAME_DRIFT, course=drifting),
        Scenario(SAME_OUTAGE, course=failing_together),
        Scenario(ERRORS, ladders=(FIVE_PERCENT,), rate=40.0, candidate=_more_errors),
        Scenario(LATENCY, ladders=(FIVE_PERCENT,), rate=40.0, candidate=_slower),
        Scenario(SPLIT, ladders=(FIVE_PERCENT,), rate=50.0, real_share=0.07),
        Scenario(SILENT_CANDIDATE, real_share=0.0, part=0.05),
        Scenario(SILENT_STABLE, real_share=1.0, part=0.05),
        Scenario(NO_DATA, answers_until=0.0, part=0.05),
        Scenario(SILENT_LATER, answers_until=FIRST_STAGE, part=0.05),
    )
}
