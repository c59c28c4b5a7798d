"""Questions of our own to both arms while a release gets traffic: does it answer, and how fast?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from console.analysis.evidence import Signal
from console.domain.clock import Clock
from console.watch.feeds.port import ArmPlace, Arms, Evaluated, Reading
from console.watch.probes import say
from providers.contract import ProbeRequest, ProbeResult, ProbeSource

FAILED_IN_A_ROW = 3


def at_place(request: ProbeRequest, path: str, place: ArmPlace) -> ProbeRequest:
    return replace(request, url=place.url.rstrip("/") + "/" + path.lstrip("/"))


class HealthFeed:
    """Asks both arms what the health check asks; only a failure that the other arm does not share is the release's.

    It ends with the next good answer.
    """

    name = "health"

    def __init__(self, source: ProbeSource, request: ProbeRequest, path: str, arms: Arms, *, period: timedelta) -> None:
        self.period = period
        self._source = source
        self._requests = tuple(at_place(request, path, place) for place in (arms.candidate, arms.stable))
        self._failed = 0
        self._is_told = False

    async def look(self, since: datetime) -> Sequence[Signal]:
        ours, theirs = await asyncio.gather(*(self._source.probe(request) for request in self._requests))
        if ours.ok:
            self._failed = 0
        elif theirs.ok:
            self._failed += 1
        if self._failed >= FAILED_IN_A_ROW:
            self._is_told = True
            words = f"{self._requests[0].url} failed {self._failed} times in a row ({say(ours)})"
            return (Signal("probe", f"{words}; the other arm answers."),)
        if self._is_told and ours.ok:
            self._is_told = False
            return (Signal("probe", ""),)
        return ()


class LatencyFeed:
    """`Checkable`. Seconds until a path was answered; a bad answer is no reading."""

    def __init__(
        self,
        name: str,
        source: ProbeSource,
        request: ProbeRequest,
        path: str,
        arms: Arms,
        clock: Clock,
        *,
        period: timedelta,
    ) -> None:
        self.name = name
        self.period = period
        self._source = source
        self._request = request
        self._path = path
        self._arms = arms
        self._clock = clock

    async def look(self, since: datetime) -> Sequence[Reading]:
        ours, theirs = await asyncio.gather(*(self._ask(place) for place in (self._arms.candidate, self._arms.stable)))
        values = tuple(result.latency if result.ok else None for result in (ours, theirs))
        return [] if values == (None, None) else [Reading(self.name, self._clock.now(), *values)]

    async def evaluate(self, place: ArmPlace) -> Evaluated:
        if not place.url:
            return Evaluated(None, f"{place.arm} has no address to ask.", "Add url = … to it.")
        result = await self._ask(place)
        if result.ok:
            return Evaluated(result.latency, say(result))
        return Evaluated(None, f"{place.url} does not answer {self._path}: {say(result)}.", "Correct the path.")

    async def _ask(self, place: ArmPlace) -> ProbeResult:
        return await self._source.probe(at_place(self._request, self._path, place))
