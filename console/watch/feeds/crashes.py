"""Instances of the new release that crashed since the stage began, more of them than of the release beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from console.analysis.evidence import Signal
from console.watch.feeds.port import Arms
from providers.contract import CrashSource


class CrashFeed:
    """Tells each time that there is one more. A machine that dies with instances of both arms is nobody's fault."""

    name = "crashes"

    def __init__(self, source: CrashSource, arms: Arms, *, period: timedelta) -> None:
        self.period = period
        self._source = source
        self._arms = arms
        self._told: frozenset[str] = frozenset()

    async def look(self, since: datetime) -> Sequence[Signal]:
        ours, theirs = await asyncio.gather(
            *(self._source.fetch_crashes(place.id, since) for place in (self._arms.candidate, self._arms.stable))
        )
        known = frozenset(crash.id for crash in ours)
        if len(known) <= len({crash.id for crash in theirs}) or known <= self._told:
            return ()
        self._told |= known
        last = max(ours, key=lambda crash: crash.at)
        count = "An instance" if len(known) == 1 else f"{len(known)} instances"
        place = self._arms.candidate
        words = f"{count} of the new release ({place.arm}) crashed, last at {last.at:%H:%M:%S} UTC: {last.words}."
        return (Signal("crash", words),)
