"""What happens on the edge in one rollout, drawn as far as it is looked at, the same for whoever looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from console.watch.simulation.scenarios import Ladder, Scenario
from console.watch.simulation.traffic import Behaviour, Traffic

CHUNK = 100
"""Looks that are drawn at once."""


@dataclass(frozen=True)
class Hold:
    """One step that holds a weight and judges, in looks since the rollout began.

    Like the engine's, it reads the counters when it enters the stage (`began` is the look before that) and judges at
    once (`first`), then again after each interval. From `over` on a pass ends it.
    """

    weight: int
    began: int
    over: int

    @property
    def first(self) -> int:
        return self.began + 2


class Course:
    """The traffic of a rollout, and when its router tells of it."""

    def __init__(self, scenario: Scenario, ladder: Ladder, seed: str, look: float, stable: Behaviour) -> None:
        candidate = scenario.candidate(stable)
        self.scenario = scenario
        self.ladder = ladder
        self.traffic = Traffic(seed, scenario.rate, look, stable, candidate)
        self._errors = stable.errors, candidate.errors
        self._look = look
        self._seconds = ladder.seconds
        self._hold = Hold(0, -1, 0)
        self._served = 0

    def begin(self, weight: int, length: float, look: int) -> Hold:
        """Begin a hold of `length` seconds after a look, whatever was drawn beyond it."""
        if look:
            self._served += look - self._hold.first
        self.traffic.forget_after(look)
        self.traffic.idle(2)
        self._hold = Hold(weight, look, look + 2 + math.ceil(length / self._look))
        return self._hold

    def draw(self, look: int) -> int:
        """Have a look of the current hold drawn; returns the last one that is."""
        while self.traffic.last < look:
            self._draw_chunk()
        return self.traffic.last

    def answers(self, look: int) -> bool:
        """Whether the router tells its counts at a look of the current hold, or right before it."""
        return self.scenario.answers(self._over(look))

    def _draw_chunk(self) -> None:
        served = self._served_looks(self.traffic.last + 1)
        if served:
            share = self._hold.weight / 100 if self.scenario.real_share is None else self.scenario.real_share
            self.traffic.serve(share, self._errors_at(served))
        self.traffic.idle(CHUNK - len(served))

    def _served_looks(self, first: int) -> Sequence[int]:
        looks = range(first, first + CHUNK)
        return looks if self.scenario.answers_until == 1.0 else [look for look in looks if self.answers(look)]

    def _errors_at(self, looks: Sequence[int]) -> Sequence[tuple[float, float]]:
        """Shares of errors of both arms, one pair a look."""
        course = self.scenario.course
        if course is None:
            return [self._errors] * len(looks)
        stable, candidate = self._errors
        if stable == candidate:
            return [(errors, errors) for errors in (course(self._over(look), stable) for look in looks)]
        return [(course(over, stable), course(over, candidate)) for over in map(self._over, looks)]

    def _over(self, look: int) -> float:
        """The part of the rollout that was over when the requests of a look began to come."""
        passed = self._served + max(0, look - self._hold.first - 1)
        return min(1.0, passed * self._look / self._seconds)
