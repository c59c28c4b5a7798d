"""What was announced as deployed, and how each went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from providers.github.client import GitHubClient
from providers.wire import flag, moment, need_items, need_text, text

UNKNOWN = "pending"
"""What a deployment without any status is, in GitHub's word."""


@dataclass(frozen=True)
class ListDeployments:
    environment: Annotated[str, "only those of this environment"] = ""
    commit: Annotated[str, "only those of this full commit"] = ""
    limit: Annotated[int, "how many, newest first"] = 10


@dataclass(frozen=True)
class ShowDeployment:
    deployment: Annotated[int, "its number"]


@dataclass(frozen=True)
class Status:
    id: str
    state: str
    description: str
    environment_url: str
    log_url: str
    by: str
    at: datetime | None


@dataclass(frozen=True)
class Deployment:
    """`state` is GitHub's word of the newest status; `statuses` are newest first."""

    id: str
    environment: str
    commit: str
    ref: str
    task: str
    description: str
    by: str
    at: datetime | None
    production: bool | None
    transient: bool | None
    state: str = UNKNOWN
    statuses: tuple[Status, ...] = ()


class DeploymentReadings:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def list(self, request: ListDeployments) -> Sequence[Deployment]:
        """The list has no states; each deployment's newest status is asked for besides."""
        params = {"environment": request.environment or None, "sha": request.commit or None}
        path = self._client.at("deployments")
        found = await self._client.fetch_all(path, _parse_deployments, params, at_most=request.limit)
        statuses = await asyncio.gather(*(self._statuses(one.id, 1) for one in found))
        return [_with(one, told) for one, told in zip(found, statuses, strict=True)]

    async def show(self, request: ShowDeployment) -> Deployment:
        path = self._client.at("deployments", request.deployment)
        deployment, statuses = await asyncio.gather(
            self._client.fetch(path, parse_deployment), self._statuses(str(request.deployment), 500)
        )
        return _with(deployment, statuses)

    async def _statuses(self, deployment: str, at_most: int) -> Sequence[Status]:
        path = self._client.at("deployments", deployment, "statuses")
        return await self._client.fetch_all(path, _parse_statuses, at_most=at_most)


def _with(deployment: Deployment, statuses: Sequence[Status]) -> Deployment:
    return replace(deployment, state=statuses[0].state if statuses else UNKNOWN, statuses=tuple(statuses))


def parse_deployment(node: object) -> Deployment:
    return Deployment(
        id=need_text(node, "id"),
        environment=text(node, "environment"),
        commit=need_text(node, "sha"),
        ref=text(node, "ref"),
        task=text(node, "task"),
        description=text(node, "description"),
        by=text(node, "creator", "login"),
        at=moment(node, "created_at"),
        production=flag(node, "production_environment"),
        transient=flag(node, "transient_environment"),
    )


def _parse_deployments(node: object) -> Sequence[Deployment]:
    return [parse_deployment(one) for one in need_items(node)]


def parse_status(node: object) -> Status:
    return Status(
        id=need_text(node, "id"),
        state=need_text(node, "state"),
        description=text(node, "description"),
        environment_url=text(node, "environment_url"),
        log_url=text(node, "log_url") or text(node, "target_url"),
        by=text(node, "creator", "login"),
        at=moment(node, "created_at"),
    )


def _parse_statuses(node: object) -> Sequence[Status]:
    return [parse_status(one) for one in need_items(node)]
