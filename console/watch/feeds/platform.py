"""What both arms use of their machines, as their platform measures it, and whether the new release is at its limits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from console.analysis.evidence import Signal
from console.domain.errors import ConsoleError
from console.domain.telemetry import Measurement
from console.watch import metrics
from console.watch.feeds.port import ArmPlace, Arms, Evaluated, Reading, Told
from providers.contract import LimitSource, MetricSource, Unsupported

GAUGES = (metrics.CPU, metrics.MEMORY, metrics.DB_CONNECTIONS)
FULL = 0.95
FULL_IN_A_ROW = 3


class PlatformFeed:
    """The gauges that are watched without being configured, and those that are.

    A figure that the platform has not measured anew since the last look is no new reading. Saturation is a figure of
    the candidate at 95 % of its limit or above in three readings in a row, while the other arm's is not.

    Args:
        named: The operator's metrics by the platform's figure: `{"cpu": ("cpu-of-shop", …)}`.
    """

    def __init__(
        self,
        source: MetricSource,
        limits: LimitSource | Unsupported,
        arms: Arms,
        *,
        period: timedelta,
        named: Mapping[str, Sequence[str]] | None = None,
        name: str = "platform",
    ) -> None:
        self.name = name
        self.period = period
        self._source = source
        self._limits = limits
        self._arms = arms
        self._named = named or {}
        self._seen: dict[str, datetime] = {}
        self._limit_of: dict[str, Mapping[str, float]] = {}
        self._full: dict[str, deque[bool]] = {}
        self._words = ""

    async def look(self, since: datetime) -> Sequence[Told]:
        ours, theirs = await asyncio.gather(self._fetch(self._arms.candidate), self._fetch(self._arms.stable))
        told: list[Told] = []
        for figure in sorted({*ours, *theirs}):
            mine, other = ours.get(figure), theirs.get(figure)
            at = max(one.at for one in (mine, other) if one is not None)
            if at <= max(self._seen.get(figure, since), since):
                continue
            self._seen[figure] = at
            values = (self._value(figure, ours), self._value(figure, theirs))
            told += [Reading(name, at, *values) for name in self._names(figure)]
            self._note_fullness(figure, mine, other)
        return [*told, *self._saturation(ours)]

    async def evaluate(self, place: ArmPlace) -> Evaluated:
        wanted = sorted(self._named)
        found = {one.name: one.value for one in await self._source.fetch_metrics(place.id)}
        missing = [figure for figure in wanted if figure not in found]
        if missing:
            words = f"The platform does not measure {', '.join(missing)} of {place.arm} ({place.id})."
            known = ", ".join(sorted(found)) or "nothing"
            return Evaluated(None, words, f"It measures {known}.")
        return Evaluated(found[wanted[0]] if wanted else None)

    def _value(self, figure: str, measured: Mapping[str, Measurement]) -> float | None:
        """What is watched by itself is of one instance, since the arms may run different numbers of them."""
        if figure not in measured:
            return None
        instances = measured.get(metrics.INSTANCES)
        count = 1.0 if self._named or instances is None else max(1.0, instances.value)
        return measured[figure].value / count

    def _names(self, figure: str) -> Iterator[str]:
        if self._named:
            yield from self._named.get(figure, ())
        elif figure in GAUGES:
            yield figure

    async def _fetch(self, place: ArmPlace) -> Mapping[str, Measurement]:
        if place.arm not in self._limit_of and not isinstance(self._limits, Unsupported):
            try:
                self._limit_of[place.arm] = await self._limits.fetch_limits(place.id)
            except ConsoleError:
                self._limit_of[place.arm] = {}
        return {one.name: one for one in await self._source.fetch_metrics(place.id)}

    def _note_fullness(self, figure: str, mine: Measurement | None, other: Measurement | None) -> None:
        arms = self._arms
        is_full = self._share(arms.candidate, figure, mine) >= FULL > self._share(arms.stable, figure, other)
        self._full.setdefault(figure, deque(maxlen=FULL_IN_A_ROW)).append(is_full)

    def _share(self, place: ArmPlace, figure: str, measured: Measurement | None) -> float:
        limit = self._limit_of.get(place.arm, {}).get(figure)
        return measured.value / limit if measured is not None and limit else 0.0

    def _saturation(self, ours: Mapping[str, Measurement]) -> Iterator[Signal]:
        full = [figure for figure, past in self._full.items() if len(past) == FULL_IN_A_ROW and all(past)]
        shares = [f"{figure} at {self._share(self._arms.candidate, figure, ours.get(figure)):.0%}" for figure in full]
        words = f"The new release is at its limits: {', '.join(shares)}. The current one is not." if full else ""
        if words or self._words:
            yield Signal("saturation", words)
        self._words = words
