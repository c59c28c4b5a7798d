"""Whatever happens in whatever order, what is scheduled begins once and in its time, or is said not to have begun."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.settings import Settings
from console.domain.errors import Refused, Unreachable, UsageError
from console.domain.exchange import Submitted
from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.plan import Plan, Wish
from console.domain.release import Release
from console.domain.schedule import Scheduled, ScheduleStatus
from console.engine.schedule import STALE, Schedule
from console.storage.memory_ledger import MemoryLedger
from tests.engine.virtual_clock import VirtualClock

PRODUCTION, KIM = EnvironmentName("production"), Actor("kim")
GRACE = timedelta(minutes=2)
SETTINGS = Settings.model_validate({"environments": {"production": {"schedule": {"grace": "2m"}}}})
WORKERS = ("one", "two", "three")
MOODS = ("well", "silent", "locked", "stuck before", "stuck after")

seconds = st.integers(1, 300)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("add"), seconds),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("pass"), seconds),
        st.tuples(st.just("kill"), st.sampled_from(WORKERS)),
        st.tuples(st.just("mood"), st.sampled_from(MOODS)),
    ),
    min_size=4,
    max_size=12,
)


class Story:
    """Three workers over one record, and an engine that is well, silent, held by another, or stuck."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ledger = MemoryLedger(on_call=self.clock.touch)
        self.ledger.find_request = self._find  # type: ignore[method-assign]  # what this engine opened is its own
        self.mood = "well"
        self.opened: dict[str, list[datetime]] = {}
        self.workers = {name: self._hire(name) for name in WORKERS}
        self.added: list[Scheduled] = []

    def _hire(self, name: str) -> Schedule:
        return Schedule(SETTINGS, self.ledger, self.clock, name, self._plan, self._deploy)

    async def _find(self, request_id: str) -> DeploymentId | None:
        return DeploymentId(request_id) if request_id in self.opened else None

    async def _plan(self, wish: Wish) -> Plan:
        return Plan(PRODUCTION, "blue-green", Release("a" * 40, "v1"), ())

    async def _deploy(self, wish: Wish, request_id: str, digest: str, actor: Actor) -> Submitted:
        await asyncio.sleep(0)
        if self.mood == "silent":
            raise Unreachable("fake", "Nobody answers.")
        if self.mood == "locked":
            raise Refused("production is locked.")
        if self.mood == "stuck before":
            await asyncio.Future()
        again = request_id in self.opened
        if not again:
            self.opened.setdefault(request_id, []).append(self.clock.now())
        if self.mood == "stuck after":
            await asyncio.Future()
        return Submitted(DeploymentId(request_id), again)

    async def do(self, action: str, what: Any) -> None:
        if action == "add":
            wish = Wish(PRODUCTION, at=self.clock.now() + timedelta(seconds=what))
            self.added.append(await self.workers["one"].add(wish, "", "", KIM))
        elif action == "cancel" and what < len(self.added):
            with contextlib.suppress(Refused, UsageError):
                await self.workers["two"].cancel(self.added[what].id, "", KIM)
        elif action == "pass":
            await self.let_pass(timedelta(seconds=what))
        elif action == "kill":
            await self.workers[what].stop()
            self.workers[what] = self._hire(what)
        elif action == "mood":
            self.mood = what

    async def let_pass(self, length: timedelta) -> None:
        end = self.clock.now() + length
        while self.clock.now() < end:
            moments = [end, self.clock.now() + timedelta(seconds=30)]
            for worker in self.workers.values():
                moments += await worker.look()
            await self.clock.settle()
            self.clock._now = max(min(moments), self.clock.now() + timedelta(seconds=1))

    async def finish(self) -> dict[str, Scheduled]:
        """Everything is well again, and those that are stuck have died."""
        self.mood = "well"
        for name in WORKERS:
            await self.do("kill", name)
        last = max((entry.at for entry in self.added), default=self.clock.now())
        await self.let_pass(max(last - self.clock.now(), timedelta()) + GRACE + STALE)
        await asyncio.gather(*(worker.stop() for worker in self.workers.values()))
        return {entry.id: entry for entry in await self.ledger.scheduled(datetime.min.replace(tzinfo=last.tzinfo))}


@settings(max_examples=100)
@given(actions)
def test_it_begins_once_and_in_time_or_is_said_not_to_have_begun(script: list[tuple[str, Any]]) -> None:
    async def play() -> None:
        story = Story()
        for action, what in script:
            await story.do(action, what)
        ended = await story.finish()

        assert set(ended) == {entry.id for entry in story.added}
        for entry in ended.values():
            began = story.opened.get(entry.request_id, [])
            assert not entry.status.is_open
            assert len(began) == (1 if entry.status is ScheduleStatus.STARTED else 0), entry
            assert all(entry.at <= moment <= entry.at + GRACE + timedelta(seconds=1) for moment in began)
            assert not entry.status.went_wrong or entry.detail

    asyncio.run(play())
