"""The process dies at a named place, at every occurrence of it, and a restart ends as if nothing had been."""

from __future__ import annotations

import pytest

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.events import Control
from console.engine.crash_points import POINTS
from tests.engine.world import NEW, World

ONCE = {"announce": 2, "migrate": 1, "resume": 1, "deploy": 3, "shift_traffic": 3, "promote": 1, "suspend": 1}


COUNTED: dict[str, dict[str, int]] = {}


async def count_occurrences(release: str) -> dict[str, int]:
    """How often a deployment of it passes each point; the same every time."""
    if release not in COUNTED:
        world = World()
        await world.start()
        await world.until_ended(await world.deploy(release))
        await world.engine.stop()
        COUNTED[release] = dict(world.crash_counts)
    return COUNTED[release]


@pytest.mark.parametrize("point", POINTS)
class TestGivenAWorkerThatDies:
    async def test_when_a_good_release_goes_live_then_it_does_so_once(self, point):
        occurrences = (await count_occurrences("v2")).get(point, 0)
        for occurrence in range(1, occurrences + 1):
            world = World()
            await world.start()
            world.crash_at = (point, occurrence)
            try:
                deployment_id = await world.deploy("v2")
            except BaseException:  # the crash falls into the request itself; the operator's client asks again
                await world.crash()
                deployment_id = world.ledger.deployments()[0].id

            deployment = await world.until_ended(deployment_id)

            assert deployment.status is DeploymentStatus.SUCCEEDED, f"{point} {occurrence}: {deployment.failure}"
            assert dict(world.platform.changes) == ONCE, f"{point} {occurrence}"
            assert world.platform.weights["api"] == {"blue": 0, "green": 100}
            assert world.platform.places["green"].live == NEW
            await world.engine.stop()

    async def test_when_a_bad_release_is_taken_back_then_weights_end_where_they_were(self, point):
        occurrences = (await count_occurrences("erring")).get(point, 0)
        for occurrence in range(1, occurrences + 1):
            world = World()
            await world.start()
            world.crash_at = (point, occurrence)
            try:
                deployment_id = await world.deploy("erring")
            except BaseException:
                await world.crash()
                deployment_id = world.ledger.deployments()[0].id

            deployment = await world.until_ended(deployment_id)

            assert deployment.status is DeploymentStatus.ROLLED_BACK, f"{point} {occurrence}: {deployment.failure}"
            assert world.platform.weights["api"] == {"blue": 100, "green": 0}
            assert world.platform.changes["deploy"] == 3
            assert world.platform.changes["migrate"] == 1
            assert world.platform.places["green"].suspended
            await world.engine.stop()

    async def test_when_a_person_had_asked_to_go_back_then_it_goes_back(self, point):
        for occurrence in (1, 2, 3):
            world = World()
            await world.start()
            deployment_id = await world.deploy("v2")
            await world.until(deployment_id, lambda d: d.steps["api.bake-50"].status is StepStatus.RUNNING)
            world.crash_counts.clear()
            world.crash_at = (point, occurrence)
            await world.ask(deployment_id, Control.ROLLBACK)

            deployment = await world.until_ended(deployment_id)

            assert deployment.status is DeploymentStatus.ROLLED_BACK, f"{point} {occurrence}: {deployment.failure}"
            assert world.platform.weights["api"] == {"blue": 100, "green": 0}
            assert world.platform.applied == ["20260101000000"]
            await world.engine.stop()


class TestGivenAnEngineThatForgot:
    @pytest.mark.parametrize("step", ["api.deploy", "api.bake-10", "front.promote"])
    async def test_when_its_own_file_is_lost_then_the_record_alone_is_enough(self, step):
        world = World()
        await world.start()
        deployment_id = await world.deploy("v2")
        await world.until(deployment_id, lambda d: d.steps[step].status is StepStatus.RUNNING)

        world.durable.forget()
        await world.crash()
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert dict(world.platform.changes) == ONCE
        await world.engine.stop()
