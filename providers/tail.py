"""Follow a log that can only be asked for by range: ask again with an overlap, and drop what was seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from console.domain.errors import ProviderError, RateLimited
from console.domain.telemetry import LogLine

OVERLAP = timedelta(seconds=5)
"""Lines of several instances arrive out of order; each look starts this much before the newest line."""
REMEMBERED = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
QUIET_AFTER = 2
QUIET_GROWTH = 1.6
QUIET_MOST = 20.0
"""Seconds between two looks at a log that has long said nothing; a log with lines is asked as often as it is said."""


@dataclass(frozen=True)
class Entry:
    """One line as a platform tells it; `id` tells it from every other one."""

    id: str
    at: datetime
    text: str
    level: str = "info"


class Numbering:
    """Turns entries into log lines whose numbers rise: microseconds since 1970, one more where they are equal."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._last = 0

    def lines(self, entries: Iterable[Entry]) -> list[LogLine]:
        return [self._line(entry) for entry in entries]

    def _line(self, entry: Entry) -> LogLine:
        self._last = max(self._last + 1, (entry.at - EPOCH) // MICROSECOND)
        return LogLine(entry.at, self._source, entry.text, entry.level, self._last)


class Heard:
    """What was heard of one log, by whatever way it came: `fresh` lets each entry pass once.

    Args:
        since: Where to begin, by the platform's clock. `start` is where to ask from by now.
    """

    def __init__(self, source: str, since: datetime) -> None:
        self.start = since
        self._numbering = Numbering(source)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def fresh(self, entries: Iterable[Entry]) -> list[LogLine]:
        """The entries that were not heard yet, as lines. Those beyond the last 20,000 may be heard again."""
        lines = []
        for entry in entries:
            self.start = max(self.start, entry.at - OVERLAP)
            if entry.id not in self._seen:
                self._seen[entry.id] = None
                lines += self._numbering.lines([entry])
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return lines


async def follow(
    source: str,
    since: datetime,
    fetch: Callable[[datetime], Awaitable[Sequence[Entry]]],
    sleep: Callable[[float], Awaitable[None]],
    every: float,
) -> AsyncGenerator[LogLine, None]:
    """Give each line once, for as long as the caller listens.

    Args:
        since: Where to begin, by the platform's clock.
        fetch: Fetches what was said since a time, oldest first.
        every: Seconds between two looks; they become rarer while nothing comes. Passing trouble only delays the next.
    """
    heard = Heard(source, since)
    empty = 0
    while True:
        wait = pause_after(empty, every)
        entries: Sequence[Entry] = ()
        try:
            entries = await fetch(heard.start)
        except ProviderError as error:
            if not error.transient:
                raise
            if isinstance(error, RateLimited):
                wait = max(wait, error.retry_after.total_seconds())
        lines = heard.fresh(entries)
        empty, wait = (0, min(wait, every)) if lines else (empty + 1, wait)
        for line in lines:
            yield line
        await sleep(wait)


def pause_after(empty: int, every: float) -> float:
    """Seconds to wait after a number of looks in a row that found nothing."""
    grown = every * QUIET_GROWTH ** min(max(0, empty - QUIET_AFTER), 20)
    return max(every, min(grown, QUIET_MOST))
