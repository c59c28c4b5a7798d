"""One rollout as the engine runs it: shift, judge at every look, go on after the bake time, hold when in doubt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from console.analysis.evidence import Evidence
from console.analysis.following import Next, what_follows
from console.analysis.judge import judge
from console.analysis.settings import JudgeSettings
from console.domain.verdict import Verdict
from console.watch.simulation.counting import Counted
from console.watch.simulation.course import Course, Hold
from console.watch.simulation.scenarios import Ladder, Scenario
from console.watch.simulation.screen import Screen, is_screened
from console.watch.simulation.stepping import Stepping
from console.watch.simulation.traffic import Behaviour

SPLIT = "split"
"""The judge's word for a division of traffic that is not as set; only its first is looked for."""

FASTEST, SLOWEST, SPEEDS = 0.08, 0.8, 11
"""Medians (s) of the services that are rolled out, evenly in logarithms, so that no bucket bound is favoured."""


@dataclass(frozen=True)
class Rules:
    """By what a rollout is judged: tolerances, time between two looks and of doubt (s), and what ends a doubt."""

    settings: JudgeSettings = field(default_factory=JudgeSettings)
    look: float = 1.0
    patience: float = 600.0
    undecided: str = "wait"


@dataclass(frozen=True)
class Ended:
    """How a rollout ended.

    `trigger` is the judge's word for what rolled it back (`is_rolled_back`) or held it; `requests` are those that the
    candidate had got by then, `all_requests` those of both arms; `passes` counts stages that passed, all of them when
    `is_finished`; `split_after` is the number of all requests at which traffic was thought to be divided unfairly.
    `looks` counts the judgements, `asked` those for which the judge had to be asked.
    """

    ladder: str
    is_rolled_back: bool
    trigger: str
    requests: int
    all_requests: int
    passes: int
    is_finished: bool = False
    split_after: int | None = None
    looks: int = 0
    asked: int = 0


class Watch(Protocol):
    """Who tells the judge's verdicts of a rollout."""

    def enter(self, hold: Hold) -> None:
        """Begin a hold, whose first look is just before."""

    def verdicts(self, hold: Hold, late: int) -> Iterator[tuple[int, Verdict]]:
        """Look and verdict, in order, of every look of the hold at which the rollout may go another way.

        The looks up to the first one of the hold that ends it are all that is asked for; `late` is the last.
        """


def run_rollout(scenario: Scenario, seed: str, number: int, rules: Rules, *, in_full: bool = False) -> Ended:
    """Run the rollout of that number; the same seed, number and rules always give the same one.

    Args:
        in_full: Ask the collector and the judge of a worker at every look, however little they can have to say.
    """
    course = course_of(scenario, seed, number, rules.look)
    watch: Watch = (
        Stepping(course, rules.settings)
        if in_full or not is_screened(rules.settings)
        else _Screened(course, rules.settings)
    )
    return _run(course, watch, rules)


def course_of(scenario: Scenario, seed: str, number: int, look: float) -> Course:
    """What happens on the edge in the rollout of that number, whoever judges it."""
    name = f"{seed}/{scenario.name}/{number}"
    ladder: Ladder = scenario.ladders[number % len(scenario.ladders)]
    speed = Random(name).randrange(SPEEDS) / (SPEEDS - 1)  # noqa: S311 - a simulation, which must be repeatable
    return Course(scenario, ladder, name, look, Behaviour(median=FASTEST * (SLOWEST / FASTEST) ** speed))


class _Screened:
    """Asks the judge where the screen says that it may have something to say."""

    def __init__(self, course: Course, settings: JudgeSettings) -> None:
        self._course = course
        self._settings = settings
        self._counted = Counted(course.traffic)
        self._sees_split = True

    def enter(self, hold: Hold) -> None:
        self._counted.enter(hold.weight, hold.began)

    def verdicts(self, hold: Hold, late: int) -> Iterator[tuple[int, Verdict]]:
        counted, at = self._counted, hold.first
        known = counted.evidence_at(hold.began)
        screen = Screen(counted, known, self._settings, hold.over, late, sees_split=self._sees_split)
        while at <= late:
            last = min(self._course.draw(at), late)
            counted.follow(last)
            for look in screen.looks(at, last):
                verdict = judge(counted.evidence_at(look), self._settings)
                if verdict.evidence.get("trigger") == SPLIT:
                    self._sees_split = screen.sees_split = False
                yield look, verdict
            at = last + 1


def _run(course: Course, watch: Watch, rules: Rules) -> Ended:
    scenario, ladder = course.scenario, course.ladder
    passes = looks = asked = 0
    split_after: int | None = None
    verdict, following = judge(Evidence(), rules.settings), Next.HOLD
    look = 0
    for weight, length in ladder.holds:
        hold = course.begin(weight, length, look)
        watch.enter(hold)
        late = hold.over + math.ceil(rules.patience / rules.look)
        for look, verdict in watch.verdicts(hold, late):
            asked += 1
            following = what_follows(
                verdict, is_over=look >= hold.over, is_late=look >= late, undecided=rules.undecided
            )
            if verdict.evidence.get("trigger") == SPLIT and split_after is None:
                split_after = course.traffic.requests(look)
                if scenario.real_share is not None:
                    break
            if following is not Next.HOLD:
                break
        looks += look - hold.first + 1
        if following not in {Next.GO_ON, Next.LET_GO}:
            break
        passes += 1
    return Ended(
        ladder.name,
        following in {Next.TAKE_BACK, Next.GIVE_UP},
        str(verdict.evidence.get("trigger", "")),
        course.traffic.candidate.requests[look],
        course.traffic.requests(look),
        passes,
        following in {Next.GO_ON, Next.LET_GO},
        split_after,
        looks,
        asked,
    )
