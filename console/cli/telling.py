"""How often a command that takes long says how it goes: at the beginning of each phase, then about once a second."""

from __future__ import annotations

import time

TOLD_EVERY_S = 1.0


class Pace:
    """When to speak again."""

    def __init__(self) -> None:
        self._phase: str | None = None
        self._began = self._last = 0.0

    def is_due(self, phase: str) -> bool:
        """Whether to speak now; who is told so does speak."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._began = phase, now
        elif now - self._last < TOLD_EVERY_S:
            return False
        self._last = now
        return True

    @property
    def seconds(self) -> float:
        """Since the phase began, as of when we last spoke."""
        return self._last - self._began
