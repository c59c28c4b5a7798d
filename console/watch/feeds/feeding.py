"""Asks every feed of a rollout in its own rhythm, beside the judge, and gives what was told to the collector.

No source can delay a verdict: each is asked by itself, and a look takes what has arrived. One that fails is asked again
in its rhythm; what it misses shows as a metric that nobody measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from console.analysis.evidence import Signal
from console.analysis.settings import MetricRule
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, RateLimited
from console.watch.collector import RolloutCollector
from console.watch.feeds.port import Alerted, MetricFeed, Reading, Reported, Told


class Feeding:
    """The feeds of one service during one stage.

    `troubles` says in words which feeds could not be read when they were last asked.

    Args:
        since: When the stage began.
        rules: What is tolerated of each metric, by its name.
    """

    def __init__(
        self,
        feeds: Sequence[MetricFeed],
        collector: RolloutCollector,
        clock: Clock,
        since: datetime,
        rules: Mapping[str, MetricRule],
    ) -> None:
        self.troubles: dict[str, str] = {}
        self._feeds = feeds
        self._collector = collector
        self._clock = clock
        self._since = since
        self._rules = rules
        self._due: dict[str, datetime] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Ask whoever is due and not being asked already. Never waits."""
        now = self._clock.now()
        for feed in self._feeds:
            if now < self._due.get(feed.name, now) or not self._is_idle(feed.name):
                continue
            self._due[feed.name] = now + feed.period
            self._asking[feed.name] = asyncio.create_task(self._ask(feed), name=f"feed {feed.name}")

    async def close(self) -> None:
        """Let go of what is still being asked."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _is_idle(self, name: str) -> bool:
        task = self._asking.get(name)
        return task is None or task.done()

    async def _ask(self, feed: MetricFeed) -> None:
        try:
            told = await feed.look(self._since)
        except RateLimited as refusal:
            self.troubles[feed.name] = refusal.what
            self._due[feed.name] = self._clock.now() + max(feed.period, refusal.retry_after)
            return
        except ConsoleError as problem:
            self.troubles[feed.name] = problem.what
            return
        self.troubles.pop(feed.name, None)
        for one in told:
            self._take(one)

    def _take(self, told: Told) -> None:
        match told:
            case Reading(metric, _, candidate, stable):
                rule = self._rules.get(metric)
                self._collector.note_gauge(metric, candidate=candidate, stable=stable, rule=rule)
            case Reported(candidate, stable):
                self._collector.count_reports(candidate=candidate, stable=stable)
            case Alerted(words):
                self._collector.note_alert(words)
            case Signal():
                self._collector.note_signal(told)
