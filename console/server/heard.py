"""What was heard of one log, so that turns of reading it follow on each other without a gap and without a repeat."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime

from console.domain.telemetry import LogLine
from providers.tail import OVERLAP


class Heard:
    """One log over all its turns. A turn says nothing twice by itself; what two turns both say passes once.

    A line that comes later than OVERLAP after newer ones is passed over, as it may have been heard.

    Args:
        since: Where to begin, by our clock; the platform's lines tell its own from then on.
    """

    def __init__(self, since: datetime) -> None:
        self.is_behind = False
        """The last turn left lines unread: the next begins where it ended, or it might not come further."""
        self._newest = since
        self._known = False
        self._boundary: datetime | None = None
        self._begin: datetime | None = None
        self._recent: deque[tuple[datetime, str]] = deque()
        self._before: Counter[tuple[datetime, str]] = Counter()

    def begin(self) -> datetime:
        """Begin a turn: from when on to ask."""
        self._forget()
        self._before = Counter(self._recent)
        if not self._known:
            return self._newest
        self._boundary = self._newest
        self._begin = self._newest if self.is_behind else self._newest - OVERLAP
        self.is_behind = False
        return self._begin

    def fresh(self, line: LogLine) -> bool:
        """Whether a line of this turn is new. One that is, is remembered."""
        at = line.at
        if self._begin is not None and self._boundary is not None and at <= self._boundary:
            if at < self._begin:
                return False
            key = (at, line.text)
            if self._before[key] > 0:
                self._before[key] -= 1
                return False
        self._recent.append((at, line.text))
        if at > self._newest or not self._known:
            self._newest = at
            self._known = True
        if self._recent[0][0] < self._newest - OVERLAP:
            self._forget_first()
        return True

    def _forget_first(self) -> None:
        while self._recent and self._recent[0][0] < self._newest - OVERLAP:
            self._recent.popleft()

    def _forget(self) -> None:
        """Also those that came out of order."""
        begin = self._newest - OVERLAP
        self._recent = deque(one for one in self._recent if one[0] >= begin)
