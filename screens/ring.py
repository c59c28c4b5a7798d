"""The last log lines, in a ring of fixed size, with a filter kept up to date as lines arrive.

Lines have absolute numbers that never change, so that a reader who scrolled up keeps the same lines under the eyes
while newer ones arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.domain.telemetry import LogLine

CAPACITY = 20_000


@dataclass(frozen=True)
class LogFilter:
    """What is shown: a substring (case-insensitive; `!` in front inverts it), sources, and one level or none."""

    text: str = ""
    source: str = ""
    level: str = ""

    @property
    def is_open(self) -> bool:
        return not (self.text or self.source or self.level)

    def matches(self, line: LogLine) -> bool:
        if self.source and line.source != self.source:
            return False
        if self.level and line.level.lower() != self.level:
            return False
        if not self.text:
            return True
        inverse = self.text.startswith("!")
        needle = self.text.removeprefix("!").lower()
        found = needle in line.text.lower() or needle in line.source.lower()
        return found is not inverse


class LogRing:
    """A bounded store of lines. `total` counts all that ever came, `dropped` those that were lost on the way here."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.total = 0
        self.dropped = 0
        self.sources: dict[str, int] = {}
        self.filter = LogFilter()
        self._lines: list[LogLine | None] = [None] * capacity
        self._matches: list[int] = []
        self._matches_from = 0

    @property
    def first(self) -> int:
        """The absolute number of the oldest line that is still kept."""
        return max(0, self.total - self.capacity)

    def clear(self) -> None:
        """Forget all lines, as when another environment is chosen; the filter's text and level stay."""
        self.total = self.dropped = 0
        self.sources = {}
        self._lines = [None] * self.capacity
        self.set_filter(LogFilter(self.filter.text, "", self.filter.level))

    def extend(self, lines: Sequence[LogLine], dropped: int = 0) -> None:
        """Append lines; those of a batch longer than the ring are counted and not kept."""
        self.dropped += dropped
        skipped = max(0, len(lines) - self.capacity)
        kept = lines[skipped:]
        for line in kept:
            self.sources[line.source] = self.sources.get(line.source, 0) + 1
        begin = self.total + skipped
        at = begin % self.capacity
        head = min(len(kept), self.capacity - at)
        self._lines[at : at + head] = kept[:head]
        self._lines[: len(kept) - head] = kept[head:]
        self.total = begin + len(kept)
        if not self.filter.is_open:
            matches = self.filter.matches
            self._matches += [begin + i for i, line in enumerate(kept) if matches(line)]
            self._forget_evicted()

    def set_filter(self, wanted: LogFilter) -> None:
        self.filter = wanted
        self._matches_from = 0
        self._matches = []
        if not wanted.is_open:
            self._matches = [n for n in range(self.first, self.total) if wanted.matches(self.line(n))]

    def line(self, absolute: int) -> LogLine:
        """The line with this number.

        Raises:
            IndexError: It was evicted, or has not come yet.
        """
        line = self._lines[absolute % self.capacity] if self.first <= absolute < self.total else None
        if line is None:
            raise IndexError(absolute)
        return line

    @property
    def shown_first(self) -> int:
        """The position of the oldest line that passes the filter; positions never change either."""
        return self.first if self.filter.is_open else self._matches_from

    @property
    def shown_total(self) -> int:
        """One past the position of the newest line that passes the filter."""
        return self.total if self.filter.is_open else self._matches_from + len(self._matches)

    def shown(self, position: int) -> LogLine:
        """The line at a position between `shown_first` and `shown_total`.

        Raises:
            IndexError: There is none.
        """
        if self.filter.is_open:
            return self.line(position)
        if position < self._matches_from:
            raise IndexError(position)
        return self.line(self._matches[position - self._matches_from])

    def _forget_evicted(self) -> None:
        first = self.first
        if not self._matches or self._matches[0] >= first:
            return
        low, high = 0, len(self._matches)
        while low < high:
            middle = (low + high) // 2
            if self._matches[middle] < first:
                low = middle + 1
            else:
                high = middle
        del self._matches[:low]
        self._matches_from += low
