"""The process dies while instances change or go back, and a restart ends as if nothing had been."""

from __future__ import annotations

import pytest

from console.domain.deployment import DeploymentStatus
from console.engine.crash_points import POINTS
from tests.engine.instances import API, EVEN, WithInstances
from tests.engine.world import NEW, OLD

PARTS = (0.35, 0.8)
"""Which occurrences of a point, as parts of all; chance plays the others in test_any_order."""


COUNTED: dict[str, dict[str, int]] = {}


async def count_occurrences(release: str) -> dict[str, int]:
    if release in COUNTED:
        return COUNTED[release]
    world = WithInstances()
    await world.start()
    await world.until_ended(await world.deploy(release))
    await world.engine.stop()
    COUNTED[release] = dict(world.crash_counts)
    return COUNTED[release]


@pytest.mark.parametrize(
    ("release", "ends", "runs", "deploys"),
    [("v2", DeploymentStatus.SUCCEEDED, NEW, 6), ("erring", DeploymentStatus.ROLLED_BACK, OLD, None)],
)
@pytest.mark.parametrize("point", POINTS)
async def test_given_a_worker_that_dies_when_instances_change_then_the_end_is_the_same(
    point, release, ends, runs, deploys
):
    occurrences = (await count_occurrences(release)).get(point, 0)
    for occurrence in sorted({int(occurrences * part) + 1 for part in PARTS if occurrences}):
        world = WithInstances()
        await world.start()
        world.crash_at = (point, occurrence)
        try:
            deployment_id = await world.deploy(release)
        except BaseException:  # the crash falls into the request itself; the operator's client asks again
            await world.crash()
            deployment_id = world.ledger.deployments()[0].id

        deployment = await world.until_ended(deployment_id)

        assert deployment.status is ends, f"{point} {occurrence}: {deployment.failure}"
        assert {world.platform.places[name].live for name in API} == {runs}
        assert world.platform.weights["api"] == EVEN
        assert deploys is None or world.platform.changes["deploy"] == deploys, f"{point} {occurrence}"
        await world.engine.stop()
