"""Deployments to come: begun once and on time, or said to be refused or missed, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import PlanRejected, Refused, Unreachable, UsageError
from console.domain.freeze import FreezeWish
from console.domain.plan import Wish
from console.domain.release import Release
from console.domain.schedule import Scheduled, ScheduleStatus
from console.engine.schedule import Schedule
from tests.engine.world import ANN, KIM, NEW, OLD, PRODUCTION, World

SOON = timedelta(minutes=3)
GRACE = timedelta(minutes=10)


async def schedule(
    world: World, after: timedelta = SOON, release: str = "v2", digest: str = "", **more: Any
) -> Scheduled:
    wish = Wish(PRODUCTION, release=release, at=world.clock.now() + after, **more)
    return await world.engine.schedule.add(wish, "", digest, KIM)


async def became(world: World, entry: Scheduled) -> Scheduled:
    found = await world.engine.schedule.find(entry.at)
    return next(one for one in found if one.id == entry.id)


async def until_tried(world: World, entry: Scheduled) -> Scheduled:
    """Let time pass until its end is on record."""
    for _ in range(2000):
        now = await became(world, entry)
        if not now.status.is_open:
            return now
        assert await world.clock.step()
    pytest.fail(f"{entry.id} never ended")


async def until_taken(world: World, entry: Scheduled) -> None:
    while (await became(world, entry)).status is ScheduleStatus.WAITING:  # noqa: ASYNC110  # the record tells only who reads
        await asyncio.sleep(0)


async def down(world: World, length: timedelta) -> None:
    """The worker ends, and another begins after a while."""
    await world.durable.crash()
    await world.engine.stop()
    world.clock._now += length
    world.engine = world._new_engine()
    await world.start()


@pytest.fixture
async def world():
    world = World(schedule={"grace": "10m"})
    world.platform.request_rate = 400
    await world.start()
    yield world
    await world.engine.stop()


class TestGivenADeploymentToCome:
    async def test_when_its_time_has_come_then_it_begins_to_the_second_in_the_name_of_who_asked(self, world):
        entry = await schedule(world)

        tried = await until_tried(world, entry)
        ended = await world.until_ended(tried.deployment)

        assert (tried.status, ended.status) == (ScheduleStatus.STARTED, DeploymentStatus.SUCCEEDED)
        assert ended.requested_at == entry.at
        assert (ended.requested_by, ended.reason) == (KIM, f"as scheduled by kim ({entry.id})")
        assert ended.plan.digest == entry.digest

    async def test_when_the_name_moves_on_then_the_commit_of_then_is_deployed(self, world):
        entry = await schedule(world, release="")
        world.platform.releases["main"] = Release(OLD, "v1")

        tried = await until_tried(world, entry)

        assert world.deployment(tried.deployment).plan.release == Release(NEW, "v2")

    async def test_when_the_plan_differs_by_then_then_it_is_refused(self, world):
        entry = await schedule(world, timedelta(minutes=10))
        await world.until_ended(await world.deploy("v2"))

        tried = await until_tried(world, entry)

        assert (tried.status, tried.deployment) == (ScheduleStatus.REFUSED, None)
        assert tried.detail == "What would be done now differs from the plan that was shown."
        assert (world.ledger.audited[-1].action, world.ledger.audited[-1].outcome) == ("schedule-start", "refused")

    async def test_when_another_deployment_is_under_way_then_it_is_refused_and_names_it(self, world):
        entry = await schedule(world, timedelta(seconds=40))
        other = await world.deploy()

        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.REFUSED
        assert other in tried.detail

    async def test_when_a_freeze_holds_by_then_then_it_is_refused_in_its_words(self, world):
        entry = await schedule(world)
        await world.engine.freezes.add(FreezeWish(PRODUCTION, entry.at, entry.at + SOON, "the sale"), ANN)

        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.REFUSED
        assert "production is frozen until 2026-11-22 03:06 UTC: the sale" in tried.detail

    async def test_when_it_is_cancelled_then_it_never_begins(self, world):
        entry = await schedule(world)

        gone = await world.engine.schedule.cancel(entry.id[-4:], "not today", ANN)
        await world.clock.pass_time(2 * SOON)

        assert (gone.status, gone.cancelled_by, gone.detail) == (ScheduleStatus.CANCELLED, ANN, "not today")
        assert world.ledger.deployments() == []

    async def test_when_it_has_begun_then_it_is_too_late_to_cancel(self, world):
        entry = await schedule(world)
        await until_tried(world, entry)

        with pytest.raises(UsageError, match="Nothing to come"):
            await world.engine.schedule.cancel(entry.id, "", ANN)


class TestGivenAMomentInAFreeze:
    async def test_when_it_is_asked_for_then_it_is_refused_now(self, world):
        begin = world.clock.now() + SOON
        await world.engine.freezes.add(FreezeWish(PRODUCTION, begin, begin + SOON, "the sale"), ANN)

        with pytest.raises(PlanRejected, match=r"."):
            await schedule(world, SOON + timedelta(minutes=1))

    async def test_when_the_freeze_is_over_by_then_then_it_may_be_asked_for_within_it(self, world):
        now = world.clock.now()
        await world.engine.freezes.add(FreezeWish(PRODUCTION, now, now + SOON, "the sale"), ANN)

        tried = await until_tried(world, await schedule(world, 2 * SOON))

        assert tried.status is ScheduleStatus.STARTED


class TestGivenWhatCannotWait:
    async def test_when_the_moment_is_past_then_it_is_wrong(self, world):
        with pytest.raises(UsageError, match="is past"):
            await schedule(world, timedelta(0))

    async def test_when_it_is_an_emergency_then_it_is_wrong(self, world):
        with pytest.raises(UsageError, match="does not wait"):
            await schedule(world, emergency=True, reason="now")

    async def test_when_it_is_no_release_then_it_is_wrong(self, world):
        with pytest.raises(UsageError, match="cannot be scheduled"):
            await schedule(world, strategy="failover")

    async def test_when_something_is_under_way_then_it_is_refused_since_the_plan_would_differ(self, world):
        deployment = await world.deploy()

        with pytest.raises(PlanRejected) as refused:
            await schedule(world)

        assert deployment in refused.value.reasons[0]

    async def test_when_another_plan_was_shown_then_it_is_refused(self, world):
        with pytest.raises(PlanRejected, match=r"."):
            await schedule(world, digest="other")


class TestGivenAWorkerThatWasDown:
    async def test_when_it_comes_back_within_the_grace_then_it_begins_late(self, world):
        entry = await schedule(world)
        await down(world, SOON + GRACE / 2)

        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.STARTED

    async def test_when_it_comes_back_later_then_it_is_missed_and_not_started(self, world):
        entry = await schedule(world)
        await down(world, SOON + 2 * GRACE)

        tried = await until_tried(world, entry)

        assert (tried.status, world.ledger.deployments()) == (ScheduleStatus.MISSED, [])
        assert tried.detail == (
            "no worker looked before 2026-11-22 03:23:00 UTC; by now it is 0:20:00 late, and 0:10:00 are allowed "
            "([environments.production.schedule] grace)."
        )
        assert world.ledger.audited[-1].outcome == "failed"

    @pytest.mark.parametrize("point", ["opened", "intent", "started"])
    async def test_when_it_dies_while_it_begins_then_it_is_one_deployment(self, world, point):
        entry = await schedule(world)
        world.crash_at = (point, 1)

        for _ in range(2000):
            if world.crashed:
                world.crashed = 0
                await world.crash()
            if not (await became(world, entry)).status.is_open:
                break
            await world.clock.step()
        tried = await became(world, entry)
        ended = await world.until_ended(tried.deployment)

        assert (tried.status, ended.status) == (ScheduleStatus.STARTED, DeploymentStatus.SUCCEEDED)
        assert len(world.ledger.deployments()) == 1


class TestGivenAPlatformThatIsSilent:
    async def test_when_it_answers_again_within_the_grace_then_it_begins(self, world):
        entry = await schedule(world)
        deploy = world.engine.schedule._deploy
        tries = []

        async def silent(*asked: Any) -> Any:
            tries.append(world.clock.now())
            if len(tries) < 4:
                raise Unreachable("fake", "Nobody answers.")
            return await deploy(*asked)

        world.engine.schedule._deploy = silent
        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.STARTED
        assert all(later - earlier >= timedelta(seconds=10) for earlier, later in pairwise(tries))

    async def test_when_it_stays_silent_then_it_is_missed_and_says_why(self, world):
        entry = await schedule(world)

        async def silent(*asked: Any) -> Any:
            raise Unreachable("fake", "Nobody answers.")

        world.engine.schedule._deploy = silent
        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.MISSED
        assert tried.detail.startswith("Nobody answers; by now it is 0:10:")


class TestGivenSeveralWorkers:
    async def test_when_all_see_that_it_is_due_then_one_begins_it(self, world):
        engine = world.engine
        others = [
            Schedule(world.settings, engine._ledger, world.clock, f"other-{n}", engine.preview, engine.deploy)
            for n in range(3)
        ]
        entry = await schedule(world)
        world.clock._now = entry.at

        for each in (*others, engine.schedule):
            await each.look()
        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.STARTED
        assert len(world.ledger.deployments()) == 1
        assert [row.outcome for row in world.ledger.audited] == ["done"]

    async def test_when_one_died_after_it_took_it_then_another_takes_it_up(self, world):
        other = Schedule(
            world.settings, world.engine._ledger, world.clock, "other", world.engine.preview, world.engine.deploy
        )
        entry = await schedule(world)
        await world.engine.stop()
        world.clock._now = entry.at
        await other.look()
        await until_taken(world, entry)
        await other.stop()

        world.engine = world._new_engine()
        await world.start()
        tried = await until_tried(world, entry)

        assert tried.status is ScheduleStatus.STARTED
        assert len(world.ledger.deployments()) == 1

    async def test_when_it_is_beginning_then_it_is_too_late_to_cancel(self, world):
        entry = await schedule(world)
        world.clock._now = entry.at
        await world.engine.schedule.look()
        await until_taken(world, entry)

        with pytest.raises(Refused, match="beginning just now"):
            await world.engine.schedule.cancel(entry.id, "", ANN)
