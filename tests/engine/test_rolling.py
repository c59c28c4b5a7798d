"""Instances change their release in batches, and go back without anybody being served by what is ill."""

from __future__ import annotations

import pytest

from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.errors import Refused
from console.domain.events import Control
from console.domain.ids import StepId
from tests.engine.instances import API, EVEN, WithInstances
from tests.engine.world import ERRING, NEW, OLD


async def deployed(release: str = "v2", *, world: WithInstances | None = None) -> tuple[WithInstances, Deployment]:
    world = world or WithInstances()
    await world.start()
    deployment = await world.until_ended(await world.deploy(release))
    await world.engine.stop()
    return world, deployment


def shares(deployment: Deployment) -> list[tuple[int, ...]]:
    return [tuple(record.weights.values()) for record in deployment.traffic]


class TestGivenThreeInstances:
    async def test_when_a_good_release_goes_live_then_one_after_the_other_leaves_and_returns(self):
        world, deployment = await deployed()

        assert deployment.status is DeploymentStatus.SUCCEEDED, deployment.failure
        even = tuple(EVEN.values())
        assert shares(deployment) == [(0, 50, 50), even, (50, 0, 50), even, (50, 50, 0), even]
        assert world.running == {NEW}
        assert world.platform.weights["api"] == EVEN

    async def test_when_it_goes_live_then_the_updated_are_judged_beside_the_others(self):
        _, deployment = await deployed()

        judged = {v.step: v.verdict for v in deployment.verdicts if v.service == "api" and "bake" in v.step}
        assert [judged[StepId(f"api.bake-{n}")].evidence["share"] for n in (1, 2, 3)] == [0.34, 0.67, 1.0]
        assert judged[StepId("api.bake-1")].evidence["stage_baseline_requests"]
        assert not judged[StepId("api.bake-3")].evidence["stage_baseline_requests"]

    async def test_when_a_release_errs_then_it_is_found_on_the_first_and_traffic_goes_to_the_others(self):
        world, deployment = await deployed("erring")

        assert deployment.status is DeploymentStatus.ROLLED_BACK, deployment.failure
        assert shares(deployment) == [(0, 50, 50), (34, 33, 33), (0, 50, 50), (34, 33, 33)]
        assert world.running == {OLD}
        assert ERRING not in {world.platform.places[name].live for name in API}
        assert deployment.rollback is not None
        assert deployment.rollback.traffic_restored_at is not None
        assert deployment.rollback.traffic_restored_at < deployment.steps[StepId("undo:api.deploy-a")].ended_at

    async def test_when_it_is_taken_back_afterwards_then_batch_by_batch_and_never_all_at_once(self):
        world, deployment = await deployed()
        await world.engine.start()
        await world.ask(deployment.id, Control.ROLLBACK)

        deployment = await world.until_ended(deployment.id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK, deployment.failure
        even = tuple(EVEN.values())
        assert shares(deployment)[6:] == [(50, 50, 0), even, (50, 0, 50), even, (0, 50, 50), even]
        assert world.running == {OLD}
        await world.engine.stop()

    async def test_when_one_is_ill_then_nobody_is_led_to_it(self):
        world = WithInstances()
        await world.start()
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-1"].status is StepStatus.RUNNING)
        world.platform.ill.add("c")
        await world.ask(deployment_id, Control.ROLLBACK)

        deployment = await world.until_ended(deployment_id)

        assert (0, 100, 0) in shares(deployment)
        assert not world.platform.given_to_ill
        assert shares(deployment)[-1] == (50, 50, 0)
        assert world.running == {OLD}
        await world.engine.stop()

    async def test_when_the_new_release_is_ill_everywhere_then_it_goes_back_all_the_same(self):
        world, deployment = await deployed()
        await world.engine.start()
        world.platform.ill |= {"a", "b", "c"}
        await world.ask(deployment.id, Control.ROLLBACK)
        undo = StepId("undo:api.deploy-c")
        await world.until(deployment.id, lambda d: undo in d.steps and d.steps[undo].status is StepStatus.SUCCEEDED)
        world.platform.ill.clear()

        deployment = await world.until_ended(deployment.id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK, deployment.failure
        assert "stays as it is" in deployment.steps[StepId("back:api.drain-3")].detail
        assert not world.platform.given_to_ill
        assert world.platform.weights["api"] == EVEN
        await world.engine.stop()

    async def test_when_two_change_at_once_then_side_by_side(self):
        _, deployment = await deployed(world=WithInstances(batch=2))

        assert deployment.status is DeploymentStatus.SUCCEEDED, deployment.failure
        assert shares(deployment) == [(0, 0, 100), (34, 33, 33), (50, 50, 0), (34, 33, 33)]
        steps = deployment.steps
        assert steps[StepId("api.deploy-a")].started_at == steps[StepId("api.deploy-b")].started_at

    async def test_when_all_are_promoted_at_once_then_batches_go_on_without_verdicts_between(self):
        world = WithInstances()
        await world.start()
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["api.bake-1"].status is StepStatus.RUNNING)
        await world.ask(deployment_id, Control.PROMOTE_FULL, step=StepId("api.bake-1"))

        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED, deployment.failure
        assert deployment.steps[StepId("api.bake-2")].started_at is None
        assert deployment.steps[StepId("api.bake-3")].started_at is not None
        assert len(shares(deployment)) == 6
        await world.engine.stop()


class TestGivenWorkersWithoutARouter:
    async def test_when_one_stops_while_its_batch_is_held_then_all_is_taken_back(self):
        world = WithInstances()
        await world.start()
        deployment_id = await world.deploy()
        await world.until(deployment_id, lambda d: d.steps["worker.bake-1"].status is StepStatus.RUNNING)
        world.platform.places["w1"].suspended = True

        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK, deployment.failure
        assert "w1 of worker was suspended" in deployment.rollback.reason
        assert world.running == {OLD}
        assert deployment.steps[StepId("worker.deploy-w2")].started_at is None
        await world.engine.stop()


class TestGivenTrafficThatIsUnevenAtRest:
    async def test_when_planned_then_it_is_refused_with_the_remedy(self):
        world = WithInstances()
        await world.start()
        world.platform.weights["api"] = {"a": 60, "b": 40, "c": 0}

        with pytest.raises(Refused) as refused:
            await world.deploy()

        words = str(refused.value)
        assert "uneven shares of traffic (a 60 % · b 40 % · c 0 %)" in words
        assert "divide route api of fake evenly (a 34 % · b 33 % · c 33 %)" in words
        await world.engine.stop()


class TestGivenAnInstanceThatIsNew:
    async def test_when_deployed_then_it_comes_first_and_shares_the_traffic_afterwards(self):
        world = WithInstances()
        world.platform.places["c"] = type(world.platform.places["c"])()
        world.platform.weights["api"] = {"a": 50, "b": 50, "c": 0}

        world, deployment = await deployed(world=world)

        assert deployment.status is DeploymentStatus.SUCCEEDED, deployment.failure
        assert shares(deployment)[0] == (34, 33, 33)
        assert world.running == {NEW}

    async def test_when_taken_back_then_it_gets_no_traffic(self):
        world = WithInstances()
        world.platform.places["c"] = type(world.platform.places["c"])()
        world.platform.weights["api"] = {"a": 50, "b": 50, "c": 0}

        world, deployment = await deployed("erring", world=world)

        assert deployment.status is DeploymentStatus.ROLLED_BACK, deployment.failure
        assert world.platform.weights["api"] == {"a": 50, "b": 50, "c": 0}


class TestGivenNothingThatRuns:
    async def test_when_deployed_first_then_there_are_no_batches(self):
        world = WithInstances()
        for name in API:
            world.platform.places[name] = type(world.platform.places[name])()

        world, deployment = await deployed(world=world)

        assert deployment.status is DeploymentStatus.SUCCEEDED, deployment.failure
        assert shares(deployment) == [tuple(EVEN.values())]
        assert not [step for step in deployment.steps if "api.bake" in step]
