"""The schedule in the console: what is shown, how it is added to and taken away from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.client.service import Pulse
from console.domain.freeze import Freeze, FreezeId, FreezeSpan
from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.observations import EnvironmentStatus
from console.domain.plan import Wish
from console.domain.release import Release
from console.domain.roles import Role
from console.domain.schedule import Scheduled, ScheduledId, ScheduleStatus
from screens.deploy import DeployScreen
from screens.palette import Palette
from screens.schedule import ScheduleScreen
from screens.store import Store
from screens.view.environments import environment_rows
from screens.view.rows import plain
from screens.view.schedule import calendar_rows
from tests.screens import scene
from tests.screens.conftest import World
from tests.screens.fake_service import FakeService

Make = Callable[..., World]
Compare = Callable[..., bool]
HOUR = timedelta(hours=1)
NOW = scene.START + timedelta(seconds=14)
TEN = NOW.replace(hour=22, minute=0, second=0)
RELEASE = Release("b" * 40, "v1.6.0")
STAGING = EnvironmentName("staging")


def entry(number: int, at: datetime, **more: object) -> Scheduled:
    name = ScheduledId(f"s-{number}")
    made = Scheduled(name, at, Wish(scene.PRODUCTION, at=at), RELEASE, "digest", Actor("ann"), NOW - HOUR)
    return replace(made, **more)  # type: ignore[arg-type]  # a test's own mixture


SALE = Freeze(
    FreezeId("f-1"), scene.PRODUCTION, NOW - HOUR, NOW + timedelta(days=2), "Black Friday", Actor("ann"), NOW - HOUR
)
WEEKEND = FreezeSpan(
    STAGING, NOW + timedelta(days=5), NOW + timedelta(days=7), "nobody is here", window="fri 16:00-mon 08:00"
)
ENTRIES = (
    entry(1, NOW - 3 * HOUR, status=ScheduleStatus.STARTED, deployment=DeploymentId("261122-031603-k3f9")),
    entry(
        2, NOW - HOUR, status=ScheduleStatus.MISSED, detail="no worker looked before 06:00 UTC; 0:15:00 are allowed."
    ),
    entry(3, TEN),
    entry(4, TEN + timedelta(days=1), asked_by=Actor("kim")),
)


class Furnished(FakeService):
    """With freezes and deployments to come."""

    def __init__(self, role: Role = Role.APPROVER) -> None:
        super().__init__(role=role)
        self.frozen, self.scheduled = [SALE], list(ENTRIES)
        self.statuses = [replace(scene.environments()[0], freezes=(SALE.span,), scheduled=ENTRIES[1:])]

    async def freezes(self, environment: EnvironmentName | None = None) -> list[FreezeSpan]:
        return [*(await super().freezes(environment)), WEEKEND]


@pytest.fixture
def world(make_world: Make) -> World:
    return make_world(None, service=Furnished())


async def command(world: World, pilot: Pilot[int], text: str) -> None:
    await world.press(pilot, "colon")
    palette = world.app.screen
    assert isinstance(palette, Palette)
    palette.line.value = text
    await world.press(pilot, "enter")
    await world.settle(pilot)


async def say(world: World, pilot: Pilot[int], text: str, field: str = "text") -> None:
    world.app.screen.query_one(f"#{field}", Input).value = text
    await world.press(pilot, "enter")
    await world.settle(pilot)


class TestGivenAnEnvironment:
    def test_when_it_is_frozen_and_something_is_to_come_then_the_dashboard_says_so_in_words(self) -> None:
        store = Store()
        ahead = replace(WEEKEND, environment=scene.PRODUCTION)
        status = EnvironmentStatus(
            scene.PRODUCTION, "production", freezes=(SALE.span, ahead), scheduled=(ENTRIES[2], ENTRIES[3], ENTRIES[1])
        )
        store.set_environments([status])

        rows = environment_rows(store, NOW, 100, services=False)

        assert [plain([each]).strip() for each in rows[1:]] == [
            "■ frozen until Tue 06:16 UTC  Black Friday",
            "freeze from Fri 06:16 UTC  nobody is here",
            "◔ v1.6.0 at 22:00 UTC  by ann and 1 more",
            "✗ v1.6.0 of 05:16 UTC was missed  no worker looked before 06:00 UTC; 0:15:00 are allowed.",
        ]

    def test_when_a_freeze_is_over_by_the_clock_then_nothing_is_said_without_asking_again(self) -> None:
        store = Store()
        store.set_environments([EnvironmentStatus(scene.PRODUCTION, "production", freezes=(SALE.span,))])

        rows = environment_rows(store, SALE.ends_at, 100, services=False)

        assert "frozen" not in plain(rows)


class TestGivenNothing:
    def test_when_shown_then_both_lists_say_so(self) -> None:
        said = plain(calendar_rows((), (), NOW, 80))

        assert "Nothing is scheduled." in said
        assert "no freeze is to come" in said


class TestGivenTheSchedule:
    @pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
    def test_the_look_of_it(self, snap_compare: Compare, world: World, size: tuple[int, int]) -> None:
        async def run_before(pilot: Pilot[int]) -> None:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")

        assert snap_compare(world.app, terminal_size=size, run_before=run_before)

    async def test_when_a_deployment_is_struck_and_agreed_then_it_is_cancelled(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            await world.press(pilot, "j", "j", "x", "y")

            assert isinstance(world.app.screen, ScheduleScreen)
            assert [one.id for one in world.service.scheduled] == ["s-1", "s-2", "s-4"]
            assert "s-3 is off the schedule." in world.text()

    async def test_when_what_is_over_is_struck_then_nothing_happens(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            await world.press(pilot, "x")

            assert "It is over: started." in world.text()
            assert len(world.service.scheduled) == 4

    async def test_when_a_freeze_is_lifted_with_a_reason_then_it_is_gone(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            await world.press(pilot, "G", "k", "x")
            await say(world, pilot, "called off")

            assert world.service.frozen == []
            assert "production is no longer frozen by f-1." in world.text()

    async def test_when_a_freeze_of_the_configuration_is_struck_then_it_says_where_it_stands(
        self, world: World
    ) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            await world.press(pilot, "G", "x")

            assert "[[environments.staging.freezes]]" in world.text()

    async def test_when_an_approver_freezes_then_it_begins_now(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            await world.press(pilot, "f")
            await say(world, pilot, "22:00")
            await say(world, pilot, "the auditors are here")

            added = world.service.frozen[-1]
            assert (added.begins_at, added.ends_at, added.reason) == (world.now, TEN, "the auditors are here")

    async def test_when_the_schedule_changes_elsewhere_then_it_is_read_again(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            world.service.scheduled.append(entry(5, TEN + HOUR, asked_by=Actor("bob")))
            world.service.statuses = [replace(world.service.statuses[0], scheduled=tuple(world.service.scheduled))]
            world.service.tell(Pulse(world.now, EnvironmentName(""), calendar=True))
            await world.settle(pilot)

            assert "bob" in world.text()


class TestGivenADeploymentForLater:
    async def test_when_its_name_is_typed_then_it_is_scheduled_with_the_plan_that_was_shown(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule 22:00 v1.5.0")
            await world.press(pilot, "enter")
            await world.settle(pilot)
            shown = world.text()
            await world.press(pilot, "enter")
            await say(world, pilot, "production", "name")

            (request,) = world.service.schedules
            assert (request.wish.at, request.wish.release) == (TEN, "v1.5.0")
            assert request.digest == world.service.plan.digest
            assert "at 2026-11-22 22:00 UTC" in shown
            assert world.service.deployed == []

    async def test_when_the_time_is_none_then_it_says_how_to_write_one(self, world: World) -> None:
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule tonight")

            assert not isinstance(world.app.screen, DeployScreen)
            assert "write 22:00" in world.text()


class TestGivenADeployer:
    async def test_when_they_freeze_then_the_key_says_why_not(self, make_world: Make) -> None:
        world = make_world(None, service=Furnished(Role.DEPLOYER))
        async with world.app.run_test(size=(120, 40)) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "/deploy-schedule")
            await world.press(pilot, "f")

            assert "your role is deployer; this needs approver" in world.text()
