"""Follow one log live while a subscription can be had, and by asking for ranges while it cannot.

Whatever way a line comes, it is given once. A subscription that opens is completed by one look at the range that it
may have missed. After it ends it is opened anew, later and later while that does not last.
"""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from console.domain.errors import ProviderError, RateLimited
from console.domain.telemetry import LogLine
from providers.render.subscription import NotLive
from providers.tail import Entry, Heard, pause_after

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
REFUSED_WAIT_S = 300.0
"""Where Render, or a proxy before it, has said that there is no live log."""
SETTLED = timedelta(seconds=10)
"""A subscription that lasted so long was a good one. Lines say nothing about that: many are repeats."""

log = logging.getLogger(__name__)


class Live(Protocol):
    async def receive(self) -> Entry | None:
        """The next line; None at the end. Raises `NotLive`."""
        ...

    async def close(self) -> None: ...


class LiveLog:
    """One log that is followed.

    Args:
        since: Where to begin, by the platform's clock.
        subscribe: Opens a subscription from a time on, or raises `NotLive`.
        fetch: Fetches what was said since a time, oldest first.
        every: Seconds between two looks while there is no subscription, as in `providers.tail.follow`.
        jitter: A chance from 0 to 1, by which many logs do not come back all at once.
    """

    def __init__(
        self,
        source: str,
        since: datetime,
        subscribe: Callable[[datetime], Awaitable[Live]],
        fetch: Callable[[datetime], Awaitable[Sequence[Entry]]],
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], datetime],
        every: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._heard = Heard(source, since)
        self._subscribe = subscribe
        self._fetch = fetch
        self._sleep = sleep
        self._clock = clock
        self._every = every
        self._jitter = jitter
        self._failures = 0
        self._due = 0.0
        """Seconds until a subscription is tried."""
        self._empty = 0
        """Looks in a row that found nothing."""

    async def follow(self) -> AsyncGenerator[LogLine, None]:
        """Give each line once, for as long as the caller listens.

        Raises:
            ProviderError: One that does not pass, such as Unauthorized.
        """
        while True:
            live = await self._open() if self._due <= 0 else None
            try:
                lines, wait, missed = await self._look()
                for line in lines:
                    yield line
                if live is not None and missed:
                    self._failed("what was said before cannot be asked for", wait)
                elif live is not None:
                    opened = self._clock()
                    while (entry := await self._next(live)) is not None:
                        for line in self._heard.fresh([entry]):
                            yield line
                    if self._due <= 0:
                        self._failures = 0 if self._clock() - opened >= SETTLED else self._failures
                        self._failed("it ended")
                    self._empty = 0
                elif missed:
                    self._due = max(self._due, wait)
            finally:
                if live is not None:
                    await live.close()
            pause = min(wait, self._due)
            self._due -= pause
            await self._sleep(pause)

    async def _open(self) -> Live | None:
        try:
            return await self._subscribe(self._heard.start)
        except NotLive as problem:
            self._not_live(problem)
            return None

    async def _next(self, live: Live) -> Entry | None:
        try:
            return await live.receive()
        except NotLive as problem:
            self._not_live(problem)
            return None

    async def _look(self) -> tuple[list[LogLine], float, bool]:
        """The new lines of the newest range, how long to wait for the next look, and whether this one failed."""
        wait, missed = pause_after(self._empty, self._every), False
        entries: Sequence[Entry] = ()
        try:
            entries = await self._fetch(self._heard.start)
        except ProviderError as error:
            if not error.transient:
                raise
            missed = True
            if isinstance(error, RateLimited):
                wait = max(wait, error.retry_after.total_seconds())
        lines = self._heard.fresh(entries)
        self._empty = 0 if lines else self._empty + 1
        return lines, min(wait, self._every) if lines else wait, missed

    def _not_live(self, problem: NotLive) -> None:
        refused = REFUSED_WAIT_S * (0.5 + self._jitter()) if problem.refused else 0.0
        self._failed(str(problem), max(refused, problem.wait.total_seconds()))

    def _failed(self, reason: str, at_least: float = 0.0) -> None:
        """Put off the next subscription: 1 s, 2 s, 4 s, … 60 s, each by half as much less or more."""
        grown = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._due = max(at_least, grown * (0.5 + self._jitter()))
        if self._failures == 2:
            log.info("The live log of %s cannot be kept open, so it is asked by range: %s", self._source, reason)
