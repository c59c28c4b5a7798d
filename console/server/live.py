"""What happens, as it happens: events with what came before them, figures of health, and lines of logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime

from console.domain.events import Event
from console.domain.exchange import LogBatch, LogQuery, Pulse
from console.domain.ids import EnvironmentName
from console.domain.observations import ArmHealth
from console.server.parts import Parts
from console.storage.ledger import Wake
from console.storage.log_search import LineFilter

BATCH = 200


async def follow_events(parts: Parts, after: int) -> AsyncIterator[Event | Pulse]:
    """The record from a number on, then what happens. Nothing is queued here: a slow reader is only behind."""
    ledger, bell, pulses = parts.ledger, asyncio.Event(), dict[EnvironmentName, Pulse]()

    def on_wake(wake: Wake) -> None:
        if wake.kind == "calendar":
            nowhere = EnvironmentName("")
            pulses[nowhere] = Pulse(parts.clock.now(), nowhere, calendar=True)
        if wake.kind != "control":
            bell.set()

    def on_pulse(at: datetime, environment: EnvironmentName, health: tuple[ArmHealth, ...]) -> None:
        pulses[environment] = Pulse(at, environment, health)
        bell.set()

    leave = [ledger.subscribe(on_wake), parts.monitor.subscribe(on_pulse)]
    parts.streams += 1
    try:
        cursor = min(after, await ledger.last_seq())  # beyond the end: the history was replaced by a younger one
        while True:
            bell.clear()
            while batch := await ledger.events_after(cursor, BATCH):
                for event in batch:
                    yield event
                    cursor = event.seq
            while pulses:
                yield pulses.pop(next(iter(pulses)))
            await bell.wait()
    finally:
        parts.streams -= 1
        for end in leave:
            end()


async def follow_lines(parts: Parts, query: LogQuery) -> AsyncIterator[LogBatch]:
    """New lines as they come; with `since`, first the newest `limit` lines from that time on."""
    store = parts.logs
    with store.listen(line_filter(query)) as follower, _watching(parts, query.environment):
        shown = await store.search(line_filter(query), query.limit) if query.since else ()
        if shown:
            yield LogBatch(shown)
        known = {(line.at, line.source, line.text) for line in shown}
        async for lines, dropped in store.follow(follower):
            fresh = tuple(line for line in lines if (line.at, line.source, line.text) not in known)
            known.clear()
            if fresh or dropped:
                yield LogBatch(fresh, dropped)


def line_filter(query: LogQuery) -> LineFilter:
    return LineFilter(
        query.environment, query.deployment, query.sources, query.text, query.level, query.since, query.until
    )


@contextmanager
def _watching(parts: Parts, environment: EnvironmentName | None) -> Iterator[None]:
    """Have the platforms' logs fetched, and health kept fresh: whoever follows the logs is looking at it."""
    ends = [parts.monitor.watch(environment)] if environment is not None else []
    try:
        with parts.tail.reading(environment):
            yield
    finally:
        for end in ends:
            end()
