"""A release that serves is always watched: while a person is asked, between stages, until the old arm is stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.domain.plan import StepKind
from console.engine.guard import find_unwatched
from tests.engine.instances import EVEN, WithInstances
from tests.engine.world import NEW, World

BACK = {"blue": 100, "green": 0}


async def started(**environment: object) -> World:
    world = World(**environment)
    await world.start()
    return world


def succeeded(deployment, step_id: str) -> bool:
    return deployment.steps[step_id].status is StepStatus.SUCCEEDED


async def turns_bad(world: World, deployment):
    """From now on the new release errs; how the deployment ends."""
    world.platform.error_rates[NEW] = 0.4
    return await world.until_ended(deployment)


class TestGivenAStageThatWaitsForAPerson:
    @pytest.mark.parametrize(
        "environment", [{"promotion": "manual"}, {"judge": {"interval": "10s", "min_requests": 5000, "hold": "30s"}}]
    )
    async def test_when_the_release_turns_bad_then_it_is_taken_back_and_nobody_needs_to_answer(self, environment):
        world = await started(**environment)
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps["api.bake-10"].status is StepStatus.WAITING)

        ended = await turns_bad(world, deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == BACK
        await world.engine.stop()


class TestGivenADeploymentThatIsPaused:
    async def test_when_its_stage_has_passed_and_the_release_turns_bad_then_it_is_taken_back(self):
        world = await started()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps["api.bake-10"].status is StepStatus.RUNNING)
        await world.ask(deployment, Control.PAUSE)
        paused = await world.until(deployment, lambda d: succeeded(d, "api.bake-10"))
        assert paused.status is DeploymentStatus.PAUSED
        await world.clock.pass_time(timedelta(minutes=2))
        assert world.platform.weights["api"] == {"blue": 90, "green": 10}

        ended = await turns_bad(world, deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert "api is taken back" in ended.rollback.reason
        assert world.platform.weights["api"] == BACK
        await world.engine.stop()

    async def test_when_the_release_stays_good_then_it_goes_on_where_it_was(self):
        world = await started()
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps["api.bake-10"].status is StepStatus.RUNNING)
        await world.ask(deployment, Control.PAUSE)
        await world.until(deployment, lambda d: succeeded(d, "api.bake-10"))
        await world.clock.pass_time(timedelta(minutes=2))

        await world.ask(deployment, Control.RESUME)

        assert (await world.until_ended(deployment)).status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()


class TestGivenAServiceThatIsVerifiedWhileOthersAreNot:
    async def verified(self) -> tuple[World, object]:
        """`api` was watched to its end, `front` is still being built: blue runs on."""
        world = await started()
        world.platform.build_seconds["front"] = 300.0
        deployment = await world.deploy()
        await world.until(deployment, lambda d: succeeded(d, "api.verify") and not succeeded(d, "front.deploy"))
        return world, deployment

    async def test_when_it_turns_bad_before_the_old_arm_is_stopped_then_it_is_taken_back(self):
        world, deployment = await self.verified()

        ended = await turns_bad(world, deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.changes["suspend"] == 0 or not world.platform.places["blue"].suspended
        assert world.platform.weights["api"] == BACK
        await world.engine.stop()

    async def test_when_the_worker_dies_in_between_then_the_next_one_watches_on(self):
        world, deployment = await self.verified()
        await world.crash()

        ended = await turns_bad(world, deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.weights["api"] == BACK
        await world.engine.stop()


class TestGivenABatchThatChangesWhileOthersServeTheNewRelease:
    async def changing(self, slow: str, step: str) -> tuple[WithInstances, object]:
        """The first batch passed, and the second is being built for a long time."""
        world = WithInstances()
        await world.start()
        world.platform.build_seconds[slow] = 600.0
        deployment = await world.deploy()
        await world.until(deployment, lambda d: d.steps[step].status is StepStatus.RUNNING)
        return world, deployment

    async def test_when_the_updated_ones_turn_bad_then_they_are_led_away_from_at_once(self):
        world, deployment = await self.changing("b", "api.deploy-b")

        ended = await turns_bad(world, deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert "api is taken back while nobody watched it" in ended.rollback.reason
        assert ended.rollback.requested_at < ended.steps["api.deploy-b"].started_at + timedelta(minutes=3)
        assert ended.steps["api.deploy-c"].started_at is None
        assert world.platform.weights["api"] == EVEN
        await world.engine.stop()

    async def test_when_a_worker_without_a_router_stops_then_it_is_taken_back_too(self):
        world, deployment = await self.changing("w2", "worker.deploy-w2")
        world.platform.places["w1"].suspended = True

        ended = await world.until_ended(deployment)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert "w1 of worker was suspended" in ended.rollback.reason
        await world.engine.stop()


class TestGivenTheOldArmIsStopped:
    async def test_then_nothing_is_guarded_any_more(self):
        world = await started()
        deployment = await world.deploy()
        stopping = await world.until(
            deployment,
            lambda d: any(s.step.kind is StepKind.SUSPEND and s.started_at for s in d.steps.values()),
        )

        assert find_unwatched(stopping) == ()
        assert (await world.until_ended(deployment)).status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()
