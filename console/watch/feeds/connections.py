"""A database that runs out of connections while a release gets traffic, and had some left before.

Both arms share it, so nothing can be compared: it is told as what came with the release, and by default only pauses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from console.analysis.evidence import Signal
from console.watch import metrics
from providers.contract import MetricSource

FULL = 0.9
FULL_IN_A_ROW = 3


class ConnectionsFeed:
    """Full is nine tenths of what the database allows, in three readings in a row; it ends with the first below."""

    def __init__(self, service: str, source: MetricSource, target: str, *, period: timedelta) -> None:
        self.name = f"connections of {service}"
        self.period = period
        self._service = service
        self._source = source
        self._target = target
        self._had_some_left = False
        self._full = 0

    async def look(self, since: datetime) -> Sequence[Signal]:
        found = {one.name: one.value for one in await self._source.fetch_metrics(self._target)}
        used, most = found.get(metrics.DB_CONNECTIONS), found.get(metrics.DB_MAX_CONNECTIONS)
        if used is None or not most:
            return ()
        if used < most * FULL:
            self._had_some_left = True
            was_full, self._full = self._full >= FULL_IN_A_ROW, 0
            return (Signal("connections", ""),) if was_full else ()
        self._full += self._had_some_left
        if self._full < FULL_IN_A_ROW:
            return ()
        words = f"{self._service} has {used:.0f} of {most:.0f} connections in use since the release got traffic."
        return (Signal("connections", words),)
