"""The store, its ring of lines, and the feed that fills it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.client.service import LogBatch, Pulse
from console.domain import events as ev
from console.domain.deployment import DeploymentStatus
from console.domain.ids import DeploymentId
from console.domain.observations import Health
from console.domain.telemetry import LogLine
from screens.feed import Feed
from screens.ring import LogFilter, LogRing
from screens.store import Link, Store
from tests.screens import scene
from tests.screens.fake_service import FakeService


def line(number: int, text: str = "", source: str = "backend", level: str = "info") -> LogLine:
    return LogLine(scene.START, source, text or f"line {number}", level, number)


class TestGivenAStore:
    def test_when_events_come_then_it_holds_what_the_domains_fold_makes_of_them(self) -> None:
        tale, store = scene.tale("rolled-back"), Store()
        for event in tale.events:
            assert store.apply_event(event)
        assert store.latest_of(scene.PRODUCTION) == tale.folded
        assert store.moving() == ()

    def test_when_an_event_comes_twice_then_the_second_changes_nothing(self) -> None:
        tale, store = scene.tale("bake-10"), Store()
        for event in [*tale.events, *tale.events[-5:]]:
            store.apply_event(event)
        assert store.latest_of(scene.PRODUCTION) == tale.folded

    def test_when_the_beginning_of_a_deployment_is_unknown_then_it_says_so(self) -> None:
        assert Store().apply_event(scene.tale().events[5]) is False

    def test_when_an_older_state_is_fetched_late_then_the_newer_one_stays(self) -> None:
        tale, store = scene.tale("bake-10"), Store()
        for event in tale.events:
            store.apply_event(event)
        store.set_deployment(scene.tale("requested").folded)
        assert store.latest_of(scene.PRODUCTION) == tale.folded

    def test_when_an_arm_without_requests_is_down_then_the_environment_is_still_healthy(self) -> None:
        store = Store()
        blue, green, *_ = scene.arms(green=0)
        store.apply_pulse(Pulse(scene.START, scene.PRODUCTION, (blue, replace(green, health=Health.DOWN))))
        assert store.health_of(scene.PRODUCTION) is Health.HEALTHY

        store.apply_pulse(Pulse(scene.START, scene.PRODUCTION, (blue, replace(green, health=Health.DOWN, weight=10))))
        assert store.health_of(scene.PRODUCTION) is Health.DOWN

    def test_when_two_questions_overlap_then_each_numbered_line_is_kept_once(self) -> None:
        store = Store()
        store.apply_logs(LogBatch(tuple(line(n) for n in range(1, 6))))
        store.apply_logs(LogBatch(tuple(line(n) for n in range(4, 9))))
        assert store.logs.total == 8

    def test_when_two_hundred_thousand_lines_come_then_memory_is_bounded_and_losses_are_counted(self) -> None:
        store = Store()
        for first in range(0, 200_000, 2_000):
            store.apply_logs(LogBatch(scene.log_lines(2_000, first), dropped=3))
        ring = store.logs
        assert ring.total == 200_000
        assert ring.total - ring.first == ring.capacity == 20_000
        assert ring.dropped == 300
        assert sys.getsizeof(ring._lines) <= 8 * ring.capacity + 200
        assert ring.line(199_999).text.endswith("#199999")
        with pytest.raises(IndexError):
            ring.line(179_999)


class TestGivenARingOfLines:
    @given(
        batches=st.lists(st.lists(st.sampled_from(["apple", "pear"]), max_size=30), max_size=12),
        capacity=st.integers(1, 40),
        wanted=st.sampled_from(["apple", "!apple", "", "e"]),
    )
    def test_a_filtered_ring_shows_what_a_list_would(
        self, batches: list[list[str]], capacity: int, wanted: str
    ) -> None:
        ring, everything = LogRing(capacity), []
        ring.set_filter(LogFilter(wanted))
        for batch in batches:
            lines = [line(0, text) for text in batch]
            ring.extend(lines)
            everything += lines
        expected = [item for item in everything[-capacity:] if LogFilter(wanted).matches(item)]
        assert [ring.shown(n) for n in range(ring.shown_first, ring.shown_total)] == expected

    def test_when_newer_lines_push_older_ones_out_then_positions_keep_their_lines(self) -> None:
        ring = LogRing(10)
        ring.set_filter(LogFilter("even"))
        ring.extend([line(n, "even" if n % 2 == 0 else "odd") for n in range(10)])
        before = ring.shown(4)
        ring.extend([line(n, "even" if n % 2 == 0 else "odd") for n in range(10, 17)])
        assert ring.shown(4) is before
        assert ring.shown_first == 4


async def run_feed(service: FakeService) -> tuple[Feed, Store, asyncio.Event]:
    store, changed = Store(), asyncio.Event()

    async def sleep(_: float) -> None:
        await asyncio.sleep(0.001)

    feed = Feed(service, store, changed=changed.set, logged=changed.set, clock=lambda: scene.START, sleep=sleep)
    return feed, store, changed


async def until(condition: Callable[[], object], changed: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        while not condition():
            changed.clear()
            await changed.wait()


class TestGivenAFeed:
    async def test_when_it_starts_in_the_middle_then_it_follows_from_there(self) -> None:
        tale = scene.tale("bake-10")
        service = FakeService(tale.events)
        feed, store, changed = await run_feed(service)
        feed.start()
        await until(lambda: store.link is Link.LIVE, changed)

        service.say(scene.FIRST, ev.DeploymentPaused(), scene.START, scene.KIM)
        await until(lambda: (d := store.latest_of(scene.PRODUCTION)) and d.status is DeploymentStatus.PAUSED, changed)
        await feed.stop()

    async def test_when_another_deployment_appears_in_the_middle_then_it_is_fetched_whole(self) -> None:
        service = FakeService(scene.tale("succeeded").events)
        feed, store, changed = await run_feed(service)
        feed.start()
        await until(lambda: store.link is Link.LIVE, changed)

        other = DeploymentId("261122-070000-aaaa")
        later = scene.tale("prepare", deployment=other, start=scene.START, seq=len(service.record))
        service.record += later.events[:-1]
        service.tell(later.events[-1])
        await until(lambda: other in store.deployments, changed)
        assert store.deployments[other].seq == later.events[-1].seq
        await feed.stop()

    async def test_when_the_worker_dies_and_returns_then_no_event_is_missing(self) -> None:
        tale = scene.tale("succeeded")
        service = FakeService(tale.events[:20])
        feed, store, changed = await run_feed(service)
        feed.start()
        await until(lambda: store.link is Link.LIVE, changed)

        service.vanish()
        await until(lambda: store.link is Link.LOST, changed)
        assert "No worker answers" in store.link_detail

        service.record += tale.events[20:]
        service.is_gone = False
        await until(lambda: store.latest_of(scene.PRODUCTION) == tale.folded, changed)
        assert store.link is Link.LIVE
        await feed.stop()

    async def test_when_the_stream_is_interrupted_inside_the_service_then_that_is_seen_too(self) -> None:
        service = FakeService(scene.tale("bake-10").events)
        service.is_connected = True  # type: ignore[attr-defined]  # as the service over a socket has it
        feed, store, changed = await run_feed(service)
        feed.start()
        await until(lambda: store.link is Link.LIVE, changed)

        service.is_connected = False  # type: ignore[attr-defined]  # likewise
        await until(lambda: store.link is Link.LOST, changed)
        service.is_connected = True  # type: ignore[attr-defined]  # likewise
        await until(lambda: store.link is Link.LIVE, changed)
        await feed.stop()

    async def test_when_the_stream_follows_logs_then_another_environment_begins_empty(self) -> None:
        service = FakeService()
        feed, store, changed = await run_feed(service)
        feed.follow_logs(scene.PRODUCTION)
        await until(lambda: store.logs.total == 60, changed)

        feed.follow_logs(scene.STAGING)
        assert store.logs.total == 0
        await feed.stop()
