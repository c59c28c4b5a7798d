"""Maintenance as a deployment: pages go up and away, by themselves too, whatever dies meanwhile."""

from datetime import timedelta

import pytest

from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import PlanRejected, Refused
from console.domain.events import Control
from console.domain.ids import DeploymentId
from console.domain.maintenance import MAINTENANCE, MaintenanceWish
from console.domain.plan import StepKind, Wish
from tests.engine.world import ANN, KIM, PRODUCTION, World

HOUR = timedelta(hours=1)
WINDOW = "sun 03:30-04:00"


async def switch(world: World, on: bool, until: timedelta | None = None, **more: object) -> DeploymentId:
    wish = MaintenanceWish(on, world.clock.now() + until if until else None, str(more.pop("message", "")))
    return await world.deploy(release="", strategy=MAINTENANCE, maintenance=wish, **more)


async def pass_time(world: World, length: timedelta) -> None:
    until = world.clock.now() + length
    while world.clock.now() < until:
        await world.clock.step()


def of(world: World, strategy: str) -> list[Deployment]:
    return [d for d in world.ledger.deployments() if d.plan.strategy == strategy]


class TestGivenAProductThatServes:
    async def test_when_maintenance_begins_then_its_routes_show_the_page(self):
        world = World(maintenance={"message": "Back soon.", "open_paths": ["/health"]})
        await world.start()

        ended = await world.until_ended(await switch(world, True))

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert set(world.platform.pages) == {"api"}
        assert (world.platform.pages["api"].message, world.platform.pages["api"].open_paths) == (
            "Back soon.",
            ("/health",),
        )
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}

    async def test_when_it_is_planned_then_who_shows_none_is_named(self):
        world = World()
        await world.start()

        plan = await world.engine.preview(
            Wish(PRODUCTION, strategy=MAINTENANCE, maintenance=MaintenanceWish(True, message="Hi"))
        )

        assert plan.services == ("api",)
        assert "api: by the router fake." in plan.notes
        assert "worker shows no page and goes on as it is: a worker has no visitors" in plan.notes

    async def test_when_nothing_says_whether_it_begins_then_it_is_refused(self):
        world = World()
        await world.start()

        with pytest.raises(PlanRejected):
            await world.deploy(release="", strategy=MAINTENANCE)

    async def test_when_people_must_approve_then_the_page_waits_for_them(self):
        world = World(approvals=1)
        await world.start()
        deployment = await switch(world, True)
        await world.until(deployment, lambda d: d.status is DeploymentStatus.WAITING)
        before = dict(world.platform.pages)

        await world.ask(deployment, Control.APPROVE, ANN)
        await world.until_ended(deployment)

        assert (before, set(world.platform.pages)) == ({}, {"api"})


class TestGivenMaintenance:
    async def test_when_it_ends_then_the_page_is_away_without_approval(self):
        world = World()
        await world.start()
        await world.until_ended(await switch(world, True))

        ended = await world.until_ended(await switch(world, False))

        assert (ended.status, world.platform.pages) == (DeploymentStatus.SUCCEEDED, {})
        assert [step.kind for step in ended.plan.steps] == [StepKind.MAINTAIN]

    async def test_when_it_is_taken_back_then_the_page_is_away(self):
        world = World()
        await world.start()
        deployment = await switch(world, True)
        await world.until_ended(deployment)

        await world.ask(deployment, Control.ROLLBACK)
        ended = await world.until(deployment, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert (ended.rollback is not None, world.platform.pages) == (True, {})

    async def test_when_a_release_is_deployed_meanwhile_then_the_page_stays(self):
        world = World()
        await world.start()
        await world.until_ended(await switch(world, True))
        world.platform.request_rate = 400

        ended = await world.until_ended(await world.deploy())

        assert (ended.status, set(world.platform.pages)) == (DeploymentStatus.SUCCEEDED, {"api"})

    async def test_when_the_release_before_it_is_taken_back_then_maintenance_is_not_in_the_way(self):
        world = World()
        world.platform.request_rate = 400
        await world.start()
        deployment = await world.deploy()
        await world.until_ended(deployment)
        await world.until_ended(await switch(world, True))
        ended = await world.until_ended(await switch(world, False))

        with pytest.raises(Refused, match="maintenance on"):
            await world.ask(ended.id, Control.ROLLBACK)
        await world.ask(deployment, Control.ROLLBACK)
        back = await world.until(deployment, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert back.rollback is not None

    async def test_when_a_platform_is_down_at_its_end_then_it_is_waited_for(self):
        world = World()
        await world.start()
        await world.until_ended(await switch(world, True))
        world.platform.down_until["maintain"] = world.clock.now() + timedelta(minutes=10)

        ended = await world.until_ended(await switch(world, False))

        assert (ended.status, world.platform.pages) == (DeploymentStatus.SUCCEEDED, {})


class TestGivenMaintenanceForHalfAnHour:
    @pytest.fixture
    async def world(self) -> World:
        world = World()
        await world.start()
        await world.until_ended(await switch(world, True, timedelta(minutes=30)))
        return world

    async def test_when_the_time_is_over_then_it_ends_by_itself_to_the_second(self, world: World):
        until = world.platform.pages["api"].until

        await pass_time(world, timedelta(minutes=31))

        ending = of(world, MAINTENANCE)[-1]
        assert (ending.requested_by, world.platform.pages) == ("quarterdeck", {})
        assert ending.requested_at - until < timedelta(seconds=1)

    async def test_when_the_worker_was_down_then_it_ends_at_its_start(self, world: World):
        await world.engine.stop()
        await world.clock.pass_time(2 * HOUR)
        still_up = set(world.platform.pages)

        world.engine = world._new_engine()
        await world.engine.start()
        await pass_time(world, timedelta(seconds=20))

        assert (still_up, world.platform.pages) == ({"api"}, {})

    async def test_when_it_was_made_longer_then_the_first_end_is_void(self, world: World):
        await world.until_ended(await switch(world, True, HOUR, message="It takes longer."))

        await pass_time(world, timedelta(minutes=40))
        meanwhile = set(world.platform.pages)
        await pass_time(world, timedelta(minutes=30))

        assert (meanwhile, world.platform.pages) == ({"api"}, {})

    async def test_when_somebody_ended_it_before_then_nothing_more_happens(self, world: World):
        await world.until_ended(await switch(world, False))

        await pass_time(world, HOUR)

        assert [d.requested_by for d in of(world, MAINTENANCE)] == [KIM, KIM]

    async def test_when_a_deployment_holds_the_environment_then_its_end_waits_for_it(self, world: World):
        deployment = await world.deploy()
        await world.ask(deployment, Control.PAUSE)
        await pass_time(world, timedelta(minutes=40))
        meanwhile = set(world.platform.pages)

        await world.ask(deployment, Control.ABORT)
        await world.until_ended(deployment)
        await pass_time(world, timedelta(seconds=20))

        assert (meanwhile, world.platform.pages) == ({"api"}, {})


class TestGivenAWindowOfTheConfiguration:
    """The clock begins on a Sunday at 03:00 UTC."""

    async def test_when_it_opens_and_closes_then_the_page_comes_and_goes_without_approval(self):
        world = World(approvals=2, maintenance={"windows": [WINDOW]})
        await world.start()

        await pass_time(world, timedelta(minutes=31))
        inside = set(world.platform.pages)
        await pass_time(world, timedelta(minutes=30))

        assert (inside, world.platform.pages) == ({"api"}, {})
        assert [d.reason.split(" ")[0:2] for d in of(world, MAINTENANCE)] == [["the", "window"], ["the", "maintenance"]]

    async def test_when_somebody_ends_it_early_then_it_does_not_begin_again(self):
        world = World(maintenance={"windows": [WINDOW]})
        await world.start()
        await pass_time(world, timedelta(minutes=31))

        await world.until_ended(await switch(world, False))
        await pass_time(world, timedelta(minutes=10))

        assert (len(of(world, MAINTENANCE)), world.platform.pages) == (2, {})

    async def test_when_somebody_claims_a_window_that_is_not_open_then_approvals_are_asked_for(self):
        world = World(approvals=1, maintenance={"windows": [WINDOW]})
        await world.start()
        wish = Wish(PRODUCTION, strategy=MAINTENANCE, maintenance=MaintenanceWish(True, window=WINDOW))

        plan = await world.engine.preview(wish)

        assert plan.steps[0].kind is StepKind.APPROVAL


class TestGivenACrashWhileThePageGoesUp:
    @pytest.mark.parametrize("point", ["intended", "called", "referenced", "operation-ended"])
    async def test_when_the_worker_is_back_then_it_is_up_once(self, point: str):
        world = World()
        await world.start()
        world.crash_at = (point, 1)

        ended = await world.until_ended(await switch(world, True))

        assert (ended.status, world.platform.changes["maintain"]) == (DeploymentStatus.SUCCEEDED, 1)
