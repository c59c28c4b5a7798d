"""The console over a service in memory, for looking at by hand: `python -m tests.screens.play [SPEED] [LINES]`.

SPEED is how many times faster than life the scripted deployment runs; LINES how many log lines come a second.
Control keys reach the service and are only remembered, except pause, go on and rollback, which end the story.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime

from console.client.service import ControlRequest, LogBatch, Pulse
from console.domain.events import Control
from console.domain.ids import DeploymentId
from screens.run import run_console
from tests.screens import scene
from tests.screens.fake_service import FakeService


class Player(FakeService):
    """Plays the story in real time."""

    def __init__(self, speed: float, lines: int, story: str) -> None:
        super().__init__()
        self._speed = speed
        self._rate = lines
        self._story = story
        self._playing: list[asyncio.Task[None]] = []

    def begin(self) -> Player:
        if self._story == "idle":
            self.record = list(scene.tale("succeeded").events)
            return self
        self._playing = [asyncio.create_task(self._play()), asyncio.create_task(self._log())]
        return self

    async def control(self, deployment: DeploymentId, request: ControlRequest) -> None:
        await super().control(deployment, request)
        if request.control is Control.ROLLBACK:
            self._playing[0].cancel()
            now = datetime.now(UTC)
            tale = scene.Tale(deployment, now, len(self.record))
            scene._roll_back(tale)
            for event in tale.events[2:]:
                self.tell(event)

    async def _play(self) -> None:
        start = datetime.now(UTC)
        before = scene.START
        for event in scene.tale(self._story).events:
            await asyncio.sleep((event.at - before).total_seconds() / self._speed)
            before = event.at
            self.tell(replace(event, at=max(start, datetime.now(UTC))))
        while True:
            await asyncio.sleep(0.5)
            now = datetime.now(UTC)
            self.tell(Pulse(now, scene.PRODUCTION, scene.arms(wave=6 * math.sin(now.timestamp()))))

    async def _log(self) -> None:
        number = 100
        while self._rate:
            await asyncio.sleep(0.05)
            count = max(1, self._rate // 20)
            now = datetime.now(UTC)
            self.log(LogBatch(scene.log_lines(count, number, now)))
            number += count


def main() -> int:
    speed = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    story = sys.argv[3] if len(sys.argv) > 3 else "succeeded"

    async def make() -> Player:
        return Player(speed, lines, story).begin()

    return run_console(make, theme=os.environ.get("THEME", ""))


if __name__ == "__main__":
    sys.exit(main())
