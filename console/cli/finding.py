"""Which deployment is meant by `ENV|DEPLOYMENT`."""

from __future__ import annotations

from console.client.service import HistoryQuery, Service
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import UsageError
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.maintenance import MAINTENANCE

ALREADY_BACK = frozenset({DeploymentStatus.ROLLED_BACK, DeploymentStatus.ABORTED})


async def find_deployment(service: Service, target: str) -> Deployment:
    """By id, part of one, or an environment's latest. Raises UsageError when there is none."""
    return await service.deployment(target)


async def find_deployment_to_take_back(service: Service, target: str) -> DeploymentId:
    """As named; for an environment the newest that was not taken back already. Maintenance is ended, not taken back.

    Raises:
        UsageError: There is none.
    """
    if not await is_environment(service, target):
        return (await service.deployment(target)).id
    lines = await service.history(HistoryQuery(EnvironmentName(target)))
    found = next(
        (line.id for line in lines if line.status not in ALREADY_BACK and line.strategy != MAINTENANCE), None
    )
    if found is None:
        raise UsageError(
            f"Nothing was deployed to {target} that could be taken back.",
            "history",
            f"`quarterdeck history {target}` lists what there was.",
        )
    return found


async def is_environment(service: Service, name: str) -> bool:
    return any(status.name == name for status in await service.environments())
