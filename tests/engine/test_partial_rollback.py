"""Some services go back, others stay: what goes with them, and what is refused."""

from __future__ import annotations

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.errors import Refused
from console.domain.events import Control
from tests.engine.world import NEW, OLD, World


@pytest.fixture
async def world():
    world = World()
    await world.start()
    yield world
    await world.engine.stop()


async def taken_back(world: World, deployment_id, *services: str):
    await world.ask(deployment_id, Control.ROLLBACK, services=services)
    return await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)


class TestGivenADeploymentThatIsOver:
    @pytest.fixture
    async def deployed(self, world):
        return (await world.until_ended(await world.deploy())).id

    async def test_when_one_service_goes_back_then_the_others_stay(self, world, deployed):
        await taken_back(world, deployed, "worker")

        assert world.platform.places["worker"].live == OLD
        assert world.platform.places["front"].live == NEW
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}

    async def test_when_the_rest_follows_then_it_goes_back_too(self, world, deployed):
        await taken_back(world, deployed, "worker")

        await world.ask(deployed, Control.ROLLBACK)
        await world.until(deployed, lambda d: d.steps["front.promote"].status is StepStatus.UNDONE)
        deployment = await world.until_ended(deployed)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.places["front"].live == OLD
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        with pytest.raises(Refused, match="rolled back already"):
            await world.ask(deployed, Control.ROLLBACK)

    async def test_when_what_stays_needs_it_then_the_preview_warns(self, world, deployed):
        preview = await world.engine.preview_rollback(deployed, ("api",))

        assert preview.cannot == ("front needs api and stays on v2: see to it that it can do with the older api.",)
        assert preview.refusal == ""

    async def test_when_what_stays_needs_the_schema_then_it_is_refused(self, world, deployed):
        with pytest.raises(Refused, match="api, worker, front would stay on v2, whose schema database would lose"):
            await world.ask(deployed, Control.ROLLBACK, services=("database",))

    async def test_when_a_service_had_no_part_in_it_then_it_is_refused(self, world, deployed):
        with pytest.raises(Refused, match="apii had no part in it"):
            await world.ask(deployed, Control.ROLLBACK, services=("apii",))

    async def test_when_services_were_restarted_since_then_it_still_goes_back(self, world, deployed):
        await world.until_ended(await world.deploy("", strategy="recovery:restart", services=("worker",)))

        await world.ask(deployed, Control.ROLLBACK)
        await world.until(deployed, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.places["worker"].live == OLD


class TestGivenADeploymentUnderWay:
    async def test_when_one_service_goes_back_then_what_is_halfway_goes_with_it(self, world):
        deployment_id = await world.deploy()
        await world.until(
            deployment_id,
            lambda d: (
                d.steps["api.bake-50"].status is StepStatus.RUNNING
                and d.steps["worker.deploy"].status is StepStatus.SUCCEEDED
            ),
        )

        deployment = await taken_back(world, deployment_id, "worker")

        assert set(deployment.rollback.services) == {"worker", "api", "front"}
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert world.platform.places["worker"].live == OLD
        assert world.platform.applied == ["20260101000000", "20260201000000"]
