"""What every ledger promises of deployments: in memory, on SQLite and, where one is at hand, on Postgres."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from console.client.service import HistoryQuery
from console.domain.deployment import DeploymentStatus
from console.domain.errors import InvalidTransition, Refused
from console.domain.events import (
    Control,
    ControlReceived,
    StepProgressed,
    StepStarted,
    UnknownEvent,
)
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.storage.ledger import ControlRow, Wake
from console.storage.memory_ledger import MemoryLedger

PRODUCTION = EnvironmentName("production")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def ledger(request):
    return MemoryLedger() if request.param == "memory" else request.getfixturevalue(request.param)


async def take(queue: asyncio.Queue[Wake], count: int) -> list[Wake]:
    return [await asyncio.wait_for(queue.get(), 5) for _ in range(count)]


class TestGivenAnEmptyLedger:
    async def test_when_a_deployment_opens_then_its_request_and_its_lock_are_on_record(self, ledger, story):
        event, lock = story.request("d1")

        opened = await ledger.open_deployment(event, lock)

        assert opened.deployment == "d1"
        assert not opened.again
        assert await ledger.events_of(DeploymentId("d1")) == (replace(event, seq=1),)
        assert await ledger.locks() == (lock,)
        assert await ledger.unfinished() == ("d1",)

    async def test_when_events_are_appended_to_nothing_then_nothing_is_written(self, ledger, story):
        with pytest.raises(InvalidTransition):
            await ledger.append(story.start("ghost"))

        assert await ledger.last_seq() == 0


class TestGivenARunningDeployment:
    @pytest.fixture(autouse=True)
    async def _running(self, ledger, story):
        await ledger.open_deployment(*story.request("d1", request_id="press-1"))
        await ledger.append(story.start("d1"))

    async def test_when_the_same_request_comes_again_then_it_is_the_same_deployment(self, ledger, story):
        opened = await ledger.open_deployment(*story.request("d2", request_id="press-1"))

        assert opened.deployment == "d1"
        assert opened.again
        assert await ledger.last_seq() == 2

    async def test_when_another_wants_the_environment_then_it_is_told_who_holds_it(self, ledger, story):
        with pytest.raises(Refused) as refusal:
            await ledger.open_deployment(*story.request("d2"))

        words = str(refusal.value)
        assert "production is locked by ann since 2026-11-22 06:16:03 UTC (hotfix)" in words
        assert "deployment d1" in words
        assert "quarterdeck abort d1" in words
        assert await ledger.find_deployments("d2") == ()

    async def test_when_another_environment_is_wanted_then_both_run(self, ledger, story):
        await ledger.open_deployment(*story.request("d2", "staging"))

        assert [lock.environment for lock in await ledger.locks()] == ["production", "staging"]
        assert await ledger.unfinished() == ("d1", "d2")

    async def test_when_it_ends_then_the_environment_is_free(self, ledger, story):
        await ledger.append(story.success("d1"), unlock=PRODUCTION)

        assert await ledger.locks() == ()
        assert await ledger.unfinished() == ()
        assert not (await ledger.open_deployment(*story.request("d2"))).again

    async def test_when_it_lost_the_lock_then_it_does_not_free_the_next_one(self, ledger, story):
        await ledger.append(story.success("d1"), unlock=PRODUCTION)
        await ledger.open_deployment(*story.request("d2"))

        await ledger.append(story.progress("d1", "late"), unlock=PRODUCTION)

        assert [lock.deployment for lock in await ledger.locks()] == ["d2"]

    async def test_when_an_ended_one_is_taken_back_then_it_locks_again_unless_another_moves(self, ledger, story):
        _, lock = story.request("d1")
        await ledger.append(story.success("d1"), unlock=PRODUCTION)

        await ledger.append(story.progress("d1", "back"), lock=lock)
        await ledger.append(story.progress("d1", "again"), lock=lock)

        assert await ledger.locks() == (lock,)
        with pytest.raises(Refused, match="locked by ann"):
            await ledger.append(story.progress("d1", "no"), lock=story.request("d2")[1])
        assert await ledger.last_seq() == 5

    async def test_when_a_natural_key_comes_twice_then_the_second_writes_nothing(self, ledger, story):
        first = await ledger.append(story.step_started("d1"), once="d1/first/1")
        second = await ledger.append(story.step_started("d1"), story.progress("d1", "x"), once="d1/first/1")

        assert [event.seq for event in first] == [3]
        assert second == ()
        assert await ledger.last_seq() == 3

    async def test_when_one_event_of_several_does_not_fit_then_none_is_written(self, ledger, story):
        with pytest.raises(InvalidTransition):
            await ledger.append(story.step_started("d1"), story.step_started("d1", "nowhere"))

        assert await ledger.last_seq() == 2
        await ledger.append(story.step_started("d1"))
        assert (await ledger.events_of(DeploymentId("d1")))[-1].seq == 3

    async def test_when_a_newer_version_wrote_an_event_then_it_is_kept(self, ledger, story):
        stored = await ledger.append(story.event("d1", UnknownEvent("StepBlessed", {"by": "moon"})))

        assert (await ledger.events_after(2)) == stored
        assert stored[0].payload == UnknownEvent("StepBlessed", {"by": "moon"})

    async def test_when_events_commit_then_subscribers_hear_of_them_in_order(self, ledger, story):
        heard: asyncio.Queue[Wake] = asyncio.Queue()
        leave = ledger.subscribe(heard.put_nowait)

        await ledger.append(story.step_started("d1"), story.progress("d1", "half"))
        wakes = await take(heard, 2)
        leave()
        await ledger.append(story.progress("d1", "more"))

        assert heard.empty()
        assert wakes == [Wake("event", DeploymentId("d1"), 3), Wake("event", DeploymentId("d1"), 4)]

    async def test_when_a_subscriber_fails_then_the_others_still_hear(self, ledger, story, caplog):
        heard: asyncio.Queue[Wake] = asyncio.Queue()

        def fail(wake: Wake) -> None:
            raise RuntimeError("no")

        ledger.subscribe(fail)
        ledger.subscribe(heard.put_nowait)

        await ledger.append(story.step_started("d1"))

        assert len(await take(heard, 1)) == 1

    async def test_when_a_step_runs_then_the_history_line_follows(self, ledger, story):
        await ledger.append(story.step_started("d1"), story.step_succeeded("d1"), story.step_started("d1", "second"))

        line = (await ledger.summaries(HistoryQuery()))[0]

        assert line.status is DeploymentStatus.RUNNING
        assert line.progress == 0.5
        assert line.detail == "Second"
        assert line.release == "v1.4.0 (aaaaaaaa)"

    async def test_when_controls_are_given_then_they_wait_in_order_until_taken(self, ledger, story):
        heard: asyncio.Queue[Wake] = asyncio.Queue()
        ledger.subscribe(heard.put_nowait)
        pause = ControlRow(0, DeploymentId("d1"), Control.PAUSE, Actor("ann"), story.now(), request_id="p1")
        back = ControlRow(
            0,
            DeploymentId("d1"),
            Control.ROLLBACK,
            Actor("bob"),
            story.now(),
            StepId("first"),
            "errors",
            (ServiceName("api"),),
        )

        first, again, second = [await ledger.add_control(row) for row in (pause, pause, back)]
        wakes = await take(heard, 2)

        assert first == again
        assert wakes == [Wake("control", DeploymentId("d1"), number) for number in (first, second)]
        assert await ledger.pending_controls(DeploymentId("d1")) == (replace(pause, id=first), replace(back, id=second))
        await ledger.append(story.event("d1", ControlReceived(Control.PAUSE)), answers=first)
        assert await ledger.pending_controls(DeploymentId("d1")) == (replace(back, id=second),)


class TestGivenAHistory:
    @pytest.fixture(autouse=True)
    async def _history(self, ledger, story):
        await story.fill(ledger)

    @pytest.mark.parametrize(
        ("text", "ends"),
        [
            ("261122-070000-bbbb", ["bbbb"]),
            ("bbbb", ["bbbb"]),
            ("261122-08", ["cccc"]),
            ("261122", ["dddd", "cccc", "bbbb", "aaaa"]),
            ("production", ["dddd", "bbbb", "aaaa"]),
            ("%", []),
            ("nothing", []),
        ],
    )
    async def test_when_one_is_named_then_it_is_found(self, ledger, text, ends):
        assert [found[-4:] for found in await ledger.find_deployments(text)] == ends

    @pytest.mark.parametrize(
        ("query", "ends"),
        [
            (HistoryQuery(), ["dddd", "cccc", "bbbb", "aaaa"]),
            (HistoryQuery(limit=1), ["dddd"]),
            (HistoryQuery(environment=PRODUCTION), ["dddd", "bbbb", "aaaa"]),
            (HistoryQuery(status="succeeded"), ["cccc", "bbbb", "aaaa"]),
            (HistoryQuery(before=DeploymentId("261122-080000-cccc")), ["bbbb", "aaaa"]),
        ],
    )
    async def test_when_lines_are_asked_for_then_the_newest_come_first(self, ledger, query, ends):
        assert [line.id[-4:] for line in await ledger.summaries(query)] == ends

    async def test_when_a_reader_comes_in_batches_then_nothing_is_missed(self, ledger):
        seen, cursor = [], 0
        while batch := await ledger.events_after(cursor, 3):
            seen += [event.seq for event in batch]
            cursor = seen[-1]

        assert seen == list(range(1, await ledger.last_seq() + 1))


async def test_payloads_come_back_as_they_were_written(ledger, story):
    await ledger.open_deployment(*story.request("d1"))
    payloads = (StepStarted(StepId("first"), 2), StepProgressed(StepId("first"), "naïve – 日本\n"))

    await ledger.append(*(story.event("d1", payload) for payload in payloads))

    assert tuple(event.payload for event in await ledger.events_after(1)) == payloads
