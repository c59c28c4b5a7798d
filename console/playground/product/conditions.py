"""What a process of the product is made to suffer, and the log lines it writes.

The fault file wins over the release's own behaviour, key by key. It is looked at no more than every 100 ms.
"""

import asyncio
import json
import os
import random
import time
from dataclasses import dataclass, replace

_LOOK_EVERY_S = 0.1
_FLOOD_TICK_S = 0.01
_KEYS = ("error_rate", "latency_ms", "log_lines_per_s")
MAX_LOG_LINES_PER_S = 20_000


@dataclass(frozen=True)
class Conditions:
    """Share of answers that fail (0..1), extra latency, and log lines beside those of the requests."""

    error_rate: float = 0.0
    latency_ms: float = 0.0
    log_lines_per_s: int = 0


class Weather:
    """The conditions in force now, re-read from the fault file while the process runs."""

    def __init__(self, behaviour: Conditions, faults_path: str | None) -> None:
        self._behaviour = behaviour
        self._path = faults_path
        self._now = behaviour
        self._looked_at = 0.0
        self._modified: float | None = None
        self._random = random.Random()  # noqa: S311 - faults need no secrecy

    def now(self) -> Conditions:
        """Give the conditions; looks at the file's time at most every 100 ms."""
        moment = time.monotonic()
        if self._path and moment - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = moment
            self._look(self._path)
        return self._now

    def fails(self) -> bool:
        """Toss for one answer: should it fail?"""
        rate = self.now().error_rate
        return rate > 0 and self._random.random() < rate

    def _look(self, path: str) -> None:
        try:
            modified = os.stat(path).st_mtime_ns
        except OSError:
            self._modified, self._now = None, self._behaviour
            return
        if modified == self._modified:
            return
        try:
            with open(path, encoding="utf-8") as file:
                told = json.load(file)
        except (OSError, ValueError):
            return
        self._modified = modified
        known = {name: told[name] for name in _KEYS if told.get(name) is not None}
        self._now = replace(self._behaviour, **known)


class Log:
    """Structured lines on stdout, one JSON object each, one write each."""

    def __init__(self, release: str, role: str) -> None:
        self._tail = f'"release":{json.dumps(release)},"role":{json.dumps(role)}}}\n'

    def line(self, level: str, message: str) -> str:
        """Make one line: time in Unix seconds, level, message, release and role."""
        return f'{{"time":{time.time():.6f},"level":"{level}","message":{json.dumps(message)},{self._tail}'

    def write(self, level: str, message: str) -> None:
        """Write one line at once."""
        self._put(self.line(level, message))

    async def flood(self, weather: Weather) -> None:
        """Write as many further lines a second as the conditions ask for, for ever, evenly every 10 ms."""
        number, owed, last = 0, 0.0, time.monotonic()
        while True:
            rate = min(weather.now().log_lines_per_s, MAX_LOG_LINES_PER_S)
            await asyncio.sleep(_FLOOD_TICK_S if rate else _LOOK_EVERY_S)
            moment = time.monotonic()
            owed, last = (owed + (moment - last) * rate if rate else 0.0), moment
            count = int(owed)
            if count:
                stamp = f'{{"time":{time.time():.6f},"level":"debug","message":"cache refresh '
                lines = [f'{stamp}{number + step}",{self._tail}' for step in range(count)]
                self._put("".join(lines))
                number, owed = number + count, owed - count

    @staticmethod
    def _put(text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(1, data) :]
