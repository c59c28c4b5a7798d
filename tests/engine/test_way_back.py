"""The way back when something in it is not well: traffic never goes to what cannot serve, and the record says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.plan import Wish
from console.domain.waiting import say_waiting
from tests.engine.world import PRODUCTION, World


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


class TestGivenAWayBackThatIsBlocked:
    async def test_when_the_old_arm_is_ill_then_the_plan_says_so(self, world):
        world.platform.ill.add("blue")

        plan = await world.engine.preview(Wish(PRODUCTION, release="v2"))

        (obstacle,) = plan.obstacles
        assert obstacle.startswith("api: blue is not well now")
        assert plan.refusals == ()

    async def test_when_a_release_is_no_longer_kept_then_plan_and_preview_say_so(self, world):
        world.platform.gone["front-1"] = "it was deleted."

        plan = await world.engine.preview(Wish(PRODUCTION, release="v2"))
        deployment = await world.until_ended(await world.deploy())
        preview = await world.engine.preview_rollback(deployment.id)

        words = "front: it cannot return to front-1: it was deleted."
        assert plan.obstacles == (words,)
        assert words in preview.cannot

    async def test_when_the_old_arm_sleeps_then_nothing_stands_in_the_way(self, world):
        deployment = await world.until_ended(await world.deploy())

        preview = await world.engine.preview_rollback(deployment.id)

        assert world.platform.places["blue"].suspended
        assert preview.cannot == ()

    async def test_when_a_platform_does_not_answer_then_it_is_unknown_and_the_plan_is_there(self, world):
        world.platform.down_until["shelf"] = world.clock.now() + timedelta(hours=1)

        plan = await world.engine.preview(Wish(PRODUCTION, release="v2"))

        assert "whether it can go back is unknown" in " ".join(plan.obstacles)


class TestGivenOnePlatformThatIsDown:
    async def test_when_rolled_back_then_the_others_go_on_and_the_record_says_who_waits_for_whom(self, world):
        for name in ("blue", "green", "worker", "front"):
            world.platform.places[name].auto_deploy = True
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.status is DeploymentStatus.SUCCEEDED)
        for kind in ("roll_back", "resume", "suspend"):
            world.platform.down_until[kind] = world.clock.now() + timedelta(hours=1)
        world.platform.down_until["resume"] = world.clock.now()

        await world.ask(deployment_id, Control.ROLLBACK)
        await world.clock.pass_time(timedelta(minutes=2))

        waiting = world.deployment(deployment_id)
        assert waiting.rollback.traffic_restored_at is None  # the frontend's way back is its platform's
        assert "traffic is not back yet; 1 step waits for vercel" in say_waiting(waiting)
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert (await world.until_ended(deployment_id)).status is DeploymentStatus.ROLLED_BACK

    async def test_when_more_steps_wait_than_may_run_at_once_then_other_platforms_are_not_kept_waiting(self, world):
        world.platform.places["front"].auto_deploy = True
        for name in ("blue", "green", "worker"):
            world.platform.places[name].auto_deploy = True
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-50"].status is StepStatus.RUNNING)
        for kind in ("suspend", "roll_back"):
            world.platform.down_until[kind] = world.clock.now() + timedelta(hours=1)

        await world.ask(deployment_id, Control.ROLLBACK)
        await world.clock.pass_time(timedelta(minutes=2))

        waiting = world.deployment(deployment_id)
        assert say_waiting(waiting).startswith("traffic is back; 2 steps wait for fake")
        assert not world.platform.places["front"].auto_deploy
        await world.until_ended(deployment_id)
