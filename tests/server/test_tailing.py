"""Platforms' logs are fetched while somebody reads or something moves there, without secrets, into our own files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config.settings import Settings
from console.domain.errors import RateLimited, Unreachable
from console.domain.events import DeploymentSucceeded, Event
from console.domain.telemetry import LogLine
from console.server.tailing import LogTail, redact_lines
from console.storage.log_search import LineFilter
from providers.contract import Capabilities
from providers.tail import OVERLAP
from tests.server.world import NOON, PRODUCTION, QuickClock, StillClock

SETTINGS = Settings.model_validate(
    {
        "providers": {"shop": {"kind": "render"}, "mute": {"kind": "github"}},
        "services": {"api": {"provider": "shop"}, "docs": {"provider": "mute"}},
        "environments": {
            "production": {
                "services": {"api": {"blue": {"id": "srv-b"}, "green": {"id": "srv-g"}}, "docs": {"id": "x"}}
            },
            "staging": {"services": {"api": {"id": "srv-s"}}},
        },
    }
)


@dataclass
class FakeLogs:
    """Says what a test hands it, to whoever follows."""

    queues: dict[str, asyncio.Queue[LogLine | Exception]] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[tuple[str, datetime]] = field(default_factory=list)
    said: list[LogLine] = field(default_factory=list)
    looked: list[datetime] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)

    def _count(self, target: str, change: int) -> None:
        self.followed[target] = self.followed.get(target, 0) + change
        self.changed.set()

    async def fetch_logs(self, target: str, since: datetime, until: datetime, limit: int = 500) -> list[LogLine]:
        """What was said in the range, whoever else heard it."""
        self.looked.append(until)
        if target in self.refusing:
            raise RateLimited("shop", "Too many requests.", retry_after=timedelta(minutes=5))
        return [line for line in self.said if line.source == target and since <= line.at <= until][:limit]

    async def follow_logs(self, target: str, since: datetime) -> AsyncIterator[LogLine]:
        self.begun.append((target, since))
        queue = self.queues.setdefault(target, asyncio.Queue())
        self._count(target, 1)
        try:
            while True:
                item = await queue.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self._count(target, -1)

    def say(self, target: str, text: str) -> None:
        self.queues.setdefault(target, asyncio.Queue()).put_nowait(LogLine(NOON, target, text))

    async def until_followed(self, **wanted: int) -> None:
        async with asyncio.timeout(5):
            while any(self.followed.get(name.replace("_", "-"), 0) != count for name, count in wanted.items()):
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def platform():
    return FakeLogs()


@pytest.fixture
async def tail(world, platform):
    connections = {
        "shop": SimpleNamespace(kind="render", capabilities=Capabilities(logs=platform)),
        "mute": SimpleNamespace(kind="render", capabilities=Capabilities()),
    }
    made = LogTail(SETTINGS, connections, world.ledger, world.logs, StillClock(), ("s3cret-token",))
    await made.start()
    yield made
    await made.stop()


async def lines_of(world, count, **wanted) -> list[LogLine]:
    """Search until that many lines have been written; a line is on its way for a twentieth of a second."""
    async with asyncio.timeout(5):
        while len(found := await world.logs.search(LineFilter(PRODUCTION, **wanted))) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return list(found)


class TestGivenNobodyReadsAndNothingMoves:
    async def test_then_no_platform_is_asked(self, tail, platform):
        assert platform.followed == {}


class TestGivenSomebodyReads:
    async def test_when_lines_come_then_they_are_kept_by_service_and_arm_without_secrets(self, world, tail, platform):
        with tail.reading(PRODUCTION):
            await platform.until_followed(srv_b=1, srv_g=1)
            platform.say("srv-b", "GET /cart with s3cret-token")
            platform.say("srv-g", "ready")

            found = await lines_of(world, 2)

        assert sorted((line.source, line.text) for line in found) == [
            ("api/blue", "GET /cart with •••"),
            ("api/green", "ready"),
        ]
        assert "srv-s" not in platform.followed

    async def test_when_they_leave_then_it_is_let_go_of(self, tail, platform):
        with tail.reading(PRODUCTION), tail.reading(None):
            await platform.until_followed(srv_b=1, srv_s=1)

        await platform.until_followed(srv_b=0, srv_g=0, srv_s=0)

    async def test_when_the_platform_fails_then_what_it_said_is_kept(self, world, tail, platform):
        with tail.reading(PRODUCTION):
            await platform.until_followed(srv_b=1)
            platform.say("srv-b", "last words")
            platform.queues["srv-b"].put_nowait(Unreachable("shop", "No answer."))

            found = await lines_of(world, 1)

        assert [line.text for line in found] == ["last words"]


class TestGivenAWorkerThatStops:
    async def test_when_a_reader_leaves_after_that_then_nothing_is_begun_again(self, tail, platform):
        with tail.reading(PRODUCTION), tail.reading(None):
            await platform.until_followed(srv_b=1, srv_s=1)
            await tail.stop()

        await asyncio.sleep(0)
        assert set(platform.followed.values()) == {0}


class TestGivenADeploymentThatMoves:
    async def test_when_lines_come_then_they_belong_to_it_until_it_ends(self, world, tail, platform):
        name = await world.deploy()
        await platform.until_followed(srv_b=1)
        platform.say("srv-b", "building")

        found = await lines_of(world, 1, deployment=name)
        await world.ledger.append(Event(name, NOON, DeploymentSucceeded()), unlock=PRODUCTION)

        assert [line.text for line in found] == ["building"]
        await platform.until_followed(srv_b=0)

    async def test_when_it_begins_while_somebody_reads_then_the_logs_are_asked_anew_from_where_they_were(
        self, world, tail, platform
    ):
        with tail.reading(PRODUCTION):
            await platform.until_followed(srv_b=1)
            platform.say("srv-b", "before")
            await lines_of(world, 1)

            await world.deploy()
            async with asyncio.timeout(5):
                while sum(target == "srv-b" for target, _ in platform.begun) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

            platform.say("srv-b", "before")
            platform.say("srv-b", "after")
            found = await lines_of(world, 2)

        first, second = (since for target, since in platform.begun if target == "srv-b")
        assert first == NOON
        assert second == NOON - OVERLAP
        assert [line.text for line in found] == ["before", "after"]

    async def test_when_the_worker_starts_anew_then_it_goes_on(self, world, platform):
        await world.deploy("staging")
        connections = {"shop": SimpleNamespace(kind="render", capabilities=Capabilities(logs=platform))}
        tail = LogTail(SETTINGS, connections, world.ledger, world.logs, StillClock())

        await tail.start()

        await platform.until_followed(srv_s=1)
        await tail.stop()


class TestGivenAPlatformWhoseLogsAreOnlyAskedFor:
    """A kind of which following is nothing but asking again is never followed."""

    @pytest.fixture
    async def asked(self, world, platform):
        clock = QuickClock()
        connections = {"shop": SimpleNamespace(kind="supabase", capabilities=Capabilities(logs=platform))}
        tail = LogTail(SETTINGS, connections, world.ledger, world.logs, clock)
        await tail.start()
        yield SimpleNamespace(tail=tail, clock=clock)
        await tail.stop()

    async def until_looked(self, platform, times):
        async with asyncio.timeout(5):
            while len(platform.looked) < times:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def test_when_lines_are_said_between_two_looks_then_each_is_kept_once(self, world, asked, platform):
        with asked.tail.reading(PRODUCTION):
            for number in range(5):
                platform.said.append(LogLine(asked.clock.now(), "srv-b", f"line {number}"))
                await self.until_looked(platform, len(platform.looked) + 4)
            found = await lines_of(world, 5)

        assert [line.text for line in found] == [f"line {number}" for number in range(5)]
        assert platform.followed == {}

    async def test_when_it_refuses_for_its_limit_then_nothing_is_asked_for_so_long(self, asked, platform):
        platform.refusing |= {"srv-b", "srv-g"}
        with asked.tail.reading(PRODUCTION):
            await self.until_looked(platform, 3)

        assert platform.looked[2] - platform.looked[1] >= timedelta(minutes=4)


@given(
    texts=st.lists(st.sampled_from(["plain", "token abcdefgh12345", "password=", "hunter22", "a\nb", ""]), max_size=6)
)
def test_many_lines_are_masked_as_each_would_be(texts):
    from providers.redaction import redact

    assert redact_lines(texts, ("hunter22",)) == [redact(text, ("hunter22",)) for text in texts]
