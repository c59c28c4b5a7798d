"""Bringing services back without another release, and the hold that keeps pushes away after a rollback."""

from __future__ import annotations

import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import PlanRejected
from console.domain.events import Control
from console.domain.hold import LIFT_HOLD, find_hold
from console.domain.plan import Wish
from tests.engine.world import NEW, OLD, PRODUCTION, World


@pytest.fixture
async def world():
    world = World()
    await world.start()
    yield world
    await world.engine.stop()


async def recover(world: World, act: str, *services: str):
    return await world.until_ended(await world.deploy("", strategy=f"recovery:{act}", services=services))


def hold_of(world: World):
    return find_hold(list(reversed(world.ledger.deployments())))


class TestGivenAServiceThatIsIll:
    async def test_when_restarted_then_only_the_arm_with_traffic_is_and_it_is_looked_at(self, world):
        world.platform.ill.add("blue")

        deployment = await recover(world, "restart", "api")

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert (world.platform.places["blue"].restarts, world.platform.places["green"].restarts) == (1, 0)
        assert [str(key) for key in deployment.steps] == ["api.blue.restart", "api.blue.health"]
        assert deployment.plan.release.commit == OLD

    async def test_when_a_restart_does_not_help_then_it_failed_and_nothing_counts_as_taken_back(self, world):
        world.platform.ill.add("blue")
        world.platform.places["blue"].incurable = True

        deployment = await recover(world, "restart", "api")

        assert deployment.status is DeploymentStatus.FAILED
        assert "Check the health of blue of api failed" in deployment.failure
        assert hold_of(world) is None

    async def test_when_scaled_then_it_can_be_taken_back(self, world):
        deployment = await recover(world, "scale:3", "worker")
        assert world.platform.places["worker"].instances == 3

        await world.ask(deployment.id, Control.ROLLBACK)
        await world.until(deployment.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.places["worker"].instances == 1
        assert hold_of(world) is None

    async def test_when_deployed_once_more_then_it_is_the_same_release(self, world):
        deployment = await recover(world, "redeploy", "worker", "api")

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.platform.places["worker"].live == OLD
        assert world.platform.changes["deploy"] == 2

    async def test_when_no_service_is_named_then_it_is_refused(self, world):
        with pytest.raises(PlanRejected) as refused:
            await recover(world, "restart")

        assert "Name the services" in str(refused.value.reasons)


class TestGivenPlacesThatDeployPushes:
    @pytest.fixture
    async def held(self, world):
        for name in ("blue", "worker"):
            world.platform.places[name].auto_deploy = True
        await world.until_ended(await world.deploy("erring"))
        return world

    async def test_when_a_release_is_taken_back_then_pushes_are_held(self, held):
        assert not held.platform.places["blue"].auto_deploy
        assert not held.platform.places["worker"].auto_deploy
        hold = hold_of(held)
        assert hold is not None
        assert {push.target for push in hold.pushes} == {"blue", "worker"}
        assert "pushes of api, worker do not go live" in hold.words

    async def test_when_the_worker_is_restarted_then_the_hold_is_still_known(self, held):
        await held.crash()

        plan = await held.engine.preview(Wish(PRODUCTION, strategy=LIFT_HOLD))

        assert [step.name for step in plan.steps] == [
            "Let pushes of blue of api go live again",
            "Let pushes of worker go live again",
        ]

    async def test_when_it_is_lifted_then_pushes_go_live_as_before(self, held):
        deployment = await held.until_ended(await held.deploy("", strategy=LIFT_HOLD))

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert held.platform.places["blue"].auto_deploy
        assert held.platform.places["worker"].auto_deploy
        assert not held.platform.places["green"].auto_deploy
        assert hold_of(held) is None

    async def test_when_the_next_release_goes_well_then_it_is_lifted_with_it(self, held):
        deployment = await held.until_ended(await held.deploy("v2"))

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert held.platform.places["worker"].live == NEW
        assert held.platform.places["worker"].auto_deploy
        assert hold_of(held) is None

    async def test_when_two_releases_are_taken_back_then_what_was_on_before_the_first_is_held(self, held):
        await held.until_ended(await held.deploy("erring"))

        assert {push.target for push in hold_of(held).pushes} == {"blue", "worker"}

    async def test_when_nothing_is_held_then_lifting_is_refused(self, world):
        with pytest.raises(PlanRejected) as refused:
            await world.deploy("", strategy=LIFT_HOLD)

        assert "is not held" in str(refused.value.reasons)
