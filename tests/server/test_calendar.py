"""Freezes and the schedule over the API: who may, what is audited, what an environment shows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from console.client.service import ScheduleRequest
from console.config.settings import RoleSettings
from console.domain.errors import Refused, UsageError
from console.domain.exchange import Pulse
from console.domain.freeze import FreezeWish
from console.domain.ids import EnvironmentName
from console.domain.plan import Wish
from console.domain.release import Release
from console.domain.schedule import ScheduleStatus
from tests.server.world import NOON, PRODUCTION, World

HOUR = timedelta(hours=1)
SALE = FreezeWish(PRODUCTION, NOON - HOUR, NOON + HOUR, "the sale")
LATER = Wish(PRODUCTION, "v1.4.0", at=NOON + HOUR)


async def become(world: World, **roles: tuple[str, ...]) -> None:
    await world.close()
    world.roles = RoleSettings(**{"viewer": (), **roles})
    await world.open()


async def audited(world: World) -> list[tuple[str, str, str]]:
    return [(row.action, row.subject, row.outcome) for row in await world.ledger.audit()]


class TestGivenAnApprover:
    async def test_when_they_freeze_then_it_is_shown_audited_and_lifted(self, world: World) -> None:
        async with world.client() as client:
            added = await client.add_freeze(SALE)
            shown = (await client.environments(PRODUCTION))[0].freezes
            elsewhere = await client.freezes(EnvironmentName("staging"))
            lifted = await client.lift_freeze(added.id, "called off")
            after = await client.freezes()

        assert (added.added_by, added.added_at, lifted.lifted_by) == ("ann", NOON, "ann")
        assert (shown, elsewhere, after) == ((added.span,), (), ())
        assert await audited(world) == [("lift-freeze", added.id, "done"), ("freeze", "production", "done")]

    async def test_when_the_environment_is_unknown_then_it_is_wrong(self, world: World) -> None:
        async with world.client() as client:
            with pytest.raises(UsageError, match="no environment"):
                await client.freezes(EnvironmentName("nowhere"))

    async def test_when_something_changes_then_streams_say_to_look_again(self, world: World) -> None:
        async with world.client() as client:
            stream = client.events(0)
            first = asyncio.ensure_future(anext(stream))
            while not world.parts.streams:  # noqa: ASYNC110  # the other end says nothing when it listens
                await asyncio.sleep(0.005)
            await client.add_freeze(SALE)

            assert await first == Pulse(NOON, EnvironmentName(""), calendar=True)
            await stream.aclose()  # type: ignore[attr-defined]  # an async generator, typed as what it is used as


class TestGivenADeployer:
    async def test_when_they_freeze_or_lift_then_it_is_refused_and_audited(self, world: World) -> None:
        await become(world, deployer=("ann",))
        async with world.client() as client:
            with pytest.raises(Refused, match="needs approver"):
                await client.add_freeze(SALE)
            with pytest.raises(Refused, match="needs approver"):
                await client.lift_freeze("f-1")

        assert [outcome for _, _, outcome in await audited(world)] == ["refused", "refused"]

    async def test_when_they_schedule_then_it_is_listed_until_it_is_cancelled(self, world: World) -> None:
        await become(world, deployer=("ann",))
        async with world.client() as client:
            entry = await client.add_scheduled(ScheduleRequest(LATER, "once"))
            again = await client.add_scheduled(ScheduleRequest(LATER, "once"))
            shown = (await client.environments(PRODUCTION))[0].scheduled
            gone = await client.cancel_scheduled(entry.id, "not today")
            left, past = await client.schedule(), await client.schedule(PRODUCTION, days=1)

        assert (again, shown) == (entry, (entry,))
        assert (entry.asked_by, entry.release, entry.at) == ("ann", Release("a" * 40, "v1.4.0"), LATER.at)
        assert (gone.status, left, past) == (ScheduleStatus.CANCELLED, (), (gone,))

    async def test_when_they_ask_to_deploy_later_by_the_wrong_door_then_nothing_begins_now(self, world: World) -> None:
        async with world.client() as client:
            with pytest.raises(UsageError, match="is scheduled"):
                await client.deploy(LATER, "")

    async def test_when_they_say_themselves_what_a_name_stands_for_then_nobody_believes_it(self, world: World) -> None:
        async with world.client() as client:
            forged = Wish(PRODUCTION, "v1.4.0", at=LATER.at, pinned=Release("f" * 40, "v1.4.0"))
            entry = await client.add_scheduled(ScheduleRequest(forged))

        assert entry.wish.pinned == Release("a" * 40, "v1.4.0")


class TestGivenAViewer:
    async def test_when_they_schedule_or_cancel_then_it_is_refused(self, world: World) -> None:
        await become(world, viewer=("ann",))
        async with world.client() as client:
            with pytest.raises(Refused, match="needs deployer"):
                await client.add_scheduled(ScheduleRequest(LATER))
            with pytest.raises(Refused, match="needs deployer"):
                await client.cancel_scheduled("s-1")
            seen = (await client.schedule(), await client.freezes())

        assert seen == ((), ())
