"""What the record says of the last deployments of an environment."""

from __future__ import annotations

from collections.abc import Iterable

from console.domain.deployment import Deployment, DeploymentStatus, fold
from console.domain.ids import EnvironmentName
from console.domain.release import Release
from console.watch.holds import History

PAST = 20
"""Deployments of an environment that forecasts are taken from, and what its places were configured with."""


async def fetch_past(history: History, environment: EnvironmentName, count: int = PAST) -> list[Deployment]:
    """The newest deployments of an environment, newest first."""
    ids = (await history.find_deployments(environment))[:count]
    past = [fold(await history.events_of(deployment)) for deployment in ids]
    return [deployment for deployment in past if deployment is not None]


def find_served(past: Iterable[Deployment]) -> frozenset[str]:
    """Commits that were live: what went well, and what was there before."""
    found: set[str] = set()
    for deployment in past:
        found.update(deployment.plan.current.values())
        if deployment.status is DeploymentStatus.SUCCEEDED:
            found.add(deployment.plan.release.commit)
    return frozenset(found)


def find_last_release(past: Iterable[Deployment]) -> Release | None:
    """What went live last.

    Args:
        past: Newest first.
    """
    succeeded = (deployment for deployment in past if deployment.status is DeploymentStatus.SUCCEEDED)
    releases = (deployment.plan.release for deployment in succeeded)
    return next((release for release in releases if release.commit), None)
