"""The way back when something in it is not well: traffic never goes to what cannot serve, and the record says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from tests.engine.world import World


@pytest.fixture
async def world():
    world = World()
    await world.start()
    yield world
    await world.engine.stop()


async def rolling_back_while_blue_is_ill(world: World):
    deployment_id = await world.deploy()
    await world.until(deployment_id, lambda d: d.steps["api.bake-50"].status is StepStatus.RUNNING)
    world.platform.places["blue"].suspended = True
    await world.ask(deployment_id, Control.ROLLBACK)
    await world.clock.pass_time(timedelta(minutes=3))
    return deployment_id


class TestGivenAnOldArmThatDied:
    async def test_when_rolled_back_then_it_gets_no_traffic_and_the_record_says_why(self, world):
        deployment_id = await rolling_back_while_blue_is_ill(world)

        waiting = world.deployment(deployment_id)
        step = waiting.steps["undo:api.shift-10"]
        assert waiting.status is DeploymentStatus.ROLLING_BACK
        assert waiting.rollback.traffic_restored_at is None
        assert world.platform.weights["api"] == {"blue": 50, "green": 50}
        assert step.status is StepStatus.WAITING
        assert "blue of api is not well" in step.detail
        assert not world.platform.places["green"].suspended

    async def test_when_it_is_well_again_then_the_rollback_goes_on(self, world):
        deployment_id = await rolling_back_while_blue_is_ill(world)

        world.platform.places["blue"].suspended = False
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}

    async def test_when_the_worker_dies_meanwhile_then_it_waits_on(self, world):
        deployment_id = await rolling_back_while_blue_is_ill(world)

        await world.crash()
        await world.clock.pass_time(timedelta(minutes=1))
        assert world.platform.weights["api"] == {"blue": 50, "green": 50}
        world.platform.places["blue"].suspended = False

        assert (await world.until_ended(deployment_id)).status is DeploymentStatus.ROLLED_BACK

    async def test_when_it_stays_ill_then_it_fails_and_says_how_each_service_stands(self, world):
        deployment_id = await rolling_back_while_blue_is_ill(world)

        await world.clock.pass_time(timedelta(minutes=15))
        deployment = world.deployment(deployment_id)

        assert deployment.status is DeploymentStatus.FAILED
        assert deployment.failure == "The rollback could not take back api; a person must."
        assert "traffic: blue 50 % · green 50 %" in deployment.left_behind["api"]
        assert "blue of api is not well" in deployment.left_behind["api"]
        assert "not taken back: Deploy v2 to worker" in deployment.left_behind["worker"]
        assert deployment.left_behind["front"] == "not touched."
