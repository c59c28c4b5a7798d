"""Back to a release that was live before, forwards: at once where it still runs, and held as a rollback is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.domain.deployment import DeploymentStatus
from console.domain.errors import PlanRejected
from console.domain.hold import find_hold
from console.domain.plan import StepKind
from tests.engine.world import OLD, World


@pytest.fixture
async def world():
    world = World(keep="forever", approvals=0)
    await world.start()
    yield world
    await world.engine.stop()


class TestGivenTheOldArmStillRuns:
    async def test_when_returned_to_then_it_gets_all_traffic_at_once(self, world):
        world.platform.places["worker"].auto_deploy = True
        await world.until_ended(await world.deploy("v2"))
        asked_at = world.clock.now()

        deployment = await world.until_ended(await world.deploy("v1", returns=True, services=("api", "worker")))

        kinds = [state.step.kind for state in deployment.steps.values() if state.step.service == "api"]
        shifted = next(record.at for record in deployment.traffic)
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert kinds[:2] == [StepKind.HEALTH, StepKind.SHIFT]
        assert shifted - asked_at < timedelta(seconds=15)
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        assert world.platform.places["worker"].live == OLD

    async def test_when_returned_to_then_pushes_are_held(self, world):
        world.platform.places["worker"].auto_deploy = True
        await world.until_ended(await world.deploy("v2"))

        await world.until_ended(await world.deploy("v1", returns=True))

        hold = find_hold(list(reversed(world.ledger.deployments())))
        assert not world.platform.places["worker"].auto_deploy
        assert "kim returned to v1; pushes of worker do not go live" in hold.words

    async def test_when_it_was_never_live_then_it_is_refused(self, world):
        with pytest.raises(PlanRejected) as refused:
            await world.deploy("erring", returns=True)

        assert "was not live in production before" in str(refused.value.reasons)
