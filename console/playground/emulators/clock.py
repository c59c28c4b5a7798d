"""The time that the emulators live by: Unix seconds, and waiting that a test can move."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What an emulator knows of time."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once that many seconds have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock. `speed` shortens every wait: at 2.0 a build takes half as long."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


def iso(at: float) -> str:
    """Write Unix seconds as `2026-11-22T10:15:30.123456Z`, the form of Render and Supabase."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso_seconds(at: float) -> str:
    """Write Unix seconds as `2026-11-22T10:15:30Z`, the form of GitHub."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis(at: float) -> int:
    """Write Unix seconds as whole milliseconds, the form of Vercel."""
    return round(at * 1000)


def parse_iso(text: str) -> float:
    """Read an ISO 8601 time; one without an offset counts as UTC.

    Raises:
        ValueError: The text is not a time.
    """
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
