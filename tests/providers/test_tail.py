"""Following a log that is asked by range: each line once, and seldom asked while it says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from providers.tail import QUIET_AFTER, QUIET_MOST, Entry, follow

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
EVERY = 2.0


class LogOver(Exception):
    """The script has no more looks."""


class Script:
    """A log that says what a test lists, one list a look, and then ends by raising."""

    def __init__(self, *looks: Sequence[Entry]) -> None:
        self.looks = list(looks)
        self.slept: list[float] = []

    async def fetch(self, since: datetime) -> Sequence[Entry]:
        if not self.looks:
            raise LogOver
        return self.looks.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def read(self) -> list[str]:
        said: list[str] = []
        with suppress(LogOver):
            async for line in follow("api", START, self.fetch, self.sleep, EVERY):
                said += [line.text]
        return said


def line(number: int) -> Entry:
    return Entry(str(number), START, f"line {number}")


class TestGivenALogThatSpeaks:
    async def test_then_each_line_comes_once_and_it_is_asked_steadily(self):
        script = Script([line(1)], [line(1), line(2)], [line(2), line(3)])
        assert await script.read() == ["line 1", "line 2", "line 3"]
        assert script.slept == [EVERY] * 3


class TestGivenALogThatFellSilent:
    async def test_then_it_is_asked_less_and_less_but_within_bounds(self):
        script = Script([line(1)], *[[line(1)]] * 20)
        await script.read()
        assert script.slept[: QUIET_AFTER + 1] == [EVERY] * (QUIET_AFTER + 1)
        assert script.slept[-1] == QUIET_MOST

    async def test_when_it_speaks_again_then_it_is_asked_steadily_again(self):
        script = Script(*[[]] * 20, [line(1)], [])
        await script.read()
        assert script.slept[-2:] == [EVERY, EVERY]
