"""Which two deployments are to be compared: by their ids, as environments or as releases."""

from __future__ import annotations

from console.client.service import HistoryQuery, Service
from console.domain.deployment import Deployment
from console.domain.errors import UsageError
from console.domain.hold import stands_aside

LOOKED_THROUGH = 500
"""Deployments of the history among which a release is looked for, newest first."""
SHORTEST = 6
"""Letters of a commit that name it."""


async def find_pair(service: Service, first: str, second: str) -> tuple[Deployment, Deployment]:
    """Both, in the order asked for; without a second one, what came before the first in its environment goes first.

    Raises:
        UsageError: One of them is neither a deployment, nor an environment, nor a release that was deployed; both are
            the same; or nothing came before.
    """
    one = await find_compared(service, first)
    if not second:
        return await find_before(service, one), one
    other = await find_compared(service, second)
    if one.id == other.id:
        raise UsageError(f"Both are {one.id}.", "", "Name two different ones; `quarterdeck history` lists them.")
    return one, other


async def find_compared(service: Service, name: str) -> Deployment:
    """By id or part of one, as an environment's latest, or as the newest deployment of a release.

    Raises:
        UsageError: It is none of these.
    """
    try:
        return await service.deployment(name)
    except UsageError as problem:
        lines = await service.history(HistoryQuery(limit=LOOKED_THROUGH))
        named = [line for line in lines if not stands_aside(line.strategy) and _is_release(line.release, name)]
        if not named:
            raise UsageError(problem.what, "no release of that name was deployed either", problem.remedy) from problem
        return await service.deployment(named[0].id)


async def find_before(service: Service, deployment: Deployment) -> Deployment:
    """The deployment before this one in its environment.

    Raises:
        UsageError: It is the first one there.
    """
    query = HistoryQuery(environment=deployment.environment, before=deployment.id, limit=1)
    found = [line for line in await service.history(query) if line.id != deployment.id]
    if not found:
        raise UsageError(
            f"{deployment.id} is the first deployment of {deployment.environment}: nothing came before it.",
            "",
            "Name two deployments.",
        )
    return await service.deployment(found[0].id)


def _is_release(release: str, name: str) -> bool:
    """The release's own name, or the beginning of one that is a commit."""
    is_commit = len(name) >= SHORTEST and all(letter in "0123456789abcdef" for letter in name)
    return release == name or (is_commit and release.startswith(name))
