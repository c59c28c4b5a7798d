"""How fast a chore goes, and how long the rest will take, as far as this run can tell."""

from __future__ import annotations

import time
from collections.abc import Callable

from console.chores.lines import Told

EVERY_SECONDS = 0.25
FIRST_SECONDS = 1.0
"""How long a phase must run before its rate says anything."""


class Pace:
    """Tells how it goes, a few times a second; a new phase at once.

    Args:
        tell: Gets what is told.
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, tell: Callable[[Told], None], now: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._now = now
        self._phase = ""
        self._began = 0.0
        self._first = 0
        self._last = 0.0

    def __call__(self, phase: str, about: str = "", done: int = 0, total: int = 0) -> None:
        now = self._now()
        if phase != self._phase:
            self._phase, self._began, self._first = phase, now, done
        elif now - self._last < EVERY_SECONDS and done != total:
            return
        self._last = now
        passed, came = now - self._began, done - self._first
        if passed < FIRST_SECONDS or came <= 0:
            self._tell(Told(phase, about, done, total))
            return
        rate = came / passed
        self._tell(Told(phase, about, done, total, rate, max(total - done, 0) / rate if total else None))
