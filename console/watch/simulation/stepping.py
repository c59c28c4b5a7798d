"""A rollout judged the way a worker does it: its collector and its judge at every single look."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from console.analysis.evidence import Evidence
from console.analysis.judge import judge
from console.analysis.settings import JudgeSettings
from console.domain.verdict import Verdict
from console.watch.collector import RolloutCollector
from console.watch.simulation.course import Course, Hold
from console.watch.simulation.edge import CANDIDATE, STABLE, SimulatedEdge

T = TypeVar("T")


class Stepping:
    """Verdicts of every look, computed anew wherever anything was counted."""

    def __init__(self, course: Course, settings: JudgeSettings) -> None:
        self._course = course
        self._settings = settings
        self._edge = SimulatedEdge(course.traffic, course.answers)
        self._collector = RolloutCollector(self._edge, "shop", candidate=CANDIDATE, stable=STABLE)
        self._weight = 0

    @property
    def evidence(self) -> Evidence:
        """What was counted up to the last look."""
        return self._collector.evidence

    def enter(self, hold: Hold) -> None:
        if hold.weight != self._weight:
            if self._weight:
                finish(self._collector.close_stage())
            self._edge.shift(hold.weight)
            self._weight = hold.weight
        self._edge.look = hold.began + 1
        finish(self._collector.enter(hold.weight))

    def verdicts(self, hold: Hold, late: int) -> Iterator[tuple[int, Verdict]]:
        seen: tuple[Evidence, Verdict] | None = None
        for look in range(hold.first, late + 1):
            self._course.draw(look)
            self._edge.look = look
            evidence = finish(self._collector.sample())
            if seen is None or seen[0] is not evidence:
                seen = evidence, judge(evidence, self._settings)
            yield look, seen[1]


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits, without the price of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("The simulated edge answers at once, and yet something waited.")
