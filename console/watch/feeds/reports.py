"""What users report of each arm. A report counts once, by its id, whenever it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from console.domain.clock import Clock
from console.watch.feeds.port import ArmPlace, Arms, Evaluated, Reported
from providers.contract import ReportSource, UserReport


class ReportFeed:
    """`Checkable`. Counts from the first stage on.

    One that arrives after its stage has ended counts in the next, where the new release has a greater share of the
    users: the evidence against it becomes weaker by that, never stronger.

    Args:
        project: The source's name of what is reported.
    """

    def __init__(
        self, name: str, source: ReportSource, project: str, arms: Arms, clock: Clock, *, period: timedelta
    ) -> None:
        self.name = name
        self._clock = clock
        self.period = period
        self._source = source
        self._project = project
        self._arms = arms
        self._first: datetime | None = None
        self._seen: set[str] = set()

    async def look(self, since: datetime) -> Sequence[Reported]:
        self._first = self._first or since
        found = await self._source.fetch_reports(self._project, self._names, self._first)
        new = {one.id: one for one in found if one.id not in self._seen and one.at >= self._first}
        self._seen |= set(new)
        ours = sum(self._is_of(one, self._arms.candidate) for one in new.values())
        theirs = sum(self._is_of(one, self._arms.stable) for one in new.values())
        return (Reported(ours, theirs),) if ours or theirs else ()

    async def evaluate(self, place: ArmPlace) -> Evaluated:
        found = await self._source.fetch_reports(self._project, place.names, self._clock.now() - timedelta(days=1))
        count = sum(self._is_of(one, place) for one in found)
        return Evaluated(float(count), "reports of its release within a day")

    @property
    def _names(self) -> frozenset[str]:
        return self._arms.candidate.names | self._arms.stable.names

    def _is_of(self, report: UserReport, place: ArmPlace) -> bool:
        """By the arm where the report names one, else by its release, also with a name of the package before it."""
        if report.arm:
            return report.arm == place.arm
        version = report.release.rpartition("@")[2]
        return bool(version) and any(version == name or _is_short(version, name) for name in place.names)


def _is_short(version: str, name: str) -> bool:
    """Whether it is the beginning of a commit, long enough to be meant."""
    return len(version) >= 7 and len(name) == 40 and name.startswith(version)
