"""The process dies while instances change or go back, and a restart ends as if nothing had been."""

from __future__ import annotations

import pytest

from console.domain.deployment import DeploymentStatus
from console.engine.crash_points import POINTS
from tests.engine.instances import API, EVEN, WithInstances
from tests.engine.world import NEW, OLD, Crash

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
    ("release", "part", "ends", "runs"),
    [("v2", 0.4, DeploymentStatus.SUCCEEDED, NEW), ("erring", 0.8, DeploymentStatus.ROLLED_BACK, OLD)],
)
@pytest.mark.parametrize("point", POINTS)
async def test_given_a_worker_that_dies_when_instances_change_then_the_end_is_the_same(
    point, release, part, ends, runs
):
    """Somewhere on the way; chance plays other places in test_any_order."""
    occurrence = int((await count_occurrences(release)).get(point, 0) * part) + 1
    world = WithInstances()
    await world.start()
    world.crash_at = (point, occurrence)
    try:
        deployment_id = await world.deploy(release)
    except Crash:  # it falls into the request itself; the operator's client asks again
        await world.crash()
        deployment_id = world.ledger.deployments()[0].id
    deployment = await world.until_ended(deployment_id)

    assert deployment.status is ends, deployment.failure
    assert {world.platform.places[name].live for name in API} == {runs}
    assert world.platform.weights["api"] == EVEN
    assert runs == OLD or world.platform.changes["deploy"] == 6
    await world.engine.stop()
