"""An arm is stopped only once nobody is sent there and nothing is under way on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.ids import StepId
from providers.contract import Unsupported
from tests.engine.world import World

RETIRE = StepId("api.decommission")
BACK = StepId("undo:api.resume")


def is_retiring(deployment) -> bool:
    return deployment.steps[RETIRE].status is StepStatus.RUNNING


async def retiring(world: World):
    await world.start()
    world.platform.underway_until["blue"] = world.clock.now() + timedelta(hours=2)
    deployment = await world.deploy()
    await world.until(deployment, is_retiring)
    return deployment


class TestGivenRequestsUnderWay:
    async def test_when_they_end_then_the_arm_is_stopped_and_the_record_says_how_long_it_took(self):
        world = World()
        deployment = await retiring(world)
        world.platform.underway_until["blue"] = world.clock.now() + timedelta(seconds=7)

        ended = await world.until_ended(deployment)

        assert world.platform.places["blue"].suspended
        assert 7 <= ended.steps[RETIRE].outputs["drained_s"] < 12
        assert "nothing under way on blue after" in ended.steps[RETIRE].detail
        await world.engine.stop()

    async def test_when_they_never_end_then_it_is_stopped_after_its_time(self):
        world = World()
        deployment = await retiring(world)

        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert "2 requests still under way on blue after 3" in ended.steps[RETIRE].detail
        assert world.platform.places["blue"].suspended
        await world.engine.stop()

    async def test_when_it_is_rolled_back_then_the_candidate_is_drained_too(self):
        world = World()
        await world.start()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: world.platform.weights["api"]["green"] == 10)
        world.platform.underway_until["green"] = world.clock.now() + timedelta(seconds=9)

        await world.ask(deployment, Control.ROLLBACK)
        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.places["green"].suspended
        assert "nothing under way on green after" in ended.steps[BACK].detail
        await world.engine.stop()


class TestGivenARouterThatDoesNotCountWhatIsUnderWay:
    async def test_when_an_arm_is_retired_then_it_gets_its_whole_time(self):
        world = World()
        platform = world.platform
        platform.capabilities = replace(platform.capabilities, underway=Unsupported("It does not say."))
        await world.start()

        ended = await world.until_ended(await world.deploy())

        assert ended.steps[RETIRE].outputs["drained_s"] >= 30
        assert "to finish what was under way" in ended.steps[RETIRE].detail
        await world.engine.stop()


class TestGivenAnArmThatGetsTrafficAgain:
    async def test_when_somebody_else_gave_it_then_it_is_left_running(self):
        world = World()
        deployment = await retiring(world)
        world.platform.weights["api"] = {"blue": 10, "green": 90}

        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert ended.steps[RETIRE].status is StepStatus.SKIPPED
        assert "The router gives blue 10 % of requests" in ended.steps[RETIRE].detail
        assert not world.platform.places["blue"].suspended
        await world.engine.stop()

    async def test_when_the_router_is_silent_for_long_then_it_is_left_running(self):
        world = World()
        deployment = await retiring(world)
        world.platform.down_until["shift_traffic"] = world.clock.now() + timedelta(minutes=30)

        ended = await world.until_ended(deployment)

        assert ended.steps[RETIRE].status is StepStatus.SKIPPED
        assert "left running" in ended.steps[RETIRE].detail
        assert not world.platform.places["blue"].suspended
        await world.engine.stop()
