"""A metric of Prometheus': the same query of both arms, put side by side at the same moments."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from console.domain.clock import Clock
from console.watch.feeds.port import ArmPlace, Arms, Evaluated, Reading
from providers.contract import QuerySource, Sample

LATE_STEPS = 4
"""A moment is only given up when this many have passed: samples come late, and a gap may still be filled."""


class QueryFeed:
    """`Checkable`. Moments are whole multiples of the period: late and repeated samples are known by their time.

    Args:
        query: PromQL with `{arm}`, `{id}`, `{commit}` or `{release}` for the arm.
        is_zero: Whether no series means zero.
    """

    def __init__(
        self,
        name: str,
        source: QuerySource,
        query: str,
        arms: Arms,
        clock: Clock,
        *,
        period: timedelta,
        is_zero: bool = False,
    ) -> None:
        self.name = name
        self.period = period
        self._source = source
        self._query = query
        self._arms = arms
        self._clock = clock
        self._is_zero = is_zero
        self._since: datetime | None = None
        self._from: datetime | None = None
        self._told: set[datetime] = set()

    async def look(self, since: datetime) -> Sequence[Reading]:
        if self._since != since:
            self._since, self._from = since, None
            self._told.clear()
        now, begin = self._clock.now(), self._from or since
        candidate, stable = await asyncio.gather(
            *(self._fetch(place, begin, now) for place in (self._arms.candidate, self._arms.stable))
        )
        readings = [
            Reading(self.name, at, candidate.get(at), stable.get(at))
            for at in sorted({*candidate, *stable})
            if self._is_news(at, at in candidate and at in stable, now)
        ]
        self._told |= {reading.at for reading in readings}
        self._from = max(since, now - LATE_STEPS * self.period)
        return readings

    def _is_news(self, at: datetime, is_whole: bool, now: datetime) -> bool:
        """A moment of both arms at once, one of a single arm only when the other's is not to be expected any more."""
        is_late = now - at >= (LATE_STEPS - 1) * self.period
        return at not in self._told and (is_whole or is_late)

    async def _fetch(self, place: ArmPlace, begin: datetime, now: datetime) -> Mapping[datetime, float]:
        samples = await self._source.fetch_series(fill(self._query, place), begin, now, self.period)
        found = {sample.at: sample.value for sample in samples}
        if not self._is_zero:
            return found
        return dict.fromkeys(moments(begin, now, self.period), 0.0) | found

    async def evaluate(self, place: ArmPlace) -> Evaluated:
        query = fill(self._query, place)
        sample: Sample | None = await self._source.fetch_value(query)
        if sample is not None:
            return Evaluated(sample.value)
        if self._is_zero:
            return Evaluated(0.0, "no series counts as zero")
        return Evaluated(
            None,
            f"The query {query} has no series of {place.arm}, or only stale ones.",
            'Correct the query or its labels; empty = "zero" where no series means none.',
        )


def fill(query: str, place: ArmPlace) -> str:
    """Put the arm's names into the places that stand for them, as text inside quotes of PromQL."""
    for word in ("arm", "id", "commit", "release"):
        text = getattr(place, word).replace("\\", "\\\\").replace('"', '\\"')
        query = query.replace(f"{{{word}}}", text)
    return query


def moments(since: datetime, until: datetime, step: timedelta) -> Sequence[datetime]:
    """Whole multiples of a step since 1970, from one moment to another, both included."""
    width = max(1, round(step.total_seconds()))
    first = -(-since.timestamp() // width) * width
    count = int((until.timestamp() - first) // width) + 1
    return [datetime.fromtimestamp(first + number * width, since.tzinfo) for number in range(max(0, count))]
