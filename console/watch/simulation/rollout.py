"""One rollout as the engine runs it: shift, judge at every look, go on after the bake time, hold when in doubt."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from console.analysis.judge import judge
from console.analysis.settings import JudgeSettings
from console.domain.verdict import Verdict
from console.watch.collector import RolloutCollector
from console.watch.simulation.edge import Behaviour, SimulatedEdge
from console.watch.simulation.scenarios import LOOK, Ladder, Scenario

FASTEST, SLOWEST, SPEEDS = 0.08, 0.8, 11
"""Medians (s) of the services that are rolled out, evenly in logarithms, so that no bucket bound is favoured."""

PATIENCE = 600.0

T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """How a rollout ended.

    `trigger` is the judge's word for what rolled it back (`is_rolled_back`) or held it; `requests` are those that the
    candidate had got by then, `all_requests` those of both arms; `passes` counts stages that passed, all of them when
    `is_finished`; `split_after` is the number of all requests at which traffic was thought to be divided unfairly.
    """

    ladder: str
    is_rolled_back: bool
    trigger: str
    requests: int
    all_requests: int
    passes: int
    is_finished: bool = False
    split_after: int | None = None


def run_rollout(scenario: Scenario, seed: str, number: int, settings: JudgeSettings, look: float = LOOK) -> Ended:
    """Run the rollout of that number; the same seed, number and look always give the same one."""
    dice = Random(f"{seed}/{scenario.name}/{number}")  # noqa: S311 - a simulation, which must be repeatable
    ladder = scenario.ladders[number % len(scenario.ladders)]
    stable = Behaviour(median=FASTEST * (SLOWEST / FASTEST) ** (dice.randrange(SPEEDS) / (SPEEDS - 1)))
    return _Rollout(scenario, ladder, dice, stable, settings, scenario.look or look).run()


class _Rollout:
    def __init__(
        self,
        scenario: Scenario,
        ladder: Ladder,
        dice: Random,
        stable: Behaviour,
        settings: JudgeSettings,
        look: float,
    ) -> None:
        self._scenario = scenario
        self._look = look
        self._ladder = ladder
        self._settings = settings
        self._stable = stable
        self._edge = SimulatedEdge(dice, scenario.rate)
        self._collector = RolloutCollector(self._edge, "shop", candidate="candidate", stable="stable")
        self._seconds = 0.0
        self._passes = 0
        self._split_after: int | None = None

    def run(self) -> Ended:
        for weight, bake in self._stages():
            finish(self._collector.close_stage())
            self._edge.shift(weight)
            finish(self._collector.enter(weight))
            verdict = self._hold(bake)
            if not verdict.is_pass:
                return self._end(verdict)
            self._passes += 1
        return self._end(verdict)

    def _stages(self) -> Iterator[tuple[int, float]]:
        for weight in self._ladder.weights:
            yield weight, self._ladder.bake
        if self._ladder.verify:
            yield self._ladder.weights[-1], self._ladder.verify

    def _hold(self, bake: float) -> Verdict:
        """Judge at every look; the bake time over, a pass ends the stage, and so does doubt once patience is over."""
        scenario, looks = self._scenario, math.ceil(bake / self._look)
        most = looks + math.ceil(PATIENCE / self._look)
        for look in range(1, most + 1):
            over = min(1.0, self._seconds / self._ladder.seconds)
            self._edge.answers = scenario.answers_until == 1.0 or over < scenario.answers_until
            stable = scenario.course(over, self._stable)
            candidate = scenario.course(over, scenario.candidate(self._stable))
            self._edge.pass_time(self._look, stable, candidate, scenario.real_share)
            self._seconds += self._look
            verdict = judge(finish(self._collector.sample()), self._settings)
            if verdict.evidence.get("trigger") == "split" and self._split_after is None:
                self._split_after = self._all_requests()
                if scenario.real_share is not None:
                    return verdict
            if verdict.is_fail or (look >= looks and verdict.is_pass):
                return verdict
        return verdict

    def _end(self, verdict: Verdict) -> Ended:
        return Ended(
            self._ladder.name,
            verdict.is_fail,
            str(verdict.evidence.get("trigger", "")),
            self._edge.candidate_requests,
            self._all_requests(),
            self._passes,
            verdict.is_pass,
            self._split_after,
        )

    def _all_requests(self) -> int:
        evidence = self._collector.evidence
        return evidence.candidate.requests + evidence.stable.requests


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits, without the price of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("The simulated edge answers at once, and yet something waited.")
