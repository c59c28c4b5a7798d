"""Which deployment is meant by `ENV|DEPLOYMENT`."""

from __future__ import annotations

from console.client.service import HistoryQuery, Service
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import UsageError
from console.domain.hold import stands_aside
from console.domain.ids import DeploymentId, EnvironmentName

ALREADY_BACK = frozenset({DeploymentStatus.ROLLED_BACK, DeploymentStatus.ABORTED})


async def find_deployment(service: Service, target: str) -> Deployment:
    """By id, part of one, or an environment's latest. Raises UsageError when there is none."""
    return await service.deployment(target)


async def find_deployment_to_take_back(service: Service, target: str) -> DeploymentId:
    """As named; for an environment the newest that was not taken back already. What moved no release stands aside.

    Raises:
        UsageError: There is none.
    """
    if not await is_environment(service, target):
        return (await service.deployment(target)).id
    lines = await service.history(HistoryQuery(EnvironmentName(target)))
    moved = [line for line in lines if not stands_aside(line.strategy)]
    if moved and moved[0].status is DeploymentStatus.ROLLED_BACK:
        rollback = (await service.deployment(moved[0].id)).rollback
        if rollback is not None and rollback.services:
            return moved[0].id  # of some services only: the others can follow
    found = next((line.id for line in moved if line.status not in ALREADY_BACK), None)
    if found is None:
        raise UsageError(
            f"Nothing was deployed to {target} that could be taken back.",
            "history",
            f"`quarterdeck history {target}` lists what there was.",
        )
    return found


async def is_environment(service: Service, name: str) -> bool:
    return any(status.name == name for status in await service.environments())
