"""How far a platform's clock is from ours, learned from its answers."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from providers.pacing import Clock, read_date

TELLS_THE_TIME_WITHIN = timedelta(seconds=2)
"""Slower answers say too little about the difference of the clocks."""
REMEMBERED_LAGS = 30
CLOCK_WAS_SET = timedelta(seconds=6)
"""A difference that moved further than delays explain: one of the clocks was set, what was learned is void."""


class Skew:
    """What the `Date` headers of one platform say."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lags: deque[timedelta] = deque(maxlen=REMEMBERED_LAGS)

    @property
    def ahead(self) -> timedelta:
        """How far the platform's clock is ahead of ours, at least; zero until an answer told.

        A `Date` header is cut to seconds, may be cached by the server, and travels: it is always behind. The one that
        was least behind is nearest to the truth.
        """
        return max(self._lags, default=timedelta(0))

    def learn(self, date_header: str, sent_at: datetime) -> None:
        date, now = read_date(date_header), self._clock()
        if date is None or not timedelta(0) <= now - sent_at <= TELLS_THE_TIME_WITHIN:
            return
        if self._lags and abs(date - now - self.ahead) > CLOCK_WAS_SET:
            self._lags.clear()
        self._lags.append(date - now)
