"""What was measured of which arm, and when: the one door through which figures reach the judge besides the edge's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from console.analysis.evidence import Signal


@dataclass(frozen=True)
class ArmPlace:
    """An arm as the sources know it. Empty where the plan did not know it."""

    arm: str
    id: str = ""
    url: str = ""
    commit: str = ""
    release: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Under which names its release is spoken of."""
        return frozenset(filter(None, (self.commit, self.release)))


@dataclass(frozen=True)
class Arms:
    """The arm on trial and the one beside it."""

    candidate: ArmPlace
    stable: ArmPlace


@dataclass(frozen=True)
class Reading:
    """A gauge of both arms at one time; None of an arm that nobody measured then."""

    metric: str
    at: datetime
    candidate: float | None
    stable: float | None


@dataclass(frozen=True)
class Reported:
    """Issues that users reported of each arm since the last look."""

    candidate: int
    stable: int


@dataclass(frozen=True)
class Alerted:
    """A security alert of the new release."""

    words: str


Told = Reading | Reported | Alerted | Signal


class MetricFeed(Protocol):
    """One source of one or more figures of both arms of a service.

    `name` is what people call it, `period` how often it is asked.
    """

    @property
    def name(self) -> str: ...

    @property
    def period(self) -> timedelta: ...

    async def look(self, since: datetime) -> Sequence[Told]:
        """What is new since the last look; nothing is ever told twice.

        Args:
            since: When the stage began; another one than before begins a new stage.

        Raises:
            ConsoleError: It cannot be read now; the next look has what this one missed, where the source keeps it.
        """
        ...


@dataclass(frozen=True)
class Evaluated:
    """What a metric says of one arm now, in words; `value` is None where it says nothing, and `remedy` what to do."""

    value: float | None
    words: str = ""
    remedy: str = ""


class Checkable(MetricFeed, Protocol):
    """A feed of a metric with a name of the operator's."""

    async def evaluate(self, place: ArmPlace) -> Evaluated:
        """Measure one arm once, before anything depends on it.

        Raises:
            ConsoleError: It cannot be measured, in the source's own words.
        """
        ...
